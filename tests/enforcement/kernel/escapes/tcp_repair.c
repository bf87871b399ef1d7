/* TCP_REPAIR (root) makes a connection without a packet, and sets what a connection holds: connects are decided, and
   no connection leads elsewhere. */
#include "escape.h"

static int attempt(struct sockaddr_in address)
{
    int client = short_lived(), on = 1, off = 0;
    if (setsockopt(client, IPPROTO_TCP, TCP_REPAIR, &on, sizeof on))
        return -1;
    int result = connect_in(client, address);
    setsockopt(client, IPPROTO_TCP, TCP_REPAIR, &off, sizeof off);
    return result;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try_both(attempt);
}
