// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* A decision, from the pages of the policy in force (console/policy/image.py has their layout). */
#ifndef GREENWALL_POLICY_BPF_H
#define GREENWALL_POLICY_BPF_H

#include "kernel.bpf.h"
#include "greenwall.h"

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

struct page {
    __u64 words[PAGE_WORDS];
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

static __always_inline __u64 policy_flags(__u32 *revision)
{
    __u32 zero = 0;
    void *policy = bpf_map_lookup_elem(&policies, &zero);
    struct page *head = policy ? page_of(policy, 0) : 0;
    *revision = head ? head->words[0] : 0;
    return head ? head->words[2] : 0;
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

#endif
