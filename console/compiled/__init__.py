"""The hot loops of the journal, compiled; the module is optional, and Python is the reference for what each does.

Half of what an entry cost the worker was Python's: reading its record, writing its canonical form, handing its values
to the database. Where there was a compiler (`console.compiled.hook`) those loops are in C; what is unusual in a record
or a draft they leave to Python, so that there is one place that says what becomes of it.
"""

from __future__ import annotations

_INTERFACE = 6

try:
    from console.compiled import _journalling
except ImportError:  # there was no compiler
    journalling = None
else:
    journalling = _journalling if getattr(_journalling, "INTERFACE", 0) == _INTERFACE else None
"""The module in C; None where there is none, or only one of other sources, in a checkout that has moved on.

Look it up here at each use: tests and benches take it away."""
