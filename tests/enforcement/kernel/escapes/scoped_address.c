/* A scope id, a flow label and the short form of sockaddr_in6, which say nothing about where a connect leads. */
#include "escape.h"

static int scoped(const char *host, int port, unsigned scope, unsigned flow, socklen_t length)
{
    struct sockaddr_in6 address = address6_of(host, port);
    address.sin6_scope_id = scope;
    address.sin6_flowinfo = htonl(flow);
    return connect(socket(AF_INET6, SOCK_STREAM, 0), (struct sockaddr *)&address, length);
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    say("link-local", scoped("fe80::1", open_port, 1, 0, 28));
    say("link-local, no scope", scoped("fe80::1", open_port, 0, 0, 24));
    say("scope forbidden", scoped("::1", closed_port, 1, 0, 28));
    say("scope allowed", scoped("::1", open_port, 1, 0, 28));
    say("flow forbidden", scoped("::1", closed_port, 0, 0x12345, 28));
    say("flow allowed", scoped("::1", open_port, 0, 0, 28));
    say("short forbidden", scoped("::1", closed_port, 0, 0, 24));
    say("short allowed", scoped("::1", open_port, 0, 0, 24));
}
