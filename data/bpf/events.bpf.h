// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/* What the worker is told: decisions, and how many there were. */
#ifndef GREENWALL_EVENTS_BPF_H
#define GREENWALL_EVENTS_BPF_H

#include "callers.bpf.h"

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

static __always_inline void count(__u32 which)
{
    __u64 *counter = bpf_map_lookup_elem(&counters, &which);
    if (counter)
        *counter += 1;
}

/* Counts a decision; says whether the worker is to hear of it. */
static __always_inline int counted(struct decision *decision)
{
    count(DECIDED);
    if (decision->outcome == REJECTED)
        count(REFUSED);
    return decision->journal;
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

#endif
