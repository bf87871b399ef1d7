/* A listener on :: that is not for IPv6 only listens on 0.0.0.0 as well. */
#include "escape.h"

static void try(const char *what, int only6, const char *host)
{
    struct sockaddr_in6 address = address6_of(host, 0);
    int made = socket(AF_INET6, SOCK_STREAM, 0);
    setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof only6);
    bind(made, (struct sockaddr *)&address, sizeof address);
    say(what, listen(made, 8));
    printf("listens %d\n", is_listening(made));
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try("both families", 0, "::");
    try("IPv6 only", 1, "::");
    try("one address", 0, "::1");
}
