/* Records of the ring buffer in which the programs in the kernel tell what they do, and drafts of them: the loops of
 * `console.enforcement.kernel.ring` and `console.enforcement.kernel.drafts`.
 *
 * What is not plain (there is more to say of it than its fields), or not of the usual size, goes Python's long way, at its
 * place among the others. Values that events have in common are one object in all their drafts: that is how they are
 * seen to be alike when rows are put together.
 */

#include "journalling.h"

#include <stddef.h>
#include <stdio.h>

enum {
    ADDRESS = 16,
    PROGRAM = 64, /* octets of a struct program */
    WHO = 8 + PROGRAM,
    FEW = 8,      /* callers that are remembered */
    POINTS = 3,
    OUTCOMES = 3,
    REJECTED = 1,
    BY_LEVEL = 64,
    VALUES = 25, /* of a draft */
    NUMBERS = 4, /* values that are remembered: those of SEQUENCE to LOCAL_PORT */
};

enum number { SEQUENCE, REVISION, PROCESS, LOCAL_PORT };

/* struct event in data/bpf/greenwall.h. */
struct event {
    uint64_t at_ns;
    uint32_t pid, uid, revision, sequence;
    uint8_t exit_point, outcome, flags, alert;
    uint16_t local_port, remote_port;
    uint32_t detail;
    uint16_t error, is_silent;
    uint8_t local[ADDRESS], remote[ADDRESS];
    uint8_t program[PROGRAM];
};

_Static_assert(sizeof(struct event) == 136 && offsetof(struct event, program) == 72, "an event");

static const uint64_t TIME_END = (uint64_t)1 << 62;
static const uint8_t MAPPED[12] = {[10] = 0xFF, [11] = 0xFF};
static const uint8_t NOWHERE[ADDRESS];

/* What Python has made of some octets; all references are ours, or NULL. */
struct caller {
    uint8_t octets[WHO];
    PyObject *found; /* user, job, program */
};

struct side {
    uint8_t octets[ADDRESS];
    PyObject *text, *family;
};

struct work {
    PyObject *who, *address, *is_wanted, *odd; /* Python's functions */
    PyObject *types, *outcomes, *points;       /* tuples of texts */
    PyObject *code, *kind, *ipv4, *empty, *zero;
    long long clock_ns;
    struct caller callers[FEW];
    size_t next_caller;
    struct side here, there;
    struct {
        uint32_t value;
        PyObject *number;
    } numbers[NUMBERS];
    struct {
        PyObject *user; /* borrowed; NULL when nothing is known */
        uint16_t port;
        uint8_t exit_point;
        bool is_wanted;
    } last;
};

static PyObject *same(PyObject *value)
{
    Py_INCREF(value);
    return value;
}

static bool is_tuple(PyObject *found, Py_ssize_t length)
{
    if (PyTuple_Check(found) && PyTuple_Size(found) == length)
        return true;
    PyErr_SetString(PyExc_TypeError, "not what an event says");
    return false;
}

/* Returns, borrowed, who made a call: user, job and program. */
static PyObject *caller_of(struct work *work, const struct event *event, PyObject *octets)
{
    uint8_t key[WHO];
    memcpy(key, &event->pid, 8);
    memcpy(key + 8, event->program, PROGRAM);
    for (size_t index = 0; index < FEW; index++)
        if (work->callers[index].found != NULL && !memcmp(work->callers[index].octets, key, WHO))
            return work->callers[index].found;
    PyObject *found = PyObject_CallFunctionObjArgs(work->who, octets, NULL);
    if (found == NULL || !is_tuple(found, 3)) {
        Py_XDECREF(found);
        return NULL;
    }
    struct caller *caller = &work->callers[work->next_caller++ % FEW];
    work->last.user = NULL; /* may be that of the one who goes */
    Py_XDECREF(caller->found);
    memcpy(caller->octets, key, WHO);
    caller->found = found;
    return found;
}

/* Sees to it that a side is that of an address; false with an exception. */
static bool set_side(struct work *work, struct side *side, const uint8_t address[ADDRESS])
{
    if (side->text != NULL && !memcmp(side->octets, address, ADDRESS))
        return true;
    PyObject *text = NULL, *family = NULL;
    if (!memcmp(address, MAPPED, sizeof MAPPED)) {
        char shown[sizeof "255.255.255.255"];
        const uint8_t *four = address + sizeof MAPPED;
        snprintf(shown, sizeof shown, "%u.%u.%u.%u", four[0], four[1], four[2], four[3]);
        text = PyUnicode_FromString(shown);
        family = same(work->ipv4);
    } else {
        PyObject *given = PyBytes_FromStringAndSize((const char *)address, ADDRESS);
        PyObject *found = given != NULL ? PyObject_CallFunctionObjArgs(work->address, given, NULL) : NULL;
        if (found != NULL && is_tuple(found, 2)) {
            text = same(PyTuple_GetItem(found, 0));
            family = same(PyTuple_GetItem(found, 1));
        }
        Py_XDECREF(given);
        Py_XDECREF(found);
    }
    if (text == NULL) {
        Py_XDECREF(family);
        return false;
    }
    Py_XDECREF(side->text);
    Py_XDECREF(side->family);
    memcpy(side->octets, address, ADDRESS);
    side->text = text;
    side->family = family;
    return true;
}

