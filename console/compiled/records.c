/* Drafts of what a guard has sent: the loops of `console.enforcement.records.read` and `console.enforcement.intake`.
 *
 * Octets come from another process and are believed in nothing: each length is checked before what it is of is looked
 * at. Records that Python would refuse, or make anything but SK entries of, are left to Python, all that came together.
 */

#include "journalling.h"

#include <stddef.h>

enum {
    SEAL = 8,
    HEAD = 102, /* octets before the texts */
    SAID = 92,  /* octets before the words */
    FEW = 4,    /* different words that are remembered */
    SIDES = 16, /* remote addresses that are */
    COUNTS = 12,
    ADDRESS = 16,
    WORDS = 9,   /* values of `_Said` */
    VALUES = 25, /* of a draft */
};

static const uint64_t MARK = 0xA5000000u, MARK_MASK = 0xFF000000u, LENGTH_MASK = 0x00FFFFFFu;
static const uint64_t NUMBER_END = (uint64_t)1 << 62;
static const uint32_t COUNT_END = (uint32_t)1 << 31;

static uint32_t crc_tables[8][256];

void prepare_records(void)
{
    for (uint32_t octet = 0; octet < 256; octet++) {
        uint32_t value = octet;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xEDB88320u : value >> 1;
        crc_tables[0][octet] = value;
    }
    for (int table = 1; table < 8; table++)
        for (uint32_t octet = 0; octet < 256; octet++) {
            const uint32_t before = crc_tables[table - 1][octet];
            crc_tables[table][octet] = before >> 8 ^ crc_tables[0][before & 0xFF];
        }
}

/* As zlib.crc32; eight octets at once. Records are a multiple of 8 octets, or no guard's. */
static uint32_t crc32_of(const uint8_t *octets, size_t size)
{
    uint32_t value = UINT32_MAX;
    for (; size >= 8; octets += 8, size -= 8) {
        uint64_t eight;
        memcpy(&eight, octets, sizeof eight);
        eight ^= value;
        value = 0;
        for (int table = 0; table < 8; table++)
            value ^= crc_tables[7 - table][eight >> 8 * table & 0xFF];
    }
    for (; size; octets++, size--)
        value = value >> 8 ^ crc_tables[0][(value ^ *octets) & 0xFF];
    return ~value;
}

/* What Python has made of some octets. */
struct known {
    const uint8_t *octets; /* in what the guard has sent */
    size_t size;
    int port; /* whether there is one */
    PyObject *found; /* our reference, or NULL */
};

struct work {
    PyObject *said, *counts, *side; /* Python's functions */
    struct known words[FEW], tallies, here, there[SIDES];
    size_t next_word;
    PyObject *port; /* the local port of the record before */
    unsigned int port_number;
    PyObject *empty, *code, *guard_id, *job, *zero;
};

/* Returns, borrowed, what a function of Python makes of some octets: a tuple of that many, else an exception. */
static PyObject *look_up(struct known *known, PyObject *function, const uint8_t *octets, size_t size, int port,
                         Py_ssize_t length)
{
    if (known->found != NULL && known->size == size && known->port == port && !memcmp(known->octets, octets, size))
        return known->found;
    PyObject *given = PyBytes_FromStringAndSize((const char *)octets, (Py_ssize_t)size);
    if (given == NULL)
        return NULL;
    PyObject *found = PyObject_CallFunctionObjArgs(function, given, port < 0 ? NULL : port ? Py_True : Py_False, NULL);
    Py_DECREF(given);
    if (found != NULL && (!PyTuple_Check(found) || PyTuple_Size(found) != length)) {
        PyErr_SetString(PyExc_TypeError, "not what a record says");
        Py_DECREF(found);
        found = NULL;
    }
    if (found == NULL)
        return NULL;
    Py_XDECREF(known->found);
    *known = (struct known){octets, size, port, found};
    return found;
}

static PyObject *words_of(struct work *work, const uint8_t *octets, size_t size)
{
    for (size_t index = 0; index < FEW; index++) {
        const struct known *known = &work->words[index];
        if (known->found != NULL && known->size == size && !memcmp(known->octets, octets, size))
            return known->found;
    }
    return look_up(&work->words[work->next_word++ % FEW], work->said, octets, size, -1, WORDS);
}

static PyObject *there_of(struct work *work, const uint8_t *octets, int port)
{
    uint32_t last;
    memcpy(&last, octets + ADDRESS - sizeof last, sizeof last);
    return look_up(&work->there[(last * 2654435761u) >> 28], work->side, octets, ADDRESS, port, 2);
}

static PyObject *port_of(struct work *work, unsigned int number)
{
    if (work->port == NULL || work->port_number != number) {
        PyObject *port = PyLong_FromUnsignedLong(number);
        if (port == NULL)
            return NULL;
        Py_XDECREF(work->port);
        work->port = port;
        work->port_number = number;
    }
    Py_INCREF(work->port);
    return work->port;
}

static PyObject *same(PyObject *value)
{
    Py_INCREF(value);
    return value;
}

static PyObject *item(PyObject *tuple, Py_ssize_t index)
{
    return same(PyTuple_GetItem(tuple, index));
}

enum found { FAILED, FOUND, OTHER };

struct head {
    uint64_t number, at_ns, totals[3];
    uint8_t counts[COUNTS];
    uint32_t decision_us;
    uint8_t local[ADDRESS], remote[ADDRESS];
    uint16_t local_port, remote_port;
} __attribute__((packed));

_Static_assert(sizeof(struct head) == SAID, "the head of a record");

