/* clients WHAT ARGUMENTS...: programs that connect. */
#include "probe.h"

static int connect_to(const char *host, int port)
{
    struct sockaddr_in address = address_of(host, port);
    return connect(stream(), (struct sockaddr *)&address, sizeof address);
}

/* plain PORT HOST...: one connect a host. */
static int plain(int count, char **arguments)
{
    for (int at = 1; at < count; at++)
        say(arguments[at], connect_to(arguments[at], atoi(arguments[0])));
    return 0;
}

/* Connects that are answered before, or without, any rule. */
static void try_edges(char **arguments)
{
    struct sockaddr_in good = address_of("127.0.0.1", atoi(arguments[0]));
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = good.sin_port};
    struct sockaddr unspecific = {.sa_family = AF_UNSPEC};
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};
    struct sockaddr_storage whole = {0};
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
    memcpy(&whole, &good, sizeof good);
    struct sockaddr *address = (struct sockaddr *)&whole;
    say("length -1", connect(stream(), address, (socklen_t)-1));
    say("length 129", connect(stream(), address, 129));
    say("length 128", connect(stream(), address, 128));
    say("length 0", connect(stream(), address, 0));
    say("length 1", connect(stream(), address, 1));
    say("length 2", connect(stream(), address, 2));
    say("length 8", connect(stream(), address, 8));
    say("length 15", connect(stream(), address, 15));
    say("no memory", connect(stream(), (struct sockaddr *)8, sizeof good));
    say("no descriptor", connect(12345, address, sizeof good));
    say("descriptor -1", connect(-1, address, sizeof good));
    say("no descriptor, no memory", connect(12345, (struct sockaddr *)8, sizeof good));
    say("no socket", connect(open("/dev/null", O_RDONLY), address, sizeof good));
    say("no socket, Unix address", connect(open("/dev/null", O_RDONLY), (struct sockaddr *)&local, sizeof local));
    say("internet socket, Unix address", connect(stream(), (struct sockaddr *)&local, sizeof local));
    say("Unix socket, internet address", connect(socket(AF_UNIX, SOCK_STREAM, 0), address, sizeof good));
    say("Unix socket", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&local, sizeof local));
    say("IPv6, IPv4 address", connect(socket(AF_INET6, SOCK_STREAM, 0), address, sizeof good));
    say("IPv6, mapped", connect(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&mapped, sizeof mapped));
    say("IPv6, mapped, 24", connect(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&mapped, 24));
    say("IPv6, mapped, 23", connect(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&mapped, 23));
    say("datagrams", connect(socket(AF_INET, SOCK_DGRAM, 0), address, sizeof good));
    int client = stream();
    say("first", connect(client, address, sizeof good));
    say("again", connect(client, address, sizeof good));
    say("dissolve", connect(client, &unspecific, sizeof unspecific));
    say("after that", connect(client, address, sizeof good));
    int patient = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd writable = {.fd = patient, .events = POLLOUT};
    say("non-blocking", connect(patient, address, sizeof good));
    poll(&writable, 1, 5000);
    say("non-blocking, then", connect(patient, address, sizeof good));
    say("non-blocking, last", connect(patient, address, sizeof good));
}

/* edges PORT: all of these, and again when what can be remembered of them is. */
static int edges(int count, char **arguments)
{
    (void)count;
    for (int round = 0; round < 3; round++)
        try_edges(arguments);
    return 0;
}

