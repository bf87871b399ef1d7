/* What the files `_plain_*.c` share; says what is remembered, and by which lock it is guarded.
 *
 * `tables` guards what is remembered, `journal` the numbering of records and the segment in use, `waiting` the accepts
 * that wait, `taking` the moment from the look at a listener that blocks to the accept, and `receiving` that from the
 * look for a call to its receipt. None is held while another is taken, but `waiting` and `tables` under `receiving`; nor
 * the first and the third in any system call. Python takes `journal` and `taking` without its interpreter lock.
 */

#ifndef PLAIN_CALLS_H
#define PLAIN_CALLS_H

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
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
    ACCEPT = 0, /* places in ExitPoint, as records.py has them */
    CONNECT = 1,
    LANES = 128,
    CALLERS = 256,
    SETS = 512,
    WAYS = 4,
    LONGEST_USER = 64,
    LONGEST_PROGRAM = 1024,
    HEAD = 102,
    LONGEST_BODY = HEAD + LONGEST_USER + LONGEST_PROGRAM + 8,
    SEAL = 8,
    PORTS = 65536,
    WAITERS = 16,
    LONGEST_ADDRESS = 128,
};

/* ---- What Python has said once, or says now and then. */

extern int listener;
extern int bell;
extern _Atomic int watched;            /* the watchdog looks: without it a call that waits would never be noticed */
extern _Atomic int connects_are_plain; /* the policy in force decides them by nothing but what a key holds */
extern _Atomic int accepts_are_plain;  /* the same of accepts */
extern _Atomic int accepts_apart;      /* bits: why Python is to see every accept, and every connection that was taken */
extern int programs_may_gain;          /* a program may get another's memory, and more rights, at any moment */
extern _Atomic uint64_t careful_until; /* monotonic nanoseconds, as all times here but that of a record */
extern _Atomic uint64_t apart_until;   /* results are kept for connects that may be made again: Python's business */
extern _Atomic uint64_t begun;         /* calls that were begun here, ever */

/* ---- Lanes: what each thread is about. A thread has its own; others look at it. */

struct lane {
    _Atomic int taken, leads, busy;
    _Atomic uint64_t cookie;
    _Atomic uint32_t thread;
    /* Its thread's own: calls, the thread last answered, whether a call was waiting then, and how often in a row it was
     * another thread's. */
    unsigned served, crowded;
    uint32_t answered;
    bool found_waiting;
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

/* What a decision depends on, and the ends of a call in its record. For accepts, whose clients come from ever new ports,
 * a decision has the numbers of the remote address's and port's classes instead of them (`struct classes`). */
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

/* Which remote addresses and ports the rules of accept do not tell apart: those with the same number. */
struct classes {
    size_t count;
    uint64_t (*starts)[2]; /* where each piece but the first begins, ascending, high half first, as this machine reckons */
    uint32_t *numbers;     /* of each piece; one more than `starts` */
    uint16_t *ports;       /* of each port; NULL where all are alike */
};

/* For which moments decisions are remembered, in nanoseconds since the epoch, the second no longer among them: rules may
 * hold at certain times only. Both are 0 where they always hold. */
struct period {
    uint64_t begins, ends;
};

extern pthread_mutex_t tables, receiving;
extern struct period period;
extern struct classes classes;
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

/* HANDED_OVER: nothing was done. SERVED: all was. UNFINISHED: a connect was made. TAKEN: a connection was. WAITS: an
 * accept stands among those that wait. */
enum outcome { HANDED_OVER, SERVED, UNFINISHED, TAKEN, WAITS };

/* An internet socket address. */
struct place {
    socklen_t size;
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        char room[LONGEST_ADDRESS];
    };
};

/* A call on its way, which Python is to bring to its end if it cannot be brought there here. */
struct unfinished {
    struct caller *caller; /* borrowed */
    int taken;             /* the socket of a connect; -1 when it was recorded, and only could not be answered */
    int result;
    struct place to;
    int listener;   /* of an accept */
    int connection; /* that was taken for it, and comes from `to` */
    bool blocks, recorded;
    struct record record;
};

/* An accept that waits for a connection. */
struct waiter {
    struct seccomp_notif call;
    struct caller *caller; /* borrowed */
    int listener;
    uint64_t until; /* Python takes over then */
};

