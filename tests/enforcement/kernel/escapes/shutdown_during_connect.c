/* While a connect goes through a SOCKS server that does not answer at once, another thread takes the connection back
   (shutdown in SYN-SENT), reads the error away before anybody else sees it, and writes a request of its own, for a
   refused address, to whatever connection comes next. A round is one in which it was the first to see the error. */
#include "escape.h"

/* The turn changes when a connect begins and when it has returned. */
static _Atomic int client = -1, turn, hits;
static char forged[32];
static int size;

static int state_of(int number)
{
    struct tcp_info info;
    socklen_t length = sizeof info;
    return getsockopt(number, IPPROTO_TCP, TCP_INFO, &info, &length) ? -1 : info.tcpi_state;
}

static void *meddle(void *nothing)
{
    for (int seen = 0;;) {
        int number, error = 0;
        socklen_t length = sizeof error;
        while (turn == seen)
            ;
        int mine = seen = turn;
        if ((number = client) < 0)
            continue;
        while (turn == mine && state_of(number) != TCP_SYN_SENT)
            ;
        if (turn != mine)
            continue;
        shutdown(number, SHUT_WR);
        getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &length);
        hits += error == ECONNRESET;
        while (turn == mine && state_of(number) != TCP_ESTABLISHED)
            ;
        if (turn == mine)
            send(number, forged, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    return nothing;
}

static void add(const void *octets, size_t count)
{
    memcpy(forged + size, octets, count);
    size += (int)count;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    struct sockaddr_in refused = forbidden_address();
    int succeeded = 0, stopped = 0, other = 0, wrong = 0;
    add("\4\1", 2), add(&refused.sin_port, 2), add(&refused.sin_addr, 4), add("", 1);
    spawn(meddle, NULL);
    while (hits < rounds && !wrong) {
        char octets[64] = {0};
        int made = short_lived();
        client = made;
        turn++;
        int result = connect_in(made, allowed_address());
        client = -1;
        turn++;
        if (!result) {
            struct timeval limit = {5, 0};
            succeeded++;
            setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
            recv(made, octets, sizeof octets - 1, 0);
            wrong += strstr(octets, FORBIDDEN) != NULL;
        } else {
            *(errno == EPERM ? &stopped : &other) += 1;
        }
        close(made);
    }
    printf("wrong %d\nsucceeded %d\nstopped %d\nother %d\n", wrong, succeeded, stopped, other);
}
