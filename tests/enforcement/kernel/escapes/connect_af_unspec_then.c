/* A socket that was connected where it may, dissolved, and connected anew; and one that names no family. */
#include "escape.h"

static int attempt(struct sockaddr_in address)
{
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    int client = stream();
    if (connect_in(client, allowed_address()) || connect(client, &nowhere, sizeof nowhere))
        return -1;
    return connect_in(client, address);
}

static int without_family(struct sockaddr_in address)
{
    int client = stream();
    address.sin_family = AF_UNSPEC;
    int result = connect_in(client, address);
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    return getpeername(client, (struct sockaddr *)&peer, &length) ? result : 1000;
}

int main(int count, char **arguments)
{
    prepare(count, arguments);
    try_both(attempt);
    say("without family, forbidden", without_family(forbidden_address()));
    say("without family, allowed", without_family(allowed_address()));
}
