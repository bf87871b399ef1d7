/* Rules may name the address a socket is bound to (127.0.0.66 is refused): a thread binds it during the connect. */
#include "escape.h"

static atomic_int current = -1, stop_at;

static void *binder(void *nothing)
{
    struct sockaddr_in bad = address_of("127.0.0.66", 0);
    for (;;) {
        int made = atomic_load(&current);
        if (made < 0) {
            sched_yield();
            continue;
        }
        for (volatile int wait = atomic_fetch_add(&stop_at, 997) % 120000; wait > 0; wait--)
            ;
        bind(made, (struct sockaddr *)&bad, sizeof bad);
        atomic_store(&current, -1);
    }
    return nothing;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int wrong = 0, refused = 0, done = 0;
    struct sockaddr_in good = allowed_address();
    spawn(binder, NULL);
    for (int round = 0; round < rounds; round++) {
        struct sockaddr_in here = {0};
        socklen_t length = sizeof here;
        int made = short_lived();
        atomic_store(&current, made);
        int failed = connect_in(made, good);
        while (atomic_load(&current) >= 0)
            sched_yield();
        getsockname(made, (struct sockaddr *)&here, &length);
        if (failed)
            refused++;
        else if (here.sin_addr.s_addr == inet_addr("127.0.0.66"))
            wrong++;
        else
            done++;
        close(made);
    }
    printf("wrong %d\nrefused %d\ndone %d\n", wrong, refused, done);
}
