/* named NAME PORT [TIMES]: looks a name up as programs do, says where it leads and back, and connects there. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void once(const char *name, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC}, *found, *each;
    char host[INET6_ADDRSTRLEN], back[NI_MAXHOST] = "none", octets[16] = {0};
    int problem = getaddrinfo(name, port, &hints, &found);
    if (problem) {
        printf("unknown %d\n", problem);
        return;
    }
    for (each = found; each; each = each->ai_next) {
        getnameinfo(each->ai_addr, each->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
        printf("address %s\n", host);
    }
    problem = getnameinfo(found->ai_addr, found->ai_addrlen, back, sizeof back, NULL, 0, NI_NAMEREQD);
    printf("name %s\n", problem ? "none" : back);
    int client = socket(found->ai_family, SOCK_STREAM, 0);
    problem = connect(client, found->ai_addr, found->ai_addrlen) ? errno : 0;
    printf("connect %d\n", problem);
    if (!problem) {
        struct sockaddr_storage peer;
        socklen_t length = sizeof peer;
        getpeername(client, (struct sockaddr *)&peer, &length);
        getnameinfo((struct sockaddr *)&peer, length, host, sizeof host, NULL, 0, NI_NUMERICHOST);
        printf("peer %s\n", host);
        if (send(client, "hello", 5, 0) == 5 && recv(client, octets, 5, MSG_WAITALL) == 5)
            printf("echo %s\n", octets);
    }
    close(client);
    freeaddrinfo(found);
}

int main(int count, char **words)
{
    int times = count > 3 ? atoi(words[3]) : 1;
    while (times-- > 0)
        once(words[1], words[2]);
    return 0;
}
