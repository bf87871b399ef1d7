// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The exit points in the kernel: connect, accept and listen of everything below a cgroup.
 *
 * A decision is read from pages (console/policy/image.py has their layout). The pages of a revision are one map, and
 * the only element of `policies` says which; to activate a revision is to change that element, and whoever has looked
 * it up goes on with the one before to the end. What cannot be decided is refused.
 */
#include "accept.bpf.h"
#include "connect.bpf.h"
#include "listen.bpf.h"
#include "relay.bpf.h"
#include "sockets.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("sockops")
int sock_ops(struct bpf_sock_ops *ctx)
{
    __u32 op = ctx->op;
    if (!ctx->sk || (op != BPF_SOCK_OPS_TCP_LISTEN_CB && op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB &&
                     op != BPF_SOCK_OPS_TCP_CONNECT_CB && op != BPF_SOCK_OPS_STATE_CB))
        return 1; /* first: there are some of these for each connection */
    struct request request = {};
    if (ctx->op == BPF_SOCK_OPS_TCP_LISTEN_CB)
        on_listen(ctx, &request);
    else if (ctx->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
        on_accepted(ctx, &request);
    else if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
        on_leading(ctx, &request);
    else if (ctx->op == BPF_SOCK_OPS_STATE_CB && ctx->args[1] == BPF_TCP_CLOSE)
        on_left(ctx);
    return 1;
}

/* For who wants to know what would be decided. */
SEC("syscall")
int ask(struct question *question)
{
    struct request request = question->request;
    struct decision decision = {};
    decide(&request, &decision);
    question->decision = decision;
    return 0;
}
