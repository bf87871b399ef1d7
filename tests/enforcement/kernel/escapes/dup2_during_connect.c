/* A thread puts another internet socket in the descriptor's place during the connect: whichever is connected, it must be
   to where the call may lead; the address changes with it. */
#include "escape.h"

enum { PLACE = 100, FIRST, SECOND };
static struct sockaddr_in address;

static void *swap(void *nothing)
{
    struct sockaddr_in good = allowed_address(), bad = forbidden_address();
    for (;;) {
        *(volatile struct sockaddr_in *)&address = bad;
        dup2(SECOND, PLACE);
        *(volatile struct sockaddr_in *)&address = good;
        dup2(FIRST, PLACE);
    }
    return nothing;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int succeeded = 0, refused = 0, other = 0;
    address = allowed_address();
    dup2(short_lived(), FIRST), dup2(short_lived(), SECOND), dup2(FIRST, PLACE);
    spawn(swap, NULL);
    for (int round = 0; round < rounds; round++) {
        if (!connect(PLACE, (struct sockaddr *)&address, sizeof address)) {
            succeeded++;
            int first = short_lived(), second = short_lived();
            dup2(first, FIRST), dup2(second, SECOND);
            close(first), close(second);
        } else {
            *(errno == EPERM ? &refused : &other) += 1;
        }
    }
    printf("both %d\n", succeeded > 0 && refused > 0);
}
