/* datagrams WHAT ARGUMENTS...: programs that send datagrams. */
#include "probe.h"

static int datagrams(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0);
}

/* Says how many octets a send took, or its errno. */
static void count(const char *what, long result)
{
    if (result < 0)
        say(what, -1);
    else
        printf("%s %ld\n", what, result);
    fflush(stdout);
}

/* Returns a datagram socket bound to an address, and its port. */
static int receiver(const char *host, int *port)
{
    int made = datagrams();
    struct sockaddr_in address = address_of(host, 0);
    socklen_t length = sizeof address;
    struct timeval patience = {.tv_sec = 5};
    if (bind(made, (struct sockaddr *)&address, length) || getsockname(made, (struct sockaddr *)&address, &length))
        return -1;
    setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    *port = ntohs(address.sin_port);
    return made;
}

/* each PORT HOST...: one datagram a host, in each way there is. */
static int each(int given, char **arguments)
{
    for (int at = 1; at < given; at++) {
        struct sockaddr_in address = address_of(arguments[at], atoi(arguments[0]));
        struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = address.sin_port,
                                      .sin6_addr.s6_addr = {[10] = 0xff, [11] = 0xff}};
        memcpy(mapped.sin6_addr.s6_addr + 12, &address.sin_addr, 4);
        struct sockaddr_in unspecific = address;
        unspecific.sin_family = AF_UNSPEC;
        struct iovec octets = {.iov_base = "abc", .iov_len = 3};
        struct mmsghdr one = {.msg_hdr = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &octets,
                                          .msg_iovlen = 1}};
        puts(arguments[at]);
        count("sendto", sendto(datagrams(), "abc", 3, 0, (struct sockaddr *)&address, sizeof address));
        count("unspecific", sendto(datagrams(), "abc", 3, 0, (struct sockaddr *)&unspecific, sizeof unspecific));
        count("mapped", sendto(socket(AF_INET6, SOCK_DGRAM, 0), "abc", 3, 0, (struct sockaddr *)&mapped, sizeof mapped));
        count("IPv4 on IPv6", sendto(socket(AF_INET6, SOCK_DGRAM, 0), "abc", 3, 0, (struct sockaddr *)&address,
                                     sizeof address));
        count("sendmsg", sendmsg(datagrams(), &one.msg_hdr, 0));
        count("sendmmsg", sendmmsg(datagrams(), &one, 1, 0));
        count("UDP-Lite", sendto(socket(AF_INET, SOCK_DGRAM, 136), "abc", 3, 0, (struct sockaddr *)&address,
                                 sizeof address));
        int client = datagrams();
        say("connect", connect(client, (struct sockaddr *)&address, sizeof address));
    }
    return 0;
}

