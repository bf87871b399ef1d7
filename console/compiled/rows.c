/* The values of rows in another order: as one tuple, for a statement that inserts them all (`console.store.bulk`), and
 * column by column, for the index of the journal (`console.store.journal_recent`).
 */

#include "journalling.h"

enum { MOST_COLUMNS = 64 };

/* Returns a borrowed value; NULL, with an exception, for a row that is no list or tuple of that many. */
static PyObject *row_of(PyObject *rows, Py_ssize_t at, Py_ssize_t width)
{
    PyObject *row = PyList_GetItem(rows, at);
    if (row == NULL)
        return NULL;
    const Py_ssize_t size = PyList_Check(row) ? PyList_Size(row) : PyTuple_Check(row) ? PyTuple_Size(row) : -1;
    if (size == width)
        return row;
    PyErr_SetString(PyExc_ValueError, "a row has not as many values as there are columns");
    return NULL;
}

static PyObject *value_of(PyObject *row, Py_ssize_t column)
{
    return PyList_Check(row) ? PyList_GetItem(row, column) : PyTuple_GetItem(row, column);
}

static bool read_columns(PyObject *given, Py_ssize_t width, bool alike[MOST_COLUMNS])
{
    const Py_ssize_t count = PyTuple_Size(given);
    for (Py_ssize_t index = 0; index < count; index++) {
        const Py_ssize_t column = PyLong_AsSsize_t(PyTuple_GetItem(given, index));
        if (column == -1 && PyErr_Occurred())
            return false;
        if (column < 0 || column >= width) {
            PyErr_SetString(PyExc_ValueError, "no such column");
            return false;
        }
        alike[column] = true;
    }
    return count >= 0;
}

static void put(PyObject *into, Py_ssize_t at, PyObject *value)
{
    Py_INCREF(value);
    PyTuple_SetItem(into, at, value); /* cannot fail: the tuple is new, and the place is in it */
}

PyObject *flat(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *rows, *given;
    Py_ssize_t begin, count, width, shared = 0, at = 0;
    bool alike[MOST_COLUMNS] = {false};
    if (!PyArg_ParseTuple(arguments, "O!nnnO!", &PyList_Type, &rows, &begin, &count, &width, &PyTuple_Type, &given))
        return NULL;
    if (begin < 0 || count < 1 || count > PyList_Size(rows) || begin > PyList_Size(rows) - count || width < 1 ||
        width > MOST_COLUMNS) {
        PyErr_SetString(PyExc_ValueError, "no such rows");
        return NULL;
    }
    if (!read_columns(given, width, alike))
        return NULL;
    PyObject *first = row_of(rows, begin, width);
    if (first == NULL)
        return NULL;
    for (Py_ssize_t index = 1; index < count; index++) {
        PyObject *row = row_of(rows, begin + index, width);
        if (row == NULL)
            return NULL;
        for (Py_ssize_t column = 0; column < width; column++)
            if (alike[column] && value_of(row, column) != value_of(first, column))
                Py_RETURN_NONE;
    }
    for (Py_ssize_t column = 0; column < width; column++)
        shared += alike[column];
    PyObject *found = PyTuple_New(shared + count * (width - shared));
    if (found == NULL)
        return NULL;
    /* No code of anybody else runs from here on: rows stay as they were looked at. */
    for (Py_ssize_t column = 0; column < width; column++)
        if (alike[column])
            put(found, at++, value_of(first, column));
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *row = PyList_GetItem(rows, begin + index);
        for (Py_ssize_t column = 0; column < width; column++)
            if (!alike[column])
                put(found, at++, value_of(row, column));
    }
    return found;
}

/* Appends a value of each row to a list; 0 if one is of another type, -1 with an exception. */
static int add_column(PyObject *into, PyObject *rows, Py_ssize_t column, bool is_number)
{
    for (Py_ssize_t index = 0; index < PyList_Size(rows); index++) {
        PyObject *row = PyList_GetItem(rows, index);
        PyObject *value = PyList_Check(row) && column < PyList_Size(row) ? PyList_GetItem(row, column) : NULL;
        if (value == NULL || !(is_number ? PyLong_CheckExact(value) : PyUnicode_CheckExact(value)))
            return 0;
        if (PyList_Append(into, value))
            return -1;
    }
    return 1;
}

PyObject *columns(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *rows, *places;
    const char *kinds;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(arguments, "O!O!s#", &PyList_Type, &rows, &PyTuple_Type, &places, &kinds, &count))
        return NULL;
    if (count != PyTuple_Size(places)) {
        PyErr_SetString(PyExc_ValueError, "a kind for each column");
        return NULL;
    }
    PyObject *found = PyList_New(0);
    int done = found != NULL ? 1 : -1;
    for (Py_ssize_t index = 0; done > 0 && index < count; index++) {
        const Py_ssize_t column = PyLong_AsSsize_t(PyTuple_GetItem(places, index));
        PyObject *values = PyErr_Occurred() ? NULL : PyList_New(0);
        done = values != NULL && column >= 0 ? add_column(values, rows, column, kinds[index] == 'n') : -1;
        if (values != NULL && column < 0)
            PyErr_SetString(PyExc_ValueError, "no such column");
        if (done > 0 && PyList_Append(found, values))
            done = -1;
        Py_XDECREF(values);
    }
    if (done > 0)
        return found;
    Py_XDECREF(found);
    if (done < 0)
        return NULL;
    Py_RETURN_NONE;
}
