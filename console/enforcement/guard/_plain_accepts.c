/* Serves plain accepts: as `console.enforcement.guard.accept` does, step for step and in the same order.
 *
 * One that has to wait stands in a table for a moment: most connections come soon, and the leading thread looks for
 * them while it waits for the next call. Afterwards Python sees that accept as if it were made just then, and lets it
 * wait for as long as it takes (`console.enforcement.guard.waiting`).
 */

#include "_plain_calls.h"

static const uint64_t WAITS_NS = 20 * 1000000;
static const uint64_t MILLISECOND_NS = 1000000;

pthread_mutex_t taking = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t waiting = PTHREAD_MUTEX_INITIALIZER;
int waiters;
static struct waiter table[WAITERS]; /* `waiters` of them, in the order they came */

/* ---- Programs that look before they accept, as `LookingFirst`: process, descriptor and what its accepts have told. */

enum { PLACES = 4096, LOOKS_FIRST = 16, TOLD = 1, TOLD_APART = 6, HAD_TO_WAIT = 255 };

static const uint64_t APART_NS = 10 * 1000000;

static _Atomic uint64_t places[PLACES];
static _Atomic uint64_t noted_ns[PLACES]; /* when something was last noted of each */

static uint64_t place_of(uint32_t process, uint32_t descriptor, _Atomic uint64_t **where)
{
    *where = &places[(process * 2654435761u ^ descriptor) % PLACES];
    return (uint64_t)process << 32 | (uint64_t)(descriptor & 0xFFFFFF) << 8;
}

static unsigned known_of(uint64_t place, _Atomic uint64_t *where)
{
    const uint64_t known = atomic_load(where);
    return (known & ~(uint64_t)0xFF) == place ? known & 0xFF : 0;
}

void note_place(uint32_t process, uint32_t descriptor, bool had_to_wait)
{
    _Atomic uint64_t *where;
    const uint64_t place = place_of(process, descriptor, &where);
    const unsigned known = known_of(place, where);
    if (known == HAD_TO_WAIT || (known >= LOOKS_FIRST && !had_to_wait))
        return;
    const uint64_t now = now_ns(CLOCK_MONOTONIC), last = atomic_exchange(&noted_ns[where - places], now);
    const unsigned told = known + (known == 0 || now - last >= APART_NS ? TOLD_APART : TOLD);
    atomic_store(where, place | (had_to_wait ? HAD_TO_WAIT : told));
}

enum habit habit_of(uint32_t process, uint32_t descriptor)
{
    _Atomic uint64_t *where;
    const uint64_t place = place_of(process, descriptor, &where);
    const unsigned known = known_of(place, where);
    return known == HAD_TO_WAIT ? WAITS_ITSELF : known >= LOOKS_FIRST ? LOOKS : UNKNOWN;
}

/* ---- Decisions. */

static uint32_t class_of(const uint64_t address[2])
{
    const uint64_t high = be64toh(address[0]), low = be64toh(address[1]);
    size_t first = 0, end = classes.count;
    while (first < end) {
        const size_t middle = (first + end) / 2;
        const uint64_t *start = classes.starts[middle];
        if (start[0] < high || (start[0] == high && start[1] <= low))
            first = middle + 1;
        else
            end = middle;
    }
    return classes.numbers ? classes.numbers[first] : 0;
}

void ask_about_accept(struct key *asked, const struct key *ends)
{
    *asked = *ends;
    asked->remote[0] = class_of(ends->remote);
    asked->remote[1] = classes.ports ? classes.ports[ends->remote_port] : 0;
    asked->remote_port = 0;
}

/* Finds out all that is to be known before a connection is handed over; nothing of it shows. */
static bool find_decision(uint64_t started, struct unfinished *work)
{
    struct record *record = &work->record;
    struct key asked;
    struct stat status;

    if (!read_place(&work->to, record->key.remote, &record->key.remote_port))
        return false;
    find_local(work->connection, record);
    if (fstat(work->caller->directory, &status))
        return false;
    record->key.user = status.st_uid;
    record->key.point = ACCEPT;
    pthread_mutex_lock(&tables);
    ask_about_accept(&asked, &record->key);
    const bool known = find_answer(&asked, started, &record->answer);
    pthread_mutex_unlock(&tables);
    if (!known || record->answer.failure)
        return false;
    return read_program(work->caller, record) && (!record->answer.journalled || has_room());
}

/* ---- The caller's memory. */

static bool write_at(int memory, uint64_t address, const void *octets, size_t size)
{
    return pwrite(memory, octets, size, (off_t)address) == (ssize_t)size;
}

