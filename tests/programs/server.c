/* server HOST PORT [BANNER]: prints its port; accepts one connection after another, sends the banner, and closes. */
#include "listener.h"

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    int server = listening(arguments[1], arguments[2], 0);
    announce(server);
    for (;;) {
        int peer = accept(server, NULL, NULL);
        if (peer < 0) {
            puts(strerrorname_np(errno));
            return 1;
        }
        if (count > 3)
            send(peer, arguments[3], strlen(arguments[3]), MSG_NOSIGNAL);
        close(peer);
    }
}
