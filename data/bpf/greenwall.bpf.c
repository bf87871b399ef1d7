// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* The exit points in the kernel: connect, accept and listen of everything below a cgroup.
 *
 * A decision is read from pages (console/policy/image.py has their layout). The pages of a revision are one map, and
 * the only element of `policies` says which; to activate a revision is to change that element, and whoever has looked
 * it up goes on with the one before to the end. What cannot be decided is refused.
 */
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

#include "greenwall.h"

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define EPERM 1
#define EPROTONOSUPPORT 93
#define ECONNREFUSED 111
#define ALL_ONES_PAGE 1
#define HEAD_AT 16
#define HEAD_WORDS 16
#define ENDS 4 /* word of the first page */
#define PERIODS_AT 96
#define MOST_PERIODS 208 /* what the first page has room for, 2 words each */
#define MOST_STEP 128 /* half of the next power of two */
#define FIRST_DIMENSION 4
#define KEYS 256
#define STRIDE 8 /* words that one turn of a loop looks at */
#define MAX_EXTENSIONS 8
#define MAX_TURNS 8 /* of a decision, while one policy after the other is activated */
#define MAPPED 0xFFFF00000000ull /* lower half of an IPv4 address in its mapped form, without the address */
#define LOOPBACK 0x7F000001u
#define MET 256
#define CLOCK_TICK_NS 10000000 /* USER_HZ is 100 */
#define IP_OPTIONS 4
#define IPV6_2292RTHDR 5
#define IPV6_2292PKTOPTIONS 6
#define IPV6_FLOWLABEL_MGR 32
#define FLOWLABEL_REQUEST 32 /* octets; what is longer carries options (net/ipv6/ip6_flowlabel.c) */
#define IPV6_RTHDR 57
#define OPTION_END 0 /* of IPv4's, and the next (RFC 791) */
#define OPTION_NONE 1
#define OPTION_LOOSE 131
#define OPTION_STRICT 137
#define MOST_OPTIONS 40

/* The kernel lets a context be read a field at a time, and the compiler would join two. */
#define FIELD(field) (*(volatile __typeof__(field) *)&(field))
#define WORDS(field) {FIELD((field)[0]), FIELD((field)[1]), FIELD((field)[2]), FIELD((field)[3])}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct page {
    __u64 words[PAGE_WORDS];
};


/* Who made a socket, and what became of it. The worker writes one for each listener of the relay. */
struct owner {
    __u32 uid, pid;
    __u32 activation; /* under which it was decided about */
    __u8 inert, exempt, relay, unused;
    struct program program;
};

struct syn {
    struct key local, remote;
    __u32 ports, number;
};

struct pages {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
    __uint(key_size, sizeof(__u32)); /* no types: to Linux 6.1 a map with them is not like those that the worker makes */
    __uint(value_size, sizeof(struct page));
} no_pages SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct pages);
} policies SEC(".maps") = {.values = {&no_pages}};

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 24);
} events SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, COUNTERS);
    __type(key, __u32);
    __type(value, __u64);
} counters SEC(".maps");

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

/* The relay's listeners, which have RELAY_MARK in `owners`: ports on 127.0.0.1 and ::1, host order. */
struct relay {
    __u32 port4, port6;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct relay);
} relays SEC(".maps");

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

static __always_inline void count(__u32 which)
{
    __u64 *counter = bpf_map_lookup_elem(&counters, &which);
    if (counter)
        *counter += 1;
}

static __always_inline struct page *page_of(void *policy, __u32 number)
{
    return bpf_map_lookup_elem(policy, &number);
}

/* Finds the page with what holds now, because some rules hold at some times only; the last one is without an end. */
static __always_inline struct page *head_now(void *policy, struct page *first, __u32 *period)
{
    *period = 0;
    if (!first || !first->words[ENDS])
        return first;
    __u64 now = bpf_ktime_get_boot_ns();
    if (now < first->words[ENDS])
        return first;
    __u32 over = 0; /* of those later periods */
#pragma unroll
    for (__u32 step = MOST_STEP; step; step /= 2) {
        __u32 last = over + step - 1;
        __u64 ends = first->words[(PERIODS_AT + 2 * last) & (PAGE_WORDS - 1)];
        if (last < MOST_PERIODS && ends && now >= ends)
            over += step;
    }
    if (over >= MOST_PERIODS)
        return 0;
    *period = over + 1;
    return page_of(policy, first->words[(PERIODS_AT + 2 * over + 1) & (PAGE_WORDS - 1)]);
}

/* How many of a page's beginnings are at or before a value. */
__noinline int at_or_before(struct page *page, struct key *value)
{
    __u32 found = 0;
    if (!page || !value)
        return 0;
#pragma unroll
    for (__u32 step = KEYS / 2; step; step /= 2) {
        __u32 at = (2 * (found + step - 1)) & (PAGE_WORDS - 1);
        __u64 upper = page->words[at], lower = page->words[at + 1];
        if (upper < value->upper || (upper == value->upper && lower <= value->lower))
            found += step;
    }
    __u32 at = (2 * found) & (PAGE_WORDS - 1);
    if (page->words[at] < value->upper || (page->words[at] == value->upper && page->words[at + 1] <= value->lower))
        found += 1;
    return found;
}

