/* Every length an address can be said to have, right and wrong ones. */
#include "escape.h"

int main(int count, char **arguments)
{
    prepare(count, arguments);
    struct sockaddr_in *place = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const char *hosts[] = {FORBIDDEN, ALLOWED};
    for (int host = 0; host < 2; host++) {
        *place = address_of(hosts[host], open_port);
        char results[512] = "", last[32] = "";
        for (long length = -2; length <= 130; length++) {
            int client = stream();
            const char *result = connect(client, (struct sockaddr *)place, (socklen_t)length)
                                     ? strerrorname_np(errno) : "0";
            if (strcmp(result, last))
                snprintf(results + strlen(results), 64, " %ld:%s", length, result);
            strcpy(last, result);
            close(client);
        }
        printf("%s%s\n", host ? "allowed" : "forbidden", results);
    }
    /* An address whose last octets are not there. */
    struct sockaddr_in *edge = (struct sockaddr_in *)((char *)place + 4096 - 12);
    struct sockaddr_in refused = forbidden_address();
    memcpy(edge, &refused, 12);
    munmap((char *)place + 4096, 4096);
    say("edge", connect(stream(), (struct sockaddr *)edge, 16));
}
