/* What `_plain_calls.c` and `_plain_module.c` share; says what is remembered, and by which lock it is guarded.
 *
 * `tables` guards what is remembered, `journal` the numbering of records and the segment in use. Neither is held while
 * the other is taken, nor `tables` in any system call. Python takes `journal` without its interpreter lock.
 */

#ifndef PLAIN_CALLS_H
#define PLAIN_CALLS_H

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#if !defined(__x86_64__) || !defined(SYS_pidfd_getfd)
#error "made for Linux on x86-64, as console/enforcement/layouts.py"
#endif

enum {
    CONNECT = 1, /* place in ExitPoint, as records.py has it */
    LANES = 128,
    CALLERS = 256,
    SETS = 512,
    WAYS = 4,
    LONGEST_USER = 64,
    LONGEST_PROGRAM = 1024,
    HEAD = 102,
    LONGEST_BODY = HEAD + LONGEST_USER + LONGEST_PROGRAM + 8,
    SEAL = 8,
};

/* ---- What Python has said once, or says now and then. */

extern int listener;
extern int bell;
extern _Atomic int watched;            /* the watchdog looks: without it a call that waits would never be noticed */
extern _Atomic int connects_are_plain; /* the policy in force decides them by nothing but what a key holds */
extern _Atomic uint64_t careful_until; /* monotonic nanoseconds, as all times here but that of a record */
extern _Atomic uint64_t apart_until;   /* results are kept for connects that may be made again: Python's business */
extern _Atomic uint64_t begun;         /* calls that were begun here, ever */

/* ---- Lanes: what each thread is about. A thread has its own; others look at it. */

struct lane {
    _Atomic int taken, leads, busy;
    _Atomic uint64_t cookie;
    _Atomic uint32_t thread;
};

extern struct lane lanes[LANES];

/* ---- Callers: descriptors of Python's. `keeper` is an object that holds them open; it is let go of only by Python
 * (with the interpreter lock) while no lane uses the place. So a number used here cannot come to mean another file. */

struct caller {
    uint32_t thread; /* 0 for a free place */
    uint32_t process;
    int pidfd, directory, program;
    int users;
    PyObject *keeper;
};

/* ---- Decisions: one table of fixed size, four places for each value of a hash, which nobody outside can foresee.
 * Whoever fills it makes others be decided by Python again, and no more. */

struct key {
    uint64_t local[2], remote[2]; /* in network order */
    uint32_t user;
    uint16_t local_port, remote_port;
    uint64_t point;
};

struct answer {
    uint32_t sequence, revision;
    uint16_t outcome;
    uint8_t journalled, name_size;
    int32_t failure; /* errno of a rejected call, 0 for one that goes on */
    char name[LONGEST_USER];
};

struct decision {
    uint64_t until; /* 0 for a free place */
    struct key key;
    struct answer answer;
};

extern pthread_mutex_t tables;
extern struct caller callers[CALLERS];
extern struct decision decisions[SETS][WAYS];
extern uint64_t secret[2];

/* ---- The journal, shared with Backlog. */

extern pthread_mutex_t journal;
extern uint64_t number, decided, refused, decision_us, carried[3];
extern int resting;
extern Py_buffer segment; /* `buf` is NULL while nothing can be appended here */
extern uint64_t segment_end;

/* ---- One call. */

/* What goes into the journal. */
struct record {
    uint64_t number, at_ns, totals[3];
    uint32_t process, decision_us;
    struct key key; /* of which `local` is where the call was made from */
    struct answer answer;
    uint16_t program_size;
    char program[LONGEST_PROGRAM];
};

enum outcome { HANDED_OVER, SERVED, UNFINISHED };

/* An internet socket address. */
struct place {
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    };
};

/* A connect that was made, and that Python is to bring to its end. */
struct unfinished {
    struct caller *caller; /* borrowed */
    int taken;             /* the job's socket; -1 when it was recorded, and only could not be answered */
    int result;
    struct place to;
    struct record record;
};

/* Makes the table of checksums, and the hash of decisions unforeseeable; false where the system has no random octets. */
bool prepare(void);

/* Returns where a decision is remembered, WAYS places; under `tables` when they are looked at. */
struct decision *set_of(const struct key *key);

void return_caller(struct caller *caller);

/* Receives calls, and serves those that are plain and known, until one is for Python, receiving fails or the lead was
 * taken away. Returns the errno of receiving; 0 for a call that is for Python; -1 when the lead was taken away. */
int serve_calls(struct lane *lane, struct seccomp_notif *call, struct unfinished *work, enum outcome *outcome);

#endif
