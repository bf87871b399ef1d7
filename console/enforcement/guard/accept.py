"""QIBM_QSO_ACCEPT: takes, decides and hands over connections for a job's accept(2) and accept4(2).

The guard takes the connection off the caller's own listener. A rejected one is reset before the program hears of it,
not one byte sent, and the call goes on waiting, as on IBM i; a non-blocking call is told EAGAIN when no other
connection waits. An allowed one is installed in the caller as its result.

A program that looks before it accepts (select, poll, epoll) on a listener that blocks trusts that its accept returns at
once, and would hear no signal and serve no other descriptor while it goes on waiting: PostgreSQL's postmaster and
Python's socketserver are so made. It is told ECONNABORTED instead, which is what POSIX has for a connection that went
away between the look and the accept. `looking_first` says who is taken for such a program.

A call that must wait does not occupy a thread: it stands in a queue of its listener (see `waiting`). Its caller may be
taken out of the call by a signal at any time, or have no descriptor left. A connection that was taken for it and cannot
be handed over is kept for another accept (see `kept`); where none can come any more it is reset, and the journal says
so.

Accepts on Unix sockets and the like ask nobody, and yet are made here: if the kernel were told to carry one out, the
caller could meanwhile put an internet listener in the descriptor's place.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.backend import Accepted
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.descriptor_tables import DescriptorTables
from console.enforcement.guard.kept import Connection, Kept, KeptConnections
from console.enforcement.guard.looking_first import LookingFirst, Place, is_in_epoll_set
from console.enforcement.guard.supervisor import UNDECIDED, Attempt, Supervisor, Undecidable, local_endpoint
from console.enforcement.layouts import NO_ENDPOINT
from console.errors import CallerGone
from console.policy.decide import PASS

if TYPE_CHECKING:
    from console.enforcement.guard.plain_calls import PlainCalls

_KNOWN_FLAGS = socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
_DECIDED = frozenset({socket.AF_INET, socket.AF_INET6})
_SO_DOMAIN = int(socket.SO_DOMAIN)
_POLLED = _DECIDED | {socket.AF_UNIX}
"""Families whose listeners can be waited for by poll(2). Of the others some cannot; an accept on those is made at once,
by a thread that may have to wait in it."""
_LENGTH = struct.Struct("=i")
_KEPT_S = 5.0
"""How long a connection that could not be handed over waits for another accept, where nobody hears of it."""


class Found(NamedTuple):
    """A connection that was taken off its listener; what follows the address is as in `Connection`."""

    descriptor: OwnedFd
    peer: bytes
    recorded: bool = False
    refused: bool = False


Taken = Found | int
"""A connection, or the errno for which there is none; EAGAIN if none has come yet."""


@dataclass(slots=True)
class Acceptance:
    """One accept that has not been answered."""

    attempt: Attempt
    listener: OwnedFd
    flags: int
    blocking: bool
    """Whether it waits for a connection, which is then looked for before it is taken."""
    pidfd: OwnedFd
    """The caller's, kept: a thread id that is used again gives the `Caller` another one meanwhile."""
    deadline: float = 0.0
    """When SO_RCVTIMEO of the listener ends the wait (time.monotonic); 0 for never."""
    dropped: bool = False
    """Whether a connection was there for it that the rules reject."""
    waits: bool = False
    """Whether there was nothing for it when it began."""
    has_waited: bool = False
    """Whether it was looked at since it waits."""
    _inode: int = 0

    @property
    def inode(self) -> int:
        """Which listener: the same number for all its descriptors. Asked for while it is open; most never are."""
        if not self._inode:
            self._inode = os.fstat(self.listener.number).st_ino
        return self._inode


