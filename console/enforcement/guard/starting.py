"""Starts the job's process in the session of the front, and takes the guard out of that session.

Until the job is there, the guard is in the front's process group, with the signals blocked that a terminal, or whoever
means the job, sends to that group. The job's process inherits the group and has them blocked too, until the guard has
given it what came before: so each comes once, and where it comes from makes no difference.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
from collections.abc import Iterator

from console.enforcement.fds import OwnedFd
from console.enforcement.guard import child
from console.enforcement.guard.front import Front
from console.errors import ConsoleError, KernelError, UsageError

EXIT_STATUSES = {"GWL0407": 127, "GWL0408": 126}
"""Message id of what kept a job from starting -> its exit status, where it is not 1; as POSIX shells have it (sh(1p),
EXIT STATUS)."""


def start_job(start: child.JobStart, front: Front) -> tuple[int, OwnedFd]:
    """Fork the job's process and wait until it executes the command.

    Returns:
        Its process id, and the listener of its filter.

    Raises:
        UsageError: The command cannot be executed.
        KernelError: The filter cannot be installed.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = os.fork()
    if not process:
        ours.close()
        child.become_job(start, theirs)
    theirs.close()
    front.say("started", process=process)
    with _stops_told(front), ours:
        _leave_session(process, start.signal_mask, front)
        with contextlib.suppress(OSError):  # it was killed
            ours.send(child.GO_ON)
        step, descriptors, _flags, _address = socket.recv_fds(ours, 64, 1)
        listener = OwnedFd(descriptors[0]) if descriptors else None
        if listener is not None:
            step = ours.recv(64)
    if step or listener is None:
        os.waitpid(process, 0)
        raise _start_error(step, start)
    return process, listener


def _leave_session(job: int, signal_mask: frozenset[int], front: Front) -> None:
    """Make the guard a session of its own, and send the job what came for it before it was there.

    What a process sent to the whole group the front has too, and hands on. In the new session, which has no terminal,
    no more of it comes; a hang-up from elsewhere is none of a guard's business.
    """
    os.setsid()
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ()) - signal_mask
    missed = set(front.missed)
    while (received := signal.sigtimedwait(held, 0)) is not None:
        if received.si_code > 0:  # the kernel's, of the terminal (sigaction(2))
            missed.add(received.si_signo)
    for number in sorted(missed):
        os.kill(job, number)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, signal_mask)


@contextlib.contextmanager
def _stops_told(front: Front) -> Iterator[None]:
    """Tell the front when the job's process is stopped before it executes the command, and when it goes on.

    Else a key at the wrong moment would leave the shell waiting for a command that waits to be continued.
    """

    def tell(*_signal: object) -> None:
        with contextlib.suppress(ChildProcessError):  # it has ended
            while change := os.waitid(os.P_ALL, 0, os.WSTOPPED | os.WCONTINUED | os.WNOHANG):
                if change.si_code == os.CLD_STOPPED:
                    front.say("stopped")
                else:
                    front.go_on()

    signal.signal(signal.SIGCHLD, tell)
    try:
        tell()
        yield
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _start_error(step: bytes, start: child.JobStart) -> ConsoleError:
    """Return the error that a report of the job's process stands for."""
    what, _, number_text = step.partition(b" ")
    number = int(number_text or errno.ECHILD)
    reason = os.strerror(number)
    if what == child.EXECUTE_STEP:
        missing = number in (errno.ENOENT, errno.ENOTDIR)
        return UsageError("GWL0407" if missing else "GWL0408", command=start.command[0], reason=reason)
    if what == child.FILTER_STEP and number == errno.EBUSY:
        return KernelError("GWL0404")
    if what == child.FILTER_STEP and number in (errno.EINVAL, errno.ENOSYS):
        return KernelError("GWL0403", reason=reason)
    return KernelError("GWL0405" if what == child.FILTER_STEP else "GWL0414", reason=reason)
