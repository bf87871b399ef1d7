/* Drafts become rows that carry the chain of the journal on: the loop of `console.journal.writer`.
 *
 * The canonical form is put together here for texts that need no escapes and for whole numbers of 64 bits, which is
 * what nearly all entries have; a row with anything else is left to the encoder of `console.journal.chain`. A value that
 * is the very object of the entry before is copied as it was written then. Drafts stay as they are.
 */

#include "journalling.h"

enum {
    MOST_VALUES = 32,
    LONGEST_NUMBER = 20,
    LONGEST_DAY = 32,
    MICROSECONDS = 1000000, /* of a second */
    SECONDS = 86400,        /* of a day */
};

/* Places in a row that are not of the draft, and of those that are of each row alone. */
enum { NUMBER = 0, MOMENT = 1, RECEIVER = 2, OWN = 2 };

/* A row's octets behind the hash before it, and where its values lie in them. */
struct form {
    char *octets;
    size_t size, room;
    size_t begins[MOST_VALUES], ends[MOST_VALUES];
};

struct work {
    Py_ssize_t count; /* values of a draft */
    struct form made, former;
    PyObject *values[MOST_VALUES]; /* those of `former`, which its row has, or NULL */
    PyObject *receiver, *encode, *text_day, *text_time;
    uint64_t start[8]; /* of a hash */
    uint8_t digest[HASH]; /* of the row before */
    unsigned long long size; /* of all forms */
    long long day;
    char day_text[LONGEST_DAY];
    size_t day_size; /* 0: no day is known */
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

/* Puts octets where there is room. */
static void put(struct form *form, const char *octets, size_t size)
{
    memcpy(form->octets + form->size, octets, size);
    form->size += size;
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
    if (!make_room(form, sizeof digits - at))
        return false;
    put(form, digits + at, sizeof digits - at);
    return true;
}

static bool put_text(struct form *form, const char *octets, size_t size)
{
    if (!make_room(form, size + 2))
        return false;
    put(form, "\"", 1);
    put(form, octets, size);
    put(form, "\"", 1);
    return true;
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
        return put_text(form, octets, (size_t)size) ? WRITTEN : FAILED;
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
    const size_t before = former->begins[first], to = made->size, size = former->ends[last] - before;
    for (Py_ssize_t index = first; index <= last; index++) {
        made->begins[index] = former->begins[index] - before + to;
        made->ends[index] = former->ends[index] - before + to;
    }
    if (!make_room(made, size))
        return false;
    put(made, former->octets + before, size);
    return true;
}

/* Writes the canonical form of a row; runs no code but that of values that are texts and numbers. */
static enum written put_row(struct work *work, PyObject *const *row)
{
    struct form *made = &work->made;
    for (Py_ssize_t index = 0; index < work->count; index++) {
        const Py_ssize_t first = index;
        if (!make_room(made, 1))
            return FAILED;
        put(made, index ? "," : "[", 1);
        if (index >= OWN && row[index] == work->values[index]) {
            while (index + 1 < work->count && row[index + 1] == work->values[index + 1])
                index++;
            if (!put_again(made, &work->former, first, index))
                return FAILED;
            continue;
        }
        made->begins[index] = made->size;
        const enum written written = put_value(made, row[index]);
        if (written != WRITTEN)
            return written;
        made->ends[index] = made->size;
    }
    if (!make_room(made, 1))
        return FAILED;
    put(made, "]", 1);
    return WRITTEN;
}

/* Has the encoder write the canonical form of a row. */
static bool encode_row(struct work *work, PyObject *const *row)
{
    PyObject *values = PyList_New(work->count), *form = NULL;
    char *octets;
    Py_ssize_t size;
    for (Py_ssize_t index = 0; values != NULL && index < work->count; index++) {
        Py_INCREF(row[index]);
        PyList_SetItem(values, index, row[index]); /* cannot fail: the list is new */
    }
    if (values != NULL)
        form = PyObject_CallFunctionObjArgs(work->encode, values, NULL);
    bool is_done = form != NULL && !PyBytes_AsStringAndSize(form, &octets, &size);
    work->made.size = HASH;
    is_done = is_done && make_room(&work->made, (size_t)size);
    if (is_done)
        put(&work->made, octets, (size_t)size);
    Py_XDECREF(form);
    Py_XDECREF(values);
    return is_done;
}

/* Makes `digest` the hash of a row. */
static bool hash_row(struct work *work, PyObject *const *row)
{
    struct form *made = &work->made;
    made->size = 0;
    if (!make_room(made, HASH))
        return false;
    put(made, (const char *)work->digest, HASH);
    const enum written written = put_row(work, row);
    if (written == FAILED || (written == UNUSUAL && !encode_row(work, row)))
        return false;
    hash_of(work->start, (const uint8_t *)made->octets, made->size, work->digest);
    work->size += made->size - HASH;
    if (written == WRITTEN) {
        const struct form form = *made;
        *made = work->former;
        work->former = form;
        memcpy(work->values, row, (size_t)work->count * sizeof *row);
    }
    return true;
}

/* Looks up how a day is written. */
static bool know_day(struct work *work, long long day)
{
    Py_ssize_t size;
    if (work->day_size && day == work->day)
        return true;
    PyObject *number = PyLong_FromLongLong(day);
    PyObject *text = number != NULL ? PyObject_CallFunctionObjArgs(work->text_day, number, NULL) : NULL;
    const char *octets = text != NULL ? PyUnicode_AsUTF8AndSize(text, &size) : NULL;
    work->day_size = 0;
    if (octets != NULL && (size < 1 || size > LONGEST_DAY)) {
        PyErr_SetString(PyExc_ValueError, "a day is not as long");
        octets = NULL;
    }
    if (octets != NULL) {
        memcpy(work->day_text, octets, (size_t)size);
        work->day_size = (size_t)size;
        work->day = day;
    }
    Py_XDECREF(text);
    Py_XDECREF(number);
    return octets != NULL;
}

/* Divides, rounding down; returns the rest. */
static long long divide(long long *number, long long by)
{
    long long rest = *number % by;
    *number /= by;
    if (rest < 0) {
        rest += by;
        --*number;
    }
    return rest;
}

/* Writes a character and some digits of a number; returns where they end. */
static char *put_digits(char *at, char before, int count, long long number)
{
    *at = before;
    for (int place = count; place > 0; place--, number /= 10)
        at[place] = (char)('0' + number % 10);
    return at + count + 1;
}

/* Returns a time as it is stored. */
static PyObject *stored_time(struct work *work, PyObject *moment)
{
    char text[LONGEST_DAY + sizeof " 12:34:56.123456"];
    int overflow = 1;
    long long rest = PyLong_CheckExact(moment) ? PyLong_AsLongLongAndOverflow(moment, &overflow) : 0;
    if (overflow)
        return PyObject_CallFunctionObjArgs(work->text_time, moment, NULL);
    const long long microsecond = divide(&rest, MICROSECONDS), second = divide(&rest, SECONDS);
    if (!know_day(work, rest))
        return NULL;
    memcpy(text, work->day_text, work->day_size);
    char *end = put_digits(text + work->day_size, ' ', 2, second / 3600);
    end = put_digits(end, ':', 2, second / 60 % 60);
    end = put_digits(end, ':', 2, second % 60);
    end = put_digits(end, '.', 6, microsecond);
    return PyUnicode_FromStringAndSize(text, end - text);
}

static PyObject *hexadecimal(const uint8_t digest[HASH])
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * HASH];
    for (int index = 0; index < HASH; index++) {
        text[2 * index] = digits[digest[index] >> 4];
        text[2 * index + 1] = digits[digest[index] & 15];
    }
    return PyUnicode_FromStringAndSize(text, sizeof text);
}

