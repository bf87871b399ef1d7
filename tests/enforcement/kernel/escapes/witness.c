/* Stands outside of any guard and counts what arrives. Prints its two ports; for each line on stdin prints how many
   connections (tcp) and datagrams (udp) came to each local address and port since the last, as words "tcp ADDRESS PORT
   COUNT", ended by "."; listens and receives on all addresses of both families. */
#include "../programs/probe.h"

struct count {
    const char *kind;
    char address[INET6_ADDRSTRLEN];
    int port, count;
};
static struct count counts[256];

static void witness(const char *kind, const struct in6_addr *address, int port)
{
    char text[INET6_ADDRSTRLEN];
    if (IN6_IS_ADDR_V4MAPPED(address))
        inet_ntop(AF_INET, address->s6_addr + 12, text, sizeof text);
    else
        inet_ntop(AF_INET6, address, text, sizeof text);
    for (struct count *at = counts; at < counts + 256; at++) {
        if (!at->kind) {
            at->kind = kind, at->port = port;
            strcpy(at->address, text);
        }
        if (at->kind == kind && at->port == port && !strcmp(at->address, text)) {
            at->count++;
            return;
        }
    }
}

static const char tcp[] = "tcp", udp[] = "udp";

static void take_connections(int server)
{
    struct sockaddr_in6 here;
    for (int peer; (peer = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0; close(peer)) {
        socklen_t length = sizeof here;
        getsockname(peer, (struct sockaddr *)&here, &length);
        witness(tcp, &here.sin6_addr, ntohs(here.sin6_port));
    }
}

static void take_datagrams(int server, int port)
{
    char octets[2048], control[256];
    for (;;) {
        struct iovec vector = {octets, sizeof octets};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control,
                                 .msg_controllen = sizeof control};
        if (recvmsg(server, &message, MSG_DONTWAIT) < 0)
            return;
        for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at))
            if (at->cmsg_level == IPPROTO_IPV6 && at->cmsg_type == IPV6_PKTINFO)
                witness(udp, &((struct in6_pktinfo *)CMSG_DATA(at))->ipi6_addr, port);
    }
}

static int open_on(int type, int *port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((unsigned short)*port)};
    socklen_t length = sizeof address;
    int on = 1, off = 0, made = socket(AF_INET6, type | SOCK_NONBLOCK, 0);
    setsockopt(made, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    setsockopt(made, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
    if (bind(made, (struct sockaddr *)&address, sizeof address) || (type == SOCK_STREAM && listen(made, 4096)))
        exit(1);
    getsockname(made, (struct sockaddr *)&address, &length);
    *port = ntohs(address.sin6_port);
    return made;
}

int main(void)
{
    int ports[2] = {0, 0};
    struct pollfd ends[5] = {{.fd = 0, .events = POLLIN}};
    for (int at = 0; at < 2; at++) {
        ends[1 + at] = (struct pollfd){.fd = open_on(SOCK_STREAM, &ports[at]), .events = POLLIN};
        ends[3 + at] = (struct pollfd){.fd = open_on(SOCK_DGRAM, &ports[at]), .events = POLLIN};
    }
    printf("%d %d\n", ports[0], ports[1]);
    fflush(stdout);
    for (char line[16];;) {
        poll(ends, 5, -1);
        for (int at = 0; at < 2; at++) {
            take_connections(ends[1 + at].fd);
            take_datagrams(ends[3 + at].fd, ports[at]);
        }
        if (!ends[0].revents)
            continue;
        if (!fgets(line, sizeof line, stdin))
            return 0;
        for (struct count *at = counts; at < counts + 256 && at->kind; at++)
            printf("%s %s %d %d\n", at->kind, at->address, at->port, at->count);
        printf(".\n");
        fflush(stdout);
        memset(counts, 0, sizeof counts);
    }
}
