/* epoll_server HOST PORT: prints its port; accepts without blocking, after epoll_wait, and tells what each call gave:
   accepted ADDRESS:PORT FLAGS, or the name of the errno (EAGAIN when a rule has dropped the only connection). */
#include "listener.h"
#include <fcntl.h>
#include <sys/epoll.h>

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    int server = listening(arguments[1], arguments[2], SOCK_NONBLOCK), events = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event readable = {.events = EPOLLIN};
    epoll_ctl(events, EPOLL_CTL_ADD, server, &readable);
    announce(server);
    for (;;) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        if (epoll_wait(events, &readable, 1, -1) < 1)
            continue;
        int peer = accept4(server, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (peer < 0) {
            puts(strerrorname_np(errno));
        } else {
            char text[INET_ADDRSTRLEN];
            inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
            printf("accepted %s:%d%s%s\n", text, ntohs(from.sin_port), fcntl(peer, F_GETFL) & O_NONBLOCK ? " nonblock" : "",
                   fcntl(peer, F_GETFD) & FD_CLOEXEC ? " cloexec" : "");
            close(peer);
        }
        fflush(stdout);
    }
}
