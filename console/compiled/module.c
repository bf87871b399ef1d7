/* The module `_journalling`, as Python sees it; `_journalling.pyi` has its functions in Python's words.
 *
 * Each function repeats a loop of Python, which stays the reference, and holds the interpreter lock. What it cannot be
 * sure to do just like that loop it leaves to Python: a value of an unusual type, a text with characters that are
 * escaped, a record that no guard should have written. No memory is kept from one call to the next.
 */

#include "journalling.h"

/* Raised with each change of what is offered here: a module that was compiled from other sources is not used. */
enum { INTERFACE = 6 };

static PyMethodDef functions[] = {
    {"read_records", read_records, METH_VARARGS, "Return drafts of the records that a guard has sent, or None."},
    {"ring_records", ring_records, METH_VARARGS, "Return records of a ring buffer, and the position behind them."},
    {"draft_events", draft_events, METH_VARARGS, "Add drafts of what the kernel has told to others."},
    {"chain_drafts", chain_drafts, METH_VARARGS, "Return the rows of drafts, which carry the chain on."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "_journalling", .m_size = 0,
                                        .m_methods = functions};

PyMODINIT_FUNC PyInit__journalling(void)
{
    prepare_records();
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && PyModule_AddIntConstant(module, "INTERFACE", INTERFACE)) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
