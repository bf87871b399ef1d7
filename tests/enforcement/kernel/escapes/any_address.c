/* Addresses that mean this machine: 0.0.0.0 and ::, of which the kernel makes the address the socket is bound to. */
#include "escape.h"

static int from(struct sockaddr_in here)
{
    int client = stream();
    here.sin_port = 0;
    if (bind(client, (struct sockaddr *)&here, sizeof here))
        return -1;
    return connect_in(client, address_of("0.0.0.0", open_port));
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try_both(from);
    say(":: forbidden", connect_in6(socket(AF_INET6, SOCK_STREAM, 0), address6_of("::", closed_port)));
    say(":: allowed", connect_in6(socket(AF_INET6, SOCK_STREAM, 0), address6_of("::", open_port)));
    say("mapped forbidden", connect_in6(socket(AF_INET6, SOCK_STREAM, 0), address6_of("::ffff:0.0.0.0", closed_port)));
    say("mapped allowed", connect_in6(socket(AF_INET6, SOCK_STREAM, 0), address6_of("::ffff:0.0.0.0", open_port)));
}
