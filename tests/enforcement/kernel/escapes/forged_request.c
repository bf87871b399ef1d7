/* While a connect goes through a SOCKS server, other threads write a request of their own to the socket, for a refused
   address, and read what comes. MORE: the version of SOCKS. The destinations say their own address. */
#include "escape.h"

static _Atomic int client = -1, received;
static char forged[32];
static int size;

static void *write_on(void *nothing)
{
    for (;;) {
        int number = client;
        if (number >= 0)
            send(number, forged, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    return nothing;
}

/* Takes what it can get; what the allowed destination says, too. */
static void *read_on(void *nothing)
{
    char octets[64];
    for (;;) {
        int number = client;
        long count = number >= 0 ? recv(number, octets, sizeof octets, MSG_DONTWAIT) : -1;
        if (count > 0 && memmem(octets, (size_t)count, FORBIDDEN, strlen(FORBIDDEN)))
            received++;
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
    if (*more[0] == '4') {
        add("\4\1", 2), add(&refused.sin_port, 2), add(&refused.sin_addr, 4), add("", 1);
    } else {
        add("\5\1\0\5\1\0\1", 7), add(&refused.sin_addr, 4), add(&refused.sin_port, 2);
    }
    spawn(write_on, NULL);
    if (more[1])
        spawn(read_on, NULL);
    for (int round = 0; round < rounds; round++) {
        char octets[64] = {0};
        int made = short_lived();
        client = made;
        int result = connect_in(made, allowed_address());
        client = -1;
        if (!result) {
            struct timeval limit = {5, 0};
            succeeded++;
            setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
            recv(made, octets, sizeof octets - 1, 0);
            wrong += strstr(octets, FORBIDDEN) != NULL;
        } else {
            *(errno == EPERM ? &stopped : &other) += 1;
            wrong += recv(made, octets, 1, MSG_DONTWAIT) > 0;
        }
        close(made);
    }
    printf("wrong %d\nsucceeded %d\nstopped %d\nother %d\nreceived %d\n", wrong, succeeded, stopped, other, received);
}