/* ways-around PORT: the other ways to a connection to 127.0.0.2. */
static int ways_around(int count, char **arguments)
{
    (void)count;
    struct sockaddr_in refused = address_of("127.0.0.2", atoi(arguments[0]));
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = refused.sin_port};
    inet_pton(AF_INET6, "::ffff:127.0.0.2", &mapped.sin6_addr);
    struct iovec octets = {.iov_base = "x", .iov_len = 1};
    struct mmsghdr message = {.msg_hdr = {.msg_name = &refused, .msg_namelen = sizeof refused, .msg_iov = &octets,
                                          .msg_iovlen = 1}};
    char parameters[256] = {0};
    say("mapped", connect(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&mapped, sizeof mapped));
    say("longer", connect(stream(), (struct sockaddr *)&refused, 16));
    say("sendto", sendto(stream(), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&refused, sizeof refused));
    say("sendmsg", sendmsg(stream(), &message.msg_hdr, MSG_FASTOPEN | MSG_NOSIGNAL));
    say("sendmmsg", sendmmsg(stream(), &message, 1, MSG_FASTOPEN));
    say("io_uring_setup", syscall(SYS_io_uring_setup, 8, parameters));
    say("x32 connect", syscall(0x40000000 | SYS_connect, stream(), &refused, sizeof refused));
    int one = 1, deferred = stream();
    setsockopt(deferred, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one);
    say("deferred", connect(deferred, (struct sockaddr *)&refused, sizeof refused));
    /* socketcall(SYS_SOCKET, ...) through the i386 entry; its arguments must lie below 4 GiB. */
    int *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    low[0] = AF_INET, low[1] = SOCK_STREAM, low[2] = 0;
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(102), "b"(1), "c"(low) : "memory", "r8", "r9", "r10", "r11");
    errno = (int)-result;
    say("i386 socketcall", result);
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(359), "b"(AF_INET), "c"(SOCK_STREAM), "d"(0)
                     : "memory", "r8", "r9", "r10", "r11");
    errno = (int)-result;
    say("i386 socket", result);
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
    say("i386 getpid", result == getpid() ? 0 : -1);
    /* A filter of one's own that lets everything pass must not weaken the one that stands. */
    struct sock_filter pass[] = {{0x06, 0, 0, 0x7fff0000}}, trace[] = {{0x06, 0, 0, 0x7ff00000}};
    struct sock_fprog program = {1, pass}, tracing = {1, trace};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    say("own filter", syscall(SYS_seccomp, 1, 0, &program));
    say("after own filter", connect(stream(), (struct sockaddr *)&refused, sizeof refused));
    say("second listener", syscall(SYS_seccomp, 1, 8, &program));
    if (!fork()) {
        syscall(SYS_seccomp, 1, 0, &tracing);
        int client = stream();
        _exit(client >= 0 ? connect(client, (struct sockaddr *)&refused, sizeof refused) == 0 : 0);
    }
    int status;
    wait(&status);
    say("after tracing filter", WEXITSTATUS(status) ? 0 : (errno = EPERM, -1));
    return 0;
}

static void *rewrite(void *address)
{
    volatile in_addr_t *place = &((struct sockaddr_in *)address)->sin_addr.s_addr;
    in_addr_t allowed = inet_addr("127.0.0.1"), refused = inet_addr("127.0.0.2");
    for (;;) {
        *place = refused;
        *place = allowed;
    }
    return NULL;
}

/* race PORT ROUNDS: connects while another thread rewrites the address; prints how often it came where. */
static int race(int count, char **arguments)
{
    static struct sockaddr_in address;
    (void)count;
    address = address_of("127.0.0.1", atoi(arguments[0]));
    pthread_t thread;
    pthread_create(&thread, NULL, rewrite, &address);
    int allowed = 0, refused = 0, wrong = 0;
    for (int round = 0; round < atoi(arguments[1]); round++) {
        int client = stream();
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        if (connect(client, (struct sockaddr *)&address, sizeof address))
            refused++;
        else if (!getpeername(client, (struct sockaddr *)&peer, &length))
            *(peer.sin_addr.s_addr == inet_addr("127.0.0.2") ? &wrong : &allowed) += 1;
        close(client);
    }
    printf("wrong %d\nboth %d\n", wrong, allowed > 0 && refused > 0);
    return 0;
}

static int swapped = 100, kept_unix = 101, kept_internet = 102;

static void *swap(void *address)
{
    struct sockaddr_un *place = address;
    struct sockaddr_in refused = *(struct sockaddr_in *)((char *)address + 256);
    struct sockaddr_un nobody = {.sun_family = AF_UNIX, .sun_path = "\0nobody"};
    for (;;) {
        memcpy(place, &nobody, sizeof refused);
        dup2(kept_unix, swapped);
        memcpy(place, &refused, sizeof refused);
        dup2(kept_internet, swapped);
    }
    return NULL;
}

