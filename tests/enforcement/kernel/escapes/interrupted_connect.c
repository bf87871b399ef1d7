/* A signal's handler rewrites the address before the call is made again (SA_RESTART): what is made again is decided
   again. */
#include "escape.h"

static volatile struct sockaddr_in place;
static volatile sig_atomic_t flips;
static struct sockaddr_in good, bad;

static void flip(int number)
{
    (void)number;
    place = ++flips & 1 ? bad : good;
}

static void *ring_on(void *thread)
{
    for (;;) {
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
        for (volatile int wait = rand() % 6000; wait > 0; wait--)
            ;
    }
    return thread;
}

int main(int count, char **arguments)
{
    static pthread_t self;
    prepare(count, arguments);
    int succeeded = 0, refused = 0, other = 0;
    good = allowed_address(), bad = forbidden_address();
    place = good, self = pthread_self();
    on_signal(SIGUSR1, 1, flip);
    spawn(ring_on, &self);
    for (int round = 0; round < rounds; round++) {
        int client = short_lived();
        if (!connect(client, (struct sockaddr *)&place, sizeof place))
            succeeded++;
        else
            *(errno == EPERM ? &refused : &other) += 1;
        close(client);
    }
    printf("both %d\n", succeeded > 0 && refused > 0);
}
