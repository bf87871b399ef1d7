/* stream: prints its port; for each line HOST PORT MEGABYTES on stdin, connects there, sends so many megabytes to the
   stream that listens there, and prints how many nanoseconds passed until that one had read all of them. Meanwhile it
   reads whatever others send to it, so that two of these are both ends of a connection. */
#include "listener.h"
#include <pthread.h>
#include <time.h>

static char octets[262144];

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void *drain(void *server)
{
    static char buffer[262144];
    int peer;
    while ((peer = accept(*(int *)server, NULL, NULL)) >= 0) {
        while (recv(peer, buffer, sizeof buffer, 0) > 0)
            ;
        close(peer);
    }
    return NULL;
}

int main(void)
{
    char line[128], host[64], port[16];
    int megabytes, server = listening("127.0.0.1", "0", 0);
    pthread_t thread;
    pthread_create(&thread, NULL, drain, &server);
    announce(server);
    while (fgets(line, sizeof line, stdin) && sscanf(line, "%63s %15s %d", host, port, &megabytes) == 3) {
        struct sockaddr_in address = address_of(host, port);
        int client = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(client, (struct sockaddr *)&address, sizeof address)) {
            puts(strerrorname_np(errno));
            return 1;
        }
        long long before = nanoseconds(), left = megabytes * 1048576LL;
        while (left > 0) {
            ssize_t sent = send(client, octets, left < (long long)sizeof octets ? (size_t)left : sizeof octets, 0);
            if (sent < 0) {
                puts(strerrorname_np(errno));
                return 1;
            }
            left -= sent;
        }
        shutdown(client, SHUT_WR);
        recv(client, line, 1, 0); /* returns when the other end has read all of it and closes */
        printf("%lld\n", nanoseconds() - before);
        fflush(stdout);
        close(client);
    }
    return 0;
}
