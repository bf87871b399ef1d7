/* PROGRAM PORTS... PATH: takes descriptors over a Unix socket from a process outside of the guard: two unconnected
   sockets, one bound to 127.0.0.66, and a listener that 127.0.0.2 and then 127.0.0.1 have connected to. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    struct sockaddr_in peer = {0};
    socklen_t length = sizeof peer;
    int over = socket(AF_UNIX, SOCK_STREAM, 0), pair[2], status;
    snprintf(place.sun_path, sizeof place.sun_path, "%s", more[0]);
    if (connect(over, (struct sockaddr *)&place, sizeof place))
        return 1;
    say("forbidden", connect_in(take_descriptor(over), forbidden_address()));
    say("allowed", connect_in(take_descriptor(over), allowed_address()));
    int bound_one = take_descriptor(over), listener = take_descriptor(over);
    say("listen where it may not", listen(bound_one, 8));
    say("accept", accept(listener, (struct sockaddr *)&peer, &length) < 0 ? -1 : 0);
    printf("from %s\n", inet_ntoa(peer.sin_addr));
    /* Between two processes of the job. */
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair);
    if (!fork()) {
        close(pair[0]);
        say("in another process, forbidden", connect_in(take_descriptor(pair[1]), forbidden_address()));
        say("in another process, allowed", connect_in(take_descriptor(pair[1]), allowed_address()));
        _exit(0);
    }
    send_descriptor(pair[0], stream()), send_descriptor(pair[0], stream());
    wait(&status);
}