/* edges: sends of all forms; says what each returned and what arrived. */
static int edges(int given, char **arguments)
{
    (void)given, (void)arguments;
    int port, client = datagrams();
    int server = receiver("127.0.0.1", &port);
    static char large[70000], buffer[70000];
    struct sockaddr_in to = address_of("127.0.0.1", port);
    struct sockaddr *address = (struct sockaddr *)&to;
    struct sockaddr_storage whole = {0};
    memcpy(&whole, &to, sizeof to);
    memset(large, 'x', sizeof large);
    count("no address", sendto(client, "abc", 3, 0, NULL, 0));
    count("length 0", sendto(client, "abc", 3, 0, address, 0));
    count("length 1", sendto(client, "abc", 3, 0, address, 1));
    count("length 15", sendto(client, "abc", 3, 0, address, 15));
    count("length 128", sendto(client, "abc", 3, 0, (struct sockaddr *)&whole, 128));
    count("length 129", sendto(client, "abc", 3, 0, (struct sockaddr *)&whole, 129));
    count("length -1", sendto(client, "abc", 3, 0, address, (socklen_t)-1));
    count("bad address", sendto(client, "abc", 3, 0, (struct sockaddr *)8, sizeof to));
    count("bad octets", sendto(client, (void *)8, 3, 0, address, sizeof to));
    count("no octets", sendto(client, NULL, 0, 0, address, sizeof to));
    count("no descriptor", sendto(12345, "abc", 3, 0, address, sizeof to));
    count("no socket", sendto(open("/dev/null", O_WRONLY), "abc", 3, 0, address, sizeof to));
    count("too long", sendto(client, large, 65508, 0, address, sizeof to));
    count("much too long", sendto(client, large, 65536, 0, address, sizeof to));
    count("longer than memory", sendto(client, large, 1L << 40, 0, address, sizeof to));
    count("longest", sendto(client, large, 65507, 0, address, sizeof to));
    count("out of band", sendto(client, "abc", 3, MSG_OOB, address, sizeof to));
    count("broadcast", sendto(client, "abc", 3, 0, (struct sockaddr *)&(struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = to.sin_port, .sin_addr.s_addr = 0xffffffff}, sizeof to));
    to.sin_family = AF_INET6;
    count("IPv6 on IPv4", sendto(client, "abc", 3, 0, address, sizeof to));
    to.sin_family = 77;
    count("no family", sendto(client, "abc", 3, 0, address, sizeof to));
    to.sin_family = AF_INET;
    for (long length; (length = recv(server, buffer, sizeof buffer, MSG_DONTWAIT)) >= 0;)
        printf("arrived %ld\n", length);

    struct iovec parts[3] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    struct msghdr message = {.msg_name = address, .msg_namelen = sizeof to, .msg_iov = parts, .msg_iovlen = 3};
    count("pieces", sendmsg(client, &message, 0));
    message.msg_iovlen = 1025;
    count("too many pieces", sendmsg(client, &message, 0));
    message.msg_iovlen = 3;
    parts[1].iov_len = (size_t)-1;
    count("negative piece", sendmsg(client, &message, 0));
    parts[1] = (struct iovec){(void *)8, 4};
    count("bad piece", sendmsg(client, &message, 0));
    parts[1].iov_len = 0;
    message.msg_name = NULL;
    count("no name", sendmsg(client, &message, 0));
    message.msg_name = address;
    message.msg_namelen = (socklen_t)-1;
    count("negative name", sendmsg(client, &message, 0));
    message.msg_name = &whole;
    message.msg_namelen = 500;
    count("long name", sendmsg(client, &message, 0));
    message.msg_control = (void *)8, message.msg_controllen = 24;
    count("bad control", sendmsg(client, &message, 0));
    message.msg_controllen = 1UL << 40;
    count("much control", sendmsg(client, &message, 0));
    message.msg_control = large, message.msg_controllen = 24;
    count("no control", sendmsg(client, &message, 0));
    message.msg_controllen = 0;
    count("bad message", sendmsg(client, (void *)8, 0));
    count("more", sendmsg(client, &message, MSG_MORE));
    count("and the rest", sendmsg(client, &message, 0));
    for (long length; (length = recv(server, buffer, sizeof buffer, MSG_DONTWAIT)) > 0;)
        printf("arrived %.*s\n", (int)length, buffer);

    struct mmsghdr many[4] = {0};
    for (int at = 0; at < 4; at++)
        many[at] = (struct mmsghdr){.msg_hdr = {.msg_name = address, .msg_namelen = sizeof to, .msg_iov = parts,
                                                .msg_iovlen = at}, .msg_len = 99};
    count("many", sendmmsg(client, many, 4, 0));
    many[2].msg_hdr.msg_namelen = 3;
    many[0].msg_len = many[1].msg_len = many[2].msg_len = 99;
    count("two of many", sendmmsg(client, many, 4, 0));
    printf("%u %u %u %u\n", many[0].msg_len, many[1].msg_len, many[2].msg_len, many[3].msg_len);
    count("none of many", sendmmsg(client, many + 2, 2, 0));
    count("nothing", sendmmsg(client, many, 0, 0));
    count("bad many", sendmmsg(client, (void *)8, 2, 0));

    int gone_port, gone = receiver("127.0.0.1", &gone_port);
    close(gone);
    struct sockaddr_in nowhere = address_of("127.0.0.1", gone_port);
    int asking = datagrams();
    say("connect", connect(asking, (struct sockaddr *)&nowhere, sizeof nowhere));
    message.msg_name = NULL;
    message.msg_namelen = 0;
    count("to nobody", sendmsg(asking, &message, 0));
    count("after that", sendmsg(asking, &message, 0));
    shutdown(asking, SHUT_WR);
    count("shut", sendmsg(asking, &message, 0));
    return 0;
}

int main(int given, char **arguments)
{
    if (given > 3 && !strcmp(arguments[1], "each"))
        return each(given - 2, arguments + 2);
    if (given > 1 && !strcmp(arguments[1], "edges"))
        return edges(given - 2, arguments + 2);
    return 2;
}
