/* rbind HOST PORT STEP...: connects to HOST PORT, and then takes the steps, as clients do whose peers connect back. */
#include "probe.h"
#include "../../../../data/rbind/greenwall_rbind.h"

static int control, data, watch, got = -1;

typedef union {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_storage room;
} address;

static address asked;

static const char *place_of(const address *at, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    int is_six = at->any.sa_family == AF_INET6;
    inet_ntop(is_six ? AF_INET6 : AF_INET, is_six ? (void *)&at->six.sin6_addr : (void *)&at->four.sin_addr, host,
              sizeof host);
    snprintf(text, size, "%s %d", host, ntohs(at->four.sin_port)); /* the port is at one place in both */
    return text;
}

static void show(const char *step, int result, const address *at)
{
    char text[64];
    printf("%s %s %s\n", step, result < 0 ? strerrorname_np(errno) : "0", place_of(at, text, sizeof text));
}

static void name(const char *step, int fd, int (*ask)(int, struct sockaddr *, socklen_t *))
{
    address at = {0};
    socklen_t length = sizeof at;
    show(step, ask(fd, &at.any, &length), &at);
}

static int own_name(int fd, struct sockaddr *address, socklen_t *length) { return getsockname(fd, address, length); }
static int peer_name(int fd, struct sockaddr *address, socklen_t *length) { return getpeername(fd, address, length); }

/* Tells the peer where to connect to. */
static void tell(void)
{
    address at = {0};
    socklen_t length = sizeof at;
    char place[64], text[80];
    getsockname(data, &at.any, &length);
    int size = snprintf(text, sizeof text, "%s\n", place_of(&at, place, sizeof place));
    say("tell", send(control, text, size, 0) - size);
}

static void take(int flags)
{
    address at = {0};
    socklen_t length = sizeof at;
    got = accept4(data, &at.any, &length, flags);
    show("accept", got, &at);
}

static int fresh(void)
{
    return socket(asked.any.sa_family, SOCK_STREAM, 0);
}

static socklen_t asked_length(void)
{
    return asked.any.sa_family == AF_INET6 ? sizeof asked.six : sizeof asked.four;
}

static void look(const char *step, int milliseconds)
{
    struct epoll_event event = {0};
    struct pollfd polled = {.fd = data, .events = POLLIN};
    int watched = epoll_wait(watch, &event, 1, milliseconds);
    printf("%s %d %d\n", step, watched ? (int)event.events : 0, poll(&polled, 1, 0) ? polled.revents : 0);
}

static void take_step(const char *step)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    address anywhere = {.any.sa_family = asked.any.sa_family};
    char octets[16] = {0};
    if (!strcmp(step, "bind"))
        say(step, bind(data, &anywhere.any, asked_length()));
    else if (!strcmp(step, "rbind"))
        say(step, Rbind(data, &anywhere.any, asked_length()));
    else if (!strcmp(step, "elsewhere")) {
        struct sockaddr_in foreign = any;
        inet_pton(AF_INET, "192.0.2.1", &foreign.sin_addr);
        say(step, bind(data, (struct sockaddr *)&foreign, sizeof foreign));
    } else if (!strcmp(step, "local")) {
        inet_pton(AF_INET, "127.0.0.5", &any.sin_addr);
        say(step, bind(data, (struct sockaddr *)&any, sizeof any));
    } else if (!strcmp(step, "name"))
        name(step, data, own_name);
    else if (!strcmp(step, "listen"))
        say(step, listen(data, 1));
    else if (!strcmp(step, "tell"))
        tell();
    else if (!strcmp(step, "accept"))
        take(0);
    else if (!strcmp(step, "accept-later"))
        take(SOCK_NONBLOCK | SOCK_CLOEXEC);
    else if (!strcmp(step, "nonblock"))
        say(step, fcntl(data, F_SETFL, O_NONBLOCK));
    else if (!strcmp(step, "quiet"))
        look(step, 0);
    else if (!strcmp(step, "wait"))
        look(step, 20000);
    else if (!strcmp(step, "names")) {
        name("own", got, own_name);
        name("peer", got, peer_name);
    } else if (!strcmp(step, "flags"))
        printf("flags %d %d\n", !!(fcntl(got, F_GETFL) & O_NONBLOCK), !!(fcntl(got, F_GETFD) & FD_CLOEXEC));
    else if (!strcmp(step, "read")) {
        say(step, recv(got, octets, 5, MSG_WAITALL));
        printf("got %s\n", octets);
    } else if (!strcmp(step, "direct")) { /* to nobody */
        inet_pton(AF_INET, "127.0.0.99", &any.sin_addr);
        any.sin_port = htons(1);
        say(step, connect(stream(), (struct sockaddr *)&any, sizeof any));
    } else if (!strcmp(step, "lookup")) { /* as getaddrinfo does it */
        inet_pton(AF_INET, "127.0.0.99", &any.sin_addr);
        any.sin_port = htons(1);
        say(step, connect(socket(AF_INET, SOCK_DGRAM, 0), (struct sockaddr *)&any, sizeof any));
    } else if (!strcmp(step, "connect"))
        say(step, connect(data, &asked.any, asked_length()));
    else if (!strcmp(step, "limit")) {
        struct timeval limit = {0, 200000};
        say(step, setsockopt(data, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    } else if (!strcmp(step, "ring") || !strcmp(step, "ring-on")) { /* a signal in the middle of the next step */
        on_signal(SIGALRM, !strcmp(step, "ring-on"), ring);
        ring_in(300);
    } else if (!strcmp(step, "unfilter"))
        say(step, setsockopt(data, SOL_SOCKET, SO_DETACH_FILTER, &got, sizeof got));
    else if (!strcmp(step, "close"))
        say(step, close(data));
    else if (!strcmp(step, "new"))
        say(step, (data = fresh()) < 0 ? -1 : 0);
    else
        exit(2);
    fflush(stdout);
}

int main(int count, char **words)
{
    if (count < 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    asked.any.sa_family = strchr(words[1], ':') ? AF_INET6 : AF_INET;
    inet_pton(asked.any.sa_family, words[1], asked.any.sa_family == AF_INET6 ? (void *)&asked.six.sin6_addr
                                                                             : (void *)&asked.four.sin_addr);
    asked.four.sin_port = htons((unsigned short)atoi(words[2]));
    control = fresh();
    say("control", connect(control, &asked.any, asked_length()));
    data = fresh();
    watch = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    epoll_ctl(watch, EPOLL_CTL_ADD, data, &event);
    for (char **step = words + 3; *step; step++)
        take_step(*step);
    return 0;
}