/* swap PORT ROUNDS: connects a descriptor that another thread makes a Unix and an internet socket in turns. */
static int race_descriptors(int count, char **arguments)
{
    static char memory[512];
    (void)count;
    struct sockaddr_in refused = address_of("127.0.0.2", atoi(arguments[0]));
    memcpy(memory + 256, &refused, sizeof refused);
    dup2(socket(AF_UNIX, SOCK_STREAM, 0), kept_unix);
    dup2(stream(), kept_internet);
    dup2(kept_unix, swapped);
    pthread_t thread;
    pthread_create(&thread, NULL, swap, memory);
    int wrong = 0;
    for (int round = 0; round < atoi(arguments[1]); round++) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        connect(swapped, (struct sockaddr *)memory, sizeof refused);
        if (!getpeername(kept_internet, (struct sockaddr *)&peer, &length)) {
            wrong++;
            break;
        }
    }
    printf("wrong %d\n", wrong);
    return 0;
}

/* alarm PORT restart|interrupt: a connect that waits is met by SIGALRM. */
static int alarmed(int count, char **arguments)
{
    (void)count;
    struct sockaddr_in address = address_of("127.0.0.1", atoi(arguments[0]));
    on_signal(SIGALRM, !strcmp(arguments[1], "restart"), ring);
    int client = stream();
    ring_in(150);
    say("connect", connect(client, (struct sockaddr *)&address, sizeof address));
    if (strcmp(arguments[1], "restart"))
        say("again", connect(client, (struct sockaddr *)&address, sizeof address));
    return 0;
}

/* daemon PORT FILE: leaves a grandchild in a session of its own, which waits for a byte on stdin, connects to 127.0.0.1
   and 127.0.0.2, and writes what became of it to the file. */
static int daemonize(int count, char **arguments)
{
    (void)count;
    if (fork())
        return 0;
    setsid();
    if (fork())
        _exit(0);
    char octet;
    if (read(0, &octet, 1) < 0 || !freopen(arguments[1], "w", stdout))
        _exit(1);
    say("allowed", connect_to("127.0.0.1", atoi(arguments[0])));
    say("refused", connect_to("127.0.0.2", atoi(arguments[0])));
    return 0;
}

/* on-line PORT HOST: one connect for each line on stdin. */
static int on_line(int count, char **arguments)
{
    char line[16];
    (void)count;
    say("ready", 0);
    while (fgets(line, sizeof line, stdin))
        say("connect", connect_to(arguments[1], atoi(arguments[0])));
    return 0;
}

/* as USER_ID PORT: drops to a user that may not be traced by others of its kind, and connects. */
static int undumpable(int count, char **arguments)
{
    (void)count;
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    say("connect", connect_to("127.0.0.1", atoi(arguments[0])));
    return 0;
}

/* attack PID: looks for ways into the process that guards it. */
static int attack(int count, char **arguments)
{
    (void)count;
    int guard = atoi(arguments[0]), pidfd = (int)syscall(SYS_pidfd_open, guard, 0), taken = 0;
    for (int number = 0; number < 64; number++)
        if (syscall(SYS_pidfd_getfd, pidfd, number, 0) >= 0)
            taken++;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", guard);
    printf("descriptors %d\n", taken);
    say("memory", open(path, O_RDWR));
    say("trace", ptrace(PTRACE_SEIZE, guard, 0, 0));
    return 0;
}

static const struct {
    const char *name;
    int (*run)(int, char **);
    int least;
} programs[] = {
    {"plain", plain, 2},         {"edges", edges, 1},   {"ways-around", ways_around, 1},  {"race", race, 2},
    {"swap", race_descriptors, 2}, {"alarm", alarmed, 2}, {"daemon", daemonize, 2},       {"on-line", on_line, 2},
    {"undumpable", undumpable, 1}, {"attack", attack, 1},
};

int main(int count, char **arguments)
{
    for (size_t at = 0; count > 1 && at < sizeof programs / sizeof programs[0]; at++)
        if (!strcmp(arguments[1], programs[at].name) && count - 2 >= programs[at].least)
            return programs[at].run(count - 2, arguments + 2);
    return 2;
}
