/* Drafts become rows that carry the chain of the journal on: the loop of `console.journal.writer`.
 *
 * The canonical form is put together here for texts that need no escapes and for whole numbers of 64 bits, which is
 * what nearly all entries have; a row with anything else is left to the encoder of `console.journal.chain`. A value that
 * is the very object of the entry before is copied as it was written then. Hashes are those of Python's hashlib.
 */

#include "journalling.h"

enum { MOST_VALUES = 32, DIGEST = 32, LONGEST_NUMBER = 20, LONGEST_TIME = 64, MICROSECONDS = 1000000 };

/* A row's octets behind the hash before it, and where its values lie in them. */
struct form {
    char *octets;
    size_t size, room;
    size_t begins[MOST_VALUES], ends[MOST_VALUES];
};

struct work {
    struct form made, former;
    PyObject *values[MOST_VALUES]; /* those of `former`: our references, or NULL */
    PyObject *encode, *fresh, *text_second, *text_time, *update, *digest;
    long long second;
    char begin[LONGEST_TIME];
    size_t begin_size; /* 0: no second is known */
};

static bool make_room(struct form *form, size_t more)
{
    if (form->room - form->size >= more)
        return true;
    if (more > SIZE_MAX / 4 || form->size > SIZE_MAX / 4)
        return PyErr_NoMemory(), false;
    const size_t room = 2 * (form->size + more);
    char *octets = PyMem_Realloc(form->octets, room);
    if (octets == NULL)
        return PyErr_NoMemory(), false;
    form->octets = octets;
    form->room = room;
    return true;
}

static bool put(struct form *form, const char *octets, size_t size)
{
    if (!make_room(form, size))
        return false;
    memcpy(form->octets + form->size, octets, size);
    form->size += size;
    return true;
}

static bool put_number(struct form *form, long long number)
{
    char digits[LONGEST_NUMBER + 1];
    size_t at = sizeof digits;
    unsigned long long rest = number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (number < 0)
        digits[--at] = '-';
    return put(form, digits + at, sizeof digits - at);
}

static bool is_plain(const char *octets, size_t size)
{
    for (size_t index = 0; index < size; index++) {
        const unsigned char octet = (unsigned char)octets[index];
        if (octet < ' ' || octet == '"' || octet == '\\')
            return false;
    }
    return true;
}

enum written { FAILED, WRITTEN, UNUSUAL };

static enum written put_value(struct form *form, PyObject *value)
{
    if (PyUnicode_CheckExact(value)) {
        Py_ssize_t size;
        const char *octets = PyUnicode_AsUTF8AndSize(value, &size);
        if (octets == NULL) { /* no memory, or half of a pair: the encoder says it */
            PyErr_Clear();
            return UNUSUAL;
        }
        if (!is_plain(octets, (size_t)size))
            return UNUSUAL;
        return put(form, "\"", 1) && put(form, octets, (size_t)size) && put(form, "\"", 1) ? WRITTEN : FAILED;
    }
    if (PyLong_CheckExact(value)) {
        int overflow;
        const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow)
            return UNUSUAL;
        return put_number(form, number) ? WRITTEN : FAILED;
    }
    return UNUSUAL;
}

/* Copies what was written of some values that stand side by side, with the commas between them. */
static bool put_again(struct form *made, const struct form *former, Py_ssize_t first, Py_ssize_t last)
{
    const size_t before = former->begins[first], to = made->size;
    for (Py_ssize_t index = first; index <= last; index++) {
        made->begins[index] = former->begins[index] - before + to;
        made->ends[index] = former->ends[index] - before + to;
    }
    return put(made, former->octets + before, former->ends[last] - before);
}

/* Writes the canonical form of a row; runs no code but that of values that are texts and numbers. */
static enum written put_row(struct work *work, PyObject *row)
{
    const Py_ssize_t count = PyList_Size(row);
    struct form *made = &work->made;
    if (count > MOST_VALUES)
        return UNUSUAL;
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *value = PyList_GetItem(row, index);
        const Py_ssize_t first = index;
        if (!put(made, index ? "," : "[", 1))
            return FAILED;
        if (value == work->values[index]) {
            while (index + 1 < count && PyList_GetItem(row, index + 1) == work->values[index + 1])
                index++;
            if (!put_again(made, &work->former, first, index))
                return FAILED;
            continue;
        }
        made->begins[index] = made->size;
        const enum written written = put_value(made, value);
        if (written != WRITTEN)
            return written;
        made->ends[index] = made->size;
    }
    return put(made, "]", 1) ? WRITTEN : FAILED;
}

