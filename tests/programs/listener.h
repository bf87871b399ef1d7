/* What the small servers of the tests share. */
#include "exchange.h"

/* A listening socket, or the name of the errno on stdout and exit 1. */
static int listening(const char *host, const char *port, int type_flags)
{
    struct sockaddr_in address = address_of(host, port);
    int server = socket(AF_INET, SOCK_STREAM | type_flags, 0), one = 1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(server, (struct sockaddr *)&address, sizeof address) || listen(server, 4096)) {
        puts(strerrorname_np(errno));
        exit(1);
    }
    return server;
}

/* Prints the port, so that port 0 can be asked for. */
static void announce(int server)
{
    struct sockaddr_in bound;
    socklen_t length = sizeof bound;
    getsockname(server, (struct sockaddr *)&bound, &length);
    printf("%d\n", ntohs(bound.sin_port));
    fflush(stdout);
}
