/* An IPv4 address in its IPv6 form, on an IPv6 socket. */
#include "escape.h"

static int attempt(struct sockaddr_in address)
{
    struct sockaddr_in6 mapped = address6_of("::ffff:0.0.0.0", open_port);
    memcpy(mapped.sin6_addr.s6_addr + 12, &address.sin_addr, 4);
    return connect_in6(socket(AF_INET6, SOCK_STREAM, 0), mapped);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try_both(attempt);
}
