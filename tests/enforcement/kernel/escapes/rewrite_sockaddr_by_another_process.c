/* Another process, which shares one page and nothing else, rewrites address, port and family. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int succeeded = 0, refused = 0;
    struct sockaddr_in *place = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct sockaddr_in good = allowed_address(), bad = address_of(ALLOWED, closed_port), none = {0};
    *place = good;
    int child = fork();
    if (!child) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (volatile struct sockaddr_in *shared = place;;)
            *shared = bad, *shared = good, *shared = none, *shared = bad, *shared = good;
    }
    for (int round = 0; round < rounds; round++) {
        int client = short_lived();
        *(connect(client, (struct sockaddr *)place, sizeof *place) ? &refused : &succeeded) += 1;
        close(client);
    }
    kill(child, SIGKILL);
    /* A connect without a family succeeds and leads nowhere: what counts is what the witness saw. */
    printf("both %d\n", succeeded > 0 && refused > 0);
}
