/* servers WHAT ARGUMENTS...: programs that listen and accept. */
#include "probe.h"
#include <sys/resource.h>

static void say_peer(const char *what, int peer, const struct sockaddr_in *address)
{
    char text[INET_ADDRSTRLEN] = "";
    if (peer >= 0)
        inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
    printf("%s %s\n", what, peer < 0 ? strerrorname_np(errno) : text);
    fflush(stdout);
}

/* one HOST: accepts one connection, says who, and answers with two octets. */
static int one(int count, char **arguments)
{
    (void)count;
    int server = listening(arguments[0], 0);
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    int peer = accept(server, (struct sockaddr *)&address, &length);
    say_peer("accepted", peer, &address);
    if (write(peer, "hi", 2) != 2)
        return 1;
    return 0;
}

/* forms HOST: accept in its forms, with a connection for each of the first nine. */
static int forms(int count, char **arguments)
{
    (void)count;
    int server = listening(arguments[0], 0), peer;
    struct sockaddr_in address = {0};
    struct sockaddr *place = (struct sockaddr *)&address;
    socklen_t length = sizeof address;
    unsigned char octets[64];
    struct timeval shortly = {.tv_usec = 50000}, never = {0};

    say("null address", peer = accept(server, NULL, NULL));
    printf("close-on-exec %d non-blocking %d\n", fcntl(peer, F_GETFD), fcntl(peer, F_GETFL) & O_NONBLOCK);
    say("null address, length", accept(server, NULL, &length));
    peer = accept(server, place, &length);
    say_peer("whole", peer, &address);
    printf("length %u family %d port %d\n", length, address.sin_family, address.sin_port != 0);
    memset(octets, 0xaa, sizeof octets);
    length = 6;
    say("short", accept(server, (struct sockaddr *)octets, &length));
    printf("length %u after %02x%02x\n", length, octets[6], octets[7]);
    memset(octets, 0xaa, sizeof octets);
    length = 40;
    say("long", accept(server, (struct sockaddr *)octets, &length));
    printf("length %u after %02x%02x\n", length, octets[16], octets[17]);
    length = 0;
    say("length 0", accept(server, place, &length));
    printf("length %u\n", length);
    say("close-on-exec", peer = accept4(server, NULL, NULL, SOCK_CLOEXEC));
    printf("close-on-exec %d non-blocking %d\n", fcntl(peer, F_GETFD), fcntl(peer, F_GETFL) & O_NONBLOCK);
    say("non-blocking", peer = accept4(server, NULL, NULL, SOCK_NONBLOCK));
    printf("close-on-exec %d non-blocking %d\n", fcntl(peer, F_GETFD), fcntl(peer, F_GETFL) & O_NONBLOCK);
    say("both", peer = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    printf("close-on-exec %d non-blocking %d\n", fcntl(peer, F_GETFD), !!(fcntl(peer, F_GETFL) & O_NONBLOCK));
    say("unknown flag", accept4(server, NULL, NULL, 1));
    say("unknown flag, no descriptor", accept4(12345, NULL, NULL, 1));
    say("no descriptor", accept(12345, NULL, NULL));
    say("no socket", accept(open("/dev/null", O_RDONLY), NULL, NULL));
    say("does not listen", accept(stream(), NULL, NULL));
    say("is bound only", accept(bound("127.0.0.1", 0), NULL, NULL));
    say("is connected", accept(peer, NULL, NULL));
    say("datagrams", accept(socket(AF_INET, SOCK_DGRAM, 0), NULL, NULL));
    say("Unix datagrams", accept(socket(AF_UNIX, SOCK_DGRAM, 0), NULL, NULL));
    say("Unix, does not listen", accept(socket(AF_UNIX, SOCK_STREAM, 0), NULL, NULL));
    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &shortly, sizeof shortly);
    say("time-out", accept(server, NULL, NULL));
    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof never);
    fcntl(server, F_SETFL, O_NONBLOCK);
    say("nobody there", accept(server, NULL, NULL));
    fcntl(server, F_SETFL, 0);
    shutdown(server, SHUT_RD);
    say("listens no longer", accept(server, NULL, NULL));

    int local = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t name_length = sizeof name;
    bind(local, (struct sockaddr *)&name, 2);
    getsockname(local, (struct sockaddr *)&name, &name_length);
    say("Unix listen", listen(local, 5));
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    say("Unix connect", connect(client, (struct sockaddr *)&name, name_length));
    struct sockaddr_un from;
    socklen_t from_length = sizeof from;
    struct ucred who;
    socklen_t who_length = sizeof who;
    say("Unix accept", peer = accept4(local, (struct sockaddr *)&from, &from_length, SOCK_CLOEXEC));
    printf("length %u\n", from_length);
    getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &who_length);
    printf("client is %s\n", who.pid == getpid() ? "I" : "somebody else");
    getsockopt(client, SOL_SOCKET, SO_PEERCRED, &who, &who_length);
    /* Its process is the guard, which made it listen (see guard/listen.py). */
    printf("server is %s\n", who.uid == geteuid() && who.gid == getegid() ? "my user" : "somebody else");
    return 0;
}

