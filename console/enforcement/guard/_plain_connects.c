/* Serves plain connects: as `console.enforcement.guard.connect` does, step for step and in the same order. */

#include "_plain_calls.h"

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
    pthread_mutex_lock(&tables);
    const bool known = find_answer(&record->key, started, &record->answer);
    pthread_mutex_unlock(&tables);
    if (!known)
        return false;
    if (!record->answer.failure && !is_quick(work, started))
        return false;
    return read_program(work->caller, record) && (!record->answer.journalled || has_room());
}

enum outcome serve_connect(const struct seccomp_notif *call, struct unfinished *work)
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
    note_spent(record, started);
    record->process = work->caller->process;

    /* From here on it shows: what cannot be brought to its end here is brought there by Python, from where it is. */
    work->result = record->answer.failure;
    if (!work->result && connect(work->taken, &work->to.any, work->to.size))
        work->result = errno;
    if (work->result && work->result != EINPROGRESS && !record->answer.failure)
        return UNFINISHED;
    find_local(work->taken, record);
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