/* Makes a row, whose hash is `digest` then, of a draft. */
static bool chain_one(struct work *work, PyObject *draft, long long number, PyObject **row)
{
    if (!PyList_Check(draft) || PyList_Size(draft) != work->count) {
        PyErr_SetString(PyExc_TypeError, "a draft is a list of the values of an entry");
        return false;
    }
    for (Py_ssize_t index = 0; index < work->count; index++) {
        PyObject *value = index == RECEIVER ? work->receiver : index == NUMBER ? NULL : PyList_GetItem(draft, index);
        Py_XINCREF(value);
        row[index] = value;
    }
    row[NUMBER] = PyLong_FromLongLong(number);
    if (row[NUMBER] == NULL || !hash_row(work, row))
        return false;
    PyObject *moment = row[MOMENT];
    row[MOMENT] = stored_time(work, moment);
    Py_DECREF(moment);
    row[work->count] = hexadecimal(work->digest);
    return row[MOMENT] != NULL && row[work->count] != NULL;
}

/* Makes rows of drafts, and moves `number` to that of the last. */
static bool chain_all(struct work *work, PyObject *drafts, long long *number, struct rows *rows,
                      struct columns *columns)
{
    const Py_ssize_t count = PyList_Size(drafts);
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *draft = PyList_GetItem(drafts, index), **row = next_row(rows);
        if (draft == NULL) /* the encoder has run others, which have taken it away */
            return false;
        Py_INCREF(draft);
        const bool is_done = chain_one(work, draft, ++*number, row);
        Py_DECREF(draft);
        if (!is_done || !add_to_columns(columns, index, row) || !end_row(rows))
            return false;
    }
    return true;
}