/* Makes the draft of a record, and says whether it went through a SOCKS server. */
static enum found draft_of(struct work *work, const struct head *head, const uint8_t *body, size_t size,
                           PyObject **made, bool *is_apart)
{
    const uint8_t *tallies = body + offsetof(struct head, counts), *local = body + offsetof(struct head, local);
    PyObject *said = words_of(work, body + SAID, size - SAID);
    PyObject *counts = said ? look_up(&work->tallies, work->counts, tallies, COUNTS, -1, 3) : NULL;
    PyObject *here = counts ? look_up(&work->here, work->side, local, ADDRESS, head->local_port > 0, 2) : NULL;
    PyObject *there = here ? there_of(work, body + offsetof(struct head, remote), head->remote_port > 0) : NULL;
    if (there == NULL)
        return FAILED;
    /* sk_type, outcome, exit_point, entry_type, user, program, socks_server, text, is_call */
    if (PyUnicode_CompareWithASCIIString(PyTuple_GetItem(said, 3), "SK") != 0 || PyTuple_GetItem(said, 8) != Py_True)
        return OTHER;
    PyObject *server = PyTuple_GetItem(said, 6), *address = PyTuple_GetItem(there, 0);
    if (!PyUnicode_CheckExact(server) || !PyUnicode_CheckExact(address))
        return OTHER;
    *is_apart = PyUnicode_GetLength(server) > 0;
    PyObject *const values[VALUES] = {
        same(work->zero),
        PyLong_FromUnsignedLongLong(head->at_ns / 1000),
        same(work->empty),
        same(work->code),
        item(said, 3),
        item(said, 0),
        item(said, 1),
        item(said, 2),
        item(counts, 0),
        item(counts, 1),
        item(said, 4),
        same(work->job),
        item(counts, 2),
        item(said, 5),
        item(PyUnicode_GetLength(address) > 0 ? there : here, 1),
        item(here, 0),
        port_of(work, head->local_port),
        same(address),
        PyLong_FromUnsignedLong(head->remote_port),
        same(server),
        PyLong_FromUnsignedLong(head->decision_us),
        item(said, 7),
        same(work->empty),
        same(work->guard_id),
        PyLong_FromUnsignedLongLong(head->number),
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
    *made = draft;
    return draft != NULL ? FOUND : FAILED;
}

/* Reads the record that some octets begin with; returns how many it took, 0 when it is Python's to say what it is. */
static size_t read_head(const uint8_t *octets, size_t size, struct head *head)
{
    uint64_t seal;
    if (size < SEAL + HEAD)
        return 0;
    memcpy(&seal, octets, sizeof seal);
    const size_t length = seal & LENGTH_MASK;
    if ((seal & MARK_MASK) != MARK || length < SEAL + HEAD || length > size ||
        crc32_of(octets + SEAL, length - SEAL) != seal >> 32)
        return 0;
    memcpy(head, octets + SEAL, sizeof *head);
    const uint64_t all = head->number | head->at_ns | head->totals[0] | head->totals[1] | head->totals[2];
    return all < NUMBER_END && head->decision_us < COUNT_END ? length : 0;
}

static enum found read_all(struct work *work, const uint8_t *octets, size_t size, uint64_t number, PyObject *drafts,
                           PyObject *apart, uint64_t totals[3])
{
    for (size_t at = 0; at < size;) {
        struct head head;
        PyObject *draft = NULL;
        bool is_apart;
        const size_t length = read_head(octets + at, size - at, &head);
        if (!length || head.number != ++number)
            return OTHER;
        const enum found found = draft_of(work, &head, octets + at + SEAL, length - SEAL, &draft, &is_apart);
        if (found != FOUND)
            return found;
        int failed = PyList_Append(drafts, draft);
        Py_DECREF(draft);
        if (!failed && is_apart) {
            PyObject *place = PyLong_FromSsize_t(PyList_Size(drafts) - 1);
            failed = place == NULL || PyList_Append(apart, place);
            Py_XDECREF(place);
        }
        if (failed)
            return FAILED;
        memcpy(totals, head.totals, sizeof head.totals);
        at += length;
    }
    return PyList_Size(drafts) > 0 ? FOUND : OTHER;
}

static void release(struct work *work)
{
    for (size_t index = 0; index < FEW; index++)
        Py_XDECREF(work->words[index].found);
    for (size_t index = 0; index < SIDES; index++)
        Py_XDECREF(work->there[index].found);
    Py_XDECREF(work->tallies.found);
    Py_XDECREF(work->here.found);
    Py_XDECREF(work->port);
    Py_XDECREF(work->zero);
    Py_XDECREF(work->empty);
}

PyObject *read_records(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct work work = {0};
    PyObject *octets; /* octets that cannot change while Python's functions run */
    unsigned long long number;
    uint64_t totals[3] = {0};
    if (!PyArg_ParseTuple(arguments, "SKUUUOOO", &octets, &number, &work.code, &work.job, &work.guard_id, &work.said,
                          &work.counts, &work.side))
        return NULL;
    work.zero = PyLong_FromLong(0);
    work.empty = PyUnicode_FromStringAndSize("", 0);
    PyObject *drafts = PyList_New(0), *apart = PyList_New(0), *answer = NULL;
    char *begin;
    Py_ssize_t size;
    enum found found = FAILED;
    if (work.zero && work.empty && drafts && apart && !PyBytes_AsStringAndSize(octets, &begin, &size))
        found = read_all(&work, (const uint8_t *)begin, (size_t)size, number, drafts, apart, totals);
    if (found == OTHER)
        answer = same(Py_None);
    else if (found == FOUND)
        answer = Py_BuildValue("OO(KKK)", drafts, apart, (unsigned long long)totals[0], (unsigned long long)totals[1],
                               (unsigned long long)totals[2]);
    release(&work);
    Py_XDECREF(drafts);
    Py_XDECREF(apart);
    return answer;
}
