/* A connection made by the first message; flags count as an argument, not in the message. */
#include "escape.h"

static int with(struct sockaddr_in address, int in_message, int in_argument)
{
    struct iovec octets = {"x", 1};
    struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &octets, .msg_iovlen = 1,
                             .msg_flags = in_message};
    return (int)sendmsg(stream(), &message, in_argument | MSG_NOSIGNAL);
}

static int attempt(struct sockaddr_in address)
{
    return with(address, 0, MSG_FASTOPEN);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try_both(attempt);
    say("flag in the message, forbidden", with(forbidden_address(), MSG_FASTOPEN, 0));
    say("flag in the message, allowed", with(allowed_address(), MSG_FASTOPEN, 0));
}
