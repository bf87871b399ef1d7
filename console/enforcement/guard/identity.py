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

from console.enforcement.backend import Caller
from console.enforcement.guard.notify import status_lines

_NAMES_KEPT_S = 30.0
"""How long a name is believed; asking may go over a network (LDAP through NSS)."""
_DELETED = " (deleted)"
"""What the kernel appends to the path of a program whose file was replaced, as at each package upgrade (proc(5))."""


class Names:
    """Names of numbers, upper case, each kept for half a minute.

    Threads: any; two that ask at once may both look up.
    """

    def __init__(self) -> None:
        self._users: dict[int, tuple[float, str]] = {}
        self._groups: dict[int, tuple[float, str]] = {}

    def user(self, number: int) -> str:
        """Return the user profile of a user id; the number itself for one without a name."""
        known = self._users.get(number)
        now = time.monotonic()
        if known is not None and now - known[0] < _NAMES_KEPT_S:
            return known[1]
        try:
            name = pwd.getpwuid(number).pw_name.upper()
        except KeyError:
            name = str(number)
        self._users[number] = (now, name)
        return name

    def group(self, number: int) -> str:
        """Return the name of a group id; the number itself for one without a name."""
        known = self._groups.get(number)
        now = time.monotonic()
        if known is not None and now - known[0] < _NAMES_KEPT_S:
            return known[1]
        try:
            name = grp.getgrgid(number).gr_name.upper()
        except KeyError:
            name = str(number)
        self._groups[number] = (now, name)
        return name


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


def program_path(caller: Caller) -> str:
    """Return the path of the program a caller runs.

    Raises:
        ProcessLookupError, FileNotFoundError: It has ended.
        PermissionError: We may not know.
    """
    return os.readlink("exe", dir_fd=caller.directory.number).removesuffix(_DELETED)
