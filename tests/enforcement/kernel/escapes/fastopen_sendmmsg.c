/* Connections made by the first of several messages. */
#include "escape.h"

static int with(struct sockaddr_in address, int in_message, int in_argument)
{
    struct iovec octets = {"x", 1};
    struct mmsghdr messages[2] = {0};
    for (int at = 0; at < 2; at++)
        messages[at].msg_hdr = (struct msghdr){.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &octets,
                                               .msg_iovlen = 1, .msg_flags = in_message};
    return sendmmsg(stream(), messages, 2, in_argument | MSG_NOSIGNAL);
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
