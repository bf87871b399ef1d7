/* The listener is closed, and its number used again for one of the guard's copies' like, while accepts wait on it: a
   refused peer never gets in, and no accept returns what was not asked for. */
#include "escape.h"

static struct sockaddr_in server;
static atomic_int knocks = 1;

static void *knock(void *nothing)
{
    struct sockaddr_in from[2] = {address_of(FORBIDDEN, 0), address_of(ALLOWED, 0)};
    for (int which = 0; atomic_load(&knocks); which ^= 1) {
        int client = short_lived();
        bind(client, (struct sockaddr *)&from[which], sizeof *from);
        fcntl(client, F_SETFL, O_NONBLOCK);
        connect_in(client, server);
        struct pollfd end = {.fd = client, .events = POLLOUT};
        poll(&end, 1, 1);
        close(client);
    }
    return nothing;
}

static void *close_it(void *number)
{
    usleep(50);
    close(*(int *)number);
    return number;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int wrong = 0, taken = 0, failed = 0;
    int kept = bound(ALLOWED, 0), patience = 2000;
    socklen_t length = sizeof server;
    struct timeval limit = {0, patience};
    setsockopt(kept, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (listen(kept, 64))
        return 1;
    getsockname(kept, (struct sockaddr *)&server, &length);
    spawn(knock, NULL);
    for (int round = 0; round < rounds; round++) {
        static int number;
        struct sockaddr_in peer = {0};
        pthread_t thread;
        number = dup(kept);
        length = sizeof peer;
        pthread_create(&thread, NULL, close_it, &number);
        int accepted = accept(number, (struct sockaddr *)&peer, &length);
        pthread_join(thread, NULL);
        if (accepted >= 0) {
            taken++;
            wrong += peer.sin_addr.s_addr == inet_addr(FORBIDDEN);
            close(accepted);
        } else {
            failed++;
        }
    }
    printf("wrong %d\ntook %d\n", wrong, taken > 0);
}