class AcceptPoint:
    """The handler of accept and accept4.

    Args:
        wait: Given each acceptance that has to wait; owns it from then on, and calls `try_once` whenever its listener
            is readable, from one thread.
        wake: Called when a connection was kept, from any thread; `kept` then says for which listeners, and
            `reset_given_up` wants to be called until there are none.
    """

    def __init__(self, wait: Callable[[Acceptance], None], wake: Callable[[], None]) -> None:
        self._wait = wait
        self._wake = wake
        self.kept = KeptConnections()
        self.tables = DescriptorTables()
        self._taking: AbstractContextManager[object] = threading.Lock()
        """Held from the look at a blocking listener to the accept, which would wait if another thread were faster."""
        self._looking: LookingFirst | PlainCalls = LookingFirst()

    def share(self, plain: PlainCalls) -> None:
        """Let the accepts that are served without Python be part of this; before the first call."""
        self._taking = plain.taking
        self._looking = plain
        self.kept.say_whether_any = plain.keep_connections
        self.tables.say_whether_any = plain.find_tables_full

    def handle(self, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one accept, or let it wait.

        Raises:
            CallerGone: The call no longer waits.
            Undecidable: It must be rejected.
        """
        call, accepted = attempt.call, attempt.call.accepted
        listener = supervisor.take_socket(attempt) if accepted is None else accepted.listener
        if listener is None:
            return
        with listener:
            flags = call.arguments[3] & 0xFFFF_FFFF if call.number == k.SYS_ACCEPT4 else 0
            if flags & ~_KNOWN_FLAGS:
                supervisor.backend.answer(call, errno.EINVAL)
                return
            if (
                accepted is None
                and self.tables.full
                and attempt.caller.process in self.tables.full
                and self.tables.look(attempt.caller)
            ):
                supervisor.backend.answer(call, errno.EMFILE)
                return
            family, polled = 0, False
            try:
                if not syscalls.is_non_blocking(listener.number):
                    family = syscalls.socket_option(listener.number, _SO_DOMAIN)
                    polled = family in _POLLED
            except OSError as error:
                supervisor.backend.answer(call, error.errno or errno.ENOTSOCK)
                return
            acceptance = Acceptance(attempt, listener, flags, polled, attempt.caller.pidfd)
            taken = self.take(acceptance) if accepted is None else self._announced(acceptance, accepted)
            if self.try_once(supervisor, acceptance, taken):
                return
            failure = self._cannot_wait(acceptance) if polled else errno.EAGAIN
            if failure:
                listener.close()
                supervisor.backend.answer(call, failure)
                return
            if family in _DECIDED:  # there is time now, and who waits in a call remains who it is
                supervisor.identify(attempt)
            timeout_s = syscalls.receive_timeout_s(listener.number)
            acceptance.deadline = time.monotonic() + timeout_s if timeout_s else 0.0
            acceptance.listener = OwnedFd(listener.release())
        acceptance.waits = True
        self._wait(acceptance)

    def try_once(self, supervisor: Supervisor, acceptance: Acceptance, taken: Taken | None = None) -> bool:
        """Hand over a connection if one is there; reject those that are to be.

        Args:
            supervisor: What decides.
            acceptance: Who wants a connection.
            taken: What `take` returned for it, if it was called.

        Returns:
            Whether the call has been answered.

        Raises:
            CallerGone: The call no longer waits; no connection was lost.
            Undecidable: It must be rejected.
        """
        while True:
            if taken is None:
                taken = self.take(acceptance)
            if isinstance(taken, int):
                if taken == errno.EAGAIN:
                    return False
                supervisor.backend.answer(acceptance.attempt.call, taken)
                return True
            connection = self._admit(supervisor, acceptance, taken)
            if connection is not None:
                if acceptance.blocking and not acceptance.waits:  # said before the program can make its next accept
                    self._looking.note(_place(acceptance.attempt), False)
                answer = self._refuse if connection.refused else self._hand_over
                answer(supervisor, acceptance, connection)
                return True
            acceptance.dropped = True
            taken = None

    def _cannot_wait(self, acceptance: Acceptance) -> int:
        """Return the errno for an accept that does not wait, though its listener blocks; 0 for one that does."""
        failure = _is_no_listener(acceptance.listener.number)
        if failure:
            return failure
        if not acceptance.dropped:
            self._looking.note(_place(acceptance.attempt), True)
        return 0

    def take(self, acceptance: Acceptance) -> Taken:
        """Take a connection for somebody; `try_once` must be told of it, and decides."""
        kept = self.kept
        if kept.entries:
            connection = kept.take_unannounced(acceptance.inode)
            if connection is not None:
                return _again(connection, acceptance)
        number, peer = self._take(acceptance)
        if number < 0:
            return -number
        return self._instead(acceptance, Found(OwnedFd(number), peer))

    def _announced(self, acceptance: Acceptance, accepted: Accepted) -> Taken:
        """Return a connection that was accepted for somebody without us, or the one that it stands for."""
        return self._instead(acceptance, Found(accepted.connection, accepted.peer, accepted.recorded))

    def _instead(self, acceptance: Acceptance, found: Found) -> Found:
        """Return a connection that was just accepted, or the kept one that it stands for."""
        if self.kept.entries:
            connection = self.kept.take_announced(found.descriptor.number, found.peer)
            if connection is not None:
                syscalls.reset(found.descriptor.release())
                return _again(connection, acceptance)
        return found

    def _take(self, acceptance: Acceptance) -> tuple[int, bytes]:
        """Accept a connection if one is there; as `syscalls.accept`, with EAGAIN if none is."""
        listener, flags = acceptance.listener.number, acceptance.flags | socket.SOCK_CLOEXEC
        if not acceptance.blocking:
            return syscalls.accept(listener, flags)
        with self._taking:
            return syscalls.accept(listener, flags) if syscalls.is_readable(listener) else (-errno.EAGAIN, b"")

    def _admit(self, supervisor: Supervisor, acceptance: Acceptance, found: Found) -> Connection | None:
        """Decide about a connection; None for a rejected one, journalled and reset, whose call goes on waiting.

        Raises:
            CallerGone: The connection is kept.
            Undecidable: It was reset.
        """
        descriptor, peer, recorded, refused = found
        policy, attempt = supervisor.policy, acceptance.attempt
        if k.sockaddr_family(peer) not in _DECIDED:
            return Connection(descriptor, peer, policy, PASS, NO_ENDPOINT, NO_ENDPOINT, recorded)
        attempt.started_ns = time.perf_counter_ns()
        local = local_endpoint(descriptor.number) or NO_ENDPOINT
        remote = k.parse_sockaddr(peer) or NO_ENDPOINT
        try:
            if not attempt.who.process:
                supervisor.identify(attempt)
            decision = supervisor.decide(policy, attempt, local, remote)
        except CallerGone:
            self._keep(acceptance, Connection(descriptor, peer, policy, UNDECIDED, local, remote, recorded, refused))
            raise
        except Undecidable:
            syscalls.reset(descriptor.release())
            raise
        if not decision.errno:
            return Connection(descriptor, peer, policy, decision, local, remote, recorded)
        if not refused:
            supervisor.record(policy, attempt, decision, local, remote)
        looks = acceptance.blocking and (refused or self._looks_first(acceptance))
        if looks and not syscalls.is_readable(acceptance.listener.number):
            return Connection(descriptor, peer, policy, decision, local, remote, refused=True)
        syscalls.reset(descriptor.release())
        return None

    def _looks_first(self, acceptance: Acceptance) -> bool:
        attempt = acceptance.attempt
        known = self._looking.looks_first(_place(attempt))
        return is_in_epoll_set(attempt.caller.directory.number, acceptance.inode) if known is None else known

    def _refuse(self, supervisor: Supervisor, acceptance: Acceptance, connection: Connection) -> None:
        """Tell a program that looks before it accepts that there is nothing, and then reset the connection.

        A signal may take its caller out of the call before it was told. Its accept is made again and finds the
        connection once more: it would wait if there were none any longer.
        """
        try:
            supervisor.backend.answer(acceptance.attempt.call, errno.ECONNABORTED)
        except CallerGone:
            self._keep(acceptance, connection)
            raise
        syscalls.reset(connection.descriptor.release())

    def _hand_over(self, supervisor: Supervisor, acceptance: Acceptance, connection: Connection) -> None:
        """Deliver a connection. It is recorded before: what a caller has is in the journal, whatever becomes of us."""
        attempt = acceptance.attempt
        call = attempt.call
        try:
            failure = _write_peer(supervisor, attempt, connection.peer)
            if not connection.recorded:
                connection.recorded = True
                supervisor.record(
                    connection.policy, attempt, connection.decision, connection.local, connection.remote, failure
                )
            if failure:
                supervisor.backend.answer(call, failure)
            else:
                supervisor.backend.deliver(
                    call, connection.descriptor.number, close_on_exec=bool(acceptance.flags & socket.SOCK_CLOEXEC)
                )
        except CallerGone:
            self._keep(acceptance, connection)
            raise
        except OSError as error:
            if error.errno == errno.EMFILE:
                self.tables.note_full(attempt.caller)
            self._keep(acceptance, connection)
            supervisor.backend.answer(call, error.errno or errno.EMFILE)
            return
        connection.descriptor.close()
        if supervisor.plain_calls is not None:
            supervisor.plain_calls.remember_accept(supervisor.names, attempt, connection)

    def _keep(self, acceptance: Acceptance, connection: Connection) -> None:
        self.kept.keep(acceptance.listener.number, acceptance.inode, acceptance.attempt, connection)
        self._wake()

    def reset_given_up(self, supervisor: Supervisor, *, older_than_s: float = _KEPT_S) -> None:
        """Reset the connections that no accept came for and that nobody hears of, and those of closed listeners."""
        if self.kept.entries:
            _reset(supervisor, self.kept.take_given_up(older_than_s))

    def reset_kept(self, supervisor: Supervisor) -> None:
        """Reset all connections that are left when the job has ended."""
        _reset(supervisor, self.kept.take_all())


def _again(connection: Connection, acceptance: Acceptance) -> Found:
    """Return a connection that was taken for somebody else, as this one's accept wants it."""
    os.set_blocking(connection.descriptor.number, not acceptance.flags & socket.SOCK_NONBLOCK)
    return Found(connection.descriptor, connection.peer, connection.recorded, connection.refused)


def _reset(supervisor: Supervisor, given_up: list[Kept]) -> None:
    """Reset connections, and say so in the journal."""
    for kept in given_up:
        connection = kept.connection
        syscalls.reset(connection.descriptor.release())
        if connection.refused:
            continue
        supervisor.record(
            connection.policy,
            kept.attempt,
            connection.decision,
            connection.local,
            connection.remote,
            text="reset: its accept was interrupted and no other came",
        )


def _place(attempt: Attempt) -> Place:
    return attempt.caller.process, attempt.call.arguments[0]


def _is_no_listener(listener: int) -> int:
    """Return the errno with which Linux answers an accept on a socket that does not listen; 0 for one that does."""
    if syscalls.socket_option(listener, socket.SO_ACCEPTCONN):
        return 0
    has_connections = syscalls.socket_option(listener, socket.SO_TYPE) in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)
    return errno.EINVAL if has_connections else errno.EOPNOTSUPP


def _write_peer(supervisor: Supervisor, attempt: Attempt, peer: bytes) -> int:
    """Write the peer's address where the caller wants it, as net/socket.c, move_addr_to_user, does.

    Layout: The caller's length is an int, in and out: room on entry, the address's whole length on return.

    Returns:
        0, or the errno with which Linux ends such a call.
    """
    call = attempt.call
    address, length = call.arguments[1], call.arguments[2]
    if not address:
        return 0
    try:
        (room,) = _LENGTH.unpack(supervisor.backend.read_memory(call, length, _LENGTH.size))
        if room < 0:
            return errno.EINVAL
        supervisor.backend.write_two(call, address, peer[:room], length, _LENGTH.pack(len(peer)))
    except OSError as error:
        return error.errno or errno.EFAULT
    return 0
