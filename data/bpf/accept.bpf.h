// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The exit point accept: at the SYN, before the listener knows of it, and when there is a connection. */
#ifndef GREENWALL_ACCEPT_BPF_H
#define GREENWALL_ACCEPT_BPF_H

#include "listen.bpf.h"
#include "packets.bpf.h"

#define MET 256

struct syn {
    struct key local, remote;
    __u32 ports, number;
};

/* Where an owner is made: it is too large for the stack. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct owner);
} new_owner SEC(".maps");

/* What was decided about the SYN of a connection, for the packet that makes it; and about that, for when it is made: a
 * moment later, in the same context. By the peer's port; of two with the same the later one. */
struct met {
    struct key remote, local;
    __u32 remote_port, local_port;
    __u32 uid;
    __u32 is_syn;
    struct decision decision;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, MET);
    __type(key, __u32);
    __type(value, struct met);
} last_met SEC(".maps");

/* SYNs that were refused and journalled: each is sent again a few times. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, struct syn);
    __type(value, __u8);
} refused_syns SEC(".maps");

static __always_inline struct met *met_of(struct request *request)
{
    __u32 at = request->values[REMOTE_PORT].lower & (MET - 1);
    return bpf_map_lookup_elem(&last_met, &at);
}

static __always_inline int is_met(struct met *met, struct request *request)
{
    return met->remote_port == (__u32)request->values[REMOTE_PORT].lower &&
           met->local_port == (__u32)request->values[LOCAL_PORT].lower &&
           met->remote.lower == request->values[REMOTE_ADDRESS].lower &&
           met->remote.upper == request->values[REMOTE_ADDRESS].upper;
}

/* Takes over what was decided about the packet that has made a connection; 0 where that is not known. */
static __always_inline int take_over(struct request *request, struct decision *decision)
{
    struct met *met = met_of(request);
    if (!met || met->is_syn || !is_met(met, request))
        return 0;
    *decision = met->decision;
    met->remote_port = 0;
    return 1;
}

static __always_inline void on_accepted(struct bpf_sock_ops *ctx, struct request *request)
{
    struct decision decision = {};
    struct owner *owner = bpf_sk_storage_get(&owners, ctx->sk, 0, 0);
    if (owner) {
        if (owner->exempt)
            return;
        request->pid = owner->pid;
        request->values[USER_NUMBER].lower = owner->uid;
    }
    request->exit_point = ACCEPT;
    set_ends(ctx, request, 1);
    if (!take_over(request, &decision))
        decide(request, &decision);
    if (!decision.off)
        tell(request, &decision, owner);
}

/* Says whether a decision of a SYN holds for the packet behind it: the same ends, user and policy. */
static __always_inline int still_holds(struct met *met, struct request *request)
{
    return met->is_syn && is_met(met, request) && met->uid == (__u32)request->values[USER_NUMBER].lower &&
           met->local.lower == request->values[LOCAL_ADDRESS].lower &&
           met->local.upper == request->values[LOCAL_ADDRESS].upper &&
           met->decision.activation == activation_in_force();
}

/* Decides about a listener when somebody comes: one of which nothing is known, because it was there before these
 * programs, or there was no memory for its owner; or an inert one, since another policy was activated: another
 * revision, or the same one in another mode or at another time of the day. */
static __always_inline struct owner *look_again(struct bpf_sock *sock, struct owner *owner, struct owner *now,
                                                struct request *request, struct decision *decision)
{
    request->exit_point = LISTEN;
    request->flags = INERT;
    request->pid = now->pid;
    request->values[USER_NUMBER].lower = now->uid;
    request->values[LOCAL_PORT].lower = sock->src_port;
    if (sock->family == AF_INET) {
        set_ipv4(&request->values[LOCAL_ADDRESS], sock->src_ip4);
    } else {
        __be32 own[4] = WORDS(sock->src_ip6);
        set_ipv6(&request->values[LOCAL_ADDRESS], own);
    }
    decide_listen(sock, request, decision);
    now->activation = decision->activation;
    now->inert = decision->outcome == REJECTED;
    if (owner) {
        owner->activation = now->activation;
        owner->inert = now->inert;
    } else {
        owner = bpf_sk_storage_get(&owners, sock, now, BPF_SK_STORAGE_GET_F_CREATE);
        if (owner && owner->inert)
            tell(request, decision, owner);
    }
    request->flags = 0;
    return owner;
}

SEC("cgroup_skb/ingress")
int ingress(struct __sk_buff *skb)
{
    struct bpf_sock *sock = skb->sk;
    if (!sock || sock->state != BPF_TCP_LISTEN) /* first: every packet comes by here */
        return 1;
    struct request request = {};
    struct decision decision = {};
    struct tcphdr tcp;
    struct syn syn;
    __u32 zero = 0;
    __u8 seen = 1;
    sock = bpf_sk_fullsock(sock);
    if (!sock)
        return 1;
    struct owner *owner = bpf_sk_storage_get(&owners, sock, 0, 0);
    if (!owner || (owner->inert && owner->activation != activation_in_force())) {
        struct owner *now = bpf_map_lookup_elem(&new_owner, &zero);
        if (!now)
            return 0;
        now->uid = owner ? owner->uid : bpf_get_socket_uid(skb);
        now->pid = owner ? owner->pid : 0;
        owner = look_again(sock, owner, now, &request, &decision);
    }
    if (!owner) /* no memory: it might be one that nothing may reach */
        return 0;
    if (owner->exempt)
        return 1;
    __u32 at = tcp_at(skb, &request);
    if (!at || bpf_skb_load_bytes(skb, at, &tcp, sizeof(tcp)))
        return 0;
    request.exit_point = ACCEPT;
    request.values[USER_NUMBER].lower = owner->uid;
    request.pid = owner->pid;
    request.values[LOCAL_PORT].lower = bpf_ntohs(tcp.dest);
    request.values[REMOTE_PORT].lower = bpf_ntohs(tcp.source);
    if (owner->inert)
        return 0;
    struct met *met = met_of(&request);
    if (!tcp.syn && met && still_holds(met, &request))
        decision = met->decision;
    else
        decide(&request, &decision);
    if (decision.outcome != REJECTED && at > sizeof(struct iphdr) && skb->protocol == bpf_htons(ETH_P_IP) &&
        decision.settings & REFUSE_UNSEEN && is_source_routed(skb)) /* the answers would go that way, too */
        refuse_route(&request, &decision);
    if (decision.outcome != REJECTED) {
        if (met) {
            met->remote = request.values[REMOTE_ADDRESS];
            met->local = request.values[LOCAL_ADDRESS];
            met->local_port = request.values[LOCAL_PORT].lower;
            met->uid = request.values[USER_NUMBER].lower;
            met->is_syn = tcp.syn;
            met->decision = decision;
            met->remote_port = request.values[REMOTE_PORT].lower;
        }
        return 1;
    }
    if (!tcp.syn)
        return 0;
    syn.local = request.values[LOCAL_ADDRESS];
    syn.remote = request.values[REMOTE_ADDRESS];
    syn.ports = (__u32)tcp.source << 16 | tcp.dest;
    syn.number = tcp.seq;
    if (bpf_map_update_elem(&refused_syns, &syn, &seen, BPF_NOEXIST))
        return 0;
    if (!(request.flags & RAW))
        request.detail = tcp.seq;
    tell(&request, &decision, owner);
    return 0;
}

#endif
