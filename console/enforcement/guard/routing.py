"""Takes connects through SOCKS servers, where the policy has an entry that says so.

The exit point comes first: only what it lets pass comes here. The handshake is made on the program's own socket, by the
thread that serves the call, and only then is the connect answered: after that the socket is a connection like any, and
no octet passes through the guard.

**Non-blocking sockets** are answered late, when the handshake is over, with 0 or what failed, and never with
EINPROGRESS: to poll(2) a socket is writable as soon as the server has accepted it, and the program would write into the
handshake. No flag or option of a socket changes that.

**Signals.** A caller that a signal took out of its connect finds it made when it makes it again, as with any connect.
So the handshake goes on without it, unless the caller has ended.

**Between two servers, and after a failure,** the socket is dissolved, so that it can be connected again.

Source of what a connect answers on a socket that has a connection: net/ipv4/af_inet.c, __inet_stream_connect.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import socket
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from console.enforcement import layouts as k
from console.enforcement import streams, syscalls
from console.enforcement.backend import Call, Caller
from console.enforcement.fds import OwnedFd
from console.enforcement.guard import identity
from console.enforcement.guard.handshake import Interfered, NotBegun, Talk, Watched, shake_hands
from console.enforcement.guard.pairs import Pairs
from console.enforcement.guard.peer_names import PeerNames
from console.enforcement.guard.socks_servers import SocksServers
from console.enforcement.guard.supervisor import Attempt, Supervisor, Undecidable
from console.enforcement.guard.turns import Turns
from console.enforcement.layouts import Endpoint
from console.errors import CallerGone, SocksError
from console.messages import describe, line
from console.model.words import ExitPoint, SocksType, SocksVersion
from console.policy.decide import CompiledPolicy
from console.policy.rule import SocksEntry, SocksServer
from console.policy.wire import wire_server
from console.socks.client import Patience
from console.socks.refusals import Reason, failure
from console.socks.words import Place, Server

_LOOK_S = 0.1
_FOREVER = float("inf")
_NO_GROUPS: frozenset[str] = frozenset()
_IPV4_MASK = 0xFFFF_FFFF


_TRY_NEXT_ADDRESS = frozenset({Reason.UNREACHABLE, Reason.NOT_LISTENING})
_NO_ADDRESS = "it has no address in the family of this socket"


class _DoesNotFit(Exception):  # noqa: N818 -- an event to react to
    """This socket cannot be connected to a server, which another could be."""

    def __init__(self, told: SocksError) -> None:
        super().__init__(told)
        self.told = told
        """What the program is told, and the journal."""


class Routed(NamedTuple):
    """What came of a connect through a SOCKS server."""

    result: int
    """Errno, 0 for none."""
    server: str = ""
    """The server that serves it, or the last that failed; host and port."""
    text: str = ""
    """Why it failed."""


class _Way(NamedTuple):
    """A connect on its way through an entry."""

    supervisor: Supervisor
    attempt: Attempt
    number: int
    """The program's socket."""
    family: int
    entry: SocksEntry
    destination: Place
    give_up_at: float
    """When the program's own time limit is over; seconds of the monotonic clock."""
    is_wanted: Callable[[], bool]
    first_with_syn: bool


