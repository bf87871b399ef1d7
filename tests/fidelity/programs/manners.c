/* manners WHAT ARGUMENTS...: programs whose lines must be the same under a guard and without one. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, long result)
{
    printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "0");
    fflush(stdout);
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int bound(int flags, int share_port, struct sockaddr_in *address)
{
    int one = 1, made = socket(AF_INET, SOCK_STREAM | flags, 0);
    socklen_t length = sizeof *address;
    if (share_port)
        setsockopt(made, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(made, (struct sockaddr *)address, length) || getsockname(made, (struct sockaddr *)address, &length))
        exit(3);
    return made;
}

static int listening(int flags, int backlog, struct sockaddr_in *address)
{
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int made = bound(flags, 0, address);
    if (listen(made, backlog))
        exit(3);
    return made;
}

static int connect_to(int client, const struct sockaddr_in *address)
{
    return connect(client, (const struct sockaddr *)address, sizeof *address);
}

static int stream(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

/* A listener in whose queue there is no room: whoever connects waits until something is accepted. */
static int full(struct sockaddr_in *address)
{
    int server = listening(0, 0, address);
    connect_to(stream(), address);
    return server;
}

static void set_timeout(int descriptor, int option, int milliseconds)
{
    struct timeval time = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    setsockopt(descriptor, SOL_SOCKET, option, &time, sizeof time);
}

/* timeouts: connects and accepts that end by SO_SNDTIMEO, SO_RCVTIMEO, or at once. */
static int timeouts(void)
{
    struct sockaddr_in address, place;
    int server = full(&address), client = stream(), empty = listening(0, 5, &place), error = 1;
    socklen_t size = sizeof error;
    long began = now_ms();
    set_timeout(client, SO_SNDTIMEO, 300);
    say("connect, send time-out", connect_to(client, &address));
    printf("in time %d\n", now_ms() - began >= 290 && now_ms() - began < 5000);
    say("again", connect_to(client, &address));
    close(accept(server, NULL, NULL));
    struct pollfd writable = {.fd = client, .events = POLLOUT};
    say("then writable", poll(&writable, 1, 20000) - 1);
    say("once more", connect_to(client, &address));
    say("and more", connect_to(client, &address));

    began = now_ms();
    set_timeout(empty, SO_RCVTIMEO, 300);
    say("accept, receive time-out", accept(empty, NULL, NULL));
    printf("in time %d\n", now_ms() - began >= 290 && now_ms() - began < 5000);
    set_timeout(empty, SO_RCVTIMEO, 0);
    set_timeout(empty, SO_SNDTIMEO, 1);
    int later = stream();
    connect_to(later, &place);
    say("accept, send time-out", accept(empty, NULL, NULL));

    int patient = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    server = full(&address);
    say("connect, non-blocking", connect_to(patient, &address));
    say("again", connect_to(patient, &address));
    fcntl(patient, F_SETFL, 0);
    close(accept(server, NULL, NULL));
    say("then blocking", connect_to(patient, &address));
    close(server);
    address.sin_port = htons(1);
    int refused = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd ended = {.fd = refused, .events = POLLOUT};
    say("nobody there", connect_to(refused, &address));
    printf("events %d\n", poll(&ended, 1, 5000) == 1 ? ended.revents : -1);
    getsockopt(refused, SOL_SOCKET, SO_ERROR, &error, &size);
    printf("error %s\n", strerrorname_np(error));
    say("blocking, nobody there", connect_to(stream(), &address));
    return 0;
}

static struct sockaddr_in shared_address;
static int shared_server;

static void *wait_in_accept(void *unused)
{
    accept(shared_server, NULL, NULL);
    return unused;
}

static void *wait_in_connect(void *client)
{
    connect_to(*(int *)client, &shared_address);
    return NULL;
}

static void cancel(const char *what, void *(*run)(void *), void *argument)
{
    pthread_t thread;
    void *result;
    pthread_create(&thread, NULL, run, argument);
    usleep(100000);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("%s %s\n", what, result == PTHREAD_CANCELED ? "cancelled" : "went on");
    fflush(stdout);
}

/* cancel: threads that are cancelled while they wait; nothing of theirs is left in the way of others. */
static int cancelled(void)
{
    shared_server = listening(0, 5, &shared_address);
    cancel("accept", wait_in_accept, NULL);
    int client = stream(), peer;
    say("connect", connect_to(client, &shared_address));
    say("accept", peer = accept(shared_server, NULL, NULL));
    say("write", write(client, "hi", 2) - 2);
    char octets[2];
    say("read", read(peer, octets, 2) - 2);
    shared_server = full(&shared_address);
    int waiting = stream();
    cancel("connect", wait_in_connect, &waiting);
    close(waiting);
    close(accept(shared_server, NULL, NULL));
    say("connect", connect_to(stream(), &shared_address));
    return 0;
}

static void stop_and_continue(pid_t child)
{
    int status;
    usleep(100000);
    kill(child, SIGSTOP);
    waitpid(child, &status, WUNTRACED);
    printf("stopped %d\n", WIFSTOPPED(status));
    fflush(stdout);
}

static void go_on(pid_t child)
{
    int status;
    kill(child, SIGCONT);
    waitpid(child, &status, 0);
    printf("status %d\n", status);
    fflush(stdout);
}