/* As `SeccompBackend._write_held`. */
static bool write_held(const struct seccomp_notif *call, const struct unfinished *work, size_t size)
{
    const uint64_t *arguments = (const uint64_t *)call->data.args;
    const int length = (int)work->to.size, memory = openat(work->caller->directory, "mem", O_WRONLY | O_CLOEXEC);
    if (memory < 0)
        return false;
    const bool written = still_waits(call->id) && write_at(memory, arguments[1], &work->to.any, size) &&
                         write_at(memory, arguments[2], &length, sizeof length);
    close(memory);
    return written;
}

/* Writes the peer's address where the caller wants it; false for Python to try again and to say what is wrong. */
static bool write_peer(const struct seccomp_notif *call, struct unfinished *work)
{
    const uint64_t address = call->data.args[1], length = call->data.args[2];
    int room, whole = (int)work->to.size;
    const struct iovec here = {&room, sizeof room}, there = {(void *)(uintptr_t)length, sizeof room};

    if (!address)
        return true;
    /* That it was the caller's memory is asked before anything is written. */
    if (process_vm_readv((pid_t)call->pid, &here, 1, &there, 1, 0) != sizeof room || room < 0)
        return false;
    const size_t size = room < whole ? (size_t)room : (size_t)whole;
    if (programs_may_gain)
        return write_held(call, work, size);
    const struct iovec from[2] = {{&work->to.any, size}, {&whole, sizeof whole}};
    const struct iovec to[2] = {{(void *)(uintptr_t)address, size}, {(void *)(uintptr_t)length, sizeof whole}};
    return still_waits(call->id) &&
           process_vm_writev((pid_t)call->pid, from, 2, to, 2, 0) == (ssize_t)(size + sizeof whole);
}

/* ---- One accept. */

static uint32_t flags_of(const struct seccomp_notif *call)
{
    return call->data.nr == SYS_accept4 ? (uint32_t)call->data.args[3] : 0;
}

static uint32_t number_of(const struct seccomp_notif *call)
{
    return (uint32_t)call->data.args[0];
}

static bool deliver(const struct seccomp_notif *call, int connection)
{
    struct seccomp_notif_addfd request = {
        .id = call->id,
        .flags = SECCOMP_ADDFD_FLAG_SEND,
        .srcfd = (uint32_t)connection,
        .newfd_flags = flags_of(call) & SOCK_CLOEXEC ? O_CLOEXEC : 0,
    };
    int result;
    do
        result = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
    while (result < 0 && errno == EINTR);
    return result >= 0;
}

enum outcome give_back(struct unfinished *work)
{
    close(work->listener);
    return_caller(work->caller);
    return HANDED_OVER;
}

/* Accepts a connection if one is there; -1 with errno, EAGAIN if none is. */
static int take(const struct seccomp_notif *call, struct unfinished *work)
{
    const int flags = (int)flags_of(call) | SOCK_CLOEXEC;
    struct pollfd look = {work->listener, POLLIN, 0};
    int taken = -1;

    work->to.size = sizeof work->to.room;
    if (!work->blocks)
        return accept4(work->listener, &work->to.any, &work->to.size, flags);
    pthread_mutex_lock(&taking);
    const int ready = poll(&look, 1, 0);
    if (ready > 0)
        taken = accept4(work->listener, &work->to.any, &work->to.size, flags);
    else if (ready == 0)
        errno = EAGAIN;
    const int failure = errno;
    pthread_mutex_unlock(&taking);
    errno = failure;
    return taken;
}

/* Lets an accept stand among those that wait. */
static enum outcome let_wait(struct lane *lane, const struct seccomp_notif *call, struct unfinished *work)
{
    struct timeval patience = {0, 0};
    int listens = 0;
    socklen_t size = sizeof listens, patience_size = sizeof patience;
    bool stands = false;

    if (getsockopt(work->listener, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) || !listens)
        return give_back(work);
    if (getsockopt(work->listener, SOL_SOCKET, SO_RCVTIMEO, &patience, &patience_size) || patience.tv_sec ||
        patience.tv_usec)
        return give_back(work);
    pthread_mutex_lock(&waiting);
    if (atomic_load(&lane->leads) && waiters < WAITERS) { /* only who leads looks for connections */
        table[waiters] = (struct waiter){*call, work->caller, work->listener, now_ns(CLOCK_MONOTONIC) + WAITS_NS};
        waiters++;
        stands = true;
    }
    pthread_mutex_unlock(&waiting);
    if (!stands)
        return give_back(work);
    note_place(work->caller->process, number_of(call), true);
    return WAITS;
}

/* Takes a connection and hands it over. */
static enum outcome take_and_deliver(struct lane *lane, const struct seccomp_notif *call, struct unfinished *work)
{
    struct record *record = &work->record;

