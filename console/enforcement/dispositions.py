"""Which signals were ignored before Python started: its start-up ignores two, and leaves no trace of how they were.

An ignored signal stays so through fork and execve, so what our parent ignores is what we were started with, unless the
parent changes that for its children between the two. Shells do not (sh(1p), 2.14, trap: nor may they), and systemd does
what IgnoreSIGPIPE= says, which is on unless a unit says otherwise; a Python, a Node.js and others do. So it is asked of
those parents that pass it on; of any other it is not known, and a command gets the default.

It matters most for servers that systemd starts: ignored, a write to a connection that is gone is an error; by default
it is their end.

Source: Py_InitializeEx and Python/pylifecycle.c, init_signals; systemd.exec(5); proc(5).
"""

from __future__ import annotations

import os
import signal

_PYTHON_IGNORES = frozenset({signal.SIGPIPE, signal.SIGXFSZ})
_PASS_ON = frozenset({"sh", "dash", "bash", "busybox", "zsh", "fish", "ksh", "ksh93", "mksh", "yash", "systemd"})
"""Programs that start others with the dispositions they have themselves."""


def ignored_before_python() -> frozenset[int]:
    """Return those of the signals that Python's start-up ignores which were ignored before, as far as can be told."""
    return _ignored_by(os.getppid())


def _ignored_by(parent: int) -> frozenset[int]:
    try:
        if _program(parent) not in _PASS_ON:
            return frozenset()
        with open(f"/proc/{parent}/status", "rb") as status:
            mask = next(int(line.split()[1], 16) for line in status if line.startswith(b"SigIgn:"))
    except OSError:  # it has ended meanwhile, or /proc is not ours to read
        return frozenset()
    return frozenset(number for number in _PYTHON_IGNORES if mask >> (number - 1) & 1)


def _program(process: int) -> str:
    """Return the name of a process's program; of one of another user, what it is called."""
    try:
        return os.path.basename(os.readlink(f"/proc/{process}/exe"))
    except PermissionError:
        with open(f"/proc/{process}/comm") as name:
            return name.read().strip()
