// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* What packets say: where their headers are, and whether they or their socket name a way of their own. */
#ifndef GREENWALL_PACKETS_BPF_H
#define GREENWALL_PACKETS_BPF_H

#include "callers.bpf.h"

#define MAX_EXTENSIONS 8
#define OPTION_END 0 /* of IPv4's, and the next (RFC 791) */
#define OPTION_NONE 1
#define OPTION_LOOSE 131
#define OPTION_STRICT 137
#define MOST_OPTIONS 40

/* Finds the TCP header; 0 where there is none, or too much before it. */
static __always_inline __u32 tcp_at(struct __sk_buff *skb, struct request *request)
{
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        struct iphdr header;
        if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)) || header.protocol != IPPROTO_TCP)
            return 0;
        set_ipv4(&request->values[LOCAL_ADDRESS], header.daddr);
        set_ipv4(&request->values[REMOTE_ADDRESS], header.saddr);
        return header.ihl * 4;
    }
    struct ipv6hdr header;
    if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)))
        return 0;
    set_ipv6(&request->values[LOCAL_ADDRESS], (__be32 *)&header.daddr);
    set_ipv6(&request->values[REMOTE_ADDRESS], (__be32 *)&header.saddr);
    __u8 next = header.nexthdr;
    __u32 at = sizeof(header);
    for (int i = 0; i < MAX_EXTENSIONS; i++) {
        __u8 extension[2];
        if (next == IPPROTO_TCP)
            return at;
        if ((next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS) ||
            bpf_skb_load_bytes(skb, at, extension, sizeof(extension)))
            return 0;
        next = extension[0];
        at += (extension[1] + 1) * 8;
    }
    return 0;
}

/* Says whether a packet of IPv4 goes by way of hosts that it names itself. */
static __noinline int is_source_routed(struct __sk_buff *skb)
{
    struct iphdr header;
    if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)))
        return 1;
    __u32 at = sizeof(header), end = header.ihl * 4;
    for (int i = 0; i < MOST_OPTIONS; i++) {
        __u8 option = OPTION_END, size = 0;
        if (at >= end)
            return 0;
        if (bpf_skb_load_bytes(skb, at, &option, 1))
            return 1;
        if (option == OPTION_END)
            return 0;
        if (option == OPTION_LOOSE || option == OPTION_STRICT)
            return 1;
        if (option == OPTION_NONE)
            size = 1;
        else if (bpf_skb_load_bytes(skb, at + 1, &size, 1) || size < 2)
            return 1;
        at += size;
    }
    return 0;
}

/* Says the same of one of IPv6. */
static __noinline int has_routing_header(struct __sk_buff *skb)
{
    struct ipv6hdr header;
    if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)))
        return 1;
    __u8 next = header.nexthdr;
    __u32 at = sizeof(header);
    for (int i = 0; i < MAX_EXTENSIONS; i++) {
        __u8 extension[2];
        if (next == IPPROTO_ROUTING)
            return 1;
        if (next != IPPROTO_HOPOPTS && next != IPPROTO_DSTOPTS)
            return 0;
        if (bpf_skb_load_bytes(skb, at, extension, sizeof(extension)))
            return 1;
        next = extension[0];
        at += (extension[1] + 1) * 8;
    }
    return 1;
}

/* Finds the port that a datagram of UDP goes to; 0 where there is none. */
static __noinline int port_of_datagram(struct __sk_buff *skb)
{
    __u32 at;
    __be16 port;
    __u8 next, extension[2];
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        struct iphdr header;
        if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)))
            return 0;
        at = header.ihl * 4;
        next = header.protocol;
    } else {
        struct ipv6hdr header;
        if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)))
            return 0;
        at = sizeof(header);
        next = header.nexthdr;
        for (int i = 0; i < MAX_EXTENSIONS; i++) {
            if ((next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS) ||
                bpf_skb_load_bytes(skb, at, extension, sizeof(extension)))
                break;
            next = extension[0];
            at += (extension[1] + 1) * 8;
        }
    }
    if ((next != IPPROTO_UDP && next != IPPROTO_UDPLITE) || bpf_skb_load_bytes(skb, at + 2, &port, sizeof(port)))
        return 0;
    return bpf_ntohs(port);
}

/* Says whether packets of a socket go by way of hosts that it was told of before anybody could forbid it. */
static __always_inline int has_route(struct bpf_sock *sock)
{
    struct inet_sock___part *inet = sock ? (void *)bpf_skc_to_tcp_sock(sock) : 0;
    if (!inet)
        return 0;
    if (BPF_CORE_READ(inet, inet_opt) && BPF_CORE_READ(inet, inet_opt, opt.srr))
        return 1;
    return bpf_core_field_exists(inet->pinet6) && BPF_CORE_READ(inet, pinet6, opt, srcrt);
}

static __always_inline void refuse_route(struct request *request, struct decision *decision)
{
    request->flags |= RAW;
    request->detail = 0;
    decision->sequence = 0;
    decision->outcome = REJECTED;
    decision->error = EPERM;
    decision->journal = 1;
    decision->alert = 0;
    decision->off = 0;
}

#endif
