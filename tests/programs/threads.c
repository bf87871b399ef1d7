/* threads HOST PORT THREADS TIMES: connects TIMES times in each of THREADS threads at once; prints how many connections
   were made and how many refused. */
#include "exchange.h"
#include <pthread.h>
#include <stdatomic.h>

static struct sockaddr_in address;
static int times;
static atomic_int made, refused;

static void *work(void *unused)
{
    for (int turn = 0; turn < times; turn++) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(client, (struct sockaddr *)&address, sizeof address))
            refused++;
        else
            made++;
        close(client);
    }
    return unused;
}

int main(int count, char **arguments)
{
    if (count < 5)
        return 2;
    int threads = atoi(arguments[3]);
    pthread_t thread[64];
    if (threads < 1 || threads > 64)
        return 2;
    address = address_of(arguments[1], arguments[2]);
    times = atoi(arguments[4]);
    for (int at = 0; at < threads; at++)
        pthread_create(&thread[at], NULL, work, NULL);
    for (int at = 0; at < threads; at++)
        pthread_join(thread[at], NULL);
    printf("made %d refused %d\n", made, refused);
    return 0;
}
