/* latency HOST PORT: for each line COUNT on stdin, connects COUNT times and prints the nanoseconds each connect took, on
   one line. It stays alive between lines so that a bench can take turns among several of them. */
#include "exchange.h"
#include <time.h>

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int count, char **arguments)
{
    char line[64];
    /* Closing with a reset leaves no port in TIME_WAIT: the ports would run out within seconds otherwise. */
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (count < 3)
        return 2;
    struct sockaddr_in address = address_of(arguments[1], arguments[2]);
    while (fgets(line, sizeof line, stdin)) {
        int times = atoi(line);
        long long *taken = calloc((size_t)times + 1, sizeof *taken);
        for (int turn = 0; turn < times; turn++) {
            int client = socket(AF_INET, SOCK_STREAM, 0);
            setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            long long before = nanoseconds();
            int failed = connect(client, (struct sockaddr *)&address, sizeof address);
            taken[turn] = nanoseconds() - before;
            if (failed) {
                puts(strerrorname_np(errno));
                return 1;
            }
            close(client);
        }
        for (int turn = 0; turn < times; turn++)
            printf("%lld ", taken[turn]);
        putchar('\n');
        fflush(stdout);
        free(taken);
    }
    return 0;
}
