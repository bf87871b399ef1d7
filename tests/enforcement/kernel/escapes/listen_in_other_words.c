/* A refused address, asked for as another: mapped, after an autobind, again after a shutdown, after a dissolved connect. */
#include "escape.h"

static int bound_at(const char *host, int family)
{
    struct sockaddr_in address = address_of(host, 0);
    struct sockaddr_in6 mapped = address6_of("::ffff:0.0.0.0", 0);
    int made = socket(family, SOCK_STREAM, 0);
    memcpy(mapped.sin6_addr.s6_addr + 12, &address.sin_addr, 4);
    if (family == AF_INET ? bind(made, (struct sockaddr *)&address, sizeof address)
                          : bind(made, (struct sockaddr *)&mapped, sizeof mapped))
        exit(3);
    return made;
}

static void try(const char *what, int made)
{
    say(what, listen(made, 8));
    printf("listens %d\n", is_listening(made));
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try("forbidden", bound_at("127.0.0.66", AF_INET));
    try("mapped forbidden", bound_at("127.0.0.66", AF_INET6));
    try("mapped allowed", bound_at(ALLOWED, AF_INET6));
    int made = bound_at(ALLOWED, AF_INET);
    try("allowed", made);
    say("more backlog", listen(made, 64));
    /* A port that the kernel chose is given back by shutdown; the socket can then be bound elsewhere. */
    struct sockaddr_in other = address_of("127.0.0.66", 0), nowhere = {.sin_family = AF_UNSPEC};
    shutdown(made, SHUT_RDWR);
    connect_in(made, nowhere);
    say("bound anew", bind(made, (struct sockaddr *)&other, sizeof other));
    try("after shutdown", made);
    made = bound_at("127.0.0.66", AF_INET);
    connect_in(made, allowed_address());
    connect_in(made, nowhere);
    try("after dissolving", made);
}
