/* Protocols that connect without connect(2), or that are not TCP to the kernel's other checks. */
#include "escape.h"

static const struct {
    const char *name;
    int family, type, protocol;
} kinds[] = {
    {"SCTP", AF_INET, SOCK_STREAM, 132},        {"SCTP 6", AF_INET6, SOCK_STREAM, 132},
    {"SCTP packets", AF_INET, SOCK_SEQPACKET, 132}, {"SCTP unnamed", AF_INET, SOCK_SEQPACKET, 0},
    {"DCCP", AF_INET, 6, 33},                   {"DCCP unnamed", AF_INET6, 6, 0},
    {"SMC family", 43, SOCK_STREAM, 0},         {"SMC", AF_INET, SOCK_STREAM, 256},
    {"SMC 6", AF_INET6, SOCK_STREAM, 256},      {"with flags", AF_INET, SOCK_SEQPACKET | SOCK_CLOEXEC, 0},
    {"RDS", 21, SOCK_SEQPACKET, 0},             {"reserved", AF_INET, SOCK_STREAM, 261},
    {"TCP", AF_INET, SOCK_STREAM, IPPROTO_TCP}, {"TCP 6", AF_INET6, SOCK_STREAM, 0},
    {"UDP", AF_INET, SOCK_DGRAM, 0},            {"Unix", AF_UNIX, SOCK_SEQPACKET, 0},
};

int main(int count, char **arguments)
{
    prepare(count, arguments);
    for (size_t at = 0; at < sizeof kinds / sizeof *kinds; at++) {
        long high = 0x4242424200000000; /* the kernel takes the low half of each argument */
        say(kinds[at].name, socket(kinds[at].family, kinds[at].type, kinds[at].protocol));
        say(kinds[at].name, syscall(SYS_socket, high | kinds[at].family, high | kinds[at].type,
                                    high | kinds[at].protocol));
    }
}
