/* listen binds a socket that was never bound, to all addresses and a port the kernel chooses. */
#include "escape.h"

static void try(const char *what, int made)
{
    say(what, listen(made, 8));
    printf("listens %d\n", is_listening(made));
    close(made);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try("forbidden", stream());
    try("forbidden 6", socket(AF_INET6, SOCK_STREAM, 0));
    try("allowed", bound(ALLOWED, 0));
}
