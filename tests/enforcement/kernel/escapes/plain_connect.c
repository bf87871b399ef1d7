/* The call itself, made without libc. */
#include "escape.h"

static int attempt(struct sockaddr_in address)
{
    return (int)syscall(SYS_connect, stream(), &address, sizeof address);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try_both(attempt);
}
