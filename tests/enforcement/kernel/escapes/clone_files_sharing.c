/* Processes that share descriptors but are no threads (CLONE_FILES, CLONE_VM, not CLONE_THREAD): the other one swaps the
   socket, and each is taken for the process it is. */
#include "escape.h"

enum { PLACE = 100, UNIX, INTERNET };
static char memory[256], stack[65536];

static int swap(void *nothing)
{
    struct sockaddr_in bad = forbidden_address();
    struct sockaddr_un nobody = {.sun_family = AF_UNIX, .sun_path = "\0nobody"};
    (void)nothing;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        memcpy(memory, &nobody, sizeof bad);
        dup2(UNIX, PLACE);
        memcpy(memory, &bad, sizeof bad);
        dup2(INTERNET, PLACE);
    }
    return 0;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int wrong = 0;
    dup2(socket(AF_UNIX, SOCK_STREAM, 0), UNIX), dup2(short_lived(), INTERNET), dup2(UNIX, PLACE);
    memcpy(memory, &(sa_family_t){AF_UNIX}, 2);
    int child = clone(swap, stack + sizeof stack, CLONE_VM | CLONE_FILES | SIGCHLD, NULL);
    for (int round = 0; round < rounds && !wrong; round++) {
        struct sockaddr_in peer;
        socklen_t length = sizeof peer;
        connect(PLACE, (struct sockaddr *)memory, sizeof peer);
        wrong = !getpeername(INTERNET, (struct sockaddr *)&peer, &length);
    }
    kill(child, SIGKILL);
    printf("wrong %d\n", wrong);
}
