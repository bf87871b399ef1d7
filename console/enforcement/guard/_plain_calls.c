/* Serves calls that are plain and known, without Python. What is neither is handed to Python before anything of it shows.
 *
 * The Python code beside this file is the reference; `console.enforcement.guard.plain_calls` says what is plain, and how
 * the two work together. This file repeats, step for step and in the same order, what that code does about
 *
 *   - connect(2) on an internet stream socket, by a caller and to an address about which a decision is remembered.
 *
 * Nothing is decided here: a decision that Python has made is found again, or it is not.
 *
 * What comes from the job are the six registers of its call and the octets of one address. The registers are compared,
 * and handed to the kernel, never reckoned with; of the octets exactly 16 or 28 are taken, into a buffer of that size.
 *
 * Locks: `tables` guards what is remembered, `journal` the numbering of records and the segment in use. Neither is held
 * while the other is taken, nor `tables` in any system call. Python takes `journal` without its interpreter lock.
 */

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

static const uint64_t LONGEST_US = INT32_MAX;

/* ---- What Python has said once, or says now and then. */

static int listener = -1;
static int bell = -1;
static _Atomic int watched;              /* the watchdog looks: without it a call that waits would never be noticed */
static _Atomic int connects_are_plain;   /* the policy in force decides them by nothing but what a key holds */
static _Atomic uint64_t careful_until;   /* monotonic nanoseconds, as all times here but that of a record */
static _Atomic uint64_t apart_until;     /* results are kept for connects that may be made again: Python's business */
static _Atomic uint64_t begun;           /* calls that were begun here, ever */

/* ---- Lanes: what each thread is about. A thread has its own; others look at it. */

struct lane {
    _Atomic int taken, leads, busy;
    _Atomic uint64_t cookie;
    _Atomic uint32_t thread;
};

static struct lane lanes[LANES];

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

static pthread_mutex_t tables = PTHREAD_MUTEX_INITIALIZER;
static struct caller callers[CALLERS];
static struct decision decisions[SETS][WAYS];
static uint64_t secret[2];

/* ---- The journal, shared with Backlog. */

static pthread_mutex_t journal = PTHREAD_MUTEX_INITIALIZER;
static uint64_t number, decided, refused, decision_us, carried[3];
static int resting;
static Py_buffer segment; /* `buf` is NULL while nothing can be appended here */
static uint64_t segment_end;

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- Records: as console/enforcement/records.py lays them out. */

static uint32_t crc_table[256];

static void make_crc_table(void)
{
    for (uint32_t octet = 0; octet < 256; octet++) {
        uint32_t value = octet;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
        crc_table[octet] = value;
    }
}

static uint32_t crc32_of(const uint8_t *octets, size_t size)
{
    uint32_t value = UINT32_MAX;
    for (size_t index = 0; index < size; index++)
        value = value >> 8 ^ crc_table[(value ^ octets[index]) & 0xFF];
    return ~value;
}

struct record {
    uint64_t number, at_ns, totals[3];
    uint32_t process, decision_us;
    struct key key; /* of which `local` is where the call was made from */
    struct answer answer;
    uint16_t program_size;
    char program[LONGEST_PROGRAM];
};

static uint8_t *put(uint8_t *at, const void *octets, size_t size)
{
    memcpy(at, octets, size);
    return at + size;
}

