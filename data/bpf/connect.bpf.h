// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The exit point connect: of TCP, and of datagrams where the policy says so. */
#ifndef GREENWALL_CONNECT_BPF_H
#define GREENWALL_CONNECT_BPF_H

#include "datagrams.bpf.h"
#include "relay.bpf.h"

/* Answers the port of the relay to be led there, 0 to go where the call says, and a negative number to fail. */
static __always_inline int on_connect(struct bpf_sock_addr *ctx, struct request *request, int is_message)
{
    struct decision decision = {}, route = {};
    set_connecting(ctx, request);
    if (is_of_guard(request->pid))
        return 0;
    request->exit_point = CONNECT;
    if (ctx->protocol != IPPROTO_ICMP && ctx->protocol != IPPROTO_ICMPV6) /* these have no ports */
        request->values[REMOTE_PORT].lower = bpf_ntohs(ctx->user_port);
    if (ctx->sk)
        request->values[LOCAL_PORT].lower = ctx->sk->src_port;
    if (is_tcp(ctx))
        decide_with_way(request, &decision, &route);
    else
        decide(request, &decision);
    if (!decision.error && decision.settings & REFUSE_UNSEEN && is_tcp(ctx) && has_route(ctx->sk))
        refuse_route(request, &decision);
    if (!decision.error && (route.error || route.sequence)) {
        int led = lead(ctx, request, &decision, &route);
        if (led > 0)
            return led;
    }
    if (is_message && decision.outcome != REJECTED && decision.journal && !decision.off)
        tell_when_sent(ctx, request, &decision);
    else
        tell_once(ctx, request, &decision);
    if (!decision.error)
        return 0;
    bpf_set_retval(-(int)decision.error);
    return -1;
}

/* 0.0.0.0 and :: lead to the address that the socket is bound to, or to loopback. Rules must see where they lead, so it
 * is put in their place, whatever the kernel would have taken for it. */
static __always_inline int on_connect4(struct bpf_sock_addr *ctx, int is_message)
{
    struct request request = {};
    if (!is_decided(ctx, &request))
        return 0;
    __be32 own = ctx->sk ? FIELD(ctx->sk->src_ip4) : 0;
    __be32 far = FIELD(ctx->user_ip4);
    if (!far)
        ctx->user_ip4 = far = own ? own : bpf_htonl(LOOPBACK);
    set_ipv4(&request.values[REMOTE_ADDRESS], far);
    if (ctx->sk)
        set_ipv4(&request.values[LOCAL_ADDRESS], own);
    return on_connect(ctx, &request, is_message);
}

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
    forget_destination(ctx);
    int led = on_connect4(ctx, 0);
    if (led > 0) {
        ctx->user_ip4 = bpf_htonl(LOOPBACK);
        ctx->user_port = bpf_htons(led);
    }
    return led >= 0;
}

SEC("cgroup/sendmsg4")
int sendmsg4(struct bpf_sock_addr *ctx)
{
    return on_connect4(ctx, 1) >= 0;
}

static __always_inline int on_connect6(struct bpf_sock_addr *ctx, int is_message)
{
    struct request request = {};
    if (!is_decided(ctx, &request))
        return 0;
    struct key *far = &request.values[REMOTE_ADDRESS], *near = &request.values[LOCAL_ADDRESS];
    __be32 address[4] = WORDS(ctx->user_ip6);
    set_ipv6(far, address);
    if (ctx->sk) {
        __be32 own[4] = WORDS(ctx->sk->src_ip6);
        set_ipv6(near, own);
    }
    if (!far->upper && (!far->lower || far->lower == MAPPED)) {
        int is_near_mapped = !near->upper && near->lower >> 32 == MAPPED >> 32;
        if (!far->lower && !is_near_mapped)
            far->lower = 1;
        else if (far->lower && is_near_mapped && near->lower != MAPPED)
            far->lower = near->lower;
        else
            far->lower = MAPPED | LOOPBACK;
        ctx->user_ip6[2] = bpf_htonl(far->lower >> 32);
        ctx->user_ip6[3] = bpf_htonl((__u32)far->lower);
    }
    return on_connect(ctx, &request, is_message);
}

SEC("cgroup/connect6")
int connect6(struct bpf_sock_addr *ctx)
{
    forget_destination(ctx);
    int led = on_connect6(ctx, 0);
    if (led > 0) {
        int is_ipv4 = FIELD(ctx->user_ip6[2]) == bpf_htonl(0xFFFF) && !FIELD(ctx->user_ip6[0]) && !FIELD(ctx->user_ip6[1]);
        ctx->user_ip6[0] = ctx->user_ip6[1] = 0;
        ctx->user_ip6[2] = is_ipv4 ? bpf_htonl(0xFFFF) : 0;
        ctx->user_ip6[3] = bpf_htonl(is_ipv4 ? LOOPBACK : 1);
        ctx->user_port = bpf_htons(led);
    }
    return led >= 0;
}

SEC("cgroup/sendmsg6")
int sendmsg6(struct bpf_sock_addr *ctx)
{
    return on_connect6(ctx, 1) >= 0;
}

#endif
