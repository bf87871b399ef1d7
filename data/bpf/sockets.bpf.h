// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* What sockets are made and told, and that they are closed. */
#ifndef GREENWALL_SOCKETS_BPF_H
#define GREENWALL_SOCKETS_BPF_H

#include "datagrams.bpf.h"
#include "relay.bpf.h"

#define IP_OPTIONS 4
#define IPV6_2292RTHDR 5
#define IPV6_2292PKTOPTIONS 6
#define IPV6_FLOWLABEL_MGR 32
#define FLOWLABEL_REQUEST 32 /* octets; what is longer carries options (net/ipv6/ip6_flowlabel.c) */
#define IPV6_RTHDR 57

/* A program closes a socket. */
SEC("cgroup/sock_release")
int sock_release(struct bpf_sock *ctx)
{
    if (ctx->type == SOCK_STREAM) {
        tell_unbegun(bpf_sk_storage_get(&destinations, ctx, 0, 0));
    } else if (ctx->type == SOCK_DGRAM) {
        struct unsent *unsent = bpf_sk_storage_get(&unsent_datagrams, ctx, 0, 0);
        if (unsent && moved(unsent, UNSENT, BEING_TOLD))
            tell_unsent(unsent);
    }
    return 1;
}

/* Sockets whose packets no rule sees count as connects to anywhere. */
SEC("cgroup/sock_create")
int sock_create(struct bpf_sock *ctx)
{
    struct request request = {};
    struct decision decision = {.journal = 1, .outcome = REJECTED, .error = EPERM};
    __u32 type = ctx->type, protocol = ctx->protocol;
    if ((type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP)) ||
        (type == SOCK_DGRAM && (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE || protocol == IPPROTO_ICMP ||
                                protocol == IPPROTO_ICMPV6)))
        return 1;
    __u64 flags = policy_flags(&decision.revision);
    set_caller(&request);
    if (is_of_guard(request.pid))
        return 1;
    if (type == SOCK_RAW) {
        if (!(flags & (REFUSE_RAW | MONITOR_RAW)))
            return 1;
        if (flags & MONITOR_RAW) {
            decision.outcome = MONITOR;
            decision.error = 0;
        }
    } else {
        if (!(flags & REFUSE_UNSEEN))
            return 1;
        decision.error = EPROTONOSUPPORT;
    }
    request.exit_point = CONNECT;
    request.flags = RAW;
    request.detail = (ctx->family & 0xFF) << 24 | (type & 0xFF) << 16 | (protocol & 0xFFFF);
    tell(&request, &decision, 0);
    if (!decision.error)
        return 1;
    bpf_set_retval(-(int)decision.error);
    return 0;
}

/* How much of an option the kernel has copied for programs: up to a page, and of a short one more than it has. */
static __always_inline __u64 copied_of(struct bpf_sockopt *ctx)
{
    return (__u64)FIELD(ctx->optval_end) - (__u64)FIELD(ctx->optval);
}

/* Says whether an option takes away what a socket has. Programs before this one may have set the length to 0, for the
 * caller's own octets to be taken; no route begins with as many zeros as are behind a length that is 0 indeed. */
static __always_inline int is_nothing(struct bpf_sockopt *ctx)
{
    __u64 *begins = ctx->optval;
    return !ctx->optlen && ((void *)(begins + 1) > ctx->optval_end || !*begins);
}

static __always_inline int can_route(struct bpf_sockopt *ctx)
{
    __u32 level = ctx->level, name = ctx->optname, size = ctx->optlen ? (__u64)ctx->optlen : copied_of(ctx);
    if ((level != IPPROTO_IP && level != IPPROTO_IPV6) || is_nothing(ctx))
        return 0;
    if (level == IPPROTO_IP)
        return name == IP_OPTIONS;
    return level == IPPROTO_IPV6 && (name == IPV6_RTHDR || name == IPV6_2292RTHDR || name == IPV6_2292PKTOPTIONS ||
                                     (name == IPV6_FLOWLABEL_MGR && size > FLOWLABEL_REQUEST));
}

/* A socket may not be told to send by way of hosts that no rule has seen. */
SEC("cgroup/setsockopt")
int setsockopt(struct bpf_sockopt *ctx)
{
    struct request request = {};
    struct decision decision = {};
    struct task_struct___part *task = (void *)bpf_get_current_task();
    if (!can_route(ctx) || !(policy_flags(&decision.revision) & REFUSE_UNSEEN))
        goto pass;
    request.pid = BPF_CORE_READ(task, tgid);
    request.values[USER_NUMBER].lower = effective_user();
    if (is_of_guard(request.pid))
        goto pass;
    request.exit_point = CONNECT;
    refuse_route(&request, &decision);
    tell(&request, &decision, 0);
    return 0;
pass:
    if (ctx->optlen > 0 && (__u32)ctx->optlen > copied_of(ctx))
        ctx->optlen = 0; /* the caller's own octets, all of them (Documentation/bpf/prog_cgroup_sockopt.rst) */
    return 1;
}

#endif
