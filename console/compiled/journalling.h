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
#error "records are little-endian, and are read as they lie in memory"
#endif

void prepare_records(void);
PyObject *read_records(PyObject *module, PyObject *arguments);
PyObject *chain_drafts(PyObject *module, PyObject *arguments);
PyObject *columns(PyObject *module, PyObject *arguments);
PyObject *flat(PyObject *module, PyObject *arguments);

#endif
