/* tally HOST PORT: for each line COUNT on stdin connects COUNT times, or with 0 until a connect fails, and prints how many
   succeeded, how many failed, and the name of the last errno, or OK. It counts for itself what it was told. */
#include "exchange.h"

int main(int count, char **arguments)
{
    char line[64];
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    if (count < 3)
        return 2;
    struct sockaddr_in address = address_of(arguments[1], arguments[2]);
    while (fgets(line, sizeof line, stdin)) {
        int times = atoi(line), succeeded = 0, failed = 0;
        const char *last = "OK";
        while (times ? succeeded + failed < times : !failed) {
            int client = socket(AF_INET, SOCK_STREAM, 0);
            setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            if (connect(client, (struct sockaddr *)&address, sizeof address)) {
                failed++;
                last = strerrorname_np(errno);
            } else {
                succeeded++;
            }
            close(client);
        }
        printf("%d %d %s\n", succeeded, failed, last);
        fflush(stdout);
    }
    return 0;
}
