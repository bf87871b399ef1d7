/* client HOST PORT [TIMES]: connects, reads until the peer closes, and prints OK or the name of the errno, each time. */
#include "exchange.h"

int main(int count, char **arguments)
{
    if (count < 3)
        return 2;
    struct sockaddr_in address = address_of(arguments[1], arguments[2]);
    int times = count > 3 ? atoi(arguments[3]) : 1, refused = 0;
    for (int turn = 0; turn < times; turn++) {
        int client = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(client, (struct sockaddr *)&address, sizeof address)) {
            puts(strerrorname_np(errno));
            refused = 1;
        } else {
            char rest[512];
            while (read(client, rest, sizeof rest) > 0)
                ;
            puts("OK");
        }
        close(client);
    }
    return refused;
}