class Router:
    """Finds the way of a connect, and takes it.

    Threads: any.
    """

    def __init__(self, turns: Turns | None = None) -> None:
        self.turns = turns
        """Told before anything that waits; None in tests with one call at a time."""
        self.servers = SocksServers()
        self.peer_names = PeerNames()
        self.pairs = Pairs()
        self.underway: dict[int, Call] = {}
        """Inode of a socket on which a handshake is made -> the call that it is made for."""
        self._changed = threading.Condition()
        self._refuses: tuple[CompiledPolicy | None, bool] = (None, False)
        self._plain: set[bytes] = set()
        """Servers to which the way drops a SYN with octets."""
        self._network = own_network()

    def await_other(self, supervisor: Supervisor, call: Call, taken: OwnedFd) -> None:
        """Wait until no handshake is made on a socket for another call.

        That is the same call's earlier run, which a signal took its caller out of, or another thread's, which finds a
        socket that is connected, or that is not. Otherwise it could lead the socket elsewhere in the middle of it.

        Raises:
            CallerGone: The call no longer waits.
        """
        inode = os.fstat(taken.number).st_ino
        if inode in self.underway and self.turns is not None:
            self.turns.may_block()
        with self._changed:
            while inode in self.underway:
                self._changed.wait(_LOOK_S)
                if not supervisor.backend.is_waiting(call):
                    raise CallerGone("GWL0402")

    def over(self, call: Call) -> None:
        """Let the next call have the socket that a handshake was made on."""
        with self._changed:
            for inode in [inode for inode, known in self.underway.items() if known.cookie == call.cookie]:
                del self.underway[inode]
            self._changed.notify_all()

    def connect(
        self,
        supervisor: Supervisor,
        policy: CompiledPolicy,
        attempt: Attempt,
        taken: OwnedFd,
        sockaddr: bytes,
        remote: Endpoint,
        name: str = "",
    ) -> Routed | None:
        """Take a connect through a SOCKS server if an entry says so; until `over` the socket is its alone.

        Args:
            supervisor: The job's.
            policy: Under which it was allowed.
            attempt: The call, its caller identified.
            taken: The program's socket.
            sockaddr: Where the program wants to be connected to.
            remote: The same, for the policy.
            name: What that address stands for, which the server is told instead; empty for itself.

        Returns:
            None if it is to be made directly.

        Raises:
            CallerGone: The call no longer waits.
            Undecidable: It must be rejected.
        """
        groups = supervisor.groups(attempt) if policy.uses_groups else _NO_GROUPS
        entry = policy.route(attempt.who.user, groups, remote.address, remote.port)
        if entry is None or entry.type is SocksType.DIRECT or not _can_be_taken(taken.number, sockaddr, remote):
            self.pairs.break_up(attempt.call.thread, taken.number)
            return None
        if not self._is_in_our_network(taken.number):
            # The server's address is the job's own there: it would be its server, and would be told the password.
            raise Undecidable("in another network namespace than its guard")
        destination = Place(remote.address, remote.port, name)
        if name and entry.version is SocksVersion.V4:
            server = entry.servers[0].label
            error = failure(Reason.NO_NAMES, server, destination)
            return Routed(error.errno, server, line(describe(error)))
        self._claim(supervisor, attempt.call, taken)
        if streams.state(taken.number) != streams.CLOSED:
            result = streams.refuse_again(taken.number)
            return Routed(errno.EALREADY if result == errno.EAFNOSUPPORT else result)
        way = _Way(
            supervisor,
            attempt,
            taken.number,
            k.sockaddr_family(sockaddr),
            entry,
            destination,
            _give_up_at(taken.number),
            lambda: _is_wanted(supervisor, attempt),
            self._may_refuse(policy),
        )
        routed = self._take(way)
        if not routed.result:
            self.peer_names.remember(taken.number, sockaddr)
        return routed

    def _is_in_our_network(self, number: int) -> bool:
        try:
            return streams.network(number) == self._network
        except OSError:
            return False

    def _claim(self, supervisor: Supervisor, call: Call, taken: OwnedFd) -> None:
        inode = os.fstat(taken.number).st_ino
        while True:
            self.await_other(supervisor, call, taken)
            with self._changed:
                if inode not in self.underway:
                    self.underway[inode] = call
                    return

    def _may_refuse(self, policy: CompiledPolicy) -> bool:
        """Say whether a policy refuses any connect: whether a forged request could get round anything."""
        known, refuses = self._refuses
        if known is not policy:
            table = policy.tables[ExitPoint.CONNECT]
            refuses = bool(policy.exit_programs[ExitPoint.CONNECT]) or (
                table is not None and any(decision.errno for decision in table.decisions)
            )
            self._refuses = policy, refuses
        return refuses

    def _take(self, way: _Way) -> Routed:
        """Try the servers of an entry until one serves, or one decides."""
        routed = Routed(errno.EHOSTUNREACH)
        for server in self.servers.in_order(way.entry.servers):
            name = server.label
            note = way.supervisor.recorder.note
            self._let_others_lead(server)
            started = time.monotonic()
            try:
                self._try_server(way, server)
            except SocksError as error:
                routed = Routed(error.errno, name, line(describe(error)))
                if way.give_up_at <= time.monotonic():
                    return routed._replace(result=errno.ETIMEDOUT)
                if not error.blames_server:
                    self.servers.has_answered(server, note, time.monotonic() - started)
                    return routed
                self.servers.has_failed(server, error, note)
            except _DoesNotFit as error:
                routed = Routed(error.told.errno, name, line(describe(error.told)))
            except NotBegun as error:
                return Routed(error.number, name)
            except CallerGone:
                return Routed(errno.EINTR, name, "its caller has ended")
            except Interfered as error:
                raise Undecidable(f"{error} during the exchange with SOCKS server {name}") from None
            else:
                self.servers.has_answered(server, note, time.monotonic() - started)
                self.pairs.remember(way.attempt.caller, way.number, name, way.destination)
                return Routed(0, name)
        return routed

    def _let_others_lead(self, server: SocksServer) -> None:
        """Have another thread take the calls that come, unless the server has answered before that would be done."""
        if self.turns is not None and (self.turns.is_careful or not self.servers.is_quick(server)):
            self.turns.may_block()

    def _try_server(self, way: _Way, server: SocksServer) -> None:
        """Try one server, at each of its addresses that the socket can be connected to.

        Raises:
            SocksError, NotBegun, Interfered, CallerGone: As `shake_hands`; the socket can be connected again.
            _DoesNotFit: There is no address for this socket.
        """
        deadline = min(way.give_up_at, time.monotonic() + way.entry.time_limit_ms / 1000)
        patience = Patience(deadline, way.is_wanted)
        try:
            addresses = self.servers.addresses(server, patience)
        except TimeoutError:
            raise failure(Reason.SILENT, server.label, way.destination, "the address of its name") from None
        if not addresses:
            raise failure(Reason.UNREACHABLE, server.label, way.destination, "its name is not known")
        fitting = [found for address in addresses if (found := _sockaddr(way, Endpoint(address, server.port)))]
        if not fitting:
            raise _DoesNotFit(failure(Reason.UNREACHABLE, server.label, way.destination, _NO_ADDRESS))
        for sockaddr in fitting[:-1]:
            try:
                self._talk(way, server, sockaddr, patience)
            except SocksError as error:
                if error.reason not in _TRY_NEXT_ADDRESS:
                    raise
            else:
                return
        self._talk(way, server, fitting[-1], patience)

    def _talk(self, way: _Way, server: SocksServer, sockaddr: bytes, patience: Patience) -> None:
        exchange = Watched(as_told(way.entry, server, way.attempt.caller), way.destination, way.number)
        talk = Talk(way.number, sockaddr, exchange, way.first_with_syn and sockaddr not in self._plain)
        try:
            if not shake_hands(talk, patience):
                self._plain.add(sockaddr)
        except (SocksError, Interfered, CallerGone):
            streams.dissolve(way.number)
            raise


