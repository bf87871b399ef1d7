/* Rows of a table for statements that insert many at once (`console.store.bulk`): the values of their rows one after
 * the other, those that all rows have in common once, before the others. And some columns of the rows, for the index of
 * the journal (`console.store.journal_recent`).
 */

#include "journalling.h"

enum { MOST_TOGETHER = 1024 };

bool begin_rows(struct rows *rows, Py_ssize_t width, Py_ssize_t together, PyObject *shapes)
{
    if (width < 1 || width > MOST_COLUMNS || together < 1 || together > MOST_TOGETHER) {
        PyErr_SetString(PyExc_ValueError, "no such rows");
        return false;
    }
    rows->width = width;
    rows->together = together;
    rows->shapes = shapes;
    rows->values = PyMem_Calloc((size_t)(width * together), sizeof *rows->values);
    if (rows->values == NULL)
        return PyErr_NoMemory(), false;
    rows->runs = PyList_New(0);
    return rows->runs != NULL;
}

static PyObject **row_at(const struct rows *rows, Py_ssize_t index)
{
    return rows->values + index * rows->width;
}

/* Returns the place of the next row, for as many references as there are columns, all NULL. */
PyObject **next_row(struct rows *rows)
{
    return row_at(rows, rows->waiting);
}

/* Reads a shape, the columns whose values come once; -1 with an exception. */
static int read_shape(PyObject *shape, Py_ssize_t width, uint64_t *columns)
{
    *columns = 0;
    const Py_ssize_t count = PyTuple_Check(shape) ? PyTuple_Size(shape) : -1;
    for (Py_ssize_t index = 0; index < count; index++) {
        const Py_ssize_t column = PyLong_AsSsize_t(PyTuple_GetItem(shape, index));
        if (column == -1 && PyErr_Occurred())
            return -1;
        if (column < 0 || column >= width || *columns >> column) {
            PyErr_SetString(PyExc_ValueError, "no such columns");
            return -1;
        }
        *columns |= (uint64_t)1 << column;
    }
    if (count < 0)
        PyErr_SetString(PyExc_TypeError, "columns are a tuple");
    return count < 0 ? -1 : 0;
}

/* Returns, borrowed, the first shape that the rows have; NULL with an exception. */
static PyObject *shape_of(const struct rows *rows, uint64_t *columns)
{
    const Py_ssize_t count = PyTuple_Size(rows->shapes);
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *shape = PyTuple_GetItem(rows->shapes, index);
        if (read_shape(shape, rows->width, columns))
            return NULL;
        if ((*columns & ~rows->alike) == 0)
            return shape;
    }
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "rows of no shape");
    return NULL;
}

/* Moves a value into a tuple that is new. */
static void move(PyObject **value, PyObject *into, Py_ssize_t at)
{
    PyTuple_SetItem(into, at, *value); /* cannot fail: the place is in it */
    *value = NULL;
}

/* Moves the values of all rows into a tuple. */
static PyObject *flat(struct rows *rows, uint64_t once)
{
    Py_ssize_t shared = 0, at = 0;
    for (Py_ssize_t column = 0; column < rows->width; column++)
        shared += (once >> column & 1) != 0;
    PyObject *found = PyTuple_New(shared + rows->waiting * (rows->width - shared));
    if (found == NULL)
        return NULL;
    for (Py_ssize_t column = 0; column < rows->width; column++)
        if (once >> column & 1)
            move(row_at(rows, 0) + column, found, at++);
    for (Py_ssize_t index = 0; index < rows->waiting; index++) {
        PyObject **row = row_at(rows, index);
        for (Py_ssize_t column = 0; column < rows->width; column++)
            if (!(once >> column & 1))
                move(row + column, found, at++);
            else
                Py_CLEAR(row[column]); /* one of several references: runs nothing */
    }
    rows->waiting = 0;
    return found;
}

