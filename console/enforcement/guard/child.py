"""The last steps of the process that becomes the job: puts itself under the filter and executes the command.

Runs in a child of the guard, between fork and exec, and is single-threaded when it executes; reports only through the
socket it is given.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from queue import SimpleQueue
from typing import NoReturn

from console.enforcement import syscalls
from console.enforcement.guard.filter import build_filter

_PYTHON_IGNORES = (signal.SIGPIPE, signal.SIGXFSZ)
"""Signals that Python's start-up sets to be ignored (Py_InitializeEx); a command expects their default."""
_RING = "anon_inode:[io_uring]"
FILTER_STEP = b"filter"
EXECUTE_STEP = b"execute"
USER_STEP = b"user"
LISTENER_STEP = b"listener"
GO_ON = b"go on"
"""What the guard says when it has given the job's process the signals that came for it before it was there."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The user a job runs as, when it is not the one who starts it."""

    user_id: int
    group_id: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class JobStart:
    """Everything that the job's process must be like before it executes the command."""

    command: tuple[str, ...]
    signal_mask: frozenset[int]
    ignored: frozenset[int]
    """Signals that were ignored when we were started, and so are in the job."""
    handled: frozenset[int]
    """Signals whose disposition Python's start-up, the front or the guard changed."""
    identity: Identity | None
    environment: Mapping[bytes, bytes]
    """As it was when we were started."""
    decide_datagrams: bool = False
    """Whether the guard is asked about datagrams; for the life of the job."""
    ask_names: bool = False
    """Whether the guard is asked what a socket's addresses are; likewise."""
    remote_names: bool = False
    """Whether names are resolved at SOCKS servers, for which the guard is asked about sends and receives; likewise."""
    ask_binds: bool = False
    """Whether the guard is asked about binds, which may become Rbinds; likewise."""
    watch_binds: bool = False
    """Whether the guard looks at binds, because the journal wants to know of ports that cannot be had; likewise."""
    watch_datagrams: bool = False
    """Whether the guard looks at datagrams, because the journal wants to know of the first ones; likewise."""


def become_job(start: JobStart, reports: socket.socket) -> NoReturn:
    """Execute the command under the filter.

    Called with the signals blocked that may be meant for the job.

    Layout: Reports are datagrams of a step and, for all but `LISTENER_STEP`, a space and an errno; with LISTENER_STEP
    comes the listener (SCM_RIGHTS).
    """
    # First of all: with this unread, our end could not hand the guard a last report (unix(7), ECONNRESET).
    if not reports.recv(len(GO_ON)):  # the guard has died
        os._exit(127)
    try:
        _close_rings()
        _restore_dispositions(start)
        _install_filter_and_hand_over(start, reports)
    except OSError as error:
        _leave(reports, FILTER_STEP, error)
    try:
        if start.identity is not None:
            _become(start.identity)
    except OSError as error:
        _leave(reports, USER_STEP, error)
    # What has come for the job is delivered here.
    signal.pthread_sigmask(signal.SIG_SETMASK, start.signal_mask)
    try:
        os.execvpe(start.command[0], start.command, start.environment)  # noqa: S606 -- no shell is wanted
    except OSError as error:
        _leave(reports, EXECUTE_STEP, error)


def _install_filter_and_hand_over(start: JobStart, reports: socket.socket) -> None:
    """Install the filter and send its listener to the guard.

    The filter may ask about sendmsg(2), the one call that sends a descriptor, and nobody would answer before the guard
    has the listener. So it is sent by a thread that was there before the filter and ends before the command begins.
    """
    listeners: SimpleQueue[int | None] = SimpleQueue()
    courier = threading.Thread(target=_hand_over, args=(listeners, reports), name="courier")
    courier.start()
    listener = None
    try:
        listener = _install_filter(start)
    finally:
        listeners.put(listener)
        courier.join()
    os.close(listener)


def _hand_over(listeners: SimpleQueue[int | None], reports: socket.socket) -> None:
    listener = listeners.get()
    if listener is not None:
        socket.send_fds(reports, [LISTENER_STEP], [listener])


def _install_filter(start: JobStart) -> int:
    """Install the filter, without no_new_privs where we may.

    A connect on a Unix socket is the caller's own, and between the guard's look at the descriptor and the kernel's,
    another thread can put an internet socket in its place. Nothing that the guard does can close that gap, but Landlock
    does: the job cannot connect by TCP at all, except through the guard. It also keeps the job out of every process
    that is not of the job: no ptrace(2), process_vm_writev(2), pidfd_getfd(2) or /proc/PID/mem, root or not.

    Without Landlock (before Linux 6.7, or not switched on) the gap is there, and takes a program that looks for it. The
    guard can then still not be traced, except by root; but other processes of the job's user can, so the job could make
    them connect for it.
    """
    program = build_filter(
        decide_datagrams=start.decide_datagrams or start.remote_names or start.watch_datagrams,
        ask_names=start.ask_names,
        ask_binds=start.ask_binds,
        ask_receives=start.remote_names or start.watch_datagrams,
        watch_binds=start.watch_binds,
    )
    try:
        listener = syscalls.install_filter(program)
    except OSError as error:
        if error.errno != errno.EACCES:
            raise
        syscalls.forgo_new_privileges()
        listener = syscalls.install_filter(program)
    syscalls.forgo_own_connects()
    return listener


def _close_rings() -> None:
    """Close inherited rings of io_uring.

    A ring with a thread of its own (IORING_SETUP_SQPOLL) is told what to do through shared memory, by no call that the
    filter could see, and makes connections in its maker's name for as long as the maker lives.
    """
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the directory's own descriptor is in its list
            if os.readlink(f"/proc/self/fd/{name}") == _RING:
                os.close(int(name))


def _restore_dispositions(start: JobStart) -> None:
    for number in start.handled - start.ignored | frozenset(_PYTHON_IGNORES):
        signal.signal(number, signal.SIG_DFL)
    for number in start.ignored:
        signal.signal(number, signal.SIG_IGN)


def _become(identity: Identity) -> None:
    os.setgroups(identity.groups)
    os.setgid(identity.group_id)
    os.setuid(identity.user_id)


def _leave(reports: socket.socket, step: bytes, error: OSError) -> NoReturn:
    reports.send(step + b" %d" % (error.errno or 0))
    os._exit(127)
