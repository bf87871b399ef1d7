/* A connect on a Unix socket is the caller's own: a thread puts an internet socket in its place, and its address with it,
   between the guard's look and the kernel's. */
#include "escape.h"

enum { PLACE = 100, UNIX, INTERNET };
static char memory[256];

static void *swap(void *nothing)
{
    struct sockaddr_in bad = forbidden_address();
    struct sockaddr_un nobody = {.sun_family = AF_UNIX, .sun_path = "\0nobody"};
    for (;;) {
        memcpy(memory, &nobody, sizeof bad);
        dup2(UNIX, PLACE);
        memcpy(memory, &bad, sizeof bad);
        dup2(INTERNET, PLACE);
    }
    return nothing;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int wrong = 0;
    dup2(socket(AF_UNIX, SOCK_STREAM, 0), UNIX), dup2(short_lived(), INTERNET), dup2(UNIX, PLACE);
    memcpy(memory, &(sa_family_t){AF_UNIX}, 2);
    spawn(swap, NULL);
    for (int round = 0; round < rounds && !wrong; round++) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        connect(PLACE, (struct sockaddr *)memory, sizeof peer);
        wrong = !getpeername(INTERNET, (struct sockaddr *)&peer, &length);
    }
    printf("wrong %d\n", wrong);
}
