/* A thread with descriptors of its own (unshare(CLONE_FILES)): the same number names other sockets in it. Taken from the
   process instead of the thread, the guard would connect the wrong one. */
#include "escape.h"

enum { PLACE = 100 };
static pthread_barrier_t ready;

static void *other_thread(void *nothing)
{
    unshare(CLONE_FILES);
    dup2(stream(), PLACE);
    pthread_barrier_wait(&ready);
    say("forbidden", connect_in(PLACE, forbidden_address()));
    say("allowed", connect_in(PLACE, allowed_address()));
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    say("its own is connected", getpeername(PLACE, (struct sockaddr *)&peer, &length));
    return nothing;
}

int main(int count, char **arguments)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    pthread_t thread;
    prepare(count, arguments);
    pthread_barrier_init(&ready, NULL, 2);
    dup2(stream(), PLACE);
    pthread_create(&thread, NULL, other_thread, NULL);
    pthread_barrier_wait(&ready);
    pthread_join(thread, NULL);
    say("the other is not", getpeername(PLACE, (struct sockaddr *)&peer, &length));
}
