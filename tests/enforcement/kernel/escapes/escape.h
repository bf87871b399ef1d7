/* What the techniques share. Each is called PROGRAM OPEN_PORT CLOSED_PORT ROUNDS [MORE]; on both ports a witness outside
   the guard counts what reaches it. The rules of the test refuse 127.0.0.2, and CLOSED_PORT on every address. */
#include "../programs/probe.h"
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define FORBIDDEN "127.0.0.2"
#define ALLOWED "127.0.0.1"

static int open_port, closed_port, rounds;
static char **more;

static void prepare(int count, char **arguments)
{
    if (count < 4)
        exit(2);
    open_port = atoi(arguments[1]);
    closed_port = atoi(arguments[2]);
    rounds = atoi(arguments[3]);
    more = arguments + 4;
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
}

static struct sockaddr_in forbidden_address(void)
{
    return address_of(FORBIDDEN, open_port);
}

static struct sockaddr_in allowed_address(void)
{
    return address_of(ALLOWED, open_port);
}

static struct sockaddr_in6 address6_of(const char *host, int port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)port)};
    if (inet_pton(AF_INET6, host, &address.sin6_addr) != 1)
        exit(2);
    return address;
}

/* A TCP socket whose close resets: a hundred thousand of them leave no port in TIME_WAIT. */
static int short_lived(void)
{
    struct linger linger = {1, 0};
    int made = stream();
    setsockopt(made, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    return made;
}

static int connect_in(int made, struct sockaddr_in address)
{
    return connect(made, (struct sockaddr *)&address, sizeof address);
}

static int connect_in6(int made, struct sockaddr_in6 address)
{
    return connect(made, (struct sockaddr *)&address, sizeof address);
}

/* Tries something with the refused address, then with the allowed one. */
static void try_both(int (*attempt)(struct sockaddr_in))
{
    say("forbidden", attempt(forbidden_address()));
    say("allowed", attempt(allowed_address()));
}

/* A result of a raw call as libc would give it. */
static long as_libc(long result)
{
    if (result >= -4095 && result < 0) {
        errno = (int)-result;
        return -1;
    }
    return result;
}

/* A call through the i386 entry; pointers must lie below 4 GiB (see low_memory). */
static long int80(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    /* %rbp is the sixth argument, and may be the compiler's frame pointer. */
    __asm__ volatile("push %%rbp\n\tmov %7, %%rbp\n\tint $0x80\n\tpop %%rbp"
                     : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), "r"((long)(int)f)
                     : "memory", "r8", "r9", "r10", "r11");
    return as_libc((int)result);
}

static void *low_memory(void)
{
    return mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
}

static int is_listening(int made)
{
    int listening = 0;
    socklen_t length = sizeof listening;
    return !getsockopt(made, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) && listening;
}

static void spawn(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument))
        exit(2);
}

/* Sends one descriptor over a Unix socket, and takes one. */
static int send_descriptor(int over, int number)
{
    char octet = 'd', room[CMSG_SPACE(sizeof number)] = {0};
    struct iovec octets = {&octet, 1};
    struct msghdr message = {.msg_iov = &octets, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof number);
    memcpy(CMSG_DATA(control), &number, sizeof number);
    return (int)sendmsg(over, &message, 0);
}

static int take_descriptor(int over)
{
    char octet, room[CMSG_SPACE(sizeof(int))] = {0};
    int number = -1;
    struct iovec octets = {&octet, 1};
    struct msghdr message = {.msg_iov = &octets, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    if (recvmsg(over, &message, 0) <= 0)
        return -1;
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    if (control && control->cmsg_type == SCM_RIGHTS)
        memcpy(&number, CMSG_DATA(control), sizeof number);
    return number;
}