/* Returns the size, a multiple of 8, at most LONGEST_BODY. */
static size_t pack(uint8_t body[LONGEST_BODY], const struct record *what)
{
    const uint16_t texts[4] = {what->answer.name_size, what->program_size, 0, 0};
    const uint16_t point = (uint16_t)what->key.point;
    uint8_t *at = body;
    at = put(at, &what->number, 8);
    at = put(at, &what->at_ns, 8);
    at = put(at, what->totals, 24);
    at = put(at, &what->answer.sequence, 4);
    at = put(at, &what->answer.revision, 4);
    at = put(at, &what->process, 4);
    at = put(at, &what->decision_us, 4);
    at = put(at, what->key.local, 16);
    at = put(at, what->key.remote, 16);
    at = put(at, &what->key.local_port, 2);
    at = put(at, &what->key.remote_port, 2);
    *at++ = (uint8_t)point;
    *at++ = (uint8_t)what->answer.outcome;
    at = put(at, texts, sizeof texts);
    at = put(at, what->answer.name, what->answer.name_size);
    at = put(at, what->program, what->program_size);
    while ((at - body) % SEAL)
        *at++ = 0;
    return (size_t)(at - body);
}

/* Says whether a record of any length can be kept now; another thread may take the room. */
static bool has_room(void)
{
    pthread_mutex_lock(&journal);
    const bool has = segment.buf != NULL && (uint64_t)segment.len >= segment_end + SEAL + LONGEST_BODY;
    pthread_mutex_unlock(&journal);
    return has;
}

/* Counts a decision, and keeps it if its rule wants that; false, with nothing done, where it cannot be kept here. */
static bool keep(struct record *what)
{
    uint8_t body[LONGEST_BODY];
    bool kept = true, ring = false;

    pthread_mutex_lock(&journal);
    const uint64_t totals[3] = {decided + 1, refused + (what->answer.failure != 0), decision_us + what->decision_us};
    if (what->answer.journalled) {
        what->number = number + 1;
        memcpy(what->totals, totals, sizeof totals);
        const uint64_t size = pack(body, what);
        kept = segment.buf != NULL && segment_end + SEAL + size <= (uint64_t)segment.len;
        if (kept) {
            uint8_t *start = (uint8_t *)segment.buf + segment_end;
            const uint64_t seal = (uint64_t)crc32_of(body, size) << 32 | 0xA5000000u | (size + SEAL);
            memcpy(start + SEAL, body, size);
            atomic_store_explicit((_Atomic uint64_t *)start, seal, memory_order_release);
            segment_end += SEAL + size;
            number = what->number;
            memcpy(carried, totals, sizeof totals);
        }
    }
    if (kept) {
        decided = totals[0];
        refused = totals[1];
        decision_us = totals[2];
        ring = resting;
        resting = 0;
    }
    pthread_mutex_unlock(&journal);
    if (ring) {
        const uint64_t one = 1;
        while (write(bell, &one, sizeof one) < 0 && errno == EINTR)
            ;
    }
    return kept;
}

/* ---- What is remembered. */

static struct caller *borrow_caller(uint32_t thread)
{
    struct caller *found = &callers[thread % CALLERS];
    pthread_mutex_lock(&tables);
    if (thread != 0 && found->thread == thread)
        found->users++;
    else
        found = NULL;
    pthread_mutex_unlock(&tables);
    return found;
}

static void return_caller(struct caller *caller)
{
    pthread_mutex_lock(&tables);
    caller->users--;
    pthread_mutex_unlock(&tables);
}

static struct decision *set_of(const struct key *key)
{
    uint64_t words[sizeof *key / sizeof(uint64_t)], hash = secret[0];
    memcpy(words, key, sizeof words);
    for (size_t index = 0; index < sizeof words / sizeof *words; index++) {
        hash = (hash ^ words[index]) * (secret[1] | 1);
        hash ^= hash >> 32;
    }
    return decisions[hash % SETS];
}

static bool recall(const struct key *key, uint64_t now, struct answer *answer)
{
    bool found = false;
    struct decision *set = set_of(key);
    pthread_mutex_lock(&tables);
    for (int way = 0; way < WAYS && !found; way++) {
        found = now < set[way].until && !memcmp(&set[way].key, key, sizeof *key);
        if (found)
            *answer = set[way].answer;
    }
    pthread_mutex_unlock(&tables);
    return found;
}

/* ---- One connect. */

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

