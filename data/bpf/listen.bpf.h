// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The exit point listen: at the bind, at the listen where security modules are asked, and when there is a listener. */
#ifndef GREENWALL_LISTEN_BPF_H
#define GREENWALL_LISTEN_BPF_H

#include "events.bpf.h"
#include "policy.bpf.h"

/* Decides about a listener; one on :: that does not leave IPv4 alone is one on 0.0.0.0 too, and is asked about as both. */
static __always_inline void decide_listener(struct sock_common___part *sock, struct request *request,
                                            struct decision *decision)
{
    struct key *local = &request->values[LOCAL_ADDRESS];
    struct decision other = {};
    decide(request, decision);
    if (decision->error || decision->off || local->upper || local->lower)
        return;
    if (sock && BPF_CORE_READ_BITFIELD_PROBED(sock, skc_ipv6only))
        return;
    local->lower = MAPPED;
    decide(request, &other);
    if (other.outcome != ALLOWED)
        *decision = other;
    else
        local->lower = 0;
}

static __always_inline void decide_listen(struct bpf_sock *sock, struct request *request, struct decision *decision)
{
    decide_listener(sock ? (void *)bpf_skc_to_tcp_sock(sock) : 0, request, decision);
}

/* A port that no listener may have is refused here, where the program hears of it. */
static __always_inline int on_bind(struct bpf_sock_addr *ctx, struct request *request)
{
    struct decision decision = {};
    set_caller(request);
    if (is_of_guard(request->pid))
        return 1;
    request->exit_point = LISTEN;
    request->values[LOCAL_PORT].lower = bpf_ntohs(ctx->user_port);
    if (!request->values[LOCAL_PORT].lower)
        return 1;
    decide_listen(ctx->sk, request, &decision);
    if (!decision.error)
        return 1;
    tell(request, &decision, 0);
    bpf_set_retval(-(int)decision.error);
    return 0;
}

SEC("cgroup/bind4")
int bind4(struct bpf_sock_addr *ctx)
{
    struct request request = {};
    if (!is_tcp(ctx))
        return 1;
    set_ipv4(&request.values[LOCAL_ADDRESS], ctx->user_ip4);
    return on_bind(ctx, &request);
}

SEC("cgroup/bind6")
int bind6(struct bpf_sock_addr *ctx)
{
    struct request request = {};
    if (!is_tcp(ctx))
        return 1;
    __be32 address[4] = WORDS(ctx->user_ip6);
    set_ipv6(&request.values[LOCAL_ADDRESS], address);
    return on_bind(ctx, &request);
}

/* Where the host has BPF among its security modules: a listen that gets by its bind fails, too, with the port that the
 * socket has. One without a port gets it later, and is seen by sock_ops; so is what is let go on here, and told there. Only
 * of a listener that listens again nothing is heard there. */
SEC("lsm_cgroup/socket_listen")
int BPF_PROG(socket_listen, struct socket___part *socket, int backlog)
{
    struct request request = {.exit_point = LISTEN};
    struct decision decision = {};
    struct sock___part *sock = socket->sk;
    struct sock_common___part *common = (void *)sock;
    if (!sock || (common->skc_family != AF_INET && common->skc_family != AF_INET6) || sock->sk_type != SOCK_STREAM ||
        (sock->sk_protocol != IPPROTO_TCP && sock->sk_protocol != IPPROTO_MPTCP))
        return 1;
    __u32 state = common->skc_state, port = common->skc_num;
    if (!port || (state != BPF_TCP_CLOSE && state != BPF_TCP_LISTEN))
        return 1;
    set_caller(&request);
    if (is_of_guard(request.pid))
        return 1;
    request.values[LOCAL_PORT].lower = port;
    if (common->skc_family == AF_INET) {
        set_ipv4(&request.values[LOCAL_ADDRESS], common->skc_rcv_saddr);
    } else {
        struct in6_addr own = {};
        if (bpf_core_field_exists(common->skc_v6_rcv_saddr))
            own = BPF_CORE_READ(common, skc_v6_rcv_saddr);
        set_ipv6(&request.values[LOCAL_ADDRESS], own.in6_u.u6_addr32);
    }
    decide_listener(common, &request, &decision);
    if (decision.error || (state == BPF_TCP_LISTEN && !decision.off))
        tell(&request, &decision, 0);
    if (!decision.error)
        return 1;
    bpf_set_retval(-(int)decision.error);
    return 0;
}

/* A listener is decided about here a second time, with the port that it has. */
static __always_inline void on_listen(struct bpf_sock_ops *ctx, struct request *request)
{
    struct decision decision = {};
    struct owner *owner = bpf_sk_storage_get(&owners, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
    struct task_struct___part *task = (void *)bpf_get_current_task();
    request->pid = BPF_CORE_READ(task, tgid);
    request->values[USER_NUMBER].lower = effective_user();
    request->exit_point = LISTEN;
    set_ends(ctx, request, 0);
    int is_exempt = is_of_guard(request->pid);
    if (owner) {
        owner->uid = request->values[USER_NUMBER].lower;
        owner->pid = request->pid;
        owner->exempt = is_exempt;
        owner->inert = 0;
        owner->activation = 0;
        set_program(&owner->program);
    }
    if (is_exempt)
        return;
    decide_listen(ctx->sk, request, &decision);
    if (decision.outcome == REJECTED) {
        request->flags = INERT;
        if (owner) {
            owner->activation = decision.activation;
            owner->inert = 1;
        }
    }
    if (!decision.off)
        tell(request, &decision, owner);
}

#endif
