"""Starts the job's process in the session and process group of the front and of the guard.

To the kernel, a parent in another group of the same session is the shell of a group (setpgid(2)): when its last child
there ends while a process of the group is stopped, the kernel hangs up on the whole group, without a terminal on the
script that started us. So the guard stays in the group of its job, deaf to the signals that are sent to it. A session
of its own would do, too; but where the system schedules by sessions (sched(7), autogroup), each call of the job would
then be a switch between two of them, which takes longer, and on a busy system much longer.

What comes for the job before it is there, guard and front keep for it. Its process has it blocked, too, until the guard
has given it that: so each signal comes once, and where it comes from makes no difference.
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

_HEARD = frozenset(
    {
        signal.SIGCHLD, signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT, signal.SIGTRAP,
        signal.SIGSYS,
    }
)  # fmt: skip
"""What comes from children, and from faults of our own."""


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
        _give_missed(process, start.signal_mask, front)
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


def become_deaf() -> None:
    """Block what may be sent to the whole group; from then on a guard ends with its job, or is killed."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _HEARD)


def _give_missed(job: int, signal_mask: frozenset[int], front: Front) -> None:
    """Send the job what came for it before it was there.

    What a process sent to the whole group the front has too, and hands on.
    """
    missed = set(front.missed)
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ()) - signal_mask
    while (received := signal.sigtimedwait(held, 0)) is not None:
        if received.si_code > 0:  # the kernel's, of the terminal (sigaction(2))
            missed.add(received.si_signo)
    for number in sorted(missed):
        os.kill(job, number)


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
