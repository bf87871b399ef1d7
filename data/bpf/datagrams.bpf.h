// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Datagrams: of those that are let pass the first of each kind is told, once it is known that it goes its way. */
#ifndef GREENWALL_DATAGRAMS_BPF_H
#define GREENWALL_DATAGRAMS_BPF_H

#include "events.bpf.h"
#include "packets.bpf.h"
#include "policy.bpf.h"

/* Datagrams that were let pass and journalled: the first of each socket and destination is. */
struct sent {
    __u64 cookie;
    struct key remote;
    __u32 port, uid, revision, sequence;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, struct sent);
    __type(value, __u8);
} sent_datagrams SEC(".maps");

/* A datagram that was let go on by its address, until it is seen whether its way is, too: then it is told. */
enum { NONE, BEING_WRITTEN, UNSENT, BEING_TOLD };

struct unsent {
    struct bpf_spin_lock lock;
    __u32 state;
    __u64 task; /* the thread that sends it */
    struct sent sent;
    struct event event;
};

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct unsent);
} unsent_datagrams SEC(".maps");

/* Says whether rules are asked about what a socket of this kind does: datagrams where the policy says so, and never what
 * has no port and no connection. */
static __always_inline int is_decided(struct bpf_sock_addr *ctx, struct request *request)
{
    __u32 revision;
    if (ctx->type == SOCK_RAW)
        return 0;
    if (ctx->type != SOCK_DGRAM)
        return 1;
    request->flags = DATAGRAM;
    return policy_flags(&revision) & DECIDE_DATAGRAMS;
}

/* What stands for datagrams of which one is told: with this destination and by this rule. */
static __always_inline void name_sent(struct sent *sent, __u64 cookie, struct request *request,
                                      struct decision *decision)
{
    sent->cookie = cookie;
    sent->remote = request->values[REMOTE_ADDRESS];
    sent->port = request->values[REMOTE_PORT].lower;
    sent->uid = request->values[USER_NUMBER].lower;
    sent->revision = decision->revision;
    sent->sequence = decision->sequence;
}

/* Says whether a datagram was told of already. */
static __always_inline int is_told(void *ctx, struct request *request, struct decision *decision)
{
    __u8 seen = 1;
    struct sent sent;
    name_sent(&sent, bpf_get_socket_cookie(ctx), request, decision);
    return bpf_map_update_elem(&sent_datagrams, &sent, &seen, BPF_NOEXIST) != 0;
}

/* Tells of a decision; of one that lets datagrams pass once. */
static __always_inline void tell_once(void *ctx, struct request *request, struct decision *decision)
{
    if (decision->off)
        return;
    if (request->flags & DATAGRAM && decision->outcome != REJECTED && decision->journal &&
        is_told(ctx, request, decision))
        count(DECIDED);
    else
        tell(request, decision, 0);
}

/* Two threads may send by one socket: what one is at, the other leaves alone. */
static __always_inline int moved(struct unsent *unsent, __u32 from, __u32 to)
{
    bpf_spin_lock(&unsent->lock);
    int is_there = unsent->state == from;
    if (is_there)
        unsent->state = to;
    bpf_spin_unlock(&unsent->lock);
    return is_there;
}

/* Tells of a datagram that may go its way, or never came to where that is seen. */
static __noinline int tell_unsent(struct unsent *unsent)
{
    __u8 seen = 1;
    struct sent sent;
    if (!unsent)
        return 0;
    sent = unsent->sent;
    count(DECIDED);
    if (bpf_map_update_elem(&sent_datagrams, &sent, &seen, BPF_NOEXIST))
        return 0;
    struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) {
        count(LOST);
        return 0;
    }
    __builtin_memcpy(event, &unsent->event, sizeof(*event));
    bpf_ringbuf_submit(event, 0);
    return 0;
}

/* Tells of a datagram that was let go on by its address when it is sent, because a message may say another way for it;
 * the program that sees that (egress) runs wherever datagrams are decided. */