static const uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/* Writes an internet address as one of the 128-bit space of rules; false for any other. */
static bool read_place(const struct place *place, uint64_t address[2], uint16_t *port)
{
    uint8_t octets[16];
    if (place->size == sizeof place->in && place->any.sa_family == AF_INET) {
        memcpy(octets, MAPPED, 12);
        memcpy(octets + 12, &place->in.sin_addr, 4);
        *port = ntohs(place->in.sin_port);
    } else if (place->size == sizeof place->in6 && place->any.sa_family == AF_INET6) {
        memcpy(octets, &place->in6.sin6_addr, 16);
        *port = ntohs(place->in6.sin6_port);
    } else {
        return false;
    }
    memcpy(address, octets, 16);
    return true;
}

static bool is_mapped(const uint8_t address[16])
{
    return !memcmp(address, MAPPED, 12);
}

/* 0.0.0.0 and :: stand for another address. */
static bool is_anywhere(const uint8_t address[16])
{
    static const uint8_t none[16];
    return !memcmp(address, none, 16) || (is_mapped(address) && !memcmp(address + 12, none, 4));
}

static bool is_loopback(const uint8_t address[16])
{
    static const uint8_t one[16] = {[15] = 1};
    return !memcmp(address, one, 16) || (is_mapped(address) && address[12] == 127);
}

static bool still_waits(uint64_t cookie)
{
    int result;
    do
        result = ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &cookie);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

