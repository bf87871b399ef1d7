"""Who a caller is: its user, groups and program, read at the moment of the call, names remembered for a while.

The effective user is the owner of /proc/THREAD. The kernel takes it from the thread's credentials each time it is
asked, and for the directory itself it does so whatever the process's dumpable flag says (fs/proc/base.c,
task_dump_owner), so one fstat(2) on the open directory is the cheapest true answer there is. The groups and the
program cost more, and are read only where a rule or the journal wants them.
"""

from __future__ import annotations

import grp
import os
import pwd
import time
from collections.abc import Callable

from console.enforcement.backend import Caller
from console.enforcement.credentials import Ids
from console.enforcement.guard.notify import path_of_program, status_lines

_NAMES_KEPT_S = 30.0
"""How long a name is believed; asking may go over a network (LDAP through NSS)."""
_MOST_NAMES = 4096
"""Names kept; all are forgotten beyond that."""
_UNREACHABLE = "(unreachable)"
"""Before a path that leads elsewhere from here; getcwd(2) uses the same word. No rule's path begins so."""


class Names:
    """Names of numbers, upper case, each kept for half a minute.

    Threads: any; two that ask at once may both look up.
    """

    def __init__(self) -> None:
        users: dict[int, tuple[float, str]] = {}
        self._users = users
        self.user = _remembered(lambda number: pwd.getpwuid(number).pw_name, users)
        """Return the user profile of a user id; the number itself for one without a name."""
        self.group = _remembered(lambda number: grp.getgrgid(number).gr_name, {})
        """Return the name of a group id; the number itself for one without a name."""

    def user_until(self, number: int) -> float:
        """Return when the name of a user is to be looked up again (time.monotonic)."""
        known = self._users.get(number)
        return 0.0 if known is None else known[0]


def _remembered(look_up: Callable[[int], str], kept: dict[int, tuple[float, str]]) -> Callable[[int], str]:
    """Return a look-up that believes what it has found for a while: until when, and what."""

    def name_of(number: int) -> str:
        known = kept.get(number)
        now = time.monotonic()
        if known is not None and now < known[0]:
            return known[1]
        try:
            name = look_up(number).upper()
        except KeyError:
            name = str(number)
        if len(kept) >= _MOST_NAMES:  # whoever may be many users, in a namespace of its own, has no memory of ours
            kept.clear()
        kept[number] = (now + _NAMES_KEPT_S, name)
        return name

    return name_of


def user_number(caller: Caller) -> int:
    """Return the effective user id of a caller."""
    return os.fstat(caller.directory.number).st_uid


def group_numbers(caller: Caller) -> frozenset[int]:
    """Return the effective group id and the supplementary ones of a caller.

    Raises:
        ProcessLookupError, FileNotFoundError: It has ended.
    """
    found: set[int] = set()
    for line in status_lines(caller.directory):
        if line.startswith(b"Gid:"):
            found.add(int(line.split()[2]))
        elif line.startswith(b"Groups:"):
            found.update(int(word) for word in line.split()[1:])
    return frozenset(found)


def effective_ids(caller: Caller) -> Ids:
    """Return the ids that a call of a caller would be made with.

    Raises:
        ProcessLookupError, FileNotFoundError: It has ended.
    """
    user = group = 0
    groups: tuple[int, ...] = ()
    for line in status_lines(caller.directory):
        if line.startswith(b"Uid:"):
            user = int(line.split()[2])
        elif line.startswith(b"Gid:"):
            group = int(line.split()[2])
        elif line.startswith(b"Groups:"):
            groups = tuple(sorted(int(word) for word in line.split()[1:]))
    return Ids(user, group, groups)


def effective_capabilities(caller: Caller) -> int:
    """Return the effective capabilities of a caller, in its own user namespace.

    Raises:
        ProcessLookupError, FileNotFoundError: It has ended.
    """
    return next((int(line.split()[1], 16) for line in status_lines(caller.directory) if line.startswith(b"CapEff:")), 0)


def program_path(caller: Caller) -> str:
    """Return the path of the program a caller runs, as the kernel tells it.

    Raises:
        ProcessLookupError, FileNotFoundError: It has ended.
        PermissionError: We may not know.
    """
    return path_of_program(caller)


def certain_program_path(caller: Caller) -> str:
    """Return the path of the program a caller runs, marked when that path is another file's for everybody else.

    Any user may have mounts of his own (unshare(1)), and so run a file of his under the path of a program that rules
    speak about. Where the path does not lead to the caller's program from here, it is believed only of a caller that
    has the same mounts as we do: there the file was replaced or removed, as at a package upgrade.

    Raises:
        ProcessLookupError, FileNotFoundError: It has ended.
        PermissionError: We may not know.
    """
    path = path_of_program(caller)
    mine = os.stat("exe", dir_fd=caller.directory.number)
    try:
        is_there = os.path.samestat(mine, os.stat(path))
    except OSError:
        is_there = False
    if is_there or os.path.samestat(os.stat("ns/mnt", dir_fd=caller.directory.number), os.stat("/proc/self/ns/mnt")):
        return path
    return _UNREACHABLE + path
