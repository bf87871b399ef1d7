/* Raw, packet and XDP sockets, each under every name it has: refused, wherever they would lead. */
#include "escape.h"

static const struct {
    const char *name;
    int family, type, protocol;
} kinds[] = {{"IPv4", AF_INET, SOCK_RAW, IPPROTO_TCP},      {"IPv4, any", AF_INET, SOCK_RAW, IPPROTO_RAW},
             {"IPv6", AF_INET6, SOCK_RAW, IPPROTO_ICMPV6},  {"with flags", AF_INET, SOCK_RAW | SOCK_NONBLOCK, 1},
             {"old packet", AF_INET, SOCK_PACKET, 768},     {"packet", AF_PACKET, SOCK_RAW, 768},
             {"cooked packet", AF_PACKET, SOCK_DGRAM, 0},   {"XDP", 44, SOCK_RAW, 0}};

int main(int count, char **arguments)
{
    prepare(count, arguments);
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++)
        say(kinds[at].name, socket(kinds[at].family, kinds[at].type, kinds[at].protocol));
}