static bool answer_call(uint64_t cookie, int failure)
{
    struct seccomp_notif_resp response = {.id = cookie, .error = -failure};
    int result;
    do
        result = ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

/* Reads the path of the caller's program; false where it does not fit, or cannot be had. */
static bool read_program(const struct caller *caller, struct record *record)
{
    static const char deleted[] = " (deleted)";
    const size_t tail = sizeof deleted - 1;
    ssize_t size = readlinkat(caller->program, "", record->program, sizeof record->program);
    if (size <= 0 || (size_t)size >= sizeof record->program)
        return false;
    if ((size_t)size >= tail && !memcmp(record->program + size - tail, deleted, tail))
        size -= (ssize_t)tail;
    record->program_size = (uint16_t)size;
    return true;
}

/* Says whether a connect is over at once; one that may wait is for another thread to take turns with. */
static bool is_quick(const struct unfinished *work, uint64_t now)
{
    if (is_loopback((const uint8_t *)work->record.key.remote) && now >= atomic_load(&careful_until))
        return true;
    const int flags = fcntl(work->taken, F_GETFL);
    return flags >= 0 && flags & O_NONBLOCK;
}

/* Finds the address and the remembered decision. All that it does can be done again, and shows nowhere. */
static bool find_decision(const struct seccomp_notif *call, uint64_t started, struct unfinished *work)
{
    struct record *record = &work->record;
    struct stat status;
    int kind;
    socklen_t size = sizeof kind;
    const struct iovec here = {&work->to.any, work->to.size};
    const struct iovec there = {(void *)(uintptr_t)call->data.args[1], work->to.size};

    if (process_vm_readv((pid_t)call->pid, &here, 1, &there, 1, 0) != (ssize_t)work->to.size)
        return false;
    if (!still_waits(call->id)) /* after all that was looked up by number */
        return false;
    if (!read_place(&work->to, record->key.remote, &record->key.remote_port) ||
        is_anywhere((const uint8_t *)record->key.remote))
        return false;
    if (getsockopt(work->taken, SOL_SOCKET, SO_TYPE, &kind, &size) || kind != SOCK_STREAM)
        return false;
    if (fstat(work->caller->directory, &status))
        return false;
    record->key.user = status.st_uid;
    record->key.point = CONNECT;
    if (!recall(&record->key, started, &record->answer))
        return false;
    if (!record->answer.failure && !is_quick(work, started))
        return false;
    return read_program(work->caller, record) && (!record->answer.journalled || has_room());
}

/* Notes where a connect was made from: nowhere for what is no internet socket. */
static void find_local(struct unfinished *work)
{
    struct place bound = {.size = sizeof bound.in6};
    struct key *key = &work->record.key;
    if (getsockname(work->taken, &bound.any, &bound.size) || !read_place(&bound, key->local, &key->local_port)) {
        memset(key->local, 0, sizeof key->local);
        key->local_port = 0;
    }
}

static enum outcome serve_connect(const struct seccomp_notif *call, struct unfinished *work)
{
    const uint64_t started = now_ns(CLOCK_MONOTONIC);
    struct record *record = &work->record;

    work->to.size = (socklen_t)call->data.args[2];
    if (work->to.size != sizeof work->to.in && work->to.size != sizeof work->to.in6)
        return HANDED_OVER;
    if (!atomic_load(&connects_are_plain) || started < atomic_load(&apart_until))
        return HANDED_OVER;
    work->caller = borrow_caller(call->pid);
    if (work->caller == NULL)
        return HANDED_OVER;
    work->taken = (int)syscall(SYS_pidfd_getfd, work->caller->pidfd, (int)call->data.args[0], 0);
    if (work->taken < 0 || !find_decision(call, started, work)) {
        if (work->taken >= 0)
            close(work->taken);
        return_caller(work->caller);
        return HANDED_OVER;
    }
    const uint64_t spent_us = (now_ns(CLOCK_MONOTONIC) - started) / 1000;
    record->process = work->caller->process;
    record->decision_us = (uint32_t)(spent_us < LONGEST_US ? spent_us : LONGEST_US);

    /* From here on it shows: what cannot be brought to its end here is brought there by Python, from where it is. */
    work->result = record->answer.failure;
    if (!work->result && connect(work->taken, &work->to.any, work->to.size))
        work->result = errno;
    if (work->result && work->result != EINPROGRESS && !record->answer.failure)
        return UNFINISHED;
    find_local(work);
    record->at_ns = now_ns(CLOCK_REALTIME);
    if (!keep(record))
        return UNFINISHED;
    close(work->taken); /* before the answer: the caller's close is to be the last one */
    work->taken = -1;
    if (!answer_call(call->id, work->result))
        return UNFINISHED;
    return_caller(work->caller);
    return SERVED;
}

/* Receives calls, and serves those that are plain and known, until one is for Python, receiving fails or the lead was
 * taken away. Returns the errno of receiving; 0 for a call that is for Python; -1 when the lead was taken away. */
static int serve_calls(struct lane *lane, struct seccomp_notif *call, struct unfinished *work, enum outcome *outcome)
{
    while (atomic_load(&lane->leads)) {
        memset(call, 0, sizeof *call);
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, call)) {
            if (errno == EINTR)
                continue;
            return errno;
        }
        *outcome = HANDED_OVER;
        if (call->data.nr != SYS_connect || call->data.arch != 0xC000003E)
            return 0;
        atomic_store(&lane->cookie, call->id);
        atomic_store(&lane->thread, call->pid);
        atomic_store(&lane->busy, 1);
        atomic_fetch_add(&begun, 1);
        if (atomic_load(&watched)) { /* after the line above: whoever stops watching looks at `begun` once more */
            memset(work, 0, offsetof(struct unfinished, record.program));
            *outcome = serve_connect(call, work);
        }
        if (*outcome == UNFINISHED)
            return 0; /* busy until Python has brought it to its end */
        atomic_store(&lane->busy, 0);
        if (*outcome == HANDED_OVER)
            return 0;
    }
    return -1;
}

/* ---- What Python calls. All of it holds the interpreter lock, but where it may wait. */

static bool is_lane(long index)
{
    if (index >= 0 && index < LANES && atomic_load(&lanes[index].taken))
        return true;
    PyErr_SetString(PyExc_ValueError, "no such lane");
    return false;
}