/* epoll HOST: says how each accept of a non-blocking listener ended, until one connection was accepted. */
static int with_epoll(int count, char **arguments)
{
    (void)count;
    int server = listening(arguments[0], SOCK_NONBLOCK), poll = epoll_create1(0), peer;
    struct epoll_event event = {.events = EPOLLIN};
    struct sockaddr_in address = {0};
    socklen_t length = sizeof address;
    epoll_ctl(poll, EPOLL_CTL_ADD, server, &event);
    do {
        epoll_wait(poll, &event, 1, -1);
        say_peer("accept", peer = accept4(server, (struct sockaddr *)&address, &length, SOCK_NONBLOCK), &address);
    } while (peer < 0);
    return 0;
}

static int shared;

static void *take_one(void *unused)
{
    int peer = accept(shared, NULL, NULL);
    say("accepted", peer);
    if (peer >= 0 && write(peer, "hi", 2) < 0)
        say("write", -1);
    close(peer);
    return unused;
}

/* many HOST THREADS PROCESSES: all of them accept one connection each of one listener. */
static int many(int count, char **arguments)
{
    (void)count;
    int threads = atoi(arguments[1]), processes = atoi(arguments[2]);
    pthread_t thread[64];
    shared = listening(arguments[0], 0);
    for (int at = 0; at < processes; at++)
        if (!fork()) {
            take_one(NULL);
            _exit(0);
        }
    for (int at = 0; at < threads; at++)
        pthread_create(&thread[at], NULL, take_one, NULL);
    for (int at = 0; at < threads; at++)
        pthread_join(thread[at], NULL);
    while (wait(NULL) > 0)
        ;
    return 0;
}

/* alarm HOST restart|interrupt: an accept that waits is met by SIGALRM. */
static int alarmed(int count, char **arguments)
{
    (void)count;
    int server = listening(arguments[0], 0);
    on_signal(SIGALRM, !strcmp(arguments[1], "restart"), ring);
    ring_in(100);
    say("accept", accept(server, NULL, NULL));
    if (strcmp(arguments[1], "restart"))
        say("again", accept(server, NULL, NULL));
    return 0;
}

static void hear(int number)
{
    (void)number;
}

/* busy HOST TIMES: accepts while signals come all the time. */
static int busy(int count, char **arguments)
{
    (void)count;
    int server = listening(arguments[0], 0), accepted = 0;
    struct itimerval often = {.it_interval = {.tv_usec = 700}, .it_value = {.tv_usec = 700}};
    on_signal(SIGALRM, 0, hear);
    setitimer(ITIMER_REAL, &often, NULL);
    while (accepted < atoi(arguments[1])) {
        int peer = accept(server, NULL, NULL);
        if (peer < 0 && errno != EINTR)
            say("accept", peer);
        if (peer >= 0) {
            accepted++;
            if (write(peer, "hi", 2) < 0)
                say("write", -1);
            close(peer);
        }
    }
    say("done", 0);
    return 0;
}

/* busy-epoll HOST TIMES: waits in epoll, not in accept, while signals come all the time. An accept that does not wait is
   never interrupted without a guard; one that is, is not made again before epoll says that there is a connection. */
