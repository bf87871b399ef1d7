/* What the programs in the kernel and the worker tell each other. Fixed widths, no holes; the worker reads events by the
 * same layout (console/enforcement/kernel/events.py). */
#ifndef GREENWALL_H
#define GREENWALL_H

#define PAGE_WORDS 512 /* of 64 bits: 4096 octets */
#define MAX_WORDS 256  /* of a row: 16,384 rules */

enum exit_point { ACCEPT, CONNECT, LISTEN, EXIT_POINTS };

enum outcome { ALLOWED, REJECTED, MONITOR };

enum event_flags {
    INERT = 1, /* a listener that was not refused at bind: nothing can reach it */
};

/* LOST_TOLD is the worker's: how many of those lost are in the journal as such. */
enum counter { DECIDED, REFUSED, LOST, LOST_TOLD, COUNTERS };

/* Of an address: the upper and the lower half of a number in one space of 128 bits, IPv4 in its mapped form. */
struct key {
    __u64 upper, lower;
};

enum dimension { USER_NUMBER, LOCAL_ADDRESS, LOCAL_PORT, REMOTE_ADDRESS, REMOTE_PORT, DIMENSIONS };

struct request {
    __u32 exit_point;
    __u32 pid;
    struct key values[DIMENSIONS];
    __u32 syn_number;
    __u32 flags;
};

struct decision {
    __u32 sequence;
    __u32 error; /* errno */
    __u32 revision;
    __u8 outcome, journal, alert, off;
};

struct question {
    struct request request;
    struct decision decision;
};

struct event {
    __u64 at_ns; /* since the system was started, CLOCK_MONOTONIC */
    __u32 pid;
    __u32 uid;
    __u32 revision;
    __u32 sequence; /* of the rule */
    __u8 exit_point;
    __u8 outcome;
    __u8 flags;
    __u8 alert;
    __u16 local_port;  /* host order */
    __u16 remote_port; /* host order */
    __u32 syn_number;  /* of a connection refused at its SYN, network order */
    __u32 error;       /* errno */
    __u8 local_address[16];  /* IPv6, or IPv4 in its mapped form */
    __u8 remote_address[16]; /* likewise; all 0 for none */
    char comm[16];           /* name of the thread, may be without its end */
};

#endif
