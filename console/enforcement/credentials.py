"""Makes one call with the ids of another process.

Some calls leave the caller's ids behind: a Unix socket that listens tells them to whoever connects (unix(7),
SO_PEERCRED, SO_PEERGROUPS), and a new socket belongs to them (``ss``, the owner match of iptables). A guard that makes
such a call for a job of another user makes it as that user.

In Linux credentials belong to a thread. The C library hides that and changes all threads of the process at once, so the
plain system calls are made here. Only the effective ids change: the real and saved ones stay the guard's, which keeps
other processes of that user from signalling or tracing it, and lets it change back.

A guard that is not root cannot take other ids, and needs none: its job cannot have any but its own.

Threads: any; only the calling one changes.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator
from typing import NamedTuple

from console.enforcement import layouts as k
from console.enforcement import syscalls

_libc = ctypes.CDLL(None, use_errno=True)
_UNCHANGED = ctypes.c_uint(0xFFFF_FFFF)
"""-1 as an id: leave as it is (setresuid(2))."""


_CAPABILITY_VERSION = 0x20080522
"""_LINUX_CAPABILITY_VERSION_3: two sets of 32 bits each (capget(2))."""


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint), ("process", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint), ("permitted", ctypes.c_uint), ("inheritable", ctypes.c_uint))


class Ids(NamedTuple):
    """The effective ids of a thread."""

    user: int
    group: int
    groups: tuple[int, ...]
    """The supplementary ones, ascending."""


def own_ids() -> Ids:
    """Return the ids of the calling thread."""
    return Ids(os.geteuid(), os.getegid(), tuple(sorted(os.getgroups())))


@contextlib.contextmanager
def acting_as(wanted: Ids) -> Iterator[None]:
    """Have other effective ids for a while; where we may not, our own.

    Raises:
        OSError: Our own ids cannot be had back; nothing may go on then.
    """
    ours = own_ids()
    if wanted == ours or ours.user != 0:
        yield
        return
    try:
        with contextlib.suppress(OSError):  # root without CAP_SETUID or CAP_SETGID, or with few ids, as in containers
            _take(wanted)
        yield
    finally:
        _return_to(ours)


def own_capabilities() -> int:
    """Return the effective capabilities of the calling thread."""
    low, high = _get_capabilities()
    return int(low.effective | high.effective << 32)


@contextlib.contextmanager
def without_capability(lacked: int) -> Iterator[None]:
    """Do without some of the thread's effective capabilities for a while.

    Args:
        lacked: A bit for each (linux/capability.h); those that we have not are none to give up.

    Raises:
        OSError: They cannot be had back; nothing may go on then.
    """
    if not lacked & own_capabilities():
        yield
        return
    held = _get_capabilities()
    fewer = _get_capabilities()
    fewer[0].effective &= ~lacked & 0xFFFF_FFFF
    fewer[1].effective &= ~(lacked >> 32)
    _call(k.SYS_CAPSET, ctypes.byref(_CapabilityHeader(_CAPABILITY_VERSION, 0)), fewer)
    try:
        yield
    finally:
        _call(k.SYS_CAPSET, ctypes.byref(_CapabilityHeader(_CAPABILITY_VERSION, 0)), held)


def _get_capabilities() -> ctypes.Array[_Capabilities]:
    sets = (_Capabilities * 2)()
    _call(k.SYS_CAPGET, ctypes.byref(_CapabilityHeader(_CAPABILITY_VERSION, 0)), sets)
    return sets


def _take(ids: Ids) -> None:
    """Change the ids; the user last, because without root's no other can be changed."""
    _set_groups(ids.groups)
    _call(k.SYS_SETRESGID, _UNCHANGED, ctypes.c_uint(ids.group), _UNCHANGED)
    _call(k.SYS_SETRESUID, _UNCHANGED, ctypes.c_uint(ids.user), _UNCHANGED)


def _return_to(ids: Ids) -> None:
    _call(k.SYS_SETRESUID, _UNCHANGED, ctypes.c_uint(ids.user), _UNCHANGED)
    _call(k.SYS_SETRESGID, _UNCHANGED, ctypes.c_uint(ids.group), _UNCHANGED)
    if own_ids() != ids:
        _set_groups(ids.groups)
    # Whenever a thread changes its ids, the kernel sets the dumpable flag to fs.suid_dumpable, which may be 1
    # (commit_creds in kernel/cred.c).
    syscalls.hide_from_tracers()


def _set_groups(groups: tuple[int, ...]) -> None:
    numbers = (ctypes.c_uint * len(groups))(*groups)
    _call(k.SYS_SETGROUPS, ctypes.c_size_t(len(groups)), numbers)


def _call(number: int, *arguments: object) -> None:
    if _libc.syscall(number, *arguments):
        failure = ctypes.get_errno() or errno.EPERM
        raise OSError(failure, os.strerror(failure))
