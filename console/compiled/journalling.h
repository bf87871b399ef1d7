/* What the files of the module `_journalling` have in common. Only the stable interface of Python 3.11 is used. */

#ifndef JOURNALLING_H
#define JOURNALLING_H

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "records and hashes are little-endian, and are read as they lie in memory"
#endif

enum {
    HASH = 32,        /* octets of a hash */
    PERSON = 16,      /* octets of what a hash is personalised with */
    MOST_COLUMNS = 64 /* of a table */
};

/* blake2b.c */
void begin_hash(uint64_t start[8], const uint8_t person[PERSON]);
void hash_of(const uint64_t start[8], const uint8_t *octets, size_t size, uint8_t into[HASH]);

/* rows.c: rows of a table, put together for statements that insert many of them. */
struct rows {
    Py_ssize_t width, together; /* columns; rows of a statement */
    Py_ssize_t waiting;         /* rows that were made and are in no statement yet */
    PyObject **values;          /* `together` rows; each value is our reference, or NULL */
    uint64_t alike;             /* columns that have the same value in all rows that wait */
    PyObject *shapes, *runs;
};

bool begin_rows(struct rows *rows, Py_ssize_t width, Py_ssize_t together, PyObject *shapes);
PyObject **next_row(struct rows *rows);
bool end_row(struct rows *rows);
PyObject *last_rows(struct rows *rows);
void release_rows(struct rows *rows);

/* rows.c: some columns of them. */
struct columns {
    Py_ssize_t count, places[MOST_COLUMNS];
    const char *kinds;
    bool is_usual;    /* all values so far are of just the types of their columns */
    PyObject *values; /* a list of lists */
};

bool begin_columns(struct columns *columns, Py_ssize_t width, PyObject *places, const char *kinds, Py_ssize_t count,
                   Py_ssize_t length);
bool add_to_columns(struct columns *columns, Py_ssize_t index, PyObject *const *row);

void prepare_records(void);
PyObject *read_records(PyObject *module, PyObject *arguments);
PyObject *ring_records(PyObject *module, PyObject *arguments);
PyObject *draft_events(PyObject *module, PyObject *arguments);
PyObject *chain_drafts(PyObject *module, PyObject *arguments);

#endif