def own_network() -> int | None:
    """Return the number of our network namespace (`streams.network`); None where the kernel does not say."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as own:
        return streams.network(own.fileno())
    return None


def _can_be_taken(number: int, sockaddr: bytes, remote: Endpoint) -> bool:
    """Say whether a connect is one of TCP that Linux would not refuse because of the socket's family."""
    try:
        if syscalls.socket_option(number, socket.SO_PROTOCOL) != socket.IPPROTO_TCP:
            return False
        family = syscalls.socket_option(number, socket.SO_DOMAIN)
    except OSError:
        return False
    if family != k.sockaddr_family(sockaddr):
        return False
    return family == socket.AF_INET or not k.is_mapped(remote.address) or not _is_ipv6_only(number)


def _is_ipv6_only(number: int) -> bool:
    return bool(streams.number_option(number, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))


def _give_up_at(number: int) -> float:
    if syscalls.is_non_blocking(number):
        return _FOREVER
    limit_s = streams.send_timeout_s(number)
    return time.monotonic() + limit_s if limit_s else _FOREVER


def _is_wanted(supervisor: Supervisor, attempt: Attempt) -> bool:
    """Say whether a caller waits, or lives and may make its call again."""
    return supervisor.backend.is_waiting(attempt.call) or not syscalls.is_readable(attempt.caller.pidfd.number)


def as_told(entry: SocksEntry, server: SocksServer, caller: Caller) -> Server:
    """Return a server as the exchange knows it; who connects is looked up only where the server is told."""
    is_told = entry.version is not SocksVersion.V5 and not entry.user_id
    return wire_server(entry, server, _user_name(identity.user_number(caller)) if is_told else "")


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _sockaddr(way: _Way, server: Endpoint) -> bytes:
    """Return a server's address for a socket of some family; b"" if it cannot be connected to it."""
    port = server.port.to_bytes(2, "big")
    if way.family == socket.AF_INET:
        if not k.is_mapped(server.address):
            return b""
        return socket.AF_INET.to_bytes(2, "little") + port + (server.address & _IPV4_MASK).to_bytes(4, "big") + bytes(8)
    if k.is_mapped(server.address) and _is_ipv6_only(way.number):
        return b""
    return socket.AF_INET6.to_bytes(2, "little") + port + bytes(4) + server.address.to_bytes(16, "big") + bytes(4)