/* Returns a number, the same object for the same value as before. */
static PyObject *number_of(struct work *work, enum number which, uint32_t value)
{
    if (work->numbers[which].number == NULL || work->numbers[which].value != value) {
        PyObject *number = PyLong_FromUnsignedLong(value);
        if (number == NULL)
            return NULL;
        Py_XDECREF(work->numbers[which].number);
        work->numbers[which].number = number;
        work->numbers[which].value = value;
    }
    return same(work->numbers[which].number);
}

/* Says whether the audit levels want a decision: 1, 0, or -1 with an exception. */
static int wanted(struct work *work, const struct event *event, PyObject *user)
{
    if (work->last.user == user && work->last.port == event->local_port && work->last.exit_point == event->exit_point)
        return work->last.is_wanted;
    PyObject *answer = PyObject_CallFunction(work->is_wanted, "iOi", event->exit_point, user, event->local_port);
    const int found = answer != NULL ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    if (found >= 0) {
        work->last.user = user;
        work->last.port = event->local_port;
        work->last.exit_point = event->exit_point;
        work->last.is_wanted = found;
    }
    return found;
}

/* Returns the draft of an event, or NULL with an exception. */
static PyObject *draft_of(struct work *work, const struct event *event, PyObject *caller)
{
    const bool is_alone = !event->remote_port && !memcmp(event->remote, NOWHERE, ADDRESS);
    if (!set_side(work, &work->here, event->local) || (!is_alone && !set_side(work, &work->there, event->remote)))
        return NULL;
    const unsigned char point = event->exit_point;
    PyObject *const values[VALUES] = {
        same(work->zero),
        PyLong_FromLongLong(((long long)event->at_ns + work->clock_ns) / 1000),
        same(work->empty),
        same(work->code),
        same(work->kind),
        same(PyTuple_GetItem(work->types, point)),
        same(PyTuple_GetItem(work->outcomes, event->outcome)),
        same(PyTuple_GetItem(work->points, point)),
        number_of(work, SEQUENCE, event->sequence),
        number_of(work, REVISION, event->revision),
        same(PyTuple_GetItem(caller, 0)),
        same(PyTuple_GetItem(caller, 1)),
        number_of(work, PROCESS, event->pid),
        same(PyTuple_GetItem(caller, 2)),
        same(is_alone ? work->here.family : work->there.family),
        same(event->local_port ? work->here.text : work->empty),
        number_of(work, LOCAL_PORT, event->local_port),
        same(is_alone ? work->empty : work->there.text),
        PyLong_FromUnsignedLong(event->remote_port),
        same(work->empty),
        same(work->zero),
        same(work->empty),
        same(work->empty),
        same(work->empty),
        same(work->zero),
    };
    bool is_whole = true;
    for (size_t index = 0; index < VALUES; index++)
        is_whole = is_whole && values[index] != NULL;
    PyObject *draft = is_whole ? PyList_New(VALUES) : NULL;
    for (size_t index = 0; index < VALUES; index++)
        if (draft != NULL)
            PyList_SetItem(draft, (Py_ssize_t)index, values[index]); /* cannot fail: the list is new */
        else
            Py_XDECREF(values[index]);
    return draft;
}

static bool is_plain(const struct event *event)
{
    return !(event->flags & ~BY_LEVEL) && !event->is_silent && event->outcome != REJECTED &&
           event->outcome < OUTCOMES && event->exit_point < POINTS && event->at_ns < TIME_END;
}

/* Adds what comes of a record to the drafts; false with an exception. */
static bool add(struct work *work, PyObject *octets, PyObject *drafts)
{
    struct event event;
    char *begin = NULL;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(octets, &begin, &size))
        return false;
    if (size == sizeof event)
        memcpy(&event, begin, sizeof event);
    if (size != sizeof event || !is_plain(&event)) {
        PyObject *answer = PyObject_CallFunctionObjArgs(work->odd, octets, NULL);
        Py_XDECREF(answer);
        return answer != NULL;
    }
    PyObject *caller = caller_of(work, &event, octets);
    if (caller == NULL)
        return false;
    const int is_wanted = event.flags ? wanted(work, &event, PyTuple_GetItem(caller, 0)) : 1;
    if (is_wanted < 1)
        return !is_wanted;
    PyObject *draft = draft_of(work, &event, caller);
    const bool is_done = draft != NULL && !PyList_Append(drafts, draft);
    Py_XDECREF(draft);
    return is_done;
}