/* stop: processes that are stopped while they wait, and continued: with nothing there, and with what came meanwhile. */
static int stopped(void)
{
    struct sockaddr_in address;
    int server = listening(0, 5, &address);
    for (int meanwhile = 0; meanwhile < 2; meanwhile++) {
        fflush(stdout);
        pid_t child = fork();
        if (!child) {
            say("accept", accept(server, NULL, NULL));
            _exit(0);
        }
        stop_and_continue(child);
        if (meanwhile)
            say("connect", connect_to(stream(), &address));
        kill(child, SIGCONT);
        usleep(100000);
        if (!meanwhile)
            say("connect", connect_to(stream(), &address));
        go_on(child);
    }
    server = full(&address);
    pid_t child = fork();
    if (!child) {
        int client = stream();
        say("connect", connect_to(client, &address));
        _exit(0);
    }
    stop_and_continue(child);
    close(accept(server, NULL, NULL));
    usleep(1500000);
    go_on(child);
    return 0;
}

static int wait_for_one(const char *how, int server)
{
    if (!strcmp(how, "select")) {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(server, &set);
        return select(server + 1, &set, NULL, NULL, NULL);
    }
    if (!strcmp(how, "poll")) {
        struct pollfd entry = {.fd = server, .events = POLLIN};
        return poll(&entry, 1, -1);
    }
    return 0;
}

static void serve_as(int name, const char *how, int server)
{
    int epoll = -1;
    struct epoll_event event = {.events = EPOLLIN | (strcmp(how, "exclusive") ? 0 : EPOLLEXCLUSIVE)};
    if (!strcmp(how, "epoll") || !strcmp(how, "exclusive")) {
        epoll = epoll_create1(0);
        epoll_ctl(epoll, EPOLL_CTL_ADD, server, &event);
    }
    for (;;) {
        if (epoll >= 0)
            epoll_wait(epoll, &event, 1, -1);
        else
            wait_for_one(how, server);
        int peer = accept(server, NULL, NULL);
        if (peer < 0)
            continue;
        usleep(2000);
        char answer = (char)('0' + name);
        if (write(peer, &answer, 1) < 0)
            _exit(4);
        close(peer);
    }
}

/* prefork HOW PROCESSES: each answers what it accepts with its own number; says the port, and waits to be ended. */
static int prefork(const char *how, int processes)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int share_port = !strcmp(how, "reuseport"), blocks = share_port || !strcmp(how, "accept");
    int server = bound(blocks ? 0 : SOCK_NONBLOCK, share_port, &address);
    if (!share_port && listen(server, 128))
        return 3;
    for (int at = 0; at < processes; at++)
        if (!fork()) {
            if (share_port) {
                server = bound(0, 1, &address);
                if (listen(server, 128))
                    _exit(3);
            }
            if (write(1, "ready\n", 6) < 0)
                _exit(3);
            serve_as(at, how, server);
        }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    while (wait(NULL) > 0)
        ;
    return 0;
}

static void compare(const char *what, int (*ask_one)(int, struct sockaddr *, socklen_t *), int one,
                    int (*ask_other)(int, struct sockaddr *, socklen_t *), int other)
{
    struct sockaddr_storage first = {0}, second = {0};
    socklen_t first_length = sizeof first, second_length = sizeof second;
    int results = ask_one(one, (struct sockaddr *)&first, &first_length);
    results += ask_other(other, (struct sockaddr *)&second, &second_length);
    printf("%s %d %u %u %d\n", what, results, first_length, second_length, memcmp(&first, &second, sizeof first) == 0);
}

/* names: what both ends of a connection are called, and how they are set. */
static int names(void)
{
    struct sockaddr_in address, from = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("127.0.0.9")};
    struct sockaddr_storage peer_address = {0};
    socklen_t length = sizeof peer_address, size;
    int server = listening(0, 5, &address), client = stream(), value = 1;
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value);
    bind(client, (struct sockaddr *)&from, sizeof from);
    say("connect", connect_to(client, &address));
    int peer = accept(server, (struct sockaddr *)&peer_address, &length);
    printf("length %u family %d from %s\n", length, peer_address.ss_family,
           inet_ntoa(((struct sockaddr_in *)&peer_address)->sin_addr));
    compare("client is peer's peer", getsockname, client, getpeername, peer);
    compare("peer is client's peer", getpeername, client, getsockname, peer);
    compare("peer is where the server listens", getsockname, peer, getsockname, server);
    for (int at = 0; at < 3; at++) {
        int descriptor = at == 0 ? server : at == 1 ? client : peer;
        printf("flags %d %d", fcntl(descriptor, F_GETFD), fcntl(descriptor, F_GETFL));
        const int options[] = {SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR, SO_ACCEPTCONN, SO_REUSEADDR, SO_KEEPALIVE};
        for (size_t option = 0; option < sizeof options / sizeof *options; option++) {
            size = sizeof value;
            getsockopt(descriptor, SOL_SOCKET, options[option], &value, &size);
            printf(" %d", value);
        }
        size = sizeof value;
        getsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &value, &size);
        printf(" %d\n", value);
    }
    return 0;
}

int main(int count, char **words)
{
    if (count < 2)
        return 2;
    if (!strcmp(words[1], "timeouts"))
        return timeouts();
    if (!strcmp(words[1], "cancel"))
        return cancelled();
    if (!strcmp(words[1], "stop"))
        return stopped();
    if (!strcmp(words[1], "names"))
        return names();
    return count == 4 ? prefork(words[2], atoi(words[3])) : 2;
}
