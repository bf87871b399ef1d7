/* A connection made by the first send. */
#include "escape.h"

static int attempt(struct sockaddr_in address)
{
    return (int)sendto(stream(), "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof address);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try_both(attempt);
    struct sockaddr_in address = forbidden_address();
    long flags = 0x4243434300000000 | MSG_FASTOPEN | MSG_DONTWAIT;
    say("flags above an int", syscall(SYS_sendto, stream(), "x", 1L, flags, &address, sizeof address));
}