static int busy_epoll(int count, char **arguments)
{
    (void)count;
    int server = listening(arguments[0], SOCK_NONBLOCK), poll = epoll_create1(0), accepted = 0;
    struct itimerval often = {.it_interval = {.tv_usec = 150}, .it_value = {.tv_usec = 150}};
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(poll, EPOLL_CTL_ADD, server, &event);
    on_signal(SIGALRM, 0, hear);
    setitimer(ITIMER_REAL, &often, NULL);
    while (accepted < atoi(arguments[1])) {
        if (epoll_wait(poll, &event, 1, -1) < 1)
            continue;
        int peer = accept4(server, NULL, NULL, SOCK_NONBLOCK);
        if (peer < 0 && errno != EINTR && errno != EAGAIN)
            say("accept", peer);
        if (peer >= 0) {
            accepted++;
            if (write(peer, "hi", 2) < 0)
                say("write", -1);
            close(peer);
        }
    }
    say("done", 0);
    return 0;
}

static int fill_table(void)
{
    int last = -1, next;
    while ((next = dup(0)) >= 0)
        last = next;
    return last;
}

/* full HOST: accepts with no descriptor left, while two connections come, and then with one. */
static int full(int count, char **arguments)
{
    (void)count;
    int server = listening(arguments[0], SOCK_NONBLOCK), poll = epoll_create1(0);
    struct rlimit few = {.rlim_cur = 32, .rlim_max = 32};
    struct epoll_event event = {.events = EPOLLIN};
    setrlimit(RLIMIT_NOFILE, &few);
    epoll_ctl(poll, EPOLL_CTL_ADD, server, &event);
    int spare = fill_table();
    for (int at = 0; at < 4; at++) {
        printf("ready %d\n", epoll_wait(poll, &event, 1, 20000));
        say("no descriptor", accept(server, NULL, NULL));
    }
    close(spare);
    for (int at = 0; at < 2; at++) {
        printf("ready %d\n", epoll_wait(poll, &event, 1, 20000));
        int peer = accept(server, NULL, NULL);
        say("one descriptor", peer);
        if (write(peer, "hi", 2) < 0)
            say("write", -1);
        close(peer);
    }
    printf("ready %d\n", epoll_wait(poll, &event, 1, 0));
    say("nobody there", accept(server, NULL, NULL));
    fcntl(server, F_SETFL, 0);
    fill_table();
    say("no descriptor, blocks", accept(server, NULL, NULL));
    return 0;
}

/* listen HOST...: binds to each and listens, twice; "-" stands for a socket that was not bound. */
static int listens(int count, char **arguments)
{
    for (int at = 0; at < count; at++) {
        int server = strcmp(arguments[at], "-") ? bound(arguments[at], 0) : stream();
        int accepting;
        socklen_t size = sizeof accepting;
        say(arguments[at], listen(server, 5));
        getsockopt(server, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size);
        printf("listens %d\n", accepting);
        say("again", listen(server, 5));
    }
    return 0;
}

static volatile sig_atomic_t is_told_to_end;

static void end(int number)
{
    is_told_to_end = number;
}

/* look HOST [epoll]: looks before each accept of a listener that blocks; hears signals only while it looks. */
static int look(int count, char **arguments)
{
    struct pollfd server = {.fd = listening(arguments[0], 0), .events = POLLIN};
    struct epoll_event event = {.events = EPOLLIN};
    int set = count > 1 ? epoll_create1(0) : -1;
    epoll_ctl(set, EPOLL_CTL_ADD, server.fd, &event);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    on_signal(SIGTERM, 0, end);
    sigprocmask(SIG_SETMASK, &all, NULL);
    while (!is_told_to_end) {
        if ((count > 1 ? epoll_pwait(set, &event, 1, -1, &none) : ppoll(&server, 1, NULL, &none)) < 0)
            continue;
        int peer = accept(server.fd, NULL, NULL);
        say("accept", peer);
        if (peer >= 0 && write(peer, "hi", 2) < 0)
            say("write", -1);
        close(peer);
    }
    return 7;
}

static const struct {
    const char *name;
    int (*run)(int, char **);
    int least;
} programs[] = {
    {"one", one, 1},     {"forms", forms, 1}, {"epoll", with_epoll, 1}, {"many", many, 3},
    {"alarm", alarmed, 2}, {"busy", busy, 2},   {"look", look, 1},       {"listen", listens, 1},
    {"full", full, 1},   {"busy-epoll", busy_epoll, 2},
};

int main(int count, char **arguments)
{
    for (size_t at = 0; count > 1 && at < sizeof programs / sizeof programs[0]; at++)
        if (!strcmp(arguments[1], programs[at].name) && count - 2 >= programs[at].least)
            return programs[at].run(count - 2, arguments + 2);
    return 2;
}
