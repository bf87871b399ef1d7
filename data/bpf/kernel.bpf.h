// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* What the kernel has: numbers that no header for BPF says, and parts of its own structures. */
#ifndef GREENWALL_KERNEL_BPF_H
#define GREENWALL_KERNEL_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define EPERM 1
#define EPROTONOSUPPORT 93
#define ECONNREFUSED 111
#define CLOCK_TICK_NS 10000000 /* USER_HZ is 100 */

/* The kernel lets a context be read a field at a time, and the compiler would join two. */
#define FIELD(field) (*(volatile __typeof__(field) *)&(field))
#define WORDS(field) {FIELD((field)[0]), FIELD((field)[1]), FIELD((field)[2]), FIELD((field)[3])}

/* Parts of the kernel's own structures; libbpf finds where they are on the system at hand. */
struct kuid_t___part {
    __u32 val;
} __attribute__((preserve_access_index));
struct cred___part {
    struct kuid_t___part euid;
} __attribute__((preserve_access_index));
struct super_block___part {
    __u32 s_dev;
} __attribute__((preserve_access_index));
struct inode___part {
    struct kuid_t___part i_uid;
    unsigned long i_ino;
    struct super_block___part *i_sb;
} __attribute__((preserve_access_index));
struct socket_alloc___part { /* begins with the socket */
    struct inode___part vfs_inode;
} __attribute__((preserve_access_index));
struct sock___part { /* begins with what kinds of sockets have in common */
    struct socket_alloc___part *sk_socket;
    __u16 sk_type, sk_protocol;
} __attribute__((preserve_access_index));
struct socket___part {
    struct sock___part *sk;
} __attribute__((preserve_access_index));
struct qstr___part {
    const unsigned char *name;
} __attribute__((preserve_access_index));
struct dentry___part {
    struct qstr___part d_name;
} __attribute__((preserve_access_index));
struct path___part {
    struct dentry___part *dentry;
} __attribute__((preserve_access_index));
struct file___part {
    struct inode___part *f_inode;
    struct path___part f_path;
} __attribute__((preserve_access_index));
struct mm_struct___part {
    struct file___part *exe_file;
} __attribute__((preserve_access_index));
struct task_struct___part {
    const struct cred___part *cred;
    struct mm_struct___part *mm;
    int tgid;
    struct task_struct___part *group_leader;
    __u64 start_boottime;
    char comm[16];
} __attribute__((preserve_access_index));

struct sock_common___part {
    unsigned short skc_family;
    unsigned char skc_state;
    unsigned char skc_ipv6only : 1;
    __be32 skc_rcv_saddr;
    struct in6_addr skc_v6_rcv_saddr;
    __u16 skc_num;
} __attribute__((preserve_access_index));
struct ip_options___part {
    unsigned char srr;
} __attribute__((preserve_access_index));
struct ip_options_rcu___part {
    struct ip_options___part opt;
} __attribute__((preserve_access_index));
struct ipv6_txoptions___part {
    void *srcrt;
} __attribute__((preserve_access_index));
struct ipv6_pinfo___part {
    struct ipv6_txoptions___part *opt;
} __attribute__((preserve_access_index));
struct inet_sock___part {
    struct ip_options_rcu___part *inet_opt;
    struct ipv6_pinfo___part *pinet6;
} __attribute__((preserve_access_index));

#endif
