"""The guard's process: gets the policy, starts the job, supervises it to its end.

What it has to say it says to the front (`console.enforcement.guard.front`); it never writes to the terminal, which is
the job's. Whatever goes wrong in any of its threads ends it: the kernel then fails the job's socket calls with ENOSYS.
"""

from __future__ import annotations

import contextlib
import os
import resource
import secrets
import signal
import socket
import sys
import threading
import traceback
from dataclasses import dataclass, replace
from types import TracebackType
from typing import NoReturn

from console.clock import now_ns
from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.frames import PROTOCOL, End, Hello, NewRevision, whole_text
from console.enforcement.guard import child
from console.enforcement.guard.accept import AcceptPoint
from console.enforcement.guard.bind import BindPoint
from console.enforcement.guard.connect import ConnectPoint
from console.enforcement.guard.ending import JobEnding
from console.enforcement.guard.exit_programs import ExitPrograms
from console.enforcement.guard.front import Front
from console.enforcement.guard.link import WorkerLink
from console.enforcement.guard.listen import handle_listen
from console.enforcement.guard.nesting import check_not_nested
from console.enforcement.guard.notify import SeccompBackend
from console.enforcement.guard.plain_calls import PlainCalls, is_possible
from console.enforcement.guard.protocols import handle_socket, handle_upgrade
from console.enforcement.guard.rbind import RbindPoint
from console.enforcement.guard.receiving import ReceivePoint
from console.enforcement.guard.remote_names import RemoteNames
from console.enforcement.guard.reporter import Reporter
from console.enforcement.guard.routing import own_network
from console.enforcement.guard.sending import SendPoint
from console.enforcement.guard.starting import EXIT_STATUSES, become_deaf, start_job
from console.enforcement.guard.supervisor import Supervisor
from console.enforcement.guard.traffic import Traffic
from console.enforcement.guard.turns import Turns, install_abort_handler
from console.enforcement.guard.waiting import WaitingRoom
from console.errors import ConsoleError, KernelError, PolicyError
from console.messages import line, message
from console.model.words import ExitPoint, Udp
from console.policy.audit_levels import NETFAIL, NETUDP, Auditing, Levels
from console.policy.compiler import compile_policy
from console.policy.decide import CompiledPolicy
from console.store.location import Location

_CRASHED = 70
"""EX_SOFTWARE of sysexits.h."""
_MOST_DESCRIPTORS = 65_536
_MOST_DETAILS = 4000


@dataclass(frozen=True, slots=True)
class JobNames:
    """How a job is called in the journal."""

    user: str
    name: str


def be_guard(location: Location, names: JobNames, start: child.JobStart, line: socket.socket) -> NoReturn:
    """Be the guard of one job; ends the process when the job has ended.

    Called in the front's process group, with the signals blocked that may be meant for the job
    (`console.enforcement.guard.starting`).
    """
    become_deaf()
    front = Front(line)
    _die_of_any_bug(front)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, it would take the job's exit status from us
    try:
        check_not_nested()
        _supervise(location, names, start, front)
    except ConsoleError as error:
        front.say_error(error)
        os._exit(1)
    os._exit(0)


