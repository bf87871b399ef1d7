/* The job's own user kills its guard as soon as a connect has succeeded: the connection stands, and so must be in the
   journal. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int guard = getppid(), made = stream();
    struct sockaddr_in good = allowed_address();
    if (!connect_in(made, good))
        kill(guard, SIGKILL);
    printf("connected\n");
}
