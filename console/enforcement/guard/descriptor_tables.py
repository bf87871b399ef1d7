"""Which callers have no descriptor left.

Linux reserves the descriptor of an accept before it looks for a connection: with none left, accept(2) is EMFILE at
once, and the connection stays where it is. The guard takes the connection first, and hears of the full table when it
hands it over. Once a process was found so, its table is looked at before anything is taken for it, until there is room.

Source: proc_pid_fd(5), proc_pid_limits(5); net/socket.c, __sys_accept4_file; fs/file.c, alloc_fd.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from console.enforcement.backend import Caller
from console.enforcement.fds import OwnedFd

_MOST_PROCESSES = 4096
"""Processes that are remembered; all are forgotten beyond that."""
_LIMIT_LINE = "Max open files"


class DescriptorTables:
    """The processes of one job whose table was full when it was last looked at. Threads: any."""

    def __init__(self) -> None:
        self.full: set[int] = set()
        """Process ids; mostly none."""
        self.say_whether_any: Callable[[bool], None] = lambda _any: None
        """Told whenever that changes, perhaps again."""
        self._mutex = threading.Lock()

    def note_full(self, caller: Caller) -> None:
        """Remember that a process has no descriptor left."""
        with self._mutex:
            if len(self.full) >= _MOST_PROCESSES:
                self.full.clear()
            self.full.add(caller.process)
            self.say_whether_any(True)

    def look(self, caller: Caller) -> bool:
        """Look whether a caller has no descriptor left, and remember it."""
        try:
            is_full = _is_full(caller.directory)
        except (OSError, ValueError):  # it has ended, or we may not know: then it shows when something is handed over
            is_full = False
        if is_full:
            self.note_full(caller)
        elif caller.process in self.full:
            with self._mutex:
                self.full.discard(caller.process)
                self.say_whether_any(bool(self.full))
        return is_full


def _is_full(directory: OwnedFd) -> bool:
    """Say whether a thread has all the descriptors that it may have.

    Raises:
        OSError, ValueError: It has ended; it has no limit.
    """
    limit = _limit(directory)
    count = os.stat("fd", dir_fd=directory.number).st_size  # how many are open, since Linux 6.2; before, 0
    if 0 < count < limit:
        return False
    table = OwnedFd(os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory.number))
    with table:  # above a limit that was lowered since there may be others
        return sum(int(number) < limit for number in os.listdir(table.number)) >= limit


def _limit(directory: OwnedFd) -> int:
    descriptor = os.open("limits", os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory.number)
    with os.fdopen(descriptor) as limits:
        (line,) = (line for line in limits if line.startswith(_LIMIT_LINE))
    return int(line.removeprefix(_LIMIT_LINE).split()[0])
