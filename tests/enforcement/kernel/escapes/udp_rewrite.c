/* A thread rewrites the address, the pointer to it and the message while another thread sends. */
#include "escape.h"

static struct sockaddr_in good, bad, place;
static struct mmsghdr messages[2];
static struct iovec octets = {"x", 1};

static void *rewrite(void *nothing)
{
    for (;;) {
        *(volatile in_addr_t *)&place.sin_addr.s_addr = bad.sin_addr.s_addr;
        *(void *volatile *)&messages[1].msg_hdr.msg_name = &bad;
        *(volatile in_addr_t *)&place.sin_addr.s_addr = good.sin_addr.s_addr;
        *(void *volatile *)&messages[1].msg_hdr.msg_name = &place;
    }
    return nothing;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int made = socket(AF_INET, SOCK_DGRAM, 0), sent = 0, refused = 0;
    good = place = allowed_address(), bad = forbidden_address();
    for (int at = 0; at < 2; at++)
        messages[at].msg_hdr = (struct msghdr){.msg_name = &place, .msg_namelen = sizeof place, .msg_iov = &octets,
                                               .msg_iovlen = 1};
    spawn(rewrite, NULL);
    for (int round = 0; round < rounds; round++) {
        long done = round % 3 == 0 ? sendto(made, "x", 1, 0, (struct sockaddr *)&place, sizeof place)
                    : round % 3 == 1 ? sendmsg(made, &messages[1].msg_hdr, 0)
                                     : sendmmsg(made, messages, 2, 0);
        *(done < 0 ? &refused : &sent) += 1;
    }
    printf("both %d\n", sent > 0 && refused > 0);
}