static void release(struct work *work)
{
    for (size_t index = 0; index < FEW; index++)
        Py_XDECREF(work->callers[index].found);
    for (size_t index = 0; index < NUMBERS; index++)
        Py_XDECREF(work->numbers[index].number);
    Py_XDECREF(work->here.text);
    Py_XDECREF(work->here.family);
    Py_XDECREF(work->there.text);
    Py_XDECREF(work->there.family);
    Py_XDECREF(work->kind);
    Py_XDECREF(work->empty);
    Py_XDECREF(work->zero);
}

PyObject *draft_events(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct work work = {0};
    PyObject *records, *drafts;
    if (!PyArg_ParseTuple(arguments, "O!LO!O!O!O!UUOOOO", &PyList_Type, &records, &work.clock_ns, &PyList_Type, &drafts,
                          &PyTuple_Type, &work.types, &PyTuple_Type, &work.outcomes, &PyTuple_Type, &work.points,
                          &work.code, &work.ipv4, &work.who, &work.address, &work.is_wanted, &work.odd) ||
        !is_tuple(work.types, POINTS) || !is_tuple(work.outcomes, OUTCOMES) || !is_tuple(work.points, POINTS))
        return NULL;
    if (work.clock_ns < 0 || work.clock_ns >= (long long)TIME_END) {
        PyErr_SetString(PyExc_ValueError, "no such time");
        return NULL;
    }
    work.zero = PyLong_FromLong(0);
    work.empty = PyUnicode_FromStringAndSize("", 0);
    work.kind = PyUnicode_FromString("SK");
    bool is_done = work.zero && work.empty && work.kind;
    for (Py_ssize_t index = 0; is_done && index < PyList_Size(records); index++) {
        PyObject *octets = same(PyList_GetItem(records, index)); /* Python's functions might change the list */
        is_done = add(&work, octets, drafts);
        Py_DECREF(octets);
    }
    release(&work);
    return is_done ? same(Py_None) : NULL;
}

static const uint32_t BUSY = (uint32_t)1 << 31, DISCARDED = (uint32_t)1 << 30;
enum { HEADER = 8, ALIGNED = 8 };

/* Adds records from a position on; returns the one behind them, or -1 with an exception. */
static long long add_records(const uint8_t *data, uint64_t size, uint64_t at, uint64_t end, Py_ssize_t most,
                             PyObject *found)
{
    while (at < end && PyList_Size(found) < most) {
        const uint8_t *start = data + at % size;
        /* whoever has written the length has written the record before */
        const uint32_t length = __atomic_load_n((const uint32_t *)start, __ATOMIC_ACQUIRE);
        const uint32_t octets = length & (DISCARDED - 1);
        if (length & BUSY)
            break;
        if (octets > size - HEADER) {
            PyErr_SetString(PyExc_ValueError, "no ring of records");
            return -1;
        }
        if (!(length & DISCARDED)) {
            PyObject *record = PyBytes_FromStringAndSize((const char *)start + HEADER, octets);
            const bool is_done = record != NULL && !PyList_Append(found, record);
            Py_XDECREF(record);
            if (!is_done)
                return -1;
        }
        at += ((uint64_t)octets + HEADER + ALIGNED - 1) & ~(uint64_t)(ALIGNED - 1);
    }
    return (long long)at;
}

PyObject *ring_records(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer memory;
    Py_ssize_t begin, most;
    unsigned long long size, at, end;
    PyObject *answer = NULL;
    if (!PyArg_ParseTuple(arguments, "y*nKKKn", &memory, &begin, &size, &at, &end, &most))
        return NULL;
    /* the data are there twice, so that none is cut */
    if (begin < 0 || begin % ALIGNED || size < HEADER || size % ALIGNED || at % ALIGNED ||
        memory.len < begin || ((uint64_t)memory.len - (uint64_t)begin) / 2 < size) {
        PyErr_SetString(PyExc_ValueError, "no ring of records");
    } else {
        PyObject *found = PyList_New(0);
        const long long up_to =
            found != NULL ? add_records((const uint8_t *)memory.buf + begin, size, at, end, most, found) : -1;
        if (up_to >= 0)
            answer = Py_BuildValue("OL", found, up_to);
        Py_XDECREF(found);
    }
    PyBuffer_Release(&memory);
    return answer;
}