/* Remembers what was written of a row. */
static void remember(struct work *work, PyObject *row)
{
    const Py_ssize_t count = PyList_Size(row);
    const struct form made = work->made;
    work->made = work->former;
    work->former = made;
    for (Py_ssize_t index = 0; index < MOST_VALUES; index++) {
        PyObject *value = index < count ? PyList_GetItem(row, index) : NULL, *before = work->values[index];
        if (value != before) {
            Py_XINCREF(value);
            work->values[index] = value;
            Py_XDECREF(before); /* a text or a number: runs nothing */
        }
    }
}

/* Returns the hash before a row and its canonical form, one after the other. */
static PyObject *octets_of(struct work *work, const char before[DIGEST], PyObject *row)
{
    work->made.size = 0;
    if (!put(&work->made, before, DIGEST))
        return NULL;
    const enum written written = put_row(work, row);
    if (written == FAILED)
        return NULL;
    if (written == WRITTEN) {
        PyObject *found = PyBytes_FromStringAndSize(work->made.octets, (Py_ssize_t)work->made.size);
        if (found != NULL)
            remember(work, row);
        return found;
    }
    PyObject *found = NULL, *form = PyObject_CallFunctionObjArgs(work->encode, row, NULL);
    char *octets;
    Py_ssize_t size;
    if (form == NULL)
        return NULL;
    work->made.size = DIGEST;
    if (!PyBytes_AsStringAndSize(form, &octets, &size) && put(&work->made, octets, (size_t)size))
        found = PyBytes_FromStringAndSize(work->made.octets, (Py_ssize_t)work->made.size);
    Py_DECREF(form);
    return found;
}

/* Returns the hash of some octets, which go. */
static bool hash(const struct work *work, PyObject *octets, char into[DIGEST])
{
    PyObject *found = NULL, *done = NULL, *state = PyObject_CallFunctionObjArgs(work->fresh, NULL);
    char *digest;
    Py_ssize_t size;
    bool is_done = false;
    if (state != NULL)
        done = PyObject_CallMethodObjArgs(state, work->update, octets, NULL);
    if (done != NULL)
        found = PyObject_CallMethodObjArgs(state, work->digest, NULL);
    if (found != NULL && !PyBytes_AsStringAndSize(found, &digest, &size)) {
        is_done = size == DIGEST;
        if (is_done)
            memcpy(into, digest, DIGEST);
        else
            PyErr_SetString(PyExc_ValueError, "a hash has 32 octets");
    }
    Py_DECREF(octets);
    Py_XDECREF(state);
    Py_XDECREF(done);
    Py_XDECREF(found);
    return is_done;
}

/* Looks up how the times of a second begin. */
static bool know_second(struct work *work, long long second)
{
    Py_ssize_t size;
    if (work->begin_size && second == work->second)
        return true;
    PyObject *number = PyLong_FromLongLong(second);
    PyObject *text = number != NULL ? PyObject_CallFunctionObjArgs(work->text_second, number, NULL) : NULL;
    const char *octets = text != NULL ? PyUnicode_AsUTF8AndSize(text, &size) : NULL;
    work->begin_size = 0;
    if (octets != NULL && (size < 1 || size > LONGEST_TIME)) {
        PyErr_SetString(PyExc_ValueError, "a time is not as long");
        octets = NULL;
    }
    if (octets != NULL) {
        memcpy(work->begin, octets, (size_t)size);
        work->begin_size = (size_t)size;
        work->second = second;
    }
    Py_XDECREF(text);
    Py_XDECREF(number);
    return octets != NULL;
}

