"""QIBM_QSO_CONNECT: decides and performs connect(2) for a job.

The address is copied once out of the caller's memory; what was decided on is what is connected to, whatever the caller
does to its memory meanwhile. The connect is made on the caller's own socket, so that its flags, time-outs and options
hold, and its result is the caller's result.

What becomes of a connect whose caller a signal took out is in `console.enforcement.guard.untold`.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from typing import NamedTuple

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.backend import Begun, Call
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.binding import has_moved, hold, is_loose
from console.enforcement.guard.destination import ANYWHERE, asked_about, asks_local, is_datagram, resolved
from console.enforcement.guard.interruption import was_interrupted
from console.enforcement.guard.remote_names import RemoteNames, is_local_service
from console.enforcement.guard.routing import Routed, Router
from console.enforcement.guard.supervisor import Attempt, Decider, Supervisor, Undecidable, local_endpoint
from console.enforcement.guard.turns import Turns
from console.enforcement.guard.untold import RESULT_KEPT_S, UntoldResults
from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.enforcement.records import Seen
from console.errors import CallerGone
from console.messages import line, message
from console.model.words import Udp
from console.policy.decide import CompiledPolicy
from console.policy.request import MAPPED, Decision

_LOOPBACK_NETWORK = MAPPED + 0x7F00_0000 >> 24
_LOOPBACK_V6 = 1
_MOST_HELD = 4096
"""Sockets that were bound here of which that is remembered; all are forgotten beyond that."""
_MOMENT_S = 0.0001
_CONNECTS = frozenset({0, errno.EINPROGRESS})
_NOWHERE = bytes(16)
"""An address of no family, AF_UNSPEC: takes a connection back."""
_DIRECT = Routed(0)
"""What is said of a connect that goes through no SOCKS server."""
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


class _Made(NamedTuple):
    """A connect that was made, or rejected, and not answered yet."""

    decider: Decider
    decision: Decision
    sockaddr: bytes
    """As it was copied out of the caller's memory."""
    remote: Endpoint
    result: int
    """Errno, 0 for none."""
    routed: Routed


