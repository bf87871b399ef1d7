/* Serves calls that are plain and known, without Python. What is neither is handed to Python before anything of it shows.
 *
 * The Python code beside this file is the reference; `console.enforcement.guard.plain_calls` says what is plain, and how
 * the two work together. This file repeats, step for step and in the same order, what that code does about
 *
 *   - connect(2) on an internet stream socket, by a caller and to an address about which a decision is remembered
 *     (`_plain_connects.c`);
 *   - accept(2) and accept4(2) of a connection that such a decision allows, and of none (`_plain_accepts.c`).
 *
 * Nothing is decided here: a decision that Python has made is found again, or it is not.
 *
 * What comes from the job are the six registers of its call, the octets of one address and the length of a buffer. The
 * registers are compared, and handed to the kernel, never reckoned with; of the octets exactly 16 or 28 are taken, into
 * a buffer of that size; of the length no more is used than we have to write.
 */

#include "_plain_calls.h"

static const uint64_t LONGEST_US = INT32_MAX;

/* After how many calls it is looked whether another waits, how often one must to be helped, for how many milliseconds a
 * helper waits for one to come, and how often in vain. */
enum { EVERY = 8, IN_A_ROW = 4, HELPS_MS = 1, IN_VAIN = 8 };

int listener = -1;
int bell = -1;
_Atomic int watched;
_Atomic int connects_are_plain;
_Atomic int accepts_are_plain;
_Atomic int accepts_apart;
int programs_may_gain = 1;
_Atomic uint64_t careful_until;
_Atomic uint64_t apart_until;
_Atomic uint64_t begun;
struct lane lanes[LANES];
pthread_mutex_t tables = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t receiving = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP; /* held for a microsecond where others want it */
struct classes classes;
struct period period;
struct caller callers[CALLERS];
struct decision decisions[SETS][WAYS];
uint64_t secret[2];
pthread_mutex_t journal = PTHREAD_MUTEX_INITIALIZER;
uint64_t number, decided, refused, decision_us, carried[3];
int resting;
Py_buffer segment;
uint64_t segment_end;

uint64_t now_ns(clockid_t clock)
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

bool has_room(void)
{
    pthread_mutex_lock(&journal);
    const bool has = segment.buf != NULL && (uint64_t)segment.len >= segment_end + SEAL + LONGEST_BODY;
    pthread_mutex_unlock(&journal);
    return has;
}

bool keep(struct record *what)
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

struct caller *borrow_caller(uint32_t thread)
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

/* Says whether the rules that hold now are those by which was decided what is remembered. What is not found by that is
 * handed over, and Python then has all of it forgotten. */
static bool is_in_period(void)
{
    if (period.ends == 0)
        return true;
    const uint64_t now = now_ns(CLOCK_REALTIME);
    return period.begins <= now && now < period.ends;
}

bool find_answer(const struct key *key, uint64_t now, struct answer *answer)
{
    const struct decision *set = set_of(key);
    if (!is_in_period())
        return false;
    for (int way = 0; way < WAYS; way++) {
        if (now < set[way].until && !memcmp(&set[way].key, key, sizeof *key)) {
            *answer = set[way].answer;
            return true;
        }
    }
    return false;
}

/* ---- Addresses. */

static const uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

bool read_place(const struct place *place, uint64_t address[2], uint16_t *port)
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

bool is_mapped(const uint8_t address[16])
{
    return !memcmp(address, MAPPED, 12);
}

/* ---- The caller and its call. */

bool still_waits(uint64_t cookie)
{
    int result;
    do
        result = ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &cookie);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

bool answer_call(uint64_t cookie, int failure)
{
    struct seccomp_notif_resp response = {.id = cookie, .error = -failure};
    int result;
    do
        result = ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

bool read_program(const struct caller *caller, struct record *record)
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

void find_local(int connection, struct record *record)
{
    struct place bound = {.size = sizeof bound.room};
    struct key *key = &record->key;
    if (getsockname(connection, &bound.any, &bound.size) || !read_place(&bound, key->local, &key->local_port)) {
        memset(key->local, 0, sizeof key->local);
        key->local_port = 0;
    }
}

void note_spent(struct record *record, uint64_t started)
{
    const uint64_t spent_us = (now_ns(CLOCK_MONOTONIC) - started) / 1000;
    record->decision_us = (uint32_t)(spent_us < LONGEST_US ? spent_us : LONGEST_US);
}

/* ---- The loop. */

static _Atomic int helpers; /* threads that receive beside who leads */

/* Serves one call; `waited` says that it is an accept that has waited. */
static enum outcome serve_call(struct lane *lane, const struct seccomp_notif *call, struct unfinished *work, bool waited)
{
    atomic_store(&lane->cookie, call->id);
    atomic_store(&lane->thread, call->pid);
    atomic_store(&lane->busy, 1);
    atomic_fetch_add(&begun, 1);
    const bool looks = atomic_load(&watched); /* after the line above: whoever stops watching looks at `begun` once more */
    if (waited)
        return looks ? serve_waiter(lane, call, work) : give_back(work);
    if (!looks)
        return HANDED_OVER;
    memset(work, 0, offsetof(struct unfinished, record.program));
    return call->data.nr == SYS_connect ? serve_connect(call, work) : serve_accept(lane, call, work);
}

static bool is_served_here(const struct seccomp_notif *call)
{
    const int which = call->data.nr;
    return call->data.arch == 0xC000003E && (which == SYS_connect || which == SYS_accept || which == SYS_accept4);
}

/* Receives a call; returns errno. */
static int receive(struct seccomp_notif *call)
{
    memset(call, 0, sizeof *call);
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, call) ? errno : 0;
}