/* Where the rows of a request are, and then the words of them that have been looked at, in the same room: Linux 6.1 wants
 * the frames of all calls, each rounded up to 32 octets, to fit into 512; and set whatever a function is handed. */
struct search {
    union {
        struct {
            void *policy;
            struct page *head;
            struct request *request;
            __u32 at; /* word of the head where the exit point begins */
            __u32 scale;
        };
        struct page *rows[DIMENSIONS];
    };
    __u32 begins[DIMENSIONS];
    union {
        struct {
            __u32 pages[DIMENSIONS];
            __u32 failed;
        };
        struct {
            __u32 words;
            __u32 word;
            __u64 found;
        };
    };
};

/* Finds the row of a dimension: its page, and the word at which it begins there. */
static long locate(__u64 turn, struct search *search)
{
    __u64 dimension = turn & 7;
    asm volatile("" : "+r"(dimension)); /* where the verifier sees the bound, and not in a copy */
    if (dimension >= DIMENSIONS)
        return 1;
    __u32 from = search->at + FIRST_DIMENSION + 2 * dimension;
    __u64 index = search->head->words[from & (PAGE_WORDS - 1)];
    __u64 places = search->head->words[(from + 1) & (PAGE_WORDS - 1)];
    if (!(__u32)index) {
        search->pages[dimension] = ALL_ONES_PAGE;
        return 0;
    }
    __u32 count = index >> 32, leaves = (count + KEYS - 1) / KEYS, piece = 0;
    struct key *value = &search->request->values[dimension];
    struct page *page = page_of(search->policy, (__u32)index);
    if (!page)
        return search->failed = 1;
    __u32 leaf = leaves < 2 ? leaves : at_or_before(page, value); /* of one leaf the index says nothing new */
    if (leaves > KEYS) { /* it was the top of several pages of the index, which follow it */
        __u32 branches = (leaves + KEYS - 1) / KEYS, branch = leaf > branches ? branches : leaf;
        if (branch) {
            page = page_of(search->policy, (__u32)index + branch);
            if (!page)
                return search->failed = 1;
            leaf = (branch - 1) * KEYS + at_or_before(page, value);
        }
    }
    if (leaf > leaves)
        leaf = leaves;
    if (leaf) {
        page = page_of(search->policy, (__u32)places + leaf - 1);
        if (!page)
            return search->failed = 1;
        piece = (leaf - 1) * KEYS + at_or_before(page, value);
        if (piece > count)
            piece = count;
    }
    __u32 shift = (9 - search->scale) & 15;
    search->pages[dimension] = (__u32)(places >> 32) + (piece >> shift);
    search->begins[dimension] = (piece & ((1u << shift) - 1)) << (search->scale & 15);
    return 0;
}

/* Looks at some words of all rows, those of the first rules first. It never looks behind the last, word 0: the default
 * rule, bit 0 there, matches everything. */
static long look_at(__u32 turn, struct search *look)
{
    __u32 top = look->words - 1 - turn * STRIDE;
#pragma unroll
    for (__u32 step = 0; step < STRIDE; step++) {
        __u64 found = step || turn ? ~0ull : look->found; /* the row of all ones has more rules than there are */
        __u32 word = top - step;
#pragma unroll
        for (int row = 0; row < DIMENSIONS; row++)
            found &= look->rows[row]->words[(look->begins[row] + word) & (PAGE_WORDS - 1)];
        if (found) {
            look->found = found;
            look->word = word;
            return 1;
        }
    }
    return 0;
}

static __always_inline __u32 highest_bit(__u64 word)
{
    __u32 found = 0;
#pragma unroll
    for (__u32 step = 32; step; step /= 2)
        if (word >> step) {
            found += step;
            word >>= step;
        }
    return found;
}

/* The bit of the first rule that matches; -1 where none does, which no policy has. */
static __always_inline int first_rule(void *policy, struct page *head, __u32 at, struct request *request)
{
    __u32 rules = head->words[at & (PAGE_WORDS - 1)];
    struct search search = {
        .policy = policy,
        .head = head,
        .request = request,
        .at = at,
        .scale = head->words[(at + 2) & (PAGE_WORDS - 1)],
    };
    __u32 words = (rules + 63) / 64;
    bpf_loop(DIMENSIONS, locate, &search, 0);
    if (search.failed || words > MAX_WORDS)
        return -1;
#pragma unroll
    for (int row = 0; row < DIMENSIONS; row++) {
        search.rows[row] = page_of(policy, search.pages[row]);
        if (!search.rows[row])
            return -1;
    }
    search.words = words;
    search.word = MAX_WORDS;
    search.found = ~0ull >> ((64 - (rules & 63)) & 63);
    bpf_loop((words + STRIDE - 1) / STRIDE, look_at, &search, 0);
    if (search.word >= MAX_WORDS)
        return -1;
    return search.word * 64 + highest_bit(search.found);
}