class ConnectPoint:
    """The handler of connect."""

    def __init__(self, turns: Turns | None = None, names: RemoteNames | None = None) -> None:
        self.turns = turns
        """Told before a connect that may wait; None in tests with one call at a time."""
        self.names = names
        """There in jobs whose names are resolved at SOCKS servers."""
        self.router = Router(turns)
        """Takes connects through SOCKS servers."""
        if names is not None:
            self.router.peer_names.stand_ins = names.told_of
        self._untold = UntoldResults()
        self._held: dict[int, tuple[Endpoint, Endpoint]] = {}
        """Inode of a socket that was bound here -> where its caller had bound it, and where it was bound."""
        self._active: dict[int, Call] = {}
        """Cookie -> a call that a thread of ours works at."""

    def handle(self, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one connect.

        Raises:
            CallerGone: The call no longer waits.
            Undecidable: It must be rejected.
        """
        cookie = attempt.call.cookie
        self._active[cookie] = attempt.call
        try:
            if attempt.call.begun is None:
                self._handle(supervisor, attempt)
            else:
                self._finish(supervisor, attempt, attempt.call.begun)
        finally:
            del self._active[cookie]
            if self.router.underway:
                self.router.over(attempt.call)

    def _handle(self, supervisor: Supervisor, attempt: Attempt) -> None:
        taken = supervisor.take_socket(attempt)
        if taken is None:
            return
        with taken:
            if self.router.underway:
                self.router.await_other(supervisor, attempt.call, taken)
            try:
                sockaddr = self._copy_address(supervisor, attempt)
            except CallerGone:
                self._begin_untold(supervisor, attempt, taken)
                raise
            if sockaddr is None:
                return
            if self._untold and self._tell_again(supervisor, attempt.call, taken, sockaddr):
                return
            remote = k.parse_known_sockaddr(sockaddr)
            if remote is not None:
                remote = asked_about(supervisor.policy, taken.number, remote)
            if remote is not None:
                self._covered(supervisor, attempt, taken, sockaddr, remote)
            else:
                self._uncovered(supervisor, attempt.call, taken, sockaddr)

    def _copy_address(self, supervisor: Supervisor, attempt: Attempt) -> bytes | None:
        """Copy the address out of the caller's memory; None when the call has been answered."""
        call = attempt.call
        size = call.arguments[2] & 0xFFFF_FFFF
        if size > k.SOCKADDR_STORAGE_SIZE:  # negative lengths are among these: net/socket.c, move_addr_to_kernel
            supervisor.backend.answer(call, errno.EINVAL)
            return None
        try:
            if not size:
                return b""
            octets = supervisor.backend.read_memory(call, call.arguments[1], size)
        except OSError as error:
            if error.errno != errno.EFAULT:
                raise Undecidable(f"memory not readable: {error.strerror}") from error
            supervisor.backend.answer(call, errno.EFAULT)
            return None
        return octets

    def _uncovered(self, supervisor: Supervisor, call: Call, taken: OwnedFd, sockaddr: bytes) -> None:
        """Answer a connect that no rule speaks of.

        On an internet socket it is made here, with the copied address: one of a datagram socket where the policy leaves
        those alone, one that dissolves an association (AF_UNSPEC), or an error; so is one on what is no socket. On a
        socket of any other family it must be the caller's own call, because a Unix socket's peer is told who connects.
        """
        try:
            own = syscalls.socket_option(taken.number, socket.SO_DOMAIN) not in _INTERNET
        except OSError:
            own = False
        if not own:
            led = None if self.names is None else self.names.connect(taken.number, sockaddr)
            supervisor.backend.answer(call, syscalls.connect(taken.number, sockaddr) if led is None else led)
        elif self.names is not None and is_local_service(sockaddr):
            supervisor.backend.answer(call, errno.ENOENT)
        else:
            supervisor.backend.go_on(call)

    def _covered(
        self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, sockaddr: bytes, remote: Endpoint
    ) -> None:
        """Decide a connect, perform it, and hand the result over.

        Our copy of the socket is closed before the answer, so that the caller's close is the last one. What is recorded
        survives us; so that comes before the answer as well, and whatever a caller was told is in the journal.
        """
        policy = supervisor.policy
        if policy.udp is Udp.DECIDE and is_datagram(taken.number):
            attempt.seen = Seen.DATAGRAM
        led_to = sockaddr
        if remote.address in ANYWHERE:
            led_to, remote = resolved(taken.number, sockaddr, remote)
        supervisor.identify(attempt)
        bound, held = self._hold(taken) if asks_local(policy) else (NO_ENDPOINT, NO_ENDPOINT)
        decision = supervisor.decide(policy, attempt, bound, remote)
        if decision.errno:
            routed = Routed(decision.errno, text="" if self.names is None else self.names.text(remote))
        else:
            routed = self._make(supervisor, policy, attempt, taken, led_to, remote)
        result = routed.result
        if (
            held is not NO_ENDPOINT
            and result in _CONNECTS
            and self._is_elsewhere(supervisor, policy, attempt, held, _local(taken), remote)
        ):
            syscalls.connect(taken.number, _NOWHERE)
            raise Undecidable("bound elsewhere during the connect")
        made = _Made(policy, decision, sockaddr, remote, result, routed)
        self._conclude(supervisor, attempt, taken, made)
        is_plain = led_to is sockaddr and (self.names is None or not self.names.concerns(remote))
        if supervisor.plain_calls is not None and is_plain:
            until_s = supervisor.names.user_until(attempt.user_number)
            supervisor.plain_calls.remember(policy, attempt, decision, remote, until_s)

    def _make(
        self,
        supervisor: Supervisor,
        policy: CompiledPolicy,
        attempt: Attempt,
        taken: OwnedFd,
        sockaddr: bytes,
        remote: Endpoint,
    ) -> Routed:
        """Make a connect that was allowed: through a SOCKS server, to the guard, or directly."""
        name = ""
        if self.names is not None:
            led = self.names.led(taken.number, sockaddr, remote)
            if led.failure or led.to_guard:
                return Routed(self.names.connect_led(taken.number, led), text=self.names.text(remote, led))
            name = led.name
        routed = None
        if policy.has_socks:
            routed = self.router.connect(supervisor, policy, attempt, taken, sockaddr, remote, name)
        else:  # under an earlier policy it may have connected through a server
            self.router.pairs.break_up(attempt.call.thread, taken.number)
        if name:
            return _by_name(name, remote, routed)
        return Routed(self._perform(taken, sockaddr, remote.address)) if routed is None else routed

    def _finish(self, supervisor: Supervisor, attempt: Attempt, begun: Begun) -> None:
        """Bring a connect to its end that was made already."""
        attempt.who, attempt.decision_us = begun.who, begun.decision_us
        made = _Made(begun, begun.decision, begun.sockaddr, begun.remote, begun.result, _DIRECT)
        if begun.taken is None:
            self._tell(supervisor, attempt, made, begun.result, begun.local)
            return
        with begun.taken:
            self._conclude(supervisor, attempt, begun.taken, made)

    def _conclude(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, made: _Made) -> None:
        """Record a connect that was made, and hand its result over."""
        result = made.result
        if result == errno.EISCONN:
            result = self._result_of_other(supervisor, attempt, taken, made.sockaddr, made.remote)
        local = _local(taken)
        taken.close()
        supervisor.record(
            made.decider, attempt, made.decision, local, made.remote, 0 if made.decision.errno else result,
            text=made.routed.text, socks_server=made.routed.server,
        )  # fmt: skip
        self._tell(supervisor, attempt, made, result, local)

    def _tell(self, supervisor: Supervisor, attempt: Attempt, made: _Made, result: int, local: Endpoint) -> None:
        """Hand a result over; keep it if there is nobody any more."""
        try:
            supervisor.backend.answer(attempt.call, result)
        except CallerGone:
            if not made.decision.errno and result != errno.EINTR:
                self._keep(supervisor, attempt, made.sockaddr, result, local)

    def _hold(self, taken: OwnedFd) -> tuple[Endpoint, Endpoint]:
        """Hold a socket, as `binding.hold`; one that was held by an earlier connect is where its caller left it.

        A rejected or interrupted connect leaves the socket bound, and the next one asks about the same socket again.
        """
        inode = os.fstat(taken.number).st_ino
        bound, held = hold(taken)
        known = self._held.get(inode)
        if known is not None and known[1] == held:
            return known
        if bound != held:
            if len(self._held) >= _MOST_HELD:
                self._held.clear()
            self._held[inode] = bound, held
        return bound, held

    def _is_elsewhere(
        self,
        supervisor: Supervisor,
        policy: CompiledPolicy,
        attempt: Attempt,
        held: Endpoint,
        local: Endpoint,
        remote: Endpoint,
    ) -> bool:
        """Say whether a connect was made from where it was not decided to be made from."""
        if not is_loose(held):
            return has_moved(held, local)
        try:
            return supervisor.rules_reject(policy, attempt, local, remote)
        except (CallerGone, Undecidable):  # the connection must not be left there
            return True

    def _perform(self, taken: OwnedFd, sockaddr: bytes, address: int) -> int:
        if (
            self.turns is not None
            and (not _is_loopback(address) or self.turns.is_careful)
            and not syscalls.is_non_blocking(taken.number)
        ):
            self.turns.may_block()
        return syscalls.connect(taken.number, sockaddr)

    def _result_of_other(
        self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, sockaddr: bytes, remote: Endpoint
    ) -> int:
        """Return what a call gets whose socket is connected already.

        That may be by the same call's earlier run, which a signal took its caller out of and which another thread of
        ours is just about to keep the result of; or whose caller was told, as the kernel said, and has not heard.
        """
        call = attempt.call
        plain = supervisor.plain_calls
        while any(
            other.thread == call.thread and other.cookie < call.cookie for other in tuple(self._active.values())
        ) or (plain is not None and plain.native.is_before(call.thread, call.cookie)):
            time.sleep(_MOMENT_S)
        kept = self._untold.pop(call, taken, sockaddr)
        if kept is not None:
            return kept
        is_unheard = self._peer(taken) == remote and was_interrupted(supervisor.backend, call, attempt.caller)
        return 0 if is_unheard else errno.EISCONN

    def _peer(self, taken: OwnedFd) -> Endpoint | None:
        """Return what a socket is connected to; through a SOCKS server, what its program wants to be connected to."""
        try:
            asked = self.router.peer_names.asked(taken.number)
            return k.parse_sockaddr(asked or syscalls.peer_sockaddr(taken.number))
        except OSError:
            return None

    def _begin_untold(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd) -> None:
        """Make a connect whose caller a signal took out before its memory was known to be right.

        Linux would have begun it: EINTR means that the connection is being made, and a program that waits for it by
        poll(2) would take a socket that was never connected for one that is. So it is made if a second look finds the
        same socket and the same address as the first. A program that has changed both meanwhile, and changed them to
        what a connect can be made of, would find another socket connected than it asked for; it is decided like any.
        """
        call = attempt.call
        size = call.arguments[2] & 0xFFFF_FFFF
        if not 0 < size <= k.SOCKADDR_STORAGE_SIZE:
            return
        try:
            sockaddr = supervisor.backend.peek_memory(call, call.arguments[1], size)
            with supervisor.backend.take_descriptor(call, attempt.caller, call.arguments[0] & 0xFFFF_FFFF) as again:
                same = os.fstat(again.number).st_ino == os.fstat(taken.number).st_ino
            same = same and sockaddr == supervisor.backend.peek_memory(call, call.arguments[1], size)
        except OSError:
            return
        remote = k.parse_known_sockaddr(sockaddr)
        if remote is not None and same:
            remote = asked_about(supervisor.policy, taken.number, remote)
            if remote is not None and not self._untold.knows(call, taken, sockaddr):
                self._covered(supervisor, attempt, taken, sockaddr, remote)

    def _keep(self, supervisor: Supervisor, attempt: Attempt, sockaddr: bytes, result: int, local: Endpoint) -> None:
        """Keep a result for the call that the caller may make again.

        Nothing is kept of a caller that has ended, or has another socket in the descriptor's place by now: what was
        connected to, or is being connected to, is bound where ours was. What failed can be made again.
        """
        call = attempt.call
        try:
            with supervisor.backend.take_descriptor(call, attempt.caller, call.arguments[0] & 0xFFFF_FFFF) as taken:
                inode = os.fstat(taken.number).st_ino
                if not local.port or _local(taken) != local:
                    return
        except (OSError, CallerGone):
            return
        self._keep_result(supervisor, call, inode, sockaddr, result)

    def _keep_result(self, supervisor: Supervisor, call: Call, inode: int, sockaddr: bytes, result: int) -> None:
        self._untold.keep(call, inode, sockaddr, result)
        if supervisor.plain_calls is not None:
            supervisor.plain_calls.stay_apart(RESULT_KEPT_S)

    def _tell_again(self, supervisor: Supervisor, call: Call, taken: OwnedFd, sockaddr: bytes) -> bool:
        """Answer a call that is made again with what was kept for it; say whether there was anything."""
        kept = self._untold.pop(call, taken, sockaddr)
        if kept is None:
            return False
        inode = os.fstat(taken.number).st_ino
        taken.close()
        try:
            supervisor.backend.answer(call, kept)
        except CallerGone:  # interrupted again
            self._keep_result(supervisor, call, inode, sockaddr, kept)
        return True


def _by_name(name: str, remote: Endpoint, routed: Routed | None) -> Routed:
    """Return what came of a connect to an address that stands for a name; None: no server was to be asked."""
    if routed is None:
        reason = line(message("GWL0860", address=k.address_text(remote.address)))
        return Routed(errno.ENETUNREACH, text=f"name {name}; {reason}")
    return routed._replace(text=f"name {name}; {routed.text}" if routed.text else f"name {name}")


def _local(taken: OwnedFd) -> Endpoint:
    return local_endpoint(taken.number) or NO_ENDPOINT


def _is_loopback(address: int) -> bool:
    return address >> 24 == _LOOPBACK_NETWORK or address == _LOOPBACK_V6
