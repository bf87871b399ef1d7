/* PROGRAM PORTS... LISTENER SOCKET BOUND: inherited from outside of the guard, as a super-server passes them on: a
   listener that 127.0.0.2 and then 127.0.0.1 have connected to, a socket, and one bound to 127.0.0.66. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    struct sockaddr_in peer = {0};
    socklen_t length = sizeof peer;
    say("accept", accept(atoi(more[0]), (struct sockaddr *)&peer, &length) < 0 ? -1 : 0);
    printf("from %s\n", inet_ntoa(peer.sin_addr));
    say("forbidden", connect_in(atoi(more[1]), forbidden_address()));
    say("allowed", connect_in(atoi(more[1]), allowed_address()));
    say("listen where it may not", listen(atoi(more[2]), 8));
}
