/* Datagrams, where the policy decides them: each way to say where one goes, and each way to say it twice. */
#include "escape.h"

static int four(void) { return socket(AF_INET, SOCK_DGRAM, 0); }
static int six(void) { return socket(AF_INET6, SOCK_DGRAM, 0); }

static int by_connect(struct sockaddr_in address)
{
    int made = four();
    return connect_in(made, address) ? -1 : (int)send(made, "x", 1, 0);
}

static int by_sendto(struct sockaddr_in address)
{
    return (int)sendto(four(), "x", 1, 0, (struct sockaddr *)&address, sizeof address);
}

/* The kernel takes an address without a family for one of IPv4 (net/ipv4/udp.c, udp_sendmsg). */
static int by_sendto_without_family(struct sockaddr_in address)
{
    address.sin_family = AF_UNSPEC;
    return (int)sendto(four(), "x", 1, 0, (struct sockaddr *)&address, sizeof address);
}

static int by_sendto_on_six(struct sockaddr_in address)
{
    return (int)sendto(six(), "x", 1, 0, (struct sockaddr *)&address, sizeof address);
}

static int by_sendto_mapped(struct sockaddr_in address)
{
    struct sockaddr_in6 mapped = address6_of("::ffff:0.0.0.0", ntohs(address.sin_port));
    memcpy(mapped.sin6_addr.s6_addr + 12, &address.sin_addr, 4);
    return (int)sendto(six(), "x", 1, 0, (struct sockaddr *)&mapped, 24);
}

/* The low half of this pointer is zero. */
static int by_sendto_far_address(struct sockaddr_in address)
{
    static struct sockaddr_in *far;
    if (!far)
        far = mmap((void *)0x100000000, 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    *far = address;
    return (int)sendto(four(), "x", 1, 0, (struct sockaddr *)far, sizeof *far);
}

/* Connected where it may be, sent elsewhere. */
static int by_sendto_elsewhere(struct sockaddr_in address)
{
    int made = four();
    connect_in(made, address_of("127.0.0.9", open_port));
    return (int)sendto(made, "x", 1, 0, (struct sockaddr *)&address, sizeof address);
}

static int by_sendmsg(struct sockaddr_in address)
{
    struct iovec octets[3] = {{"x", 1}, {NULL, 0}, {"yz", 2}};
    struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = octets, .msg_iovlen = 3};
    return (int)sendmsg(four(), &message, 0);
}

/* A name longer than any address, which sendmsg cuts where sendto refuses. */
static int by_sendmsg_long_name(struct sockaddr_in address)
{
    char name[512] = {0};
    struct iovec octets = {"x", 1};
    struct msghdr message = {.msg_name = name, .msg_namelen = sizeof name, .msg_iov = &octets, .msg_iovlen = 1};
    memcpy(name, &address, sizeof address);
    return (int)sendmsg(four(), &message, 0);
}

/* With a source route as control data. */
static int by_sendmsg_with_route(struct sockaddr_in address)
{
    unsigned char room[CMSG_SPACE(8)] = {0}, route[] = {131, 7, 4, 127, 0, 0, 2, 0};
    struct iovec octets = {"x", 1};
    struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &octets, .msg_iovlen = 1,
                             .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = IPPROTO_IP, control->cmsg_type = IP_RETOPTS, control->cmsg_len = CMSG_LEN(sizeof route);
    memcpy(CMSG_DATA(control), route, sizeof route);
    return (int)sendmsg(four(), &message, 0);
}

/* The second of two messages. */
static int by_sendmmsg(struct sockaddr_in address)
{
    struct sockaddr_in first = address_of("127.0.0.9", open_port);
    struct iovec octets = {"x", 1};
    struct mmsghdr messages[2] = {
        {.msg_hdr = {.msg_name = &first, .msg_namelen = sizeof first, .msg_iov = &octets, .msg_iovlen = 1}},
        {.msg_hdr = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &octets, .msg_iovlen = 1}}};
    int sent = sendmmsg(four(), messages, 2, 0);
    return sent == 2 ? 0 : sent == 1 ? (errno = EPERM, -1) : -1;
}

/* Corked: the second part names another address than the first. */
static int by_corked(struct sockaddr_in address)
{
    int made = four();
    struct sockaddr_in first = allowed_address();
    if (sendto(made, "x", 1, MSG_MORE, (struct sockaddr *)&first, sizeof first) < 0)
        return -1;
    return (int)sendto(made, "y", 1, 0, (struct sockaddr *)&address, sizeof address);
}

/* Bound to the address, sent to 0.0.0.0. */
static int by_any_address(struct sockaddr_in address)
{
    int made = four();
    struct sockaddr_in here = address, any = address_of("0.0.0.0", open_port);
    here.sin_port = 0;
    if (bind(made, (struct sockaddr *)&here, sizeof here))
        return -1;
    return (int)sendto(made, "x", 1, 0, (struct sockaddr *)&any, sizeof any);
}

static int by_lite(struct sockaddr_in address)
{
    return (int)sendto(socket(AF_INET, SOCK_DGRAM, 136), "x", 1, 0, (struct sockaddr *)&address, sizeof address);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        int (*attempt)(struct sockaddr_in);
    } ways[] = {{"connect", by_connect}, {"sendto", by_sendto}, {"without family", by_sendto_without_family},
                {"on IPv6", by_sendto_on_six}, {"mapped", by_sendto_mapped}, {"far", by_sendto_far_address},
                {"elsewhere", by_sendto_elsewhere}, {"sendmsg", by_sendmsg}, {"long name", by_sendmsg_long_name},
                {"route", by_sendmsg_with_route}, {"sendmmsg", by_sendmmsg}, {"corked", by_corked},
                {"any", by_any_address}, {"lite", by_lite}};
    prepare(count, arguments);
    for (size_t at = 0; at < sizeof ways / sizeof *ways; at++) {
        printf("%s: ", ways[at].name), say("forbidden", ways[at].attempt(forbidden_address()));
        printf("%s: ", ways[at].name), say("allowed", ways[at].attempt(allowed_address()));
    }
}