static PyObject *open_(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    if (!PyArg_ParseTuple(arguments, "ii", &listener, &bell))
        return NULL;
    for (size_t index = 0; index < CALLERS; index++) {
        PyObject *former = callers[index].keeper;
        callers[index] = (struct caller){0};
        Py_XDECREF(former);
    }
    Py_RETURN_NONE;
}

static PyObject *open_lane(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    for (long index = 0; index < LANES; index++)
        if (!atomic_exchange(&lanes[index].taken, 1))
            return PyLong_FromLong(index);
    return PyLong_FromLong(-1);
}

static PyObject *close_lane(PyObject *Py_UNUSED(module), PyObject *argument)
{
    const long index = PyLong_AsLong(argument);
    if (PyErr_Occurred() || !is_lane(index))
        return NULL;
    atomic_store(&lanes[index].busy, 0);
    atomic_store(&lanes[index].leads, 0);
    atomic_store(&lanes[index].taken, 0);
    Py_RETURN_NONE;
}

static PyObject *lead(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    long index;
    int leads;
    if (!PyArg_ParseTuple(arguments, "lp", &index, &leads) || !is_lane(index))
        return NULL;
    atomic_store(&lanes[index].leads, leads);
    Py_RETURN_NONE;
}

static PyObject *leave(PyObject *Py_UNUSED(module), PyObject *argument)
{
    const long index = PyLong_AsLong(argument);
    if (PyErr_Occurred() || !is_lane(index))
        return NULL;
    atomic_store(&lanes[index].busy, 0);
    Py_RETURN_NONE;
}

static PyObject *busy(PyObject *Py_UNUSED(module), PyObject *argument)
{
    const long index = PyLong_AsLong(argument);
    if (PyErr_Occurred() || !is_lane(index))
        return NULL;
    if (!atomic_load(&lanes[index].busy))
        Py_RETURN_NONE;
    return Py_BuildValue("Kk", (unsigned long long)atomic_load(&lanes[index].cookie),
                         (unsigned long)atomic_load(&lanes[index].thread));
}

static PyObject *is_before(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    unsigned long thread;
    unsigned long long cookie;
    if (!PyArg_ParseTuple(arguments, "kK", &thread, &cookie))
        return NULL;
    for (long index = 0; index < LANES; index++) {
        const struct lane *lane = &lanes[index];
        if (atomic_load(&lane->busy) && atomic_load(&lane->thread) == thread && atomic_load(&lane->cookie) < cookie)
            Py_RETURN_TRUE;
    }
    Py_RETURN_FALSE;
}

static PyObject *begun_(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    return PyLong_FromUnsignedLongLong(atomic_load(&begun));
}

static PyObject *watch(PyObject *Py_UNUSED(module), PyObject *argument)
{
    atomic_store(&watched, PyObject_IsTrue(argument));
    Py_RETURN_NONE;
}

static PyObject *be_careful(PyObject *Py_UNUSED(module), PyObject *argument)
{
    const unsigned long long until = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred())
        return NULL;
    atomic_store(&careful_until, until);
    Py_RETURN_NONE;
}

static PyObject *stay_apart(PyObject *Py_UNUSED(module), PyObject *argument)
{
    const unsigned long long until = PyLong_AsUnsignedLongLong(argument);
    if (PyErr_Occurred())
        return NULL;
    atomic_store(&apart_until, until);
    Py_RETURN_NONE;
}

static PyObject *know(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    unsigned int thread, process;
    int pidfd, directory, program;
    PyObject *keeper, *former = NULL;
    if (!PyArg_ParseTuple(arguments, "IIiiiO", &thread, &process, &pidfd, &directory, &program, &keeper))
        return NULL;
    struct caller *place = &callers[thread % CALLERS];
    pthread_mutex_lock(&tables);
    if (place->users == 0) {
        former = place->keeper;
        Py_INCREF(keeper);
        *place = (struct caller){thread, process, pidfd, directory, program, 0, keeper};
    }
    pthread_mutex_unlock(&tables);
    Py_XDECREF(former); /* closes descriptors, perhaps: after the lock */
    Py_RETURN_NONE;
}

