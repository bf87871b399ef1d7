/* socks_client HOST PORT [PROXY_HOST PROXY_PORT]: speaks SOCKS 5 itself where a proxy is named. For each line COUNT on
   stdin it connects COUNT times and prints the nanoseconds that each took until it could be used, on one line; for
   "bulk N" it connects, reads N octets, and prints the nanoseconds that the reading took. */
#include "exchange.h"
#include <netinet/tcp.h>
#include <time.h>

static struct sockaddr_in destination, proxy;
static int has_proxy;

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int exchange_socks(int client)
{
    unsigned char request[10] = {5, 1, 0, 1}, reply[10];
    memcpy(request + 4, &destination.sin_addr, 4);
    memcpy(request + 8, &destination.sin_port, 2);
    if (send(client, "\5\1\0", 3, 0) != 3 || recv(client, reply, 2, MSG_WAITALL) != 2 || reply[1])
        return -1;
    if (send(client, request, sizeof request, 0) != 10 || recv(client, reply, 10, MSG_WAITALL) != 10 || reply[1])
        return -1;
    return 0;
}

static int dial(void)
{
    /* Closing with a reset leaves no port in TIME_WAIT: the ports would run out within seconds otherwise. */
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_in *first = has_proxy ? &proxy : &destination;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    if (connect(client, (struct sockaddr *)first, sizeof *first) || (has_proxy && exchange_socks(client))) {
        puts(errno ? strerrorname_np(errno) : "refused");
        exit(1);
    }
    return client;
}

static void bulk(long long left)
{
    static char octets[1 << 18];
    int client = dial();
    long long before = nanoseconds();
    for (ssize_t count; left > 0 && (count = recv(client, octets, sizeof octets, 0)) > 0;)
        left -= count;
    printf("%lld\n", left > 0 ? -1 : nanoseconds() - before);
    close(client);
}

static void connects(int times)
{
    long long *taken = calloc((size_t)times + 1, sizeof *taken);
    for (int turn = 0; turn < times; turn++) {
        long long before = nanoseconds();
        int client = dial();
        taken[turn] = nanoseconds() - before;
        close(client);
    }
    for (int turn = 0; turn < times; turn++)
        printf("%lld ", taken[turn]);
    putchar('\n');
    free(taken);
}

int main(int count, char **arguments)
{
    char line[64];
    if (count < 3)
        return 2;
    destination = address_of(arguments[1], arguments[2]);
    if (count > 4)
        has_proxy = 1, proxy = address_of(arguments[3], arguments[4]);
    while (fgets(line, sizeof line, stdin)) {
        if (!strncmp(line, "bulk ", 5))
            bulk(atoll(line + 5));
        else
            connects(atoi(line));
        fflush(stdout);
    }
    return 0;
}