/* Returns a time as it is stored. */
static PyObject *stored_time(struct work *work, PyObject *moment)
{
    char text[LONGEST_TIME + 7];
    int overflow = 1;
    const long long all = PyLong_CheckExact(moment) ? PyLong_AsLongLongAndOverflow(moment, &overflow) : 0;
    if (overflow)
        return PyObject_CallFunctionObjArgs(work->text_time, moment, NULL);
    long long second = all / MICROSECONDS, rest = all % MICROSECONDS;
    if (rest < 0) {
        rest += MICROSECONDS;
        second--;
    }
    if (!know_second(work, second))
        return NULL;
    memcpy(text, work->begin, work->begin_size);
    char *at = text + work->begin_size;
    at[0] = '.';
    for (int digit = 6; digit > 0; digit--, rest /= 10)
        at[digit] = (char)('0' + rest % 10);
    return PyUnicode_FromStringAndSize(text, (Py_ssize_t)work->begin_size + 7);
}

static PyObject *hexadecimal(const char digest[DIGEST])
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * DIGEST];
    for (int index = 0; index < DIGEST; index++) {
        const unsigned char octet = (unsigned char)digest[index];
        text[2 * index] = digits[octet >> 4];
        text[2 * index + 1] = digits[octet & 15];
    }
    return PyUnicode_FromStringAndSize(text, sizeof text);
}

/* Sets a value of a row; takes the reference. */
static bool set(PyObject *row, Py_ssize_t index, PyObject *value)
{
    return value != NULL && !PyList_SetItem(row, index, value);
}

/* Makes a draft a row, and `digest` its hash. */
static bool chain_one(struct work *work, PyObject *row, long long number, PyObject *receiver, char digest[DIGEST],
                      unsigned long long *size)
{
    if (!PyList_Check(row) || PyList_Size(row) < 3) {
        PyErr_SetString(PyExc_TypeError, "a draft is a list of the values of an entry");
        return false;
    }
    Py_INCREF(receiver);
    if (!set(row, 2, receiver) || !set(row, 0, PyLong_FromLongLong(number)))
        return false;
    PyObject *octets = octets_of(work, digest, row);
    if (octets == NULL)
        return false;
    *size += (unsigned long long)PyBytes_Size(octets) - DIGEST;
    if (!hash(work, octets, digest))
        return false;
    PyObject *moment = PyList_GetItem(row, 1);
    if (moment == NULL)
        return false;
    Py_INCREF(moment);
    const bool is_set = set(row, 1, stored_time(work, moment));
    Py_DECREF(moment);
    PyObject *text = is_set ? hexadecimal(digest) : NULL;
    const bool is_done = text != NULL && !PyList_Append(row, text);
    Py_XDECREF(text);
    return is_done;
}

static void release(struct work *work)
{
    for (size_t index = 0; index < MOST_VALUES; index++)
        Py_XDECREF(work->values[index]);
    PyMem_Free(work->made.octets);
    PyMem_Free(work->former.octets);
    Py_XDECREF(work->update);
    Py_XDECREF(work->digest);
}

PyObject *chain_drafts(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct work work = {0};
    PyObject *drafts, *receiver;
    const char *before;
    Py_ssize_t before_size;
    long long number;
    unsigned long long size = 0;
    char digest[DIGEST];
    if (!PyArg_ParseTuple(arguments, "O!OLy#OOOO", &PyList_Type, &drafts, &receiver, &number, &before, &before_size,
                          &work.encode, &work.fresh, &work.text_second, &work.text_time))
        return NULL;
    if (before_size != DIGEST || number < 0 || number > INT64_MAX - PyList_Size(drafts)) {
        PyErr_SetString(PyExc_ValueError, "no entry to go on from");
        return NULL;
    }
    memcpy(digest, before, DIGEST);
    work.update = PyUnicode_FromString("update");
    work.digest = PyUnicode_FromString("digest");
    bool is_done = work.update != NULL && work.digest != NULL;
    for (Py_ssize_t index = 0; is_done && index < PyList_Size(drafts); index++) {
        PyObject *row = PyList_GetItem(drafts, index);
        Py_INCREF(row); /* while hashlib works on a long entry, others may have the interpreter lock */
        is_done = chain_one(&work, row, ++number, receiver, digest, &size);
        Py_DECREF(row);
    }
    release(&work);
    return is_done ? Py_BuildValue("Ly#K", number, digest, (Py_ssize_t)DIGEST, size) : NULL;
}