static PyObject *remember(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct decision fresh;
    unsigned long long until;
    unsigned char point, journalled;
    const char *remote, *user;
    Py_ssize_t remote_size, user_size;
    memset(&fresh, 0, sizeof fresh);
    if (!PyArg_ParseTuple(arguments, "KbIy#HIIHiby#", &until, &point, &fresh.key.user, &remote, &remote_size,
                          &fresh.key.remote_port, &fresh.answer.sequence, &fresh.answer.revision,
                          &fresh.answer.outcome, &fresh.answer.failure, &journalled, &user, &user_size))
        return NULL;
    if (remote_size != sizeof fresh.key.remote || user_size > LONGEST_USER) {
        PyErr_SetString(PyExc_ValueError, "size");
        return NULL;
    }
    fresh.until = until;
    fresh.key.point = point;
    memcpy(fresh.key.remote, remote, sizeof fresh.key.remote);
    fresh.answer.journalled = journalled;
    fresh.answer.name_size = (uint8_t)user_size;
    memcpy(fresh.answer.name, user, (size_t)user_size);

    struct decision *set = set_of(&fresh.key), *place = &set[until / 8 % WAYS]; /* whichever, unless one is better */
    pthread_mutex_lock(&tables);
    for (int way = WAYS - 1; way >= 0; way--)
        if (set[way].until == 0)
            place = &set[way];
    for (int way = 0; way < WAYS; way++)
        if (set[way].until != 0 && !memcmp(&set[way].key, &fresh.key, sizeof fresh.key))
            place = &set[way];
    *place = fresh;
    pthread_mutex_unlock(&tables);
    Py_RETURN_NONE;
}

static PyObject *forget(PyObject *Py_UNUSED(module), PyObject *argument)
{
    const int plain = PyObject_IsTrue(argument);
    atomic_store(&connects_are_plain, 0);
    pthread_mutex_lock(&tables);
    memset(decisions, 0, sizeof decisions);
    pthread_mutex_unlock(&tables);
    atomic_store(&connects_are_plain, plain);
    Py_RETURN_NONE;
}

/* Takes the lock of the journal, and returns what was counted. */
static PyObject *enter(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    if (pthread_mutex_trylock(&journal)) {
        Py_BEGIN_ALLOW_THREADS
        pthread_mutex_lock(&journal);
        Py_END_ALLOW_THREADS
    }
    PyObject *found = Py_BuildValue("KKKK(KKK)K", number, decided, refused, decision_us, carried[0], carried[1],
                                    carried[2], segment_end);
    if (found == NULL)
        pthread_mutex_unlock(&journal);
    return found;
}

/* Counts as Python has counted, and gives the lock back. */
static PyObject *leave_journal(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    unsigned long long values[8];
    if (!PyArg_ParseTuple(arguments, "KKKK(KKK)Kp", &values[0], &values[1], &values[2], &values[3], &values[4],
                          &values[5], &values[6], &values[7], &resting))
        return NULL;
    number = values[0];
    decided = values[1];
    refused = values[2];
    decision_us = values[3];
    carried[0] = values[4];
    carried[1] = values[5];
    carried[2] = values[6];
    segment_end = values[7];
    pthread_mutex_unlock(&journal);
    Py_RETURN_NONE;
}

