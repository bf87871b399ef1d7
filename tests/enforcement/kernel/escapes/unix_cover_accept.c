/* accept on a Unix listener asks no rule: a thread puts an internet listener in its place, to which a refused peer
   connects. No connection from 127.0.0.2 may ever come out of an accept. */
#include "escape.h"

enum { PLACE = 100, UNIX, INTERNET };
static struct sockaddr_in server;
static struct sockaddr_un local_server = {.sun_family = AF_UNIX};

static void *swap(void *nothing)
{
    for (;;) {
        dup2(UNIX, PLACE);
        dup2(INTERNET, PLACE);
    }
    return nothing;
}

static void *knock(void *nothing)
{
    struct sockaddr_in from = address_of(FORBIDDEN, 0);
    for (;;) {
        int client = short_lived(), local = socket(AF_UNIX, SOCK_STREAM, 0);
        bind(client, (struct sockaddr *)&from, sizeof from);
        fcntl(local, F_SETFL, O_NONBLOCK);
        connect_in(client, server);
        connect(local, (struct sockaddr *)&local_server, sizeof local_server);
        close(client), close(local);
    }
    return nothing;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int wrong = 0, taken = 0;
    int local = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), made = bound(ALLOWED, SOCK_NONBLOCK);
    socklen_t length = sizeof server;
    snprintf(local_server.sun_path + 1, 100, "escape-%d", getpid());
    if (bind(local, (struct sockaddr *)&local_server, sizeof local_server) || listen(local, 64) || listen(made, 64))
        return 1;
    getsockname(made, (struct sockaddr *)&server, &length);
    dup2(local, UNIX), dup2(made, INTERNET), dup2(UNIX, PLACE);
    spawn(swap, NULL);
    spawn(knock, NULL);
    for (int round = 0; round < rounds; round++) {
        struct sockaddr_storage peer = {0};
        length = sizeof peer;
        int number = accept(PLACE, (struct sockaddr *)&peer, &length);
        if (number >= 0) {
            taken++;
            wrong += peer.ss_family == AF_INET;
            close(number);
        }
    }
    printf("wrong %d\ntook %d\n", wrong, taken > 0);
}