static bool is_call_waiting(int patience_ms)
{
    struct pollfd look = {listener, POLLIN, 0};
    return poll(&look, 1, patience_ms) == 1 && look.revents & POLLIN;
}

/* Serves a call; true when all was. A lane with a call that was begun is busy until Python has brought it to its end. */
static bool is_served(struct lane *lane, const struct seccomp_notif *call, struct unfinished *work, bool waited,
                      enum outcome *outcome)
{
    *outcome = HANDED_OVER;
    if (!is_served_here(call))
        return false;
    *outcome = serve_call(lane, call, work, waited);
    if (*outcome == UNFINISHED || *outcome == TAKEN)
        return false;
    atomic_store(&lane->busy, 0);
    return *outcome != HANDED_OVER;
}

/* Says whether another thread's call was waiting each time that was looked; it is looked now and then, for it takes a
 * while. The next call of the thread that was just answered waits too, where that ran at once in place of ours. */
static bool is_crowded(struct lane *lane, const struct seccomp_notif *call)
{
    const bool another = call->pid != lane->answered;
    lane->answered = call->pid;
    if (lane->found_waiting) {
        lane->found_waiting = false;
        lane->crowded = another ? lane->crowded + 1 : 0;
    }
    if (lane->crowded == IN_A_ROW) {
        lane->crowded = 0;
        return !atomic_load(&helpers);
    }
    if (++lane->served % EVERY == 0) {
        lane->found_waiting = is_call_waiting(0);
        if (!lane->found_waiting)
            lane->crowded = 0;
    }
    return false;
}

int serve_calls(struct lane *lane, struct seccomp_notif *call, struct unfinished *work, enum outcome *outcome)
{
    while (atomic_load(&lane->leads)) {
        pthread_mutex_lock(&receiving);
        const int found = waiters ? await_any(call, work) : 0;
        const int failure = found == 0 ? receive(call) : 0;
        if (failure && failure != EINTR)
            give_up_places(call, work);
        pthread_mutex_unlock(&receiving);
        if (found < 0 || failure == EINTR)
            continue;
        if (failure)
            return failure;
        *outcome = HANDED_OVER;
        if (found == 2 || !is_served(lane, call, work, found == 1, outcome))
            return FOR_PYTHON;
        if (is_crowded(lane, call))
            return CROWDED;
    }
    return RELIEVED;
}

/* Says whether a thread with a lane leads. One without receives as Python does, whatever others hold. */
static bool is_led(void)
{
    for (size_t index = 0; index < LANES; index++)
        if (atomic_load(&lanes[index].leads))
            return true;
    return false;
}

/* Receives a call that waits. Where none does, or another thread is about to receive it, waits a moment; returns false. */
static bool receive_waiting(struct seccomp_notif *call)
{
    bool received = false;
    if (!pthread_mutex_trylock(&receiving)) {
        received = is_led() && is_call_waiting(0) && receive(call) == 0;
        pthread_mutex_unlock(&receiving);
    }
    if (!received)
        is_call_waiting(HELPS_MS);
    return received;
}

int help_calls(struct lane *lane, struct seccomp_notif *call, struct unfinished *work, enum outcome *outcome)
{
    int in_vain = 0, result = RELIEVED;
    atomic_fetch_add(&helpers, 1);
    while (result == RELIEVED && in_vain < IN_VAIN) {
        if (!receive_waiting(call))
            in_vain++;
        else if (is_served(lane, call, work, false, outcome))
            in_vain = 0;
        else
            result = FOR_PYTHON;
    }
    atomic_fetch_sub(&helpers, 1);
    return result;
}