/* Takes the values of Python that say what to go on from, and how. */
static bool begin(struct work *work, const char *before, Py_ssize_t before_size, const char *person,
                  Py_ssize_t person_size, long long number, Py_ssize_t count, Py_ssize_t width)
{
    uint8_t padded[PERSON] = {0};
    if (before_size != HASH || person_size > PERSON || number < 0 || number > INT64_MAX - count) {
        PyErr_SetString(PyExc_ValueError, "no entry to go on from");
        return false;
    }
    if (width <= RECEIVER + 1 || width > MOST_VALUES) {
        PyErr_SetString(PyExc_ValueError, "no rows of a journal");
        return false;
    }
    memcpy(work->digest, before, HASH);
    memcpy(padded, person, (size_t)person_size);
    begin_hash(work->start, padded);
    work->count = width - 1;
    return true;
}

PyObject *chain_drafts(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    struct work work = {0};
    struct rows rows = {0};
    struct columns columns = {0};
    PyObject *drafts, *shapes, *places, *answer = NULL;
    const char *before, *person, *kinds;
    Py_ssize_t before_size, person_size, width, together, kinds_size;
    long long number;
    if (!PyArg_ParseTuple(arguments, "O!ULy#y#OOOnnO!O!s#", &PyList_Type, &drafts, &work.receiver, &number, &before,
                          &before_size, &person, &person_size, &work.encode, &work.text_day, &work.text_time, &width,
                          &together, &PyTuple_Type, &shapes, &PyTuple_Type, &places, &kinds, &kinds_size))
        return NULL;
    const Py_ssize_t count = PyList_Size(drafts);
    if (begin(&work, before, before_size, person, person_size, number, count, width) &&
        begin_rows(&rows, width, together, shapes) &&
        begin_columns(&columns, width, places, kinds, kinds_size, count) &&
        chain_all(&work, drafts, &number, &rows, &columns)) {
        PyObject *rest = last_rows(&rows);
        if (rest != NULL)
            answer = Py_BuildValue("Ly#KOOO", number, work.digest, (Py_ssize_t)HASH, work.size, rows.runs, rest,
                                   columns.is_usual ? columns.values : Py_None);
        Py_XDECREF(rest);
    }
    release_rows(&rows);
    Py_XDECREF(columns.values);
    PyMem_Free(work.made.octets);
    PyMem_Free(work.former.octets);
    return answer;
}
