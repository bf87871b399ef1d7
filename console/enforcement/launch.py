"""Starts a job under a guard, and stands in for it towards the shell.

Three processes::

    front   the one the shell started, and all the shell knows. It ends as the command ends, stops as it stops, and
            hands on the signals that are sent to it.
    guard   its child, in its process group as long as the command runs, and deaf to the signals that are sent to that
            (`console.enforcement.guard.starting` says why). It decides. It goes on for as long as any process of the
            job lives; the front and the shell may be long gone by then.
    job     the guard's child, in the same process group: the terminal is the job's, as without us.

The guard is an ancestor of every process of the job and, being a subreaper, stays so when they are orphaned; to read
their memory and descriptors takes that where Yama restricts ptrace (Documentation/admin-guide/LSM/Yama.rst).
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import signal
import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from console.enforcement import syscalls
from console.enforcement.dispositions import ignored_before_python
from console.enforcement.guard.child import Identity, JobStart
from console.enforcement.guard.process import JobNames, be_guard
from console.enforcement.guard.starting import EXIT_STATUSES
from console.enforcement.worker_start import ensure_worker
from console.errors import KernelError, UsageError
from console.messages import Message, line, message
from console.printable import printable
from console.store.location import Location, locate_file, plain_sqlite_file

_HANDED_ON = frozenset(
    {
        signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
        signal.SIGCONT,
    }
)  # fmt: skip
"""Signals that the front hands on when a process sent them; those of the terminal reach the job by themselves."""
_LEFT_TO_THE_JOB = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
"""The front stops when the job has, not when it was asked to."""
_LONGEST_REPORT = 65_536
_JOB_NAME_LENGTH = 10


class JobOptions(NamedTuple):
    """What a job does only if asked to."""

    rbind: bool = False
    """Its binds become Rbinds, where a connect through a SOCKS server came before them."""
    remote_names: bool = False
    """The names that it looks up are resolved at SOCKS servers."""


NO_OPTIONS = JobOptions()


def run_job(
    *, store_url: str, command: Sequence[str], name: str = "", user: str = "", options: JobOptions = NO_OPTIONS
) -> int:
    """Run a command, and all that it starts, under the exit points.

    Args:
        store_url: The store whose policy decides and whose journal is written; its worker is started if none runs.
        command: Program and arguments.
        name: Name of the job; else the program's, upper case, at most 10 characters.
        user: User to run it as, for root only.
        options: What else is asked for.

    Returns:
        The command's own exit status; 128 + n when signal n ended it; 127 or 126 when it cannot be executed.

    Raises:
        ConsoleError: Nothing was started.
    """
    if not command[0]:
        # execve(2) says ENOENT to an empty path; Python's exec functions do not get so far.
        _show(message("GWL0407", command="''"))
        return EXIT_STATUSES["GWL0407"]
    syscalls.check_machine()
    if not syscalls.has_user_notification():
        raise KernelError("GWL0403", reason="it does not know SECCOMP_GET_NOTIF_SIZES")
    identity = _identity(user)
    url, location = _find_store(store_url)
    ensure_worker(url, location)
    names = JobNames(user=_user_profile(identity), name=_job_name(name or command[0]))
    start = _job_start(command, identity, options)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDED_ON | _LEFT_TO_THE_JOB)
    process = os.fork()
    if not process:
        ours.close()
        be_guard(location, names, start, theirs)
    theirs.close()
    with ours:
        _hand_on_missed(ours, start.signal_mask)
        return _stand_in(ours, process, command)


def _find_store(store_url: str) -> tuple[str, Location]:
    """Return the URL of a store as it reads in any directory, and what lies beside the store.

    Raises:
        StoreError: It is not a URL of a store.
    """
    file = plain_sqlite_file(store_url)
    if file is None:
        from console.store.url import database_file, locate, parse_url

        url = parse_url(store_url)
        file = database_file(url)
        if file is None:
            return url.render_as_string(hide_password=False), locate(url)
    return f"sqlite:///{file}", locate_file(file)


def _hand_on_missed(guard: socket.socket, signal_mask: frozenset[int]) -> None:
    """Tell the guard what came for the job while there was only the front: it gives it to the job."""
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ()) - signal_mask
    missed = bytearray()
    while (received := signal.sigtimedwait(held, 0)) is not None:
        missed.append(received.si_signo)
    with contextlib.suppress(OSError):  # the guard has ended already, and said why
        guard.send(missed)


def _stand_in(guard: socket.socket, process: int, command: Sequence[str]) -> int:
    """Do towards the shell as the command does; returns its exit status."""
    details = ""
    while octets := guard.recv(_LONGEST_REPORT):
        report: Mapping[str, Any] = json.loads(octets)
        match report["kind"]:
            case "started":
                _let_go_of_streams()
                threading.Thread(target=_hand_on, args=(report["process"], process), daemon=True).start()
            case "stopped":
                if not _waits(guard):
                    os.kill(os.getpid(), signal.SIGSTOP)
            case "continued":
                pass
            case "ended":
                return int(report["status"])
            case "error":
                _show(message(report["message_id"], **report["values"]))
                return EXIT_STATUSES.get(report["message_id"], 1)
            case "crashed":
                details = report["details"]
            case _:
                raise KernelError("GWL0406", command=command[0], details=report["kind"])
    _show(message("GWL0406", command=command[0], details=details))
    return 1


def _waits(guard: socket.socket) -> bool:
    """Say whether another report is there already: then the job goes on, or has ended."""
    try:
        return bool(guard.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except BlockingIOError:
        return False


def _let_go_of_streams() -> None:
    """Leave input and output to the job: a pipe that it closes must be closed. Error output is kept for messages."""
    nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    if nothing > 1:
        os.close(nothing)


def _hand_on(job: int, guard: int) -> None:
    """Send the job what is sent to the front; the front's main thread has these signals blocked, like this one.

    But not the guard's SIGCONT: it means that the job goes on already, and whoever stops that next would see it go on.
    """
    while True:
        received = signal.sigwaitinfo(_HANDED_ON)
        # Sent by a process; those of the terminal are the kernel's (sigaction(2)).
        if received.si_code <= 0 and received.si_pid != guard:
            try:
                os.kill(job, received.si_signo)
            except ProcessLookupError:
                return


def _show(shown: Message) -> None:
    """Print an error as every verb does."""
    for text in (line(shown), shown.recovery):
        if text and sys.stderr is not None:
            print(text, file=sys.stderr)  # noqa: T201 -- the shell's side of a job


def _identity(user: str) -> Identity | None:
    if not user:
        return None
    try:
        entry = pwd.getpwnam(user)
    except KeyError as error:
        raise UsageError("GWL0409", user=user) from error
    if os.geteuid() != 0:
        raise UsageError("GWL0413", user=user)
    return Identity(entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(entry.pw_name, entry.pw_gid)))


def _user_profile(identity: Identity | None) -> str:
    number = os.geteuid() if identity is None else identity.user_id
    try:
        return pwd.getpwuid(number).pw_name.upper()
    except KeyError:
        return str(number)


def _job_name(text: str) -> str:
    """Return a job name: the last part of a path, upper case, what cannot be shown made visible."""
    return printable(os.path.basename(text) or text).upper()[:_JOB_NAME_LENGTH]


def _job_start(command: Sequence[str], identity: Identity | None, options: JobOptions) -> JobStart:
    changed = frozenset({signal.SIGINT, signal.SIGCHLD})
    return JobStart(
        command=tuple(command),
        signal_mask=frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        ignored=frozenset(number for number in changed if signal.getsignal(number) is signal.SIG_IGN)
        | ignored_before_python(),
        handled=changed,
        identity=identity,
        environment=_first_environment(),
        ask_binds=options.rbind,
        remote_names=options.remote_names,
    )


def _first_environment() -> Mapping[bytes, bytes]:
    """Return the environment that we were started with; Python's start-up adds LC_CTYPE to it (PEP 538)."""
    with open("/proc/self/environ", "rb") as environ:
        variables = [variable.partition(b"=") for variable in environ.read().split(b"\0")]
    return {name: value for name, equals, value in variables if name and equals}