def _supervise(location: Location, names: JobNames, start: child.JobStart, front: Front) -> None:
    hello = _introduction(names, start)
    link = WorkerLink(location, hello)
    policy = compile_policy(link.welcome.policy, link.welcome.revision)
    levels = Levels(link.welcome.auditing)
    try:
        syscalls.become_subreaper()
        syscalls.hide_from_tracers()
    except OSError as error:
        raise KernelError("GWL0414", reason=error.strerror) from error
    try:
        asking = _asking(start, policy, levels)
        job, listener = start_job(asking, front)
    except ConsoleError as error:
        _say_end(link, EXIT_STATUSES.get(error.message_id, 1))
        raise
    _let_go(keep={listener.number, link.fileno(), front.number})

    def on_revision(revision: NewRevision) -> None:
        try:
            compiled = compile_policy(revision.policy, revision.revision)
        except (PolicyError, ValueError) as error:  # the old one stays in force
            said = message("GWL0516", number=revision.revision, reason=error)
            reporter.backlog.note(line(said))
            return
        exit_programs.prepare(compiled)
        supervisor.enforce(compiled)
        exit_programs.settle(compiled)
        reporter.in_force(revision.revision)

    def on_auditing(auditing: Auditing) -> None:
        reporter.backlog.keep_as(auditing)
        supervisor.audit(Levels(auditing))

    reporter = Reporter(location, hello, link, on_revision, on_auditing, JobEnding().request)
    backend = SeccompBackend(listener)
    supervisor = Supervisor(backend, policy, reporter.backlog)
    supervisor.levels = levels
    reporter.backlog.keep_as(link.welcome.auditing)
    _serve_plain_calls(supervisor, backend, reporter)
    remote_names = RemoteNames(reporter.backlog.note, own_network()) if start.remote_names else None
    turns, waiting_room, accept_point = _open_exit_points(supervisor, remote_names, asking)
    qualified_job_name = f"{link.welcome.job_number:06}/{names.user}/{names.name}"
    exit_programs = supervisor.exit_programs = ExitPrograms(location, qualified_job_name, turns.may_block)
    exit_programs.prepare(policy)
    reporter.start()
    reporter.in_force(policy.revision)
    turns.start()
    status = _wait_for_job(job, backend, front, reporter)
    _end_calls(turns, waiting_room, accept_point, supervisor)
    reporter.end(status)
    front.say("ended", status=status)
    exit_programs.end()
    reporter.outlast()


def _serve_plain_calls(supervisor: Supervisor, backend: SeccompBackend, reporter: Reporter) -> None:
    """Let plain calls be served without Python, where that is possible."""
    if is_possible(backend):
        supervisor.plain_calls = PlainCalls(backend, reporter.bell)
        reporter.backlog.share(supervisor.plain_calls.native)
        supervisor.enforce(supervisor.policy)


def _asking(start: child.JobStart, policy: CompiledPolicy, levels: Levels) -> child.JobStart:
    """Return how a job starts that the guard is asked about as policy and audit levels want it."""
    return replace(
        start,
        decide_datagrams=policy.udp is Udp.DECIDE,
        ask_names=policy.has_socks or start.ask_binds or start.remote_names,
        watch_binds=levels.are_anywhere(NETFAIL),
        watch_datagrams=levels.are_anywhere(NETUDP),
    )


def _introduction(names: JobNames, start: child.JobStart) -> Hello:
    return Hello(
        protocol=PROTOCOL,
        guard_id=secrets.token_hex(16),
        pid=os.getpid(),
        user=names.user,
        job_name=names.name,
        command=whole_text(" ".join(start.command)),
        started_ns=now_ns(),
    )


def _open_exit_points(
    supervisor: Supervisor, names: RemoteNames | None, asking: child.JobStart
) -> tuple[Turns, WaitingRoom, AcceptPoint]:
    """Give the supervisor its handlers; returns the threads that will call them, not yet started."""
    turns = Turns(supervisor.backend, supervisor.serve, supervisor.plain_calls)
    waiting_room = WaitingRoom()
    accept_point = AcceptPoint(waiting_room.add, waiting_room.wake)
    if supervisor.plain_calls is not None:
        accept_point.share(supervisor.plain_calls)
    send_point = SendPoint(turns, names)
    connect_point = ConnectPoint(turns, names)
    bind_point = BindPoint()
    supervisor.handlers = {
        k.SYS_CONNECT: (ExitPoint.CONNECT, connect_point.handle),
        k.SYS_LISTEN: (ExitPoint.LISTEN, handle_listen),
        k.SYS_BIND: (ExitPoint.LISTEN, bind_point.handle),
        k.SYS_LANDLOCK_RESTRICT_SELF: (ExitPoint.LISTEN, bind_point.handle_restriction),
        k.SYS_ACCEPT: (ExitPoint.ACCEPT, accept_point.handle),
        k.SYS_ACCEPT4: (ExitPoint.ACCEPT, accept_point.handle),
        k.SYS_SOCKET: (ExitPoint.CONNECT, handle_socket),
        k.SYS_SETSOCKOPT: (ExitPoint.CONNECT, handle_upgrade),
        k.SYS_SENDTO: (ExitPoint.CONNECT, send_point.handle),
        k.SYS_SENDMSG: (ExitPoint.CONNECT, send_point.handle),
        k.SYS_SENDMMSG: (ExitPoint.CONNECT, send_point.handle),
        k.SYS_GETPEERNAME: (ExitPoint.CONNECT, connect_point.router.peer_names.handle),
    }
    if asking.ask_names:
        if supervisor.plain_calls is not None:
            supervisor.plain_calls.leave_accepts()
        supervisor.handlers = RbindPoint(connect_point.router).handlers(
            supervisor.handlers, every_bind=asking.ask_binds
        )
    if names is not None:
        receive_point = ReceivePoint(names, turns)
        receives = (k.SYS_RECVFROM, k.SYS_RECVMSG, k.SYS_RECVMMSG)
        supervisor.handlers = {
            **supervisor.handlers,
            **dict.fromkeys(receives, (ExitPoint.CONNECT, receive_point.handle)),
        }
        names.start()
    if asking.watch_datagrams:
        supervisor.handlers = Traffic(turns, names).handlers(supervisor.handlers)
    install_abort_handler()
    waiting_room.start(supervisor, accept_point)
    return turns, waiting_room, accept_point


