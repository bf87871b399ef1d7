/* Options that send packets to hosts that no rule has seen, by way of which they come to the one that was decided on:
   the source routes of IPv4, the routing headers of IPv6, and a flow label that carries one. */
#include "escape.h"
#include <linux/in6.h>

static int set(int made, int level, int name, const void *value, socklen_t length)
{
    return setsockopt(made, level, name, value, length);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    int made = stream(), made6 = socket(AF_INET6, SOCK_STREAM, 0), datagrams = socket(AF_INET6, SOCK_DGRAM, 0);
    unsigned char loose[] = {131, 7, 4, 127, 0, 0, 2, 0}, strict[] = {137, 7, 4, 127, 0, 0, 2, 0}, plain[] = {1, 1, 1, 0};
    /* A segment routing header (type 4) of one segment: next header, length, type, left, last entry, flags, tag, ::1. */
    unsigned char segment[24] = {0, 2, 4, 0, 0, 0, 0, 0, [23] = 1};
    struct {
        struct in6_flowlabel_req label;
        size_t length;
        int level, type;
        unsigned char header[24];
    } flow = {.label = {.flr_label = 0, .flr_action = 0, .flr_share = 1, .flr_flags = 1},
              .length = 16 + 24, .level = IPPROTO_IPV6, .type = 57};
    memcpy(flow.header, segment, sizeof segment);
    flow.label.flr_dst.s6_addr[15] = 1;
    say("loose", set(made, IPPROTO_IP, IP_OPTIONS, loose, sizeof loose));
    say("strict", set(made, IPPROTO_IP, IP_OPTIONS, strict, sizeof strict));
    say("no route", set(made, IPPROTO_IP, IP_OPTIONS, plain, sizeof plain));
    say("cleared", set(made, IPPROTO_IP, IP_OPTIONS, NULL, 0));
    say("routing header", set(made6, IPPROTO_IPV6, 57, segment, sizeof segment));
    say("cleared", set(made6, IPPROTO_IPV6, 57, NULL, 0));
    say("old routing header", set(made6, IPPROTO_IPV6, 5, segment, sizeof segment));
    say("old options", set(made6, IPPROTO_IPV6, 6, segment, sizeof segment));
    say("flow label with a route", set(datagrams, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &flow, sizeof flow));
    say("flow label", set(datagrams, IPPROTO_IPV6, IPV6_FLOWLABEL_MGR, &flow, sizeof flow.label));
    say("another option", set(made6, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int)));
}
