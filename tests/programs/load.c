/* load HOST PORT [REQUEST]: for each line COUNT THREADS WAIT on stdin, makes COUNT connections in so many threads at once
   and prints how many nanoseconds all of it took. Each sends the request, if there is one; with WAIT other than 0 each
   reads until the server closes. The others are closed with a reset, which leaves no port in TIME_WAIT. */
#include "exchange.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static struct sockaddr_in address;
static const char *request;
static int waits;
static atomic_int left;
static pthread_barrier_t start;

static long long nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void fail(void)
{
    puts(strerrorname_np(errno));
    exit(1);
}

static void *work(void *nothing)
{
    char buffer[65536];
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    pthread_barrier_wait(&start);
    while (atomic_fetch_sub(&left, 1) > 0) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(client, (struct sockaddr *)&address, sizeof address))
            fail();
        if (request && send(client, request, strlen(request), MSG_NOSIGNAL) < 0)
            fail();
        if (waits) {
            ssize_t got;
            while ((got = recv(client, buffer, sizeof buffer, 0)) > 0)
                ;
            if (got < 0)
                fail();
        } else
            setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(client);
    }
    return nothing;
}

int main(int count, char **arguments)
{
    char line[64];
    if (count < 3)
        return 2;
    address = address_of(arguments[1], arguments[2]);
    request = count > 3 ? arguments[3] : NULL;
    while (fgets(line, sizeof line, stdin)) {
        int times, threads;
        if (sscanf(line, "%d %d %d", &times, &threads, &waits) != 3 || threads < 1 || threads > 256)
            return 2;
        pthread_t all[256];
        left = times;
        pthread_barrier_init(&start, NULL, (unsigned)threads + 1);
        for (int each = 0; each < threads; each++)
            if (pthread_create(&all[each], NULL, work, NULL))
                return 1;
        long long before = nanoseconds();
        pthread_barrier_wait(&start);
        for (int each = 0; each < threads; each++)
            pthread_join(all[each], NULL);
        printf("%lld\n", nanoseconds() - before);
        fflush(stdout);
        pthread_barrier_destroy(&start);
    }
    return 0;
}
