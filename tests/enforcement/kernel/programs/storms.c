/* storms WHAT RESTART ROUNDS: calls under a storm of signals, whose handlers restart calls or do not. */
#include "probe.h"

static volatile int rings;

static void count_ring(int number)
{
    (void)number;
    rings++;
}

static void storm(int microseconds)
{
    struct itimerval often = {{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &often, NULL);
}

/* datagrams: numbered datagrams; says which was the last to arrive, and how many came twice or not at all. */
static void datagrams(int rounds)
{
    struct sockaddr_in to = address_of("127.0.0.1", 0);
    struct sockaddr *address = (struct sockaddr *)&to;
    socklen_t length = sizeof to;
    int client = socket(AF_INET, SOCK_DGRAM, 0), server = socket(AF_INET, SOCK_DGRAM, 0);
    int doubled = 0, lost = 0, interrupted = 0, last = -1;
    bind(server, address, length);
    getsockname(server, address, &length);
    storm(100);
    for (int number = 0; number < rounds; number++) {
        long result;
        do {
            result = sendto(client, &number, sizeof number, 0, address, sizeof to);
            interrupted += result < 0 && errno == EINTR;
        } while (result < 0 && errno == EINTR);
        if (result != sizeof number)
            say("send", -1);
        for (int found; recv(server, &found, sizeof found, MSG_DONTWAIT) == sizeof found;) {
            doubled += found <= last;
            lost += found > last + 1;
            last = found > last ? found : last;
        }
    }
    storm(0);
    printf("last %d doubled %d lost %d\n", last, doubled, lost);
    fprintf(stderr, "signals %d interrupted %d\n", rings, interrupted);
}

/* Waits as a program does whose connect was interrupted: for the socket to be writable, then for its error. */
static int finish(int client)
{
    struct pollfd writable = {.fd = client, .events = POLLOUT};
    int error = 0;
    socklen_t length = sizeof error;
    while (poll(&writable, 1, 5000) < 0 && errno == EINTR)
        continue;
    getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

/* connects: to a listener of our own; says how many ended in a connection, and how each other one did. */
static void connects(int rounds, int again)
{
    struct sockaddr_in to = address_of("127.0.0.1", 0), peer;
    struct sockaddr *address = (struct sockaddr *)&to;
    socklen_t length = sizeof to;
    int server = socket(AF_INET, SOCK_STREAM, 0), made = 0, interrupted = 0, unconnected = 0, failed = 0;
    bind(server, address, length);
    listen(server, 128);
    getsockname(server, address, &length);
    storm(100);
    for (int round = 0; round < rounds; round++) {
        int client = stream();
        int result = connect(client, address, sizeof to), error = result ? errno : 0;
        if (error == EINTR) {
            interrupted++;
            if (again)
                do
                    error = connect(client, address, sizeof to) ? errno : 0;
                while (error == EINTR || error == EALREADY);
            else
                error = finish(client);
            if (error == EISCONN)
                error = 0;
        }
        length = sizeof peer;
        if (error)
            failed++;
        else if (getpeername(client, (struct sockaddr *)&peer, &length))
            unconnected++;
        else {
            made++;
            int peer_end;
            while ((peer_end = accept(server, NULL, NULL)) < 0 && errno == EINTR)
                continue;
            close(peer_end);
        }
        close(client);
    }
    storm(0);
    printf("made %d unconnected %d failed %d\n", made, unconnected, failed);
    fprintf(stderr, "signals %d interrupted %d\n", rings, interrupted);
}

int main(int count, char **arguments)
{
    if (count < 4)
        return 2;
    struct sigaction action = {.sa_handler = count_ring, .sa_flags = atoi(arguments[2]) ? SA_RESTART : 0};
    sigaction(SIGALRM, &action, NULL);
    if (!strcmp(arguments[1], "datagrams"))
        datagrams(atoi(arguments[3]));
    else
        connects(atoi(arguments[3]), !strcmp(arguments[1], "again"));
    return 0;
}