/* Returns, borrowed, the list of the values of the last statements if they have a shape, else of new ones. */
static PyObject *run_of(const struct rows *rows, PyObject *shape)
{
    const Py_ssize_t count = PyList_Size(rows->runs);
    PyObject *last = count ? PyList_GetItem(rows->runs, count - 1) : NULL;
    if (last != NULL && PyTuple_GetItem(last, 0) == shape)
        return PyTuple_GetItem(last, 1);
    PyObject *groups = PyList_New(0), *run = groups != NULL ? PyTuple_Pack(2, shape, groups) : NULL;
    const bool is_done = run != NULL && !PyList_Append(rows->runs, run);
    Py_XDECREF(run);
    Py_XDECREF(groups);
    return is_done ? groups : NULL; /* the run has it */
}

/* Takes the row that `next_row` has given a place, which has all its values now. */
bool end_row(struct rows *rows)
{
    PyObject *const *first = row_at(rows, 0), *const *row = next_row(rows);
    uint64_t alike = rows->waiting ? rows->alike : UINT64_MAX;
    for (Py_ssize_t column = 0; column < rows->width; column++)
        alike &= ~((uint64_t)(row[column] != first[column]) << column);
    rows->alike = alike;
    if (++rows->waiting < rows->together)
        return true;
    uint64_t once;
    PyObject *shape = shape_of(rows, &once), *run = shape != NULL ? run_of(rows, shape) : NULL;
    PyObject *values = run != NULL ? flat(rows, once) : NULL;
    const bool is_done = values != NULL && !PyList_Append(run, values);
    Py_XDECREF(values);
    return is_done;
}

/* Returns the rows that are too few for a statement, a tuple each. */
PyObject *last_rows(struct rows *rows)
{
    PyObject *found = PyList_New(rows->waiting);
    for (Py_ssize_t index = 0; found != NULL && index < rows->waiting; index++) {
        PyObject *row = PyTuple_New(rows->width);
        if (row == NULL) {
            Py_CLEAR(found);
            break;
        }
        for (Py_ssize_t column = 0; column < rows->width; column++)
            move(row_at(rows, index) + column, row, column);
        PyList_SetItem(found, index, row); /* cannot fail: the list is new */
    }
    return found;
}

void release_rows(struct rows *rows)
{
    for (Py_ssize_t index = 0; rows->values != NULL && index < rows->width * rows->together; index++)
        Py_XDECREF(rows->values[index]);
    PyMem_Free(rows->values);
    Py_XDECREF(rows->runs);
}

/* Makes lists of a length for some columns; `kinds` has a letter for each, n for numbers and t for texts. */
bool begin_columns(struct columns *columns, Py_ssize_t width, PyObject *places, const char *kinds, Py_ssize_t count,
                   Py_ssize_t length)
{
    if (count != PyTuple_Size(places) || count > MOST_COLUMNS) {
        PyErr_SetString(PyExc_ValueError, "a kind for each column");
        return false;
    }
    columns->count = count;
    columns->kinds = kinds;
    columns->is_usual = true;
    columns->values = PyList_New(0);
    for (Py_ssize_t index = 0; columns->values != NULL && index < count; index++) {
        columns->places[index] = PyLong_AsSsize_t(PyTuple_GetItem(places, index));
        if (PyErr_Occurred())
            return false;
        if (columns->places[index] < 0 || columns->places[index] >= width) {
            PyErr_SetString(PyExc_ValueError, "no such column");
            return false;
        }
        PyObject *made = PyList_New(length);
        const bool is_done = made != NULL && !PyList_Append(columns->values, made);
        Py_XDECREF(made);
        if (!is_done)
            return false;
    }
    return columns->values != NULL;
}

/* Puts values of a row into the lists, unless one was, or is, of another type than it should be. */
bool add_to_columns(struct columns *columns, Py_ssize_t index, PyObject *const *row)
{
    for (Py_ssize_t place = 0; columns->is_usual && place < columns->count; place++) {
        PyObject *value = row[columns->places[place]];
        columns->is_usual = columns->kinds[place] == 'n' ? PyLong_CheckExact(value) : PyUnicode_CheckExact(value);
        if (!columns->is_usual)
            break;
        Py_INCREF(value);
        if (PyList_SetItem(PyList_GetItem(columns->values, place), index, value))
            return false;
    }
    return true;
}
