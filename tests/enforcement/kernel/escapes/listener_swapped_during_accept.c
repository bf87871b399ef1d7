/* Two internet listeners change places during accept: one that a refused peer knocks at, one that a good one does. */
#include "escape.h"

enum { PLACE = 100, FIRST, SECOND };
static struct sockaddr_in servers[2];

static void *swap(void *nothing)
{
    for (;;) {
        dup2(FIRST, PLACE);
        dup2(SECOND, PLACE);
    }
    return nothing;
}

static void *knock(void *nothing)
{
    struct sockaddr_in from[2] = {address_of(FORBIDDEN, 0), address_of(ALLOWED, 0)};
    for (int which = 0;; which ^= 1) {
        int client = short_lived();
        bind(client, (struct sockaddr *)&from[which], sizeof *from);
        connect_in(client, servers[which]);
        close(client);
    }
    return nothing;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int wrong = 0, taken = 0;
    for (int at = 0; at < 2; at++) {
        socklen_t length = sizeof servers[at];
        int made = bound(ALLOWED, SOCK_NONBLOCK);
        if (listen(made, 64))
            return 1;
        getsockname(made, (struct sockaddr *)&servers[at], &length);
        dup2(made, FIRST + at);
    }
    dup2(FIRST, PLACE);
    spawn(swap, NULL);
    spawn(knock, NULL);
    for (int round = 0; round < rounds; round++) {
        struct sockaddr_in peer = {0};
        socklen_t length = sizeof peer;
        int number = accept4(PLACE, (struct sockaddr *)&peer, &length, round & 1 ? SOCK_CLOEXEC : 0);
        if (number >= 0) {
            taken++;
            wrong += peer.sin_addr.s_addr == inet_addr(FORBIDDEN);
            close(number);
        }
    }
    printf("wrong %d\ntook %d\n", wrong, taken > 0);
}
