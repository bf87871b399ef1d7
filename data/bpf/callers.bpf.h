// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* Who calls and from where to where: users, programs, guards and what is known of a socket's owner. */
#ifndef GREENWALL_CALLERS_BPF_H
#define GREENWALL_CALLERS_BPF_H

#include "kernel.bpf.h"
#include "greenwall.h"

#define MAPPED 0xFFFF00000000ull /* lower half of an IPv4 address in its mapped form, without the address */
#define LOOPBACK 0x7F000001u

/* Who made a socket, and what became of it. The worker writes one for each listener of the relay. */
struct owner {
    __u32 uid, pid;
    __u32 activation; /* under which it was decided about */
    __u8 inert, exempt, relay, unused;
    struct program program;
};

/* Guards, which have decided about the calls that they make for their jobs: process id -> when it was started, because
 * the number comes to be another's. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, __u32);
    __type(value, __u64); /* clock ticks since the system was started, as in proc_pid_stat(5) */
} guards SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE); /* a connection has what its listener has */
    __type(key, int);
    __type(value, struct owner);
} owners SEC(".maps");

static __always_inline void put_address(__u8 *to, struct key *from)
{
    __u64 halves[2] = {bpf_cpu_to_be64(from->upper), bpf_cpu_to_be64(from->lower)};
    __builtin_memcpy(to, halves, sizeof(halves));
}

/* What the current process runs. */
static __always_inline void set_program(struct program *program)
{
    struct task_struct___part *task = (void *)bpf_get_current_task();
    struct file___part *file = BPF_CORE_READ(task, mm, exe_file);
    struct inode___part *inode = BPF_CORE_READ(file, f_inode);
    const unsigned char *name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
    program->inode = BPF_CORE_READ(inode, i_ino);
    program->device = BPF_CORE_READ(inode, i_sb, s_dev);
    program->unused = 0;
    if (!name || bpf_probe_read_kernel_str(program->file, sizeof(program->file), name) < 0)
        program->file[0] = 0;
    if (bpf_probe_read_kernel_str(program->thread, sizeof(program->thread), &task->comm) < 0)
        program->thread[0] = 0;
}

static __always_inline void set_ipv4(struct key *key, __be32 address)
{
    key->upper = 0;
    key->lower = MAPPED | bpf_ntohl(address);
}

static __always_inline void set_ipv6(struct key *key, __be32 *address)
{
    key->upper = (__u64)bpf_ntohl(address[0]) << 32 | bpf_ntohl(address[1]);
    key->lower = (__u64)bpf_ntohl(address[2]) << 32 | bpf_ntohl(address[3]);
}

static __always_inline __u32 effective_user(void)
{
    struct task_struct___part *task = (void *)bpf_get_current_task();
    return BPF_CORE_READ(task, cred, euid.val);
}

static __always_inline void set_caller(struct request *request)
{
    struct task_struct___part *task = (void *)bpf_get_current_task(); /* bpf_get_current_pid_tgid not in all of these */
    request->pid = BPF_CORE_READ(task, tgid);
    request->values[USER_NUMBER].lower = effective_user();
}

/* A kernel thread that connects does so for who made the socket: a further path of MPTCP, to where a peer has said. */
static __always_inline void set_connecting(struct bpf_sock_addr *ctx, struct request *request)
{
    struct task_struct___part *task = (void *)bpf_get_current_task();
    set_caller(request);
    if (BPF_CORE_READ(task, mm) || !ctx->sk)
        return;
    struct sock___part *sock = (void *)bpf_skc_to_tcp_sock(ctx->sk);
    if (sock && BPF_CORE_READ(sock, sk_socket))
        request->values[USER_NUMBER].lower = BPF_CORE_READ(sock, sk_socket, vfs_inode.i_uid.val);
}

static __always_inline int is_of_guard(__u32 pid)
{
    __u64 *started = bpf_map_lookup_elem(&guards, &pid);
    if (!started)
        return 0;
    struct task_struct___part *task = (void *)bpf_get_current_task();
    return BPF_CORE_READ(task, group_leader, start_boottime) / CLOCK_TICK_NS == *started;
}

static __always_inline int is_tcp(struct bpf_sock_addr *ctx)
{
    return ctx->type == SOCK_STREAM && (ctx->protocol == IPPROTO_TCP || ctx->protocol == IPPROTO_MPTCP);
}

static __always_inline void set_ends(struct bpf_sock_ops *ctx, struct request *request, int with_remote)
{
    request->values[LOCAL_PORT].lower = ctx->local_port;
    if (ctx->family == AF_INET) {
        set_ipv4(&request->values[LOCAL_ADDRESS], ctx->local_ip4);
        if (with_remote)
            set_ipv4(&request->values[REMOTE_ADDRESS], ctx->remote_ip4);
    } else {
        __be32 own[4] = WORDS(ctx->local_ip6);
        set_ipv6(&request->values[LOCAL_ADDRESS], own);
        if (with_remote) {
            __be32 far[4] = WORDS(ctx->remote_ip6);
            set_ipv6(&request->values[REMOTE_ADDRESS], far);
        }
    }
    if (with_remote)
        request->values[REMOTE_PORT].lower = bpf_ntohl(ctx->remote_port);
}

#endif
