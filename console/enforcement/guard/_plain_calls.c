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
 */

#include "_plain_calls.h"

static const uint64_t LONGEST_US = INT32_MAX;

int listener = -1;
int bell = -1;
_Atomic int watched;
_Atomic int connects_are_plain;
_Atomic uint64_t careful_until;
_Atomic uint64_t apart_until;
_Atomic uint64_t begun;
struct lane lanes[LANES];
pthread_mutex_t tables = PTHREAD_MUTEX_INITIALIZER;
struct caller callers[CALLERS];
struct decision decisions[SETS][WAYS];
uint64_t secret[2];
pthread_mutex_t journal = PTHREAD_MUTEX_INITIALIZER;
uint64_t number, decided, refused, decision_us, carried[3];
int resting;
Py_buffer segment;
uint64_t segment_end;

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

bool prepare(void)
{
    make_crc_table();
    return getrandom(secret, sizeof secret, 0) == sizeof secret;
}

static uint32_t crc32_of(const uint8_t *octets, size_t size)
{
    uint32_t value = UINT32_MAX;
    for (size_t index = 0; index < size; index++)
        value = value >> 8 ^ crc_table[(value ^ octets[index]) & 0xFF];
    return ~value;
}

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

void return_caller(struct caller *caller)
{
    pthread_mutex_lock(&tables);
    caller->users--;
    pthread_mutex_unlock(&tables);
}

struct decision *set_of(const struct key *key)
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

int serve_calls(struct lane *lane, struct seccomp_notif *call, struct unfinished *work, enum outcome *outcome)
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
