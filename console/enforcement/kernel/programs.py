"""Finds the path of the program that a process ran at a call, from what the kernel has said of it at once.

The kernel says inode, device and name of the file; where that lies only /proc knows, as long as the process lives and
runs it still. So a path is believed only where it leads to that file, also here: a process may live in a tree that it
has made for itself. It is remembered for a while: the next call of the same program need not be looked up, and may be
that of a process that has ended. What cannot be found so is called by the file's name, without directories, with ./
before a bracket; the kernel's own threads by theirs, in brackets as ps(1) writes them.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Callable

from console.enforcement.kernel.events import KernelEvent, RunProgram

_MINOR_BITS = 20
_BELIEVED_S = 60.0
_MOST = 1024
_DELETED = " (deleted)"
"""What /proc says behind the path of a file that has none any more (proc_pid_exe(5))."""
_LONGEST_FILE = 31
"""Octets that the kernel says of a name."""


class ProgramPaths:
    """What was found.

    Args:
        clock: Seconds that only grow.

    Threads: one at a time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: OrderedDict[tuple[int, int, str], tuple[float, str]] = OrderedDict()

    def of(self, pid: int, program: RunProgram) -> str:
        """Return what a process ran: a path, the bare name of a file, or that of a thread in brackets.

        Args:
            pid: Of the process; it may have ended, run something else by now, or be another with its number.
            program: What the kernel has said.
        """
        if not program.file:
            return f"[{program.thread}]" if program.thread else ""
        key = program[:3]
        now = self._clock()
        until, path = self._found.get(key, (0.0, ""))
        if now < until:
            return path
        path = _path(pid, program)
        if not path:
            return f"./{program.file}" if program.file.startswith("[") else program.file
        self._found[key] = now + _BELIEVED_S, path
        if len(self._found) > _MOST:
            self._found.popitem(last=False)
        return path


def _path(pid: int, program: RunProgram) -> str:
    """Return the path of what a process runs, if that is still the program and has that path here; empty if not."""
    link = f"/proc/{pid}/exe"
    try:
        path, found = os.readlink(link), os.stat(link)
        if not os.path.samestat(os.stat(path), found):
            return ""
    except (OSError, ValueError):
        return ""
    name = os.path.basename(path.removesuffix(_DELETED))
    is_named = os.fsencode(name)[:_LONGEST_FILE] == os.fsencode(program.file)[:_LONGEST_FILE]
    return path if is_named and found.st_ino == program.inode and _is_on(found.st_dev, program.device) else ""


def _is_on(found: int, device: int) -> bool:
    """Say whether a file is on a device. File systems without one have numbers that stat(2) need not show (btrfs)."""
    major, minor = device >> _MINOR_BITS, device & (1 << _MINOR_BITS) - 1
    return (os.major(found), os.minor(found)) == (major, minor) or not (major or os.major(found))


_PATHS = ProgramPaths()


def program_of(event: KernelEvent) -> str:
    """Return what the process of an event ran. Threads: one at a time."""
    return _PATHS.of(event.pid, event.program)
