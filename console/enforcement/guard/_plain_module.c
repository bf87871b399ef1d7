/* The module `_plain_calls`, as Python sees it; `_plain_calls.pyi` has its functions in Python's words.
 *
 * All of it holds the interpreter lock, but where it may wait.
 */

#include "_plain_calls.h"

/* Raised with each change of what is offered here: a module that was compiled from other sources is not used. */
enum { INTERFACE = 4 };

static bool is_lane(long index)
{
    if (index >= 0 && index < LANES && atomic_load(&lanes[index].taken))
        return true;
    PyErr_SetString(PyExc_ValueError, "no such lane");
    return false;
}

static PyObject *open_(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    if (!PyArg_ParseTuple(arguments, "iip", &listener, &bell, &programs_may_gain))
        return NULL;
    dismiss_waiters();
    atomic_store(&accepts_apart, 0);
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
    pthread_mutex_lock(&waiting); /* an accept waits where somebody looks after it, or with Python */
    atomic_store(&lanes[index].leads, leads);
    pthread_mutex_unlock(&waiting);
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
    const char *local, *remote, *user;
    Py_ssize_t local_size, remote_size, user_size;
    memset(&fresh, 0, sizeof fresh);
    if (!PyArg_ParseTuple(arguments, "KbIy#Hy#HIIHiby#", &until, &point, &fresh.key.user, &local, &local_size,
                          &fresh.key.local_port, &remote, &remote_size, &fresh.key.remote_port, &fresh.answer.sequence,
                          &fresh.answer.revision, &fresh.answer.outcome, &fresh.answer.failure, &journalled, &user,
                          &user_size))
        return NULL;
    if (local_size != sizeof fresh.key.local || remote_size != sizeof fresh.key.remote || user_size > LONGEST_USER) {
        PyErr_SetString(PyExc_ValueError, "size");
        return NULL;
    }
    fresh.until = until;
    fresh.key.point = point;
    memcpy(fresh.key.local, local, sizeof fresh.key.local);
    memcpy(fresh.key.remote, remote, sizeof fresh.key.remote);
    fresh.answer.journalled = journalled;
    fresh.answer.name_size = (uint8_t)user_size;
    memcpy(fresh.answer.name, user, (size_t)user_size);

    pthread_mutex_lock(&tables);
    if (point == ACCEPT) {
        const struct key ends = fresh.key;
        ask_about_accept(&fresh.key, &ends);
    }
    struct decision *set = set_of(&fresh.key), *place = &set[until / 8 % WAYS]; /* whichever, unless one is better */
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

/* Copies the classes that rules of accept make; false, with an exception, where that cannot be done. */
static bool copy_classes(struct classes *fresh, const char *starts, Py_ssize_t starts_size, const char *numbers,
                         Py_ssize_t numbers_size, const char *ports, Py_ssize_t ports_size)
{
    fresh->count = (size_t)starts_size / sizeof *fresh->starts;
    if (starts_size % (Py_ssize_t)sizeof *fresh->starts ||
        (size_t)numbers_size != (fresh->count + 1) * sizeof *fresh->numbers ||
        (ports_size && ports_size != PORTS * (Py_ssize_t)sizeof *fresh->ports)) {
        PyErr_SetString(PyExc_ValueError, "size");
        return false;
    }
    fresh->starts = malloc((size_t)starts_size + 1);
    fresh->numbers = malloc((size_t)numbers_size);
    fresh->ports = ports_size ? malloc((size_t)ports_size) : NULL;
    if (fresh->starts == NULL || fresh->numbers == NULL || (ports_size && fresh->ports == NULL)) {
        PyErr_NoMemory();
        return false;
    }
    memcpy(fresh->starts, starts, (size_t)starts_size);
    memcpy(fresh->numbers, numbers, (size_t)numbers_size);
    if (ports_size)
        memcpy(fresh->ports, ports, (size_t)ports_size);
    return true;
}

static void free_classes(struct classes *former)
{
    free(former->starts);
    free(former->numbers);
    free(former->ports);
}

static PyObject *forget(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int connects, accepts;
    const char *starts, *numbers, *ports;
    Py_ssize_t starts_size, numbers_size, ports_size;
    struct classes fresh = {0};
    unsigned long long begins, ends;
    if (!PyArg_ParseTuple(arguments, "ppy#y#y#KK", &connects, &accepts, &starts, &starts_size, &numbers, &numbers_size,
                          &ports, &ports_size, &begins, &ends))
        return NULL;
    if (!copy_classes(&fresh, starts, starts_size, numbers, numbers_size, ports, ports_size)) {
        free_classes(&fresh);
        return NULL;
    }
    atomic_store(&connects_are_plain, 0);
    atomic_store(&accepts_are_plain, 0);
    pthread_mutex_lock(&tables);
    struct classes former = classes;
    classes = fresh;
    period = (struct period){begins, ends};
    memset(decisions, 0, sizeof decisions);
    pthread_mutex_unlock(&tables);
    free_classes(&former);
    atomic_store(&connects_are_plain, connects);
    atomic_store(&accepts_are_plain, accepts);
    Py_RETURN_NONE;
}

static PyObject *accept_apart(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    int reason, applies;
    if (!PyArg_ParseTuple(arguments, "ip", &reason, &applies))
        return NULL;
    if (applies)
        atomic_fetch_or(&accepts_apart, reason);
    else
        atomic_fetch_and(&accepts_apart, ~reason);
    Py_RETURN_NONE;
}

static PyObject *note_place_(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    unsigned int process;
    unsigned long number_there;
    int had_to_wait;
    if (!PyArg_ParseTuple(arguments, "Ikp", &process, &number_there, &had_to_wait))
        return NULL;
    note_place(process, (uint32_t)number_there, had_to_wait);
    Py_RETURN_NONE;
}

static PyObject *looks_first_(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    unsigned int process;
    unsigned long number_there;
    if (!PyArg_ParseTuple(arguments, "Ik", &process, &number_there))
        return NULL;
    const enum habit habit = habit_of(process, (uint32_t)number_there);
    if (habit == UNKNOWN)
        Py_RETURN_NONE;
    return PyBool_FromLong(habit == LOOKS);
}

static PyObject *enter_taking(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    if (pthread_mutex_trylock(&taking)) {
        Py_BEGIN_ALLOW_THREADS
        pthread_mutex_lock(&taking);
        Py_END_ALLOW_THREADS
    }
    Py_RETURN_NONE;
}

static PyObject *leave_taking(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    pthread_mutex_unlock(&taking);
    Py_RETURN_NONE;
}

static PyObject *dismiss(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&receiving); /* nobody is to look at them */
    dismiss_waiters();
    pthread_mutex_unlock(&receiving);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyObject *waiters_(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(nothing))
{
    return PyLong_FromLong(waiters);
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
    if (outcome == TAKEN) {
        PyObject *taken = Py_BuildValue("y#(Oiiy#O)", (const char *)call, call_size, work->caller->keeper, work->listener,
                                        work->connection, (const char *)&work->to.any, (Py_ssize_t)work->to.size,
                                        work->recorded ? Py_True : Py_False);
        return_caller(work->caller);
        return taken;
    }
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

static PyObject *serve(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    long index;
    int helps, result;
    struct seccomp_notif call;
    struct unfinished work;
    enum outcome outcome = HANDED_OVER;
    if (!PyArg_ParseTuple(arguments, "lp", &index, &helps) || !is_lane(index))
        return NULL;
    Py_BEGIN_ALLOW_THREADS
    result = (helps ? help_calls : serve_calls)(&lanes[index], &call, &work, &outcome);
    Py_END_ALLOW_THREADS
    if (result == FOR_PYTHON)
        return hand_over(&call, &work, outcome);
    if (result == RELIEVED)
        Py_RETURN_NONE;
    return PyLong_FromLong(result == CROWDED ? 0 : result);
}

static PyMethodDef functions[] = {
    {"open", open_, METH_VARARGS, "Begin with a listener's descriptor, an eventfd's that wakes the reporter, and whether programs may gain privilege; nothing may be served meanwhile."},
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
    {"forget", forget, METH_VARARGS, "Forget all decisions; serve connects and accepts only if true, these by such classes, within a period or always."},
    {"accept_apart", accept_apart, METH_VARARGS, "Set or clear a reason, a bit, to hand over every accept and all that was taken."},
    {"note_place", note_place_, METH_VARARGS, "Remember how an accept of a process on a descriptor began."},
    {"looks_first", looks_first_, METH_VARARGS, "Say whether a process looks before it accepts on a descriptor; None if not known."},
    {"enter_taking", enter_taking, METH_NOARGS, "Take the lock from the look at a listener that blocks to the accept."},
    {"leave_taking", leave_taking, METH_NOARGS, "Give it back."},
    {"dismiss", dismiss, METH_NOARGS, "Let go of all accepts that wait; when no call can come any more."},
    {"waiters", waiters_, METH_NOARGS, "Return how many accepts wait here."},
    {"enter", enter, METH_NOARGS, "Take the lock of the journal and return what was counted."},
    {"leave_journal", leave_journal, METH_VARARGS, "Set what was counted and give the lock back."},
    {"lend", lend, METH_O, "Give memory to append to, or None; under the lock."},
    {"serve", serve, METH_VARARGS, "Serve calls with a lane, as who leads or helps; None: no longer; 0: calls wait for each other; an errno; or a call and what has become of it."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_plain_calls", NULL, -1, functions,
                                        NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__plain_calls(void)
{
    if (!prepare())
        return PyErr_SetFromErrno(PyExc_OSError);
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddIntConstant(module, "INTERFACE", INTERFACE)) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