def _end_calls(turns: Turns, waiting_room: WaitingRoom, accept_point: AcceptPoint, supervisor: Supervisor) -> None:
    """Bring what was begun for the job to its end; nothing of the job's is open here any more."""
    turns.wait()
    waiting_room.leave()
    accept_point.reset_kept(supervisor)


def _say_end(link: WorkerLink, status: int) -> None:
    """Tell the worker of a job that could not be started: it would take the guard for one that was killed."""
    with contextlib.suppress(OSError):  # the worker has gone
        link.send(End(status))


def _let_go(keep: set[int]) -> None:
    """Close what the guard inherited: a pipe or terminal that it held open would seem in use when the job has ended."""
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        if number not in keep and number > 2:
            with contextlib.suppress(OSError):  # the directory's own descriptor is in its list
                os.close(number)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        if number not in keep:
            os.dup2(nothing, number, inheritable=False)
    if nothing > 2:
        os.close(nothing)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, _MOST_DESCRIPTORS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def _wait_for_job(job: int, backend: SeccompBackend, front: Front, reporter: Reporter) -> int:
    """Reap what ends until the command has ended and no process of the job is left.

    The job is what stands under the filter. Not all our children do: there are exit programs, and what those have
    started and left behind. So it is not having no child any more that ends a guard, but the filter having no process;
    and as every process of the job is our descendant, its last one is reaped by us.

    Returns:
        How the command ended, as a shell says it.
    """
    status = 0
    command_ended = False
    while not (command_ended and backend.is_deserted()):
        process, wait_status = os.waitpid(-1, os.WUNTRACED | os.WCONTINUED)
        if process != job:
            continue
        if os.WIFSTOPPED(wait_status):
            front.say("stopped")
            continue
        front.go_on()
        if os.WIFCONTINUED(wait_status):
            continue
        code = os.waitstatus_to_exitcode(wait_status)
        status = code if code >= 0 else 128 - code
        command_ended = True
        os.setsid()  # what is left of the job can outlive its first group, and so must we
        if not backend.is_deserted():
            # The rest of the job goes on in the background; what it did so far is in the journal when the shell
            # has its prompt back.
            reporter.flush()
            front.say("ended", status=status)
    return status


def _die_of_any_bug(front: Front) -> None:
    """Let an error that nobody expected, in any thread, end the process: the job's socket calls then fail."""

    def say_and_die(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> NoReturn:
        front.say("crashed", details="".join(traceback.format_exception(kind, error, trace))[-_MOST_DETAILS:])
        os._exit(_CRASHED)

    sys.excepthook = say_and_die
    threading.excepthook = lambda arguments: say_and_die(
        arguments.exc_type, arguments.exc_value, arguments.exc_traceback
    )
