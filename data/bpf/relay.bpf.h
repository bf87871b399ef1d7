// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Connections that a SOCKS entry is about: they are led to the worker's relay, and told of when it is known how they
 * ended.
 */
#ifndef GREENWALL_RELAY_BPF_H
#define GREENWALL_RELAY_BPF_H

#include "events.bpf.h"
#include "policy.bpf.h"

#define MAX_TURNS 8 /* of a decision, while one policy after the other is activated */

/* Where a socket wanted to be connected to that is led to the relay instead. */
struct destination {
    struct source source;
    struct underway underway;
};

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct destination);
} destinations SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct source);
    __type(value, struct underway);
} underway SEC(".maps");

/* The relay's listeners, which are marked in `owners`: ports on 127.0.0.1 and ::1, host order. */
struct relay {
    __u32 port4, port6;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct relay);
} relays SEC(".maps");

/* Finds the relay's listener in the network of a socket; 0 where it is not. Only the worker can mark a listener. */
static __always_inline __u32 relay_port(struct bpf_sock_addr *ctx, int is_ipv4)
{
    __u32 zero = 0, port, is_ours = 0;
    struct relay *relay = bpf_map_lookup_elem(&relays, &zero);
    struct bpf_sock_tuple tuple = {};
    struct bpf_sock *sock;
    if (!relay)
        return 0;
    port = is_ipv4 ? relay->port4 : relay->port6;
    if (is_ipv4) {
        tuple.ipv4.saddr = tuple.ipv4.daddr = bpf_htonl(LOOPBACK);
        tuple.ipv4.dport = bpf_htons(port);
        sock = bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
    } else {
        tuple.ipv6.saddr[3] = tuple.ipv6.daddr[3] = bpf_htonl(1);
        tuple.ipv6.dport = bpf_htons(port);
        sock = bpf_sk_lookup_tcp(ctx, &tuple, sizeof(tuple.ipv6), BPF_F_CURRENT_NETNS, 0);
    }
    if (!sock)
        return 0;
    if (sock->state == BPF_TCP_LISTEN) {
        struct owner *owner = bpf_sk_storage_get(&owners, sock, 0, 0);
        is_ours = owner && owner->relay;
    }
    bpf_sk_release(sock);
    return is_ours ? port : 0;
}

/* Decides about a connect of TCP and, if it may go on, about its way: both by the same policy. */
static __always_inline int decide_with_way(struct request *request, struct decision *decision, struct decision *route)
{
    if (!request || !decision || !route)
        return 0;
    for (int i = 0; i < MAX_TURNS; i++) {
        decide(request, decision);
        route->error = route->sequence = 0;
        if (decision->error || !(decision->settings & HAS_ROUTES))
            return 0;
        request->exit_point = ROUTE;
        decide(request, route);
        request->exit_point = CONNECT;
        if (route->activation == decision->activation)
            return 0;
    }
    decision->outcome = REJECTED;
    decision->error = EPERM;
    decision->journal = 1;
    return 0;
}

/* Leads a connection that a SOCKS entry is about to the relay. What became of it is told when it is known; where there is
 * no relay it fails. Answers the port of the relay if it goes there, and -1 if it must fail. */
static __always_inline int lead(struct bpf_sock_addr *ctx, struct request *request, struct decision *decision,
                                struct decision *route)
{
    struct key *far = &request->values[REMOTE_ADDRESS];
    int is_ipv4 = !far->upper && far->lower >> 32 == MAPPED >> 32;
    __u32 port = route->error ? 0 : relay_port(ctx, is_ipv4);
    struct destination *there = 0;
    if (port && ctx->sk)
        there = bpf_sk_storage_get(&destinations, ctx->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
    if (!there) {
        request->flags |= NO_RELAY;
        decision->outcome = REJECTED;
        decision->error = EPERM;
        decision->journal = 1;
        return -1;
    }
    there->source.port = 0;
    there->underway.address = *far;
    there->underway.port = request->values[REMOTE_PORT].lower;
    there->underway.cookie = bpf_get_socket_cookie(ctx);
    there->underway.entry = route->sequence;
    there->underway.revision = route->revision;
    describe(&there->underway.event, request, decision, 0);
    there->underway.is_silent = !counted(decision);
    return port;
}

/* Tells of a connection that was to be led to the relay, and failed before its SYN was sent. */
static __always_inline void tell_unbegun(struct destination *there)
{
    if (!there || there->source.port || there->underway.is_silent)
        return;
    struct settled *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) {
        count(LOST);
        return;
    }
    event->event = there->underway.event;
    event->event.flags |= LEFT;
    event->event.detail = 1;
    event->server[0] = event->text[0] = 0;
    bpf_ringbuf_submit(event, 0);
}