/* ---- What all calls have in common: `_plain_calls.c`. */

/* Makes the table of checksums, and the hash of decisions unforeseeable; false where the system has no random octets. */
bool prepare(void);

uint64_t now_ns(clockid_t clock);

/* Says whether a record of any length can be kept now; another thread may take the room. */
bool has_room(void);

/* Counts a decision, and keeps it if its rule wants that; false, with nothing done, where it cannot be kept here. */
bool keep(struct record *what);

/* Returns what is known of a thread, NULL for nothing; to be given back. */
struct caller *borrow_caller(uint32_t thread);
void return_caller(struct caller *caller);

/* Returns where a decision is remembered, WAYS places; under `tables` when they are looked at. */
struct decision *set_of(const struct key *key);

/* Finds a decision that is remembered; under `tables`. */
bool find_answer(const struct key *key, uint64_t now, struct answer *answer);

/* Writes an internet address as one of the 128-bit space of rules; false for any other. */
bool read_place(const struct place *place, uint64_t address[2], uint16_t *port);

/* Notes the local end of a connection in a record: nowhere for what is no internet socket. */
void find_local(int connection, struct record *record);

bool is_mapped(const uint8_t address[16]);
bool still_waits(uint64_t cookie);

/* Lets a call return 0, or fail; false where nobody waits for that any more. */
bool answer_call(uint64_t cookie, int failure);

/* Reads the path of the caller's program; false where it does not fit, or cannot be had. */
bool read_program(const struct caller *caller, struct record *record);

/* Notes how long a decision took. */
void note_spent(struct record *record, uint64_t started);

/* What `serve_calls` and `help_calls` return beside the errno of receiving. */
enum { FOR_PYTHON = 0, RELIEVED = -1, CROWDED = -2 };

/* Receives calls, and serves those that are plain and known, until one is for Python, receiving fails, the lead was taken
 * away, or calls have been waiting for each other for a while and nobody helps. */
int serve_calls(struct lane *lane, struct seccomp_notif *call, struct unfinished *work, enum outcome *outcome);

/* The same for a thread that does not lead, as long as calls wait that the leader has not received. It never waits for
 * one itself: accepts that wait are looked after by the leader, who would wait beside it. RELIEVED when none wait. */
int help_calls(struct lane *lane, struct seccomp_notif *call, struct unfinished *work, enum outcome *outcome);

/* ---- `_plain_connects.c` and `_plain_accepts.c`. */

enum outcome serve_connect(const struct seccomp_notif *call, struct unfinished *work);
enum outcome serve_accept(struct lane *lane, const struct seccomp_notif *call, struct unfinished *work);

/* Makes the key of a decision about an accept; under `tables`. */
void ask_about_accept(struct key *asked, const struct key *ends);

extern pthread_mutex_t taking, waiting;
extern int waiters; /* how many accepts wait; the leading thread reads it as it is */

/* Waits for a call, or for a connection for one of those that wait. Returns 0 when a call can be received; 1, and the
 * accept in `call` and `work`, for one that has a connection; 2 for one that is for Python now; -1 for neither. */
int await_any(struct seccomp_notif *call, struct unfinished *work);

/* Gives back what an accept has borrowed and taken that was not begun; returns HANDED_OVER. */
enum outcome give_back(struct unfinished *work);

/* Gives up the places of those that wait once no call can come any more; uses `call` and `work` as it likes. The job's
 * end is told soon after that, and a listener of ours would keep its port busy. Only who leads may do it. */
void give_up_places(struct seccomp_notif *call, struct unfinished *work);

/* Serves an accept that waited, and for which there may be a connection. */
enum outcome serve_waiter(struct lane *lane, const struct seccomp_notif *call, struct unfinished *work);

/* Lets go of all that wait: their job has ended. */
void dismiss_waiters(void);

/* Remembers how an accept on a listener that blocks began: with a connection, or with none. */
void note_place(uint32_t process, uint32_t descriptor, bool had_to_wait);

/* Whether a program had to wait once, or found a connection each time and often enough to be taken for one that looks. */
enum habit { UNKNOWN, WAITS_ITSELF, LOOKS };
enum habit habit_of(uint32_t process, uint32_t descriptor);

#endif
