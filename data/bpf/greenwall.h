/* What the programs in the kernel and the worker tell each other. Fixed widths, no holes; the worker reads events by the
 * same layout (console/enforcement/kernel/events.py). */
#ifndef GREENWALL_H
#define GREENWALL_H

#define PAGE_WORDS 512 /* of 64 bits: 4096 octets */
#define MAX_WORDS 256  /* of a row: 16,384 rules */

/* ROUTE is no exit point: the SOCKS entries, asked like one after CONNECT has let a call go on. */
enum exit_point { ACCEPT, CONNECT, LISTEN, ROUTE };

/* Word 2 of the first page. */
enum policy_flags {
    DECIDE_DATAGRAMS = 1,
    REFUSE_RAW = 2,
    MONITOR_RAW = 4,
    REFUSE_UNSEEN = 8, /* protocols, and ways of packets, that no rule sees */
    HAS_ROUTES = 16,
};

enum outcome { ALLOWED, REJECTED, MONITOR };

enum event_flags {
    INERT = 1,     /* a listener that was not refused at bind: nothing can reach it */
    DATAGRAM = 2,  /* a connect of a datagram socket, or one datagram */
    RAW = 4,       /* a socket that no rule sees; detail: family, type and protocol, 8, 8 and 16 bits; all 0: a way of
                      packets that none sees, a source route or routing header */
    SETTLED = 8,   /* went to a SOCKS server; a struct settled */
    NO_RELAY = 16, /* should have gone to a SOCKS server, and nobody is there who would lead it */
    BY_LEVEL = 64, /* the audit levels have a word in whether it is written */
    NOTE = 128,    /* no decision: what the relay has to say */
    LEFT = 32,     /* went to a SOCKS server, and ended before anybody said how; detail 1: before it began */
};

enum counter { DECIDED, REFUSED, LOST, COUNTERS };

/* Of an address: the upper and the lower half of a number in one space of 128 bits, IPv4 in its mapped form. */
struct key {
    __u64 upper, lower;
};

enum dimension { USER_NUMBER, LOCAL_ADDRESS, LOCAL_PORT, REMOTE_ADDRESS, REMOTE_PORT, DIMENSIONS };

struct request {
    __u32 exit_point;
    __u32 pid;
    struct key values[DIMENSIONS];
    __u32 detail;
    __u32 flags;
};

struct decision {
    __u32 sequence;
    __u32 error; /* errno */
    __u32 revision;
    __u8 outcome, journal, alert, off; /* journal: 1, and 2 where the audit levels have a word in it */
    __u32 activation;
    __u32 settings; /* of the policy: policy_flags */
};

struct question {
    struct request request;
    struct decision decision;
};

/* What a process runs. */
struct program {
    __u64 inode;
    __u32 device, unused; /* as the kernel has it: 20 bits for the minor number */
    char file[32];   /* its name without directories, may be without its end; empty where there is none */
    char thread[16]; /* name of the thread, likewise */
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
    __u32 detail;      /* of a connection refused at its SYN its number, network order; see RAW */
    __u16 error;       /* errno */
    __u16 is_silent;   /* told for the worker to act on it, and not for the journal */
    __u8 local_address[16];  /* IPv6, or IPv4 in its mapped form */
    __u8 remote_address[16]; /* likewise; all 0 for none */
    struct program program;  /* at the call; of an accept, when the listener was made to listen */
};

/* A connection on its way to the relay, by where it comes from; host order. */
struct source {
    struct key address;
    __u32 port, unused;
};

struct underway {
    struct key address; /* where it wants to go */
    __u32 port;
    __u32 entry; /* sequence number of the SOCKS entry */
    __u64 cookie; /* of the socket */
    __u32 revision; /* of the SOCKS entry */
    __u32 is_silent; /* nobody wants to hear what becomes of it */
    struct event event; /* how its connect was decided */
};

/* What the relay says of a connection that it has led, or could not. */
struct settled {
    struct event event;
    char server[96]; /* host:port, may be without its end */
    char text[256];  /* why not; likewise */
};

struct settlement {
    struct source source;
    char server[96];
    char text[256];
    __u64 cookie; /* of the socket, as in struct underway; 0 for a note */
};

#endif