    work->connection = take(call, work);
    if (work->connection < 0) {
        const int failure = errno;
        if (failure == EAGAIN && work->blocks)
            return let_wait(lane, call, work);
        give_back(work);
        answer_call(call->id, failure);
        return SERVED;
    }
    const uint64_t started = now_ns(CLOCK_MONOTONIC);
    /* It may stand for one that was kept: that was said before it could be taken. */
    if (atomic_load(&accepts_apart) || !atomic_load(&accepts_are_plain) || !find_decision(started, work))
        return TAKEN;
    note_spent(record, started);
    record->process = work->caller->process;
    if (!write_peer(call, work))
        return TAKEN;
    record->at_ns = now_ns(CLOCK_REALTIME);
    if (!keep(record))
        return TAKEN;
    work->recorded = true;
    if (work->blocks) /* said before the program can make its next accept */
        note_place(work->caller->process, number_of(call), false);
    if (!deliver(call, work->connection))
        return TAKEN;
    close(work->connection);
    give_back(work);
    return SERVED;
}

enum outcome serve_accept(struct lane *lane, const struct seccomp_notif *call, struct unfinished *work)
{
    int family;
    socklen_t size = sizeof family;

    if (!atomic_load(&accepts_are_plain) || atomic_load(&accepts_apart))
        return HANDED_OVER;
    if (flags_of(call) & ~(uint32_t)(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return HANDED_OVER;
    work->caller = borrow_caller(call->pid);
    if (work->caller == NULL)
        return HANDED_OVER;
    work->listener = (int)syscall(SYS_pidfd_getfd, work->caller->pidfd, (int)number_of(call), 0);
    if (work->listener < 0) {
        return_caller(work->caller);
        return HANDED_OVER;
    }
    const int modes = fcntl(work->listener, F_GETFL);
    work->blocks = !(modes & O_NONBLOCK);
    if (modes < 0 || (work->blocks && (getsockopt(work->listener, SOL_SOCKET, SO_DOMAIN, &family, &size) ||
                                       (family != AF_INET && family != AF_INET6))))
        return give_back(work);
    return take_and_deliver(lane, call, work);
}

/* ---- Those that wait. */

/* Takes one out, for `work`. */
static void take_out(int index, struct seccomp_notif *call, struct unfinished *work)
{
    memset(work, 0, offsetof(struct unfinished, record.program));
    pthread_mutex_lock(&waiting);
    *call = table[index].call;
    work->caller = table[index].caller;
    work->listener = table[index].listener;
    work->blocks = true;
    waiters--;
    memmove(&table[index], &table[index + 1], (size_t)(waiters - index) * sizeof *table);
    pthread_mutex_unlock(&waiting);
}

int await_any(struct seccomp_notif *call, struct unfinished *work)
{
    struct pollfd all[1 + 2 * WAITERS] = {{listener, POLLIN, 0}};
    struct pollfd *const listeners = all + 1;

    pthread_mutex_lock(&waiting);
    const int count = waiters;
    const uint64_t until = count ? table[0].until : 0, now = now_ns(CLOCK_MONOTONIC); /* the first came first */
    for (int index = 0; index < count; index++) {
        listeners[index] = (struct pollfd){table[index].listener, POLLIN, 0};
        listeners[count + index] = (struct pollfd){table[index].caller->pidfd, POLLIN, 0};
    }
    pthread_mutex_unlock(&waiting);
    if (count == 0)
        return -1;
    const int patience_ms = now < until ? (int)((until - now + MILLISECOND_NS - 1) / MILLISECOND_NS) : 0;
    if (poll(all, (nfds_t)(1 + 2 * count), patience_ms) < 0)
        return -1;
    for (int index = 0; index < count; index++) {
        if (listeners[count + index].revents) { /* it has ended */
            take_out(index, call, work);
            give_back(work);
            return -1;
        }
    }
    for (int index = 0; index < count; index++) {
        if (listeners[index].revents) {
            take_out(index, call, work);
            return 1;
        }
    }
    if (all[0].revents)
        return 0;
    if (now_ns(CLOCK_MONOTONIC) < until)
        return -1;
    take_out(0, call, work);
    give_back(work);
    return 2;
}

void give_up_places(struct seccomp_notif *call, struct unfinished *work)
{
    struct pollfd end = {listener, 0, 0};

    if (poll(&end, 1, 0) != 1 || !(end.revents & POLLHUP))
        return;
    while (waiters) {
        take_out(0, call, work);
        give_back(work);
    }
}

enum outcome serve_waiter(struct lane *lane, const struct seccomp_notif *call, struct unfinished *work)
{
    if (!still_waits(call->id)) { /* a signal took it out of its accept */
        give_back(work);
        return SERVED;
    }
    if (!atomic_load(&accepts_are_plain) || atomic_load(&accepts_apart))
        return give_back(work);
    return take_and_deliver(lane, call, work);
}

void dismiss_waiters(void)
{
    struct seccomp_notif call;
    struct unfinished work;
    while (waiters) {
        take_out(0, &call, &work);
        give_back(&work);
    }
}