static __always_inline void forget_destination(struct bpf_sock_addr *ctx)
{
    if (!ctx->sk || ctx->type != SOCK_STREAM)
        return;
    tell_unbegun(bpf_sk_storage_get(&destinations, ctx->sk, 0, 0));
    bpf_sk_storage_delete(&destinations, ctx->sk);
}

/* A socket that was led to the relay is connected to where it wanted to be, as far as it is told. */
SEC("cgroup/getpeername4")
int getpeername4(struct bpf_sock_addr *ctx)
{
    if (ctx->type != SOCK_STREAM || !ctx->sk)
        return 1;
    struct destination *there = bpf_sk_storage_get(&destinations, ctx->sk, 0, 0);
    if (there) {
        ctx->user_ip4 = bpf_htonl((__u32)there->underway.address.lower);
        ctx->user_port = bpf_htons(there->underway.port);
    }
    return 1;
}

SEC("cgroup/getpeername6")
int getpeername6(struct bpf_sock_addr *ctx)
{
    if (ctx->type != SOCK_STREAM || !ctx->sk)
        return 1;
    struct destination *there = bpf_sk_storage_get(&destinations, ctx->sk, 0, 0);
    if (there) {
        ctx->user_ip6[0] = bpf_htonl(there->underway.address.upper >> 32);
        ctx->user_ip6[1] = bpf_htonl((__u32)there->underway.address.upper);
        ctx->user_ip6[2] = bpf_htonl(there->underway.address.lower >> 32);
        ctx->user_ip6[3] = bpf_htonl((__u32)there->underway.address.lower);
        ctx->user_port = bpf_htons(there->underway.port);
    }
    return 1;
}

/* Tells how a connection that was led to the relay ended, if nobody has. */
static __always_inline int settle_as(struct source *source, __u64 cookie, struct settlement *told, __u8 flag)
{
    struct underway *found = bpf_map_lookup_elem(&underway, source);
    struct settled *event;
    if (!found || found->cookie != cookie)
        return 0;
    event = found->is_silent ? 0 : bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (event) {
        event->event = found->event;
        event->event.flags |= flag;
        if (told) {
            __builtin_memcpy(event->server, told->server, sizeof(event->server));
            __builtin_memcpy(event->text, told->text, sizeof(event->text));
        } else {
            event->server[0] = event->text[0] = 0;
        }
    } else if (!found->is_silent) {
        count(LOST);
    }
    int is_gone = bpf_map_delete_elem(&underway, source); /* of two who say it, the first is right */
    if (event && is_gone)
        bpf_ringbuf_discard(event, 0);
    else if (event)
        bpf_ringbuf_submit(event, 0);
    return !is_gone;
}

/* The SYN of a connection that is led to the relay is about to be sent: the relay will find it by where it is from. */
static __always_inline void on_leading(struct bpf_sock_ops *ctx, struct request *request)
{
    struct destination *there = bpf_sk_storage_get(&destinations, ctx->sk, 0, 0);
    if (!there)
        return;
    set_ends(ctx, request, 0);
    there->source.address = request->values[LOCAL_ADDRESS];
    there->source.port = ctx->local_port;
    there->source.unused = 0;
    there->underway.event.local_port = ctx->local_port;
    put_address(there->underway.event.local_address, &request->values[LOCAL_ADDRESS]);
    if (bpf_map_update_elem(&underway, &there->source, &there->underway, BPF_ANY))
        count(LOST); /* the relay will not know it either, and resets it */
    bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
}

static __always_inline void on_left(struct bpf_sock_ops *ctx)
{
    struct destination *there = bpf_sk_storage_get(&destinations, ctx->sk, 0, 0);
    if (there && there->source.port)
        settle_as(&there->source, there->underway.cookie, 0, LEFT);
}

/* The relay says what became of a connection, or something else that belongs into the journal. */
SEC("syscall")
int settle(struct settlement *settlement)
{
    struct source source = settlement->source;
    if (!settlement->cookie) {
        struct settled *note = bpf_ringbuf_reserve(&events, sizeof(*note), 0);
        if (!note) {
            count(LOST);
            return 0;
        }
        __builtin_memset(note, 0, sizeof(*note));
        note->event.at_ns = bpf_ktime_get_ns();
        note->event.flags = NOTE;
        __builtin_memcpy(note->text, settlement->text, sizeof(note->text));
        bpf_ringbuf_submit(note, 0);
        return 1;
    }
    return settle_as(&source, settlement->cookie, settlement, SETTLED);
}

#endif
