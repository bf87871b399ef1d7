"""Which programs look before they accept (select, poll, epoll), and trust that an accept then returns at once.

Whoever has the listener in an epoll set is taken for one, and who found a connection at each of three accepts on a
listener that blocks, a while apart; not who ever had to wait. Accepts that follow each other at once tell less: a
server that only accepts finds some connections waiting, too, when its clients are quick, and what is told a program
that looks may be the end of one that does not.
"""

from __future__ import annotations

import math
import os
import time

_LOOKS_FIRST = 16
"""What its accepts have told when a program is taken for one that looks first."""
_TOLD, _TOLD_APART = 1, 6
"""What an accept tells that found a connection; more where the one before was a while ago."""
_APART_S = 0.01
_HAD_TO_WAIT = -1
_MOST_PLACES = 4096
"""Descriptors of listeners of which that is remembered; all are forgotten beyond that."""

Place = tuple[int, int]
"""A process, and its descriptor of a listener that blocks."""


class LookingFirst:
    """What is known of the programs of one job. Threads: any; a count that two lose is made up by the next."""

    def __init__(self) -> None:
        self._found_at_once: dict[Place, tuple[int, float]] = {}
        """What was told, or `_HAD_TO_WAIT`, and when last."""

    def note(self, place: Place, had_to_wait: bool, at_s: float | None = None) -> None:
        """Remember how an accept began, now or at another moment of the monotonic clock."""
        known, last = self._found_at_once.get(place, (0, -math.inf))
        if known == _HAD_TO_WAIT or (known >= _LOOKS_FIRST and not had_to_wait):
            return
        if len(self._found_at_once) >= _MOST_PLACES:
            self._found_at_once.clear()
        at_s = time.monotonic() if at_s is None else at_s
        told = known + (_TOLD_APART if at_s - last >= _APART_S else _TOLD)
        self._found_at_once[place] = (_HAD_TO_WAIT if had_to_wait else told, at_s)

    def looks_first(self, place: Place) -> bool | None:
        """Say whether a program is taken for one by what its accepts have found; None where they do not tell yet."""
        known, _ = self._found_at_once.get(place, (0, 0.0))
        if known == _HAD_TO_WAIT:
            return False
        return True if known >= _LOOKS_FIRST else None


def is_in_epoll_set(directory: int, inode: int) -> bool:
    """Say whether a process has a file in one of its epoll sets.

    Layout: proc_pid_fdinfo(5) of an epoll descriptor has a line for each file of its set: ``tfd: ... ino:1f3 sdev:8``,
    the inode in hexadecimal digits.

    Args:
        directory: Descriptor of its /proc directory.
        inode: The file's.
    """
    wanted = f" ino:{inode:x} "
    try:
        sets = [number for number in _names(directory) if _is_epoll(directory, number)]
        return any(wanted in _told_of(directory, number) for number in sets)
    except OSError:  # it has ended, or we may not know
        return False


def _names(directory: int) -> list[str]:
    descriptors = os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        return os.listdir(descriptors)
    finally:
        os.close(descriptors)


def _is_epoll(directory: int, number: str) -> bool:
    try:
        return os.readlink(f"fd/{number}", dir_fd=directory) == "anon_inode:[eventpoll]"
    except FileNotFoundError:  # closed just now
        return False


def _told_of(directory: int, number: str) -> str:
    try:
        descriptor = os.open(f"fdinfo/{number}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    except FileNotFoundError:
        return ""
    with open(descriptor, encoding="ascii", errors="replace") as file:
        return file.read()
