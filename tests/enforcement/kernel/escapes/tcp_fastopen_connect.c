/* TCP_FASTOPEN_CONNECT puts the connect off to the first send, TCP_FASTOPEN_NO_COOKIE makes it do so at once: a send that
   names another address must not lead there. */
#include "escape.h"

static int deferred(struct sockaddr_in address)
{
    int on = 1, client = stream();
    if (setsockopt(client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on))
        return -1;
    setsockopt(client, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof on);
    return connect_in(client, address) ? -1 : client;
}

static int attempt(struct sockaddr_in address)
{
    int client = deferred(address);
    return client < 0 ? -1 : (int)send(client, "x", 1, MSG_NOSIGNAL);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try_both(attempt);
    struct sockaddr_in other = forbidden_address();
    int client = deferred(allowed_address());
    sendto(client, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&other, sizeof other);
    other.sin_family = AF_UNSPEC;
    client = deferred(allowed_address());
    say("sent nowhere", sendto(client, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&other, sizeof other));
}