/* Decides; refuses what cannot be decided. */
__noinline int decide(struct request *request, struct decision *decision)
{
    __u32 zero = 0;
    if (!request || !decision)
        return 0;
    decision->sequence = 0;
    decision->error = EPERM;
    decision->revision = 0;
    decision->activation = 0;
    decision->settings = 0;
    decision->outcome = REJECTED;
    decision->journal = 1;
    decision->alert = 0;
    decision->off = 0;
    void *policy = bpf_map_lookup_elem(&policies, &zero);
    struct page *first = policy ? page_of(policy, 0) : 0;
    __u32 period = 0;
    struct page *head = head_now(policy, first, &period);
    if (!first || !head)
        return 0;
    decision->revision = first->words[0];
    decision->activation = first->words[3] + period;
    decision->settings = first->words[2];
    __u32 at = HEAD_AT + HEAD_WORDS * (request->exit_point & 3);
    __u64 rules = head->words[at & (PAGE_WORDS - 1)], where = head->words[(at + 1) & (PAGE_WORDS - 1)];
    if (!rules) {
        decision->off = 1;
        decision->error = decision->journal = 0;
        decision->outcome = ALLOWED;
        return 0;
    }
    int rule = first_rule(policy, head, at, request);
    if (rule < 0)
        return 0;
    struct page *decisions = page_of(policy, (__u32)where + rule / PAGE_WORDS);
    if (!decisions)
        return 0;
    __u64 word = decisions->words[rule & (PAGE_WORDS - 1)];
    decision->sequence = word & 0xFFFFF;
    decision->error = word >> 20 & 0xFFF;
    decision->outcome = word >> 32 & 3;
    decision->journal = (word >> 34 & 1) | (word >> 36 & 1) << 1;
    decision->alert = word >> 35 & 1;
    return 0;
}

static __always_inline void put_address(__u8 *to, struct key *from)
{
    __u64 halves[2] = {bpf_cpu_to_be64(from->upper), bpf_cpu_to_be64(from->lower)};
    __builtin_memcpy(to, halves, sizeof(halves));
}

/* Counts a decision; says whether the worker is to hear of it. */
static __always_inline int counted(struct decision *decision)
{
    count(DECIDED);
    if (decision->outcome == REJECTED)
        count(REFUSED);
    return decision->journal;
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

static __always_inline void describe(struct event *event, struct request *request, struct decision *decision,
                                     struct owner *owner)
{
    event->at_ns = bpf_ktime_get_ns();
    event->pid = request->pid;
    event->uid = request->values[USER_NUMBER].lower;
    event->revision = decision->revision;
    event->sequence = decision->sequence;
    event->exit_point = request->exit_point;
    event->outcome = decision->outcome;
    event->flags = request->flags | (decision->journal & 2 ? BY_LEVEL : 0);
    event->alert = decision->alert;
    event->is_silent = !decision->journal;
    event->local_port = request->values[LOCAL_PORT].lower;
    event->remote_port = request->values[REMOTE_PORT].lower;
    event->detail = request->detail;
    event->error = decision->error;
    put_address(event->local_address, &request->values[LOCAL_ADDRESS]);
    put_address(event->remote_address, &request->values[REMOTE_ADDRESS]);
    if (owner)
        event->program = owner->program;
    else
        set_program(&event->program);
}

/* Tells the worker; what finds no room is counted. The program is that of a listener's owner, or the current one. */
__noinline int tell(struct request *request, struct decision *decision, struct owner *owner)
{
    struct event *event;
    if (!request || !decision)
        return 0;
    int is_reset = request->exit_point == ACCEPT && decision->error == ECONNREFUSED; /* by the worker */
    if (!counted(decision) && !is_reset)
        return 0;
    event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) {
        count(LOST);
        return 0;
    }
    describe(event, request, decision, owner);
    bpf_ringbuf_submit(event, 0);
    return 0;
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

static __always_inline __u64 policy_flags(__u32 *revision)
{
    __u32 zero = 0;
    void *policy = bpf_map_lookup_elem(&policies, &zero);
    struct page *head = policy ? page_of(policy, 0) : 0;
    *revision = head ? head->words[0] : 0;
    return head ? head->words[2] : 0;
}

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

static __always_inline __u32 activation_in_force(void)
{
    __u32 zero = 0;
    void *policy = bpf_map_lookup_elem(&policies, &zero);
    struct page *first = policy ? page_of(policy, 0) : 0;
    __u32 period;
    head_now(policy, first, &period);
    return first ? first->words[3] + period : 0;
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
