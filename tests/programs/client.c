/* client HOST PORT [TIMES]: connects, reads until the peer closes, and prints OK or the name of the errno, each time.
   With TIMES a hyphen it does so once for each line on stdin. Ends with 1 when any was refused. */
#include "exchange.h"

static struct sockaddr_in address;

static int connect_once(void)
{
    int client = socket(AF_INET, SOCK_STREAM, 0), refused = 0;
    if (connect(client, (struct sockaddr *)&address, sizeof address)) {
        puts(strerrorname_np(errno));
        refused = 1;
    } else {
        char rest[512];
        shutdown(client, SHUT_WR);
        while (read(client, rest, sizeof rest) > 0)
            ;
        puts("OK");
    }
    fflush(stdout);
    close(client);
    return refused;
}

int main(int count, char **arguments)
{
    char line[64];
    int refused = 0;
    if (count < 3)
        return 2;
    address = address_of(arguments[1], arguments[2]);
    if (count > 3 && !strcmp(arguments[3], "-")) {
        while (fgets(line, sizeof line, stdin))
            refused |= connect_once();
        return refused;
    }
    for (int times = count > 3 ? atoi(arguments[3]) : 1; times > 0; times--)
        refused |= connect_once();
    return refused;
}