static __always_inline void tell_when_sent(struct bpf_sock_addr *ctx, struct request *request,
                                           struct decision *decision)
{
    struct sent sent;
    name_sent(&sent, bpf_get_socket_cookie(ctx), request, decision);
    if (bpf_map_lookup_elem(&sent_datagrams, &sent)) {
        count(DECIDED);
        return;
    }
    struct unsent *unsent =
        ctx->sk ? bpf_sk_storage_get(&unsent_datagrams, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE) : 0;
    int is_another = unsent && moved(unsent, UNSENT, BEING_TOLD);
    if (is_another)
        tell_unsent(unsent);
    if (!unsent || !moved(unsent, is_another ? BEING_TOLD : NONE, BEING_WRITTEN)) {
        tell_once(ctx, request, decision);
        return;
    }
    unsent->task = bpf_get_current_task();
    unsent->sent = sent;
    describe(&unsent->event, request, decision, 0);
    moved(unsent, BEING_WRITTEN, UNSENT);
}

/* A datagram that this thread has been let send is on its way, or refused for its way. */
static __always_inline void settle_unsent(struct bpf_sock *sock, int is_refused)
{
    struct unsent *unsent = bpf_sk_storage_get(&unsent_datagrams, sock, 0, 0);
    if (!unsent || !moved(unsent, UNSENT, BEING_TOLD))
        return;
    int is_ours = unsent->task == bpf_get_current_task();
    if (is_ours && !is_refused)
        tell_unsent(unsent);
    moved(unsent, BEING_TOLD, is_ours ? NONE : UNSENT);
}

/* Where datagrams are decided: the sockets of ICMP that need no privilege send where they like without a hook of their
 * own, and a message of any socket can carry a route. */
SEC("cgroup_skb/egress")
int egress(struct __sk_buff *skb)
{
    struct request request = {};
    struct decision decision = {};
    struct bpf_sock *sock = skb->sk ? bpf_sk_fullsock(skb->sk) : 0; /* first: every packet comes by here */
    if (!sock || sock->type != SOCK_DGRAM)
        return 1;
    int is_echo = sock->protocol == IPPROTO_ICMP || sock->protocol == IPPROTO_ICMPV6;
    int is_ipv4 = skb->protocol == bpf_htons(ETH_P_IP);
    __u64 flags = policy_flags(&decision.revision);
    int is_routed = flags & REFUSE_UNSEEN && (is_ipv4 ? is_source_routed(skb) : has_routing_header(skb));
    if (!(flags & DECIDE_DATAGRAMS))
        return 1;
    if (!is_echo && !is_routed) {
        settle_unsent(sock, 0);
        return 1;
    }
    set_caller(&request);
    if (is_of_guard(request.pid))
        return 1;
    settle_unsent(sock, is_routed);
    request.exit_point = CONNECT;
    request.flags = DATAGRAM;
    request.values[LOCAL_PORT].lower = sock->src_port;
    if (is_ipv4) {
        struct iphdr header;
        if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)))
            return 0;
        set_ipv4(&request.values[LOCAL_ADDRESS], sock->src_ip4);
        set_ipv4(&request.values[REMOTE_ADDRESS], header.daddr);
    } else {
        struct ipv6hdr header;
        __be32 own[4] = WORDS(sock->src_ip6);
        if (bpf_skb_load_bytes(skb, 0, &header, sizeof(header)))
            return 0;
        set_ipv6(&request.values[LOCAL_ADDRESS], own);
        set_ipv6(&request.values[REMOTE_ADDRESS], (__be32 *)&header.daddr);
    }
    if (is_routed) { /* its address and port were decided when it was sent: sendmsg */
        request.values[REMOTE_PORT].lower = port_of_datagram(skb);
        refuse_route(&request, &decision);
    } else {
        decide(&request, &decision);
    }
    tell_once(skb, &request, &decision);
    return decision.error == 0;
}

#endif