/* Gives memory to append to, or with None takes it back; between `enter` and `leave_journal`. */
static PyObject *lend(PyObject *Py_UNUSED(module), PyObject *memory)
{
    if (segment.buf != NULL)
        PyBuffer_Release(&segment);
    segment.buf = NULL;
    if (memory == Py_None)
        Py_RETURN_NONE;
    if (PyObject_GetBuffer(memory, &segment, PyBUF_WRITABLE)) {
        segment.buf = NULL;
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *hand_over(const struct seccomp_notif *call, struct unfinished *work, enum outcome outcome)
{
    const Py_ssize_t call_size = sizeof *call;
    if (outcome == HANDED_OVER)
        return Py_BuildValue("y#O", (const char *)call, call_size, Py_None);
    const struct record *record = &work->record;
    const struct answer *answer = &record->answer;
    PyObject *found = Py_BuildValue(
        "y#(Oiiy#y#Hy#HIIHibIy#y#)", (const char *)call, call_size, work->caller->keeper, work->taken, work->result,
        (const char *)&work->to.any, (Py_ssize_t)work->to.size, (const char *)record->key.local, (Py_ssize_t)16,
        record->key.local_port, (const char *)record->key.remote, (Py_ssize_t)16, record->key.remote_port,
        answer->sequence, answer->revision, answer->outcome, answer->failure, answer->journalled, record->decision_us,
        answer->name, (Py_ssize_t)answer->name_size, record->program, (Py_ssize_t)record->program_size);
    return_caller(work->caller);
    return found;
}

static PyObject *serve(PyObject *Py_UNUSED(module), PyObject *argument)
{
    const long index = PyLong_AsLong(argument);
    struct seccomp_notif call;
    struct unfinished work;
    enum outcome outcome = HANDED_OVER;
    int failure;
    if (PyErr_Occurred() || !is_lane(index))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    failure = serve_calls(&lanes[index], &call, &work, &outcome);
    Py_END_ALLOW_THREADS
    if (failure < 0)
        Py_RETURN_NONE;
    if (failure)
        return PyLong_FromLong(failure);
    return hand_over(&call, &work, outcome);
}

static PyMethodDef functions[] = {
    {"open", open_, METH_VARARGS, "Begin with a listener's descriptor and an eventfd's that wakes the reporter; nothing may be served meanwhile."},
    {"open_lane", open_lane, METH_NOARGS, "Return a lane for the calling thread; -1 when there is none."},
    {"close_lane", close_lane, METH_O, "Give a lane back."},
    {"lead", lead, METH_VARARGS, "Let the thread of a lane go on receiving, or no longer."},
    {"leave", leave, METH_O, "Note that an unfinished call of a lane has come to its end."},
    {"busy", busy, METH_O, "Return cookie and thread of the call that a lane serves, or None."},
    {"is_before", is_before, METH_VARARGS, "Say whether an earlier call of a thread than that cookie is being served."},
    {"begun", begun_, METH_NOARGS, "Return how many calls were begun here."},
    {"watch", watch, METH_O, "Say whether the watchdog looks; without it nothing is served here."},
    {"be_careful", be_careful, METH_O, "Hand over what might wait until then."},
    {"stay_apart", stay_apart, METH_O, "Hand over every connect until then."},
    {"know", know, METH_VARARGS, "Remember a caller: thread, process, its three descriptors, and what owns them."},
    {"remember", remember, METH_VARARGS, "Remember a decision until then."},
    {"forget", forget, METH_O, "Forget all decisions; serve connects only if true."},
    {"enter", enter, METH_NOARGS, "Take the lock of the journal and return what was counted."},
    {"leave_journal", leave_journal, METH_VARARGS, "Set what was counted and give the lock back."},
    {"lend", lend, METH_O, "Give memory to append to, or None; under the lock."},
    {"serve", serve, METH_O, "Serve calls; None: the lead is gone; an errno; or a call and what has become of it."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_plain_calls", NULL, -1, functions,
                                        NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__plain_calls(void)
{
    make_crc_table();
    if (getrandom(secret, sizeof secret, 0) != sizeof secret)
        return PyErr_SetFromErrno(PyExc_OSError);
    return PyModule_Create(&definition);
}
