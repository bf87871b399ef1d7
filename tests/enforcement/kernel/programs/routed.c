/* routed WHAT ARGUMENTS...: programs whose connections go through a SOCKS server, and that know nothing of it. */
#include "probe.h"

static struct sockaddr_in asked;

/* Prints whom the socket is connected to, and what comes back of what is sent: the destination repeats it. */
static void use(int client)
{
    struct sockaddr_in peer = {0};
    socklen_t length = sizeof peer;
    char octets[16] = {0}, host[INET_ADDRSTRLEN];
    int got = getpeername(client, (struct sockaddr *)&peer, &length);
    inet_ntop(AF_INET, &peer.sin_addr, host, sizeof host);
    printf("peer %s %d %d\n", got ? strerrorname_np(errno) : host, ntohs(peer.sin_port) == ntohs(asked.sin_port),
           (int)length);
    say("send", send(client, "hello", 5, 0));
    say("receive", recv(client, octets, 5, MSG_WAITALL));
    printf("echo %s\n", octets);
    fflush(stdout);
}

/* blocking HOST PORT */
static void blocking(char **more)
{
    (void)more;
    int client = stream();
    say("connect", connect(client, (struct sockaddr *)&asked, sizeof asked));
    say("again", connect(client, (struct sockaddr *)&asked, sizeof asked));
    use(client);
}

/* patient HOST PORT: a socket that does not block, watched by epoll before it is connected. */
static void patient(char **more)
{
    (void)more;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), watch = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET};
    say("connect", connect(client, (struct sockaddr *)&asked, sizeof asked));
    epoll_ctl(watch, EPOLL_CTL_ADD, client, &event);
    printf("ready %d\n", epoll_wait(watch, &event, 1, 20000));
    int error = -1;
    socklen_t length = sizeof error;
    getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length);
    printf("error %d\nwritable %d\nnon-blocking %d\n", error, !!(event.events & EPOLLOUT),
           !!(fcntl(client, F_GETFL) & O_NONBLOCK));
    say("nothing yet", recv(client, &error, 1, 0));
    fcntl(client, F_SETFL, 0);
    use(client);
}

/* watched HOST PORT: the same, in the epoll set before the connect, as nginx does it. */
static void watched(char **more)
{
    (void)more;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), watch = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};
    epoll_ctl(watch, EPOLL_CTL_ADD, client, &event);
    say("connect", connect(client, (struct sockaddr *)&asked, sizeof asked));
    printf("ready %d\nwritable %d\n", epoll_wait(watch, &event, 1, 20000), !!(event.events & EPOLLOUT));
    fcntl(client, F_SETFL, 0);
    use(client);
}

/* fails HOST PORT [MILLISECONDS]: what is left of a connect that fails; with a time limit of the socket's own. */
static void fails(char **more)
{
    int client = stream(), error = -1;
    socklen_t length = sizeof error;
    if (*more) {
        struct timeval limit = {0, atoi(*more) * 1000};
        setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    say("connect", connect(client, (struct sockaddr *)&asked, sizeof asked));
    getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length);
    printf("error %d\n", error);
    struct sockaddr_in any = {.sin_family = AF_INET};
    say("peer", getpeername(client, (struct sockaddr *)&any, &(socklen_t){sizeof any}));
    any = (struct sockaddr_in){.sin_family = AF_INET};
    say("bind", bind(client, (struct sockaddr *)&any, sizeof any));
}

/* alarm HOST PORT restart|interrupt: a connect that waits is met by SIGALRM. */
static void alarmed(char **more)
{
    int restart = !strcmp(*more, "restart"), client = stream();
    on_signal(SIGALRM, restart, ring);
    ring_in(150);
    say("connect", connect(client, (struct sockaddr *)&asked, sizeof asked));
    if (!restart)
        say("again", connect(client, (struct sockaddr *)&asked, sizeof asked));
    use(client);
}

/* on-line HOST PORT: one connect for each line on stdin. */
static void on_line(char **more)
{
    char line[16];
    (void)more;
    say("ready", 0);
    while (fgets(line, sizeof line, stdin)) {
        int client = stream();
        say("connect", connect(client, (struct sockaddr *)&asked, sizeof asked));
        close(client);
    }
}

/* bulk HOST PORT OCTETS: connects, waits for a line, and then reads so many. */
static void bulk(char **more)
{
    static char octets[1 << 20];
    long left = atol(*more);
    int client = stream();
    say("connect", connect(client, (struct sockaddr *)&asked, sizeof asked));
    if (!fgets(octets, sizeof octets, stdin))
        return;
    for (long count; left > 0 && (count = recv(client, octets, sizeof octets, 0)) > 0;)
        left -= count;
    printf("left %ld\n", left);
}

static void *connect_in_thread(void *nothing)
{
    (void)nothing;
    say("in a thread", connect(stream(), (struct sockaddr *)&asked, sizeof asked));
    return NULL;
}

/* beside HOST PORT: a connect in one thread while that of another waits, which is told by a line on stdin. */
static void beside(char **more)
{
    char line[16];
    pthread_t thread;
    pthread_create(&thread, NULL, connect_in_thread, NULL);
    if (!fgets(line, sizeof line, stdin))
        return;
    struct sockaddr_in direct = address_of("127.0.0.1", atoi(*more));
    say("direct", connect(stream(), (struct sockaddr *)&direct, sizeof direct));
    pthread_join(thread, NULL);
}

static const struct {
    const char *name;
    void (*run)(char **);
} programs[] = {
    {"blocking", blocking}, {"patient", patient}, {"watched", watched}, {"fails", fails},
    {"alarm", alarmed},     {"on-line", on_line}, {"bulk", bulk},       {"beside", beside},
};

int main(int count, char **arguments)
{
    for (size_t at = 0; count > 3 && at < sizeof programs / sizeof programs[0]; at++)
        if (!strcmp(arguments[1], programs[at].name)) {
            asked = address_of(arguments[2], atoi(arguments[3]));
            programs[at].run(arguments + 4);
            return 0;
        }
    return 2;
}
