/* An MPTCP socket is not TCP to Landlock; what a job gets for one is a TCP socket, whose connects are decided. */
#include "escape.h"

static int attempt(struct sockaddr_in address)
{
    int made = socket(AF_INET, SOCK_STREAM, 262), protocol = 0;
    socklen_t length = sizeof protocol;
    getsockopt(made, SOL_SOCKET, SO_PROTOCOL, &protocol, &length);
    printf("protocol %d\n", protocol);
    return connect_in(made, address);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try_both(attempt);
    struct sockaddr_in good = allowed_address();
    say("fast open", sendto(socket(AF_INET, SOCK_STREAM, 262), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&good,
                            sizeof good));
}
