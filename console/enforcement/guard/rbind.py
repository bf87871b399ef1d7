"""Rbind: lets a program take one inbound connection through a SOCKS server, as IBM i's socket library does.

A thread that has connected through a SOCKS server binds another socket. That bind asks the same server for a connection
from the address that was connected to (BIND), on a connection of the guard's own. getsockname then tells where the
server listens, which the program tells its peer; listen succeeds; accept returns the connection when the peer has come.
Every bind is one in a job that was started with --rbind; in any job that began under a policy with SOCKS entries a
program can ask for it itself, by a socket option of a level that only guards know (data/rbind, `console.rbind`).

The exit points hold. To ask a server is decided as a connect to the address that is expected; listen and accept are
decided under the addresses that the program sees: local is where the server listens, remote who has come.

The program's own socket is not bound before it listens (see `doorbell`), so that one that is bound and then connects,
as some clients bind the source of a connection, is bound where its program wanted it to be, and the server is let go.

After its one connection, or its failure, which is told once as ECONNABORTED, accept fails with EINVAL at once: there is
nothing more to come, and a program that waited would wait for ever.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from console.enforcement import layouts as k
from console.enforcement import streams, syscalls
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.acting import as_caller, is_in_our_network, may_bind_privileged_ports
from console.enforcement.guard.inbound import Inbound, Stage
from console.enforcement.guard.pairs import Pair
from console.enforcement.guard.peer_names import PeerNames, write_name
from console.enforcement.guard.routing import Router
from console.enforcement.guard.supervisor import Attempt, Supervisor, Undecidable, local_endpoint
from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.enforcement.sockets import bind, make_socket
from console.errors import CallerGone, SocksError
from console.messages import describe, line
from console.model.words import ExitPoint, SocksType
from console.policy.decide import CompiledPolicy
from console.policy.request import Decision
from console.socks.client import Patience, dial
from console.socks.exchange import Exchange
from console.socks.words import Command, Place

Handler = Callable[[Supervisor, Attempt], None]

_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
_KNOWN_FLAGS = socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
_MOST = 1024
"""Sockets of a job that are bound so, or were; ENOBUFS beyond that."""
_MOST_OF_PROCESS = 64
"""Connections that a process awaits; beyond that the oldest that it does not listen for is given up, else ENOBUFS."""
_PORT_AT = slice(2, 4)
"""Where sockaddr_in and sockaddr_in6 have the port."""
_FIRST_FREE_PORT = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
_USUAL_FIRST_FREE_PORT = 1024
_LOOK_S = 0.1
_NO_GROUPS: frozenset[str] = frozenset()
_IPV4_MASK = 0xFFFF_FFFF
_ADDRESS_AT, _LENGTH_AT = 1, 2
_OPTION_ADDRESS_AT, _OPTION_LENGTH_AT = 3, 4
"""Indexes of the arguments of bind and of setsockopt."""


class RbindPoint:
    """The handlers of a job whose binds may become Rbinds.

    Threads: any.
    """

    def __init__(self, router: Router) -> None:
        self._router = router
        self._inbound: dict[int, Inbound] = {}
        """Number of a socket (SO_COOKIE) -> what it is bound to."""
        self._own_names = PeerNames()
        """Of accepted connections: where the server listened."""
        self._mutex = threading.Lock()
        self._in_hand: set[int] = set()
        """Numbers of sockets that a server is asked for just now."""
        self._settled = threading.Condition(self._mutex)

    def handlers(self, others: Mapping[int, tuple[ExitPoint, Handler]]) -> Mapping[int, tuple[ExitPoint, Handler]]:
        """Return handlers that know of Rbind, given those that do not and go on serving all other sockets."""
        mine: dict[int, Callable[[Handler, Supervisor, Attempt], None]] = {
            k.SYS_CONNECT: self._connect,
            k.SYS_LISTEN: self._listen,
            k.SYS_ACCEPT: self._accept,
            k.SYS_ACCEPT4: self._accept,
            k.SYS_SETSOCKOPT: self._option,
        }
        known = {number: (others[number][0], partial(handle, others[number][1])) for number, handle in mine.items()}
        return {
            **others,
            **known,
            k.SYS_BIND: (ExitPoint.CONNECT, self._bind),
            k.SYS_GETSOCKNAME: (ExitPoint.CONNECT, self._name),
        }

    def _bind(self, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one bind: an Rbind, where the thread has a pair and the socket is one of TCP that is not bound."""
        pair = self._router.pairs.of(attempt.caller)
        if pair is None and not self._inbound:
            supervisor.backend.go_on(attempt.call)
            return
        taken = supervisor.take_socket(attempt)
        if taken is None:
            return
        with taken:
            if not _fails(taken.number):
                with self._alone(supervisor, attempt, taken):
                    if self._known(taken.number) is not None or self._is_usable(supervisor, attempt, pair):
                        self._rbind(supervisor, attempt, taken, pair, (_ADDRESS_AT, _LENGTH_AT))
                        return
                if pair is not None:
                    self._router.pairs.forget(attempt.caller)
            supervisor.backend.go_on(attempt.call)

    def _option(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one setsockopt: Rbind, if it is of its level."""
        if attempt.call.arguments[1] & 0xFFFF_FFFF != k.RBIND_LEVEL:
            handle(supervisor, attempt)
            return
        taken = supervisor.take_socket(attempt)
        if taken is None:
            return
        with taken:
            failure = _fails(taken.number)
            if attempt.call.arguments[2] & 0xFFFF_FFFF != k.RBIND_OPTION:
                failure = errno.ENOPROTOOPT
            if failure:
                supervisor.backend.answer(attempt.call, failure)
                return
            pair = self._router.pairs.of(attempt.caller)
            with self._alone(supervisor, attempt, taken):
                if self._known(taken.number) is None and not self._is_usable(supervisor, attempt, pair):
                    pair = None
                self._rbind(supervisor, attempt, taken, pair, (_OPTION_ADDRESS_AT, _OPTION_LENGTH_AT))

    @contextlib.contextmanager
    def _alone(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd) -> Iterator[None]:
        """Have a socket that no other thread asks a server for; the same call's earlier run, maybe, which goes on.

        Raises:
            CallerGone: The call no longer waits.
        """
        cookie = streams.cookie(taken.number)
        if cookie in self._in_hand and self._router.turns is not None:
            self._router.turns.may_block()
        with self._settled:
            while cookie in self._in_hand:
                self._settled.wait(_LOOK_S)
                if not supervisor.backend.is_waiting(attempt.call):
                    raise CallerGone("GWL0402")
            self._in_hand.add(cookie)
        try:
            yield
        finally:
            with self._settled:
                self._in_hand.discard(cookie)
                self._settled.notify_all()

    def _is_usable(self, supervisor: Supervisor, attempt: Attempt, pair: Pair | None) -> bool:
        """Say whether a thread has a pair, is where its server is, and would be led through that server now."""
        if pair is None or not is_in_our_network(supervisor, attempt):
            return False
        supervisor.identify(attempt)
        return self._still_leads_there(supervisor, supervisor.policy, attempt, pair)

    def _rbind(
        self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, pair: Pair | None, at: tuple[int, int]
    ) -> None:
        """Answer an Rbind of a TCP socket that the kernel has bound nowhere."""
        call = attempt.call
        asked = _copy_address(supervisor, attempt, call.arguments[at[0]], call.arguments[at[1]] & 0xFFFF_FFFF)
        if isinstance(asked, int):
            supervisor.backend.answer(call, asked)
            return
        inbound = self._known(taken.number)
        if inbound is not None:  # made again after a signal, or made twice
            result = errno.EINVAL if inbound.told or inbound.asked != asked else 0
        else:
            result = _could_be_bound(supervisor, attempt, taken.number, asked)
            if not result:
                result = errno.ENOTCONN if pair is None else self._ask(supervisor, attempt, taken, pair, asked)
            inbound = self._known(taken.number)
        try:
            if inbound is not None and not result:
                inbound.told = True
            supervisor.backend.answer(call, result)
        except CallerGone:
            if inbound is not None and not result:
                inbound.told = False
            raise

    def _ask(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, pair: Pair, asked: bytes) -> int:
        """Ask the server of a pair for a connection; returns 0 or the errno."""
        policy = supervisor.policy
        supervisor.identify(attempt)
        local = k.parse_sockaddr(asked) or NO_ENDPOINT
        remote = Endpoint(pair.destination.address, pair.destination.port)
        decision = supervisor.decide(policy, attempt, local, remote)
        if decision.errno:
            supervisor.record(policy, attempt, decision, local, remote, text="Rbind")
            return decision.errno
        name, text = pair.server.label, "Rbind"
        try:
            inbound = self._begin(supervisor, attempt, pair, asked)
            result = self._keep(supervisor, attempt, taken, inbound)
            text = f"Rbind; the server listens at {inbound.bound}"
        except SocksError as error:
            result, text = error.errno, f"Rbind; {line(describe(error))}"
        except OSError as error:
            result = error.errno or errno.ENOBUFS
        except CallerGone:
            result = errno.EINTR
        supervisor.record(policy, attempt, decision, local, remote, result, text=text, socks_server=name)
        return result

    def _still_leads_there(self, supervisor: Supervisor, policy: CompiledPolicy, attempt: Attempt, pair: Pair) -> bool:
        """Say whether a connect to the destination would go through the same server now."""
        groups = supervisor.groups(attempt) if policy.uses_groups else _NO_GROUPS
        entry = policy.route(attempt.who.user, groups, pair.destination.address, pair.destination.port)
        return (
            entry is not None
            and entry.type is SocksType.SOCKS
            and any(server.label == pair.server.label for server in entry.servers)
        )

    def _begin(self, supervisor: Supervisor, attempt: Attempt, pair: Pair, asked: bytes) -> Inbound:
        """Have a server listen.

        Raises:
            SocksError: It does not.
            CallerGone: The caller has ended.
            OSError: There is no descriptor, or the process has ended.
        """
        if self._router.turns is not None:
            self._router.turns.may_block()

        def is_wanted() -> bool:
            return supervisor.backend.is_waiting(attempt.call) or not syscalls.is_readable(attempt.caller.pidfd.number)

        exchange = Exchange(pair.server, Command.BIND, pair.destination)
        process = OwnedFd(syscalls.open_pidfd(attempt.caller.process, one_thread=False))
        patience = Patience(time.monotonic() + pair.time_limit_ms / 1000, is_wanted)
        wire = dial(Place(*pair.at), exchange, patience)
        return Inbound(pair, wire, exchange, asked, process, attempt.caller.process)

    def _keep(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, inbound: Inbound) -> int:
        """Remember a connection that is awaited, if it can be told of; returns 0 or the errno."""
        if not _sockaddr(taken.number, inbound.bound):
            inbound.abandon()
            return errno.EAFNOSUPPORT
        with self._mutex:
            if len(self._inbound) >= _MOST:
                for cookie in [cookie for cookie, known in self._inbound.items() if known.stage is Stage.SPENT]:
                    del self._inbound[cookie]
            is_room = len(self._inbound) < _MOST and self._make_room(inbound.process_number)
            if is_room:
                self._inbound[streams.cookie(taken.number)] = inbound
        try:
            if is_room:
                inbound.start(partial(_say_given_up, supervisor))
                return 0
        except (OSError, RuntimeError):  # at the limit of threads or descriptors
            self._forget(inbound)
        inbound.abandon()
        return errno.ENOBUFS

    def _make_room(self, process: int) -> bool:
        """Give up the oldest connection that a process does not listen for, if it awaits many; say if there is room.

        It is not known when a socket is closed that does not listen, and its thread would stay as long as the process.
        """
        awaited = [
            known
            for known in self._inbound.values()
            if known.process_number == process and known.stage is not Stage.SPENT
        ]
        return len(awaited) < _MOST_OF_PROCESS or any(known.abandon_unheard() for known in awaited)

    def _name(self, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one getsockname."""
        found = self._find(supervisor, attempt)
        if found is None:
            self._own_names.handle(supervisor, attempt)
            return
        taken, inbound = found
        with taken:
            name = _sockaddr(taken.number, inbound.bound)
        supervisor.backend.answer(attempt.call, write_name(supervisor, attempt.call, name))

    def _connect(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one connect; of a socket that was to be listened on, after letting go of the server."""
        found = self._find(supervisor, attempt)
        if found is not None:
            taken, inbound = found
            with taken:
                if inbound.doorbell is None:
                    acting = as_caller(supervisor, attempt)
                    self._forget(inbound)
                    inbound.abandon()
                    result = _refuses_port(supervisor, attempt, inbound.asked)
                    if not result:
                        with acting:
                            result = bind(taken.number, inbound.asked)
                    if result:
                        supervisor.backend.answer(attempt.call, result)
                        return
        handle(supervisor, attempt)

    def _listen(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one listen."""
        found = self._find(supervisor, attempt)
        if found is None:
            handle(supervisor, attempt)
            return
        taken, inbound = found
        with taken:
            if inbound.doorbell is not None:  # Linux would change the length of the queue, which takes one
                supervisor.backend.answer(attempt.call, 0)
                return
            policy, local = supervisor.policy, Endpoint(inbound.bound.address, inbound.bound.port)
            supervisor.identify(attempt)
            decision = supervisor.decide(policy, attempt, local, NO_ENDPOINT)
            failure = 0
            if not decision.errno:
                try:
                    inbound.listen(taken.number)
                except OSError as error:
                    failure = error.errno or errno.EINVAL
        name = inbound.pair.server.label
        supervisor.record(policy, attempt, decision, local, NO_ENDPOINT, failure, socks_server=name)
        supervisor.backend.answer(attempt.call, decision.errno or failure)

    def _accept(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one accept."""
        found = self._find(supervisor, attempt)
        if found is None:
            handle(supervisor, attempt)
            return
        taken, inbound = found
        with taken:
            call = attempt.call
            flags = call.arguments[3] & 0xFFFF_FFFF if call.number == k.SYS_ACCEPT4 else 0
            if flags & ~_KNOWN_FLAGS or inbound.doorbell is None:
                supervisor.backend.answer(call, errno.EINVAL)
                return
            if self._router.turns is not None:
                self._router.turns.may_block()
            match self._claim(supervisor, attempt, taken, inbound):
                case Stage.CLAIMED:
                    self._admit(supervisor, attempt, taken, inbound, flags)
                case Stage.TOLD:
                    self._tell_failure(supervisor, attempt, taken, inbound)
                case Stage.SPENT:
                    supervisor.backend.answer(call, errno.EINVAL)
                case _:
                    supervisor.backend.answer(call, errno.EAGAIN)

    def _claim(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, inbound: Inbound) -> Stage:
        """Wait as the program's socket would have its accept wait.

        Raises:
            CallerGone: The call no longer waits.
        """
        if syscalls.is_non_blocking(taken.number):
            return inbound.claim(0)
        limit_s = syscalls.receive_timeout_s(taken.number)
        deadline = time.monotonic() + limit_s if limit_s else float("inf")
        while True:
            stage = inbound.claim(max(0, min(_LOOK_S, deadline - time.monotonic())))
            if stage is not Stage.AWAITED or time.monotonic() >= deadline:
                return stage
            if not supervisor.backend.is_waiting(attempt.call):
                raise CallerGone("GWL0402")

    def _admit(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, inbound: Inbound, flags: int) -> None:
        """Decide about a connection that was claimed, and hand it over."""
        policy = supervisor.policy
        local, remote = Endpoint(*inbound.bound[:2]), Endpoint(*inbound.peer[:2])
        attempt.started_ns = time.perf_counter_ns()
        keeps = False
        try:
            supervisor.identify(attempt)
            decision = supervisor.decide(policy, attempt, local, remote)
            if decision.errno:
                self._drop(inbound, taken)
                supervisor.record(policy, attempt, decision, local, remote, socks_server=inbound.pair.server.label)
                supervisor.backend.answer(attempt.call, errno.ECONNABORTED)
                return
            keeps = not self._hand_over(supervisor, attempt, taken, inbound, flags, policy, decision)
        except CallerGone:
            keeps = True
            raise
        finally:
            if keeps:
                inbound.give_back()
            elif inbound.stage is not Stage.SPENT:
                self._drop(inbound, taken)

    def _drop(self, inbound: Inbound, taken: OwnedFd) -> None:
        """Reset a connection that no program will have."""
        streams.dissolve(inbound.wire.fileno())
        inbound.spend(taken.number)

    def _hand_over(
        self,
        supervisor: Supervisor,
        attempt: Attempt,
        taken: OwnedFd,
        inbound: Inbound,
        flags: int,
        policy: CompiledPolicy,
        decision: Decision,
    ) -> bool:
        """Deliver a connection; say whether the program has it. It is recorded before, as any.

        Raises:
            CallerGone: It has not.
        """
        call, number = attempt.call, inbound.wire.fileno()
        peer = _sockaddr(taken.number, inbound.peer)
        failure = write_name(supervisor, call, peer) if call.arguments[1] else 0
        if not inbound.recorded:
            inbound.recorded = True
            local, remote = Endpoint(*inbound.bound[:2]), Endpoint(*inbound.peer[:2])
            name = inbound.pair.server.label
            supervisor.record(policy, attempt, decision, local, remote, failure, socks_server=name)
        if failure:  # Linux has lost the connection too
            self._drop(inbound, taken)
            supervisor.backend.answer(call, failure)
            return True
        os.set_blocking(number, not flags & socket.SOCK_NONBLOCK)
        self._router.peer_names.remember(number, peer)
        self._own_names.remember(number, _sockaddr(taken.number, inbound.bound))
        inbound.hand(taken.number)
        try:
            supervisor.backend.deliver(call, number, close_on_exec=bool(flags & socket.SOCK_CLOEXEC))
        except OSError as error:
            supervisor.backend.answer(call, error.errno or errno.EMFILE)
            return False
        inbound.spend(taken.number)
        return True

    def _tell_failure(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, inbound: Inbound) -> None:
        """Tell a program, once, that nobody will come; who is interrupted was not told."""
        error = inbound.error
        policy = supervisor.policy
        local, remote = Endpoint(*inbound.bound[:2]), Endpoint(inbound.pair.destination.address, 0)
        try:
            supervisor.identify(attempt)
            decision = supervisor.decide(policy, attempt, local, remote)
            text = line(describe(error)) if error is not None else ""
            name, failure = inbound.pair.server.label, errno.ECONNABORTED
            if not inbound.recorded:
                inbound.recorded = True
                supervisor.record(policy, attempt, decision, local, remote, failure, text=text, socks_server=name)
            inbound.hand(taken.number)
            supervisor.backend.answer(attempt.call, failure)
        except CallerGone:
            inbound.give_back()
            raise
        except BaseException:
            inbound.spend(taken.number)
            raise
        inbound.spend(taken.number)

    def _find(self, supervisor: Supervisor, attempt: Attempt) -> tuple[OwnedFd, Inbound] | None:
        """Return the socket that a call names and what it is bound to; None for any other."""
        if not self._inbound:
            return None
        number = attempt.call.arguments[0] & 0xFFFF_FFFF
        try:
            taken = supervisor.backend.take_descriptor(attempt.call, attempt.caller, number)
        except OSError:
            return None
        inbound = self._known(taken.number)
        if inbound is None:
            taken.close()
            return None
        return taken, inbound

    def _known(self, number: int) -> Inbound | None:
        try:
            return self._inbound.get(streams.cookie(number))
        except OSError:  # no socket
            return None

    def _forget(self, inbound: Inbound) -> None:
        with self._mutex:
            for cookie in [cookie for cookie, known in self._inbound.items() if known is inbound]:
                del self._inbound[cookie]


def _fails(number: int) -> int:
    """Return the errno for an Rbind of a socket that is none of TCP, or is bound or connected; 0 for a fresh one."""
    try:
        if syscalls.socket_option(number, socket.SO_DOMAIN) not in _INTERNET:
            return errno.EAFNOSUPPORT
        if syscalls.socket_option(number, socket.SO_PROTOCOL) != socket.IPPROTO_TCP:
            return errno.EOPNOTSUPP
        local = local_endpoint(number)
        is_fresh = streams.state(number) == streams.CLOSED and local is not None and not local.port
    except OSError as error:
        return error.errno or errno.ENOTSOCK
    return 0 if is_fresh else errno.EINVAL


def _copy_address(supervisor: Supervisor, attempt: Attempt, address: int, size: int) -> bytes | int:
    """Copy the address that a program wants to bind to; or return the errno for none."""
    if size > k.SOCKADDR_STORAGE_SIZE:
        return errno.EINVAL
    try:
        return supervisor.backend.read_memory(attempt.call, address, size) if size else b""
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise Undecidable(f"memory not readable: {error.strerror}") from error
        return errno.EFAULT


def _could_be_bound(supervisor: Supervisor, attempt: Attempt, number: int, asked: bytes) -> int:
    """Return the errno with which Linux would refuse a bind to an address, were its port not taken; 0 for none.

    Raises:
        CallerGone: The caller has ended.
        Undecidable: It cannot be told.
    """
    family = syscalls.socket_option(number, socket.SO_DOMAIN)
    with as_caller(supervisor, attempt):
        try:
            probe = make_socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, socket.IPPROTO_TCP)
        except OSError as error:
            return error.errno or errno.ENOBUFS
        with probe:
            result = bind(probe.number, asked[: _PORT_AT.start] + bytes(len(asked[_PORT_AT])) + asked[_PORT_AT.stop :])
    return result or _refuses_port(supervisor, attempt, asked)


def _refuses_port(supervisor: Supervisor, attempt: Attempt, asked: bytes) -> int:
    """Return EACCES for a port that only root may bind to, and a caller that is not root; else 0.

    The guard, which is root or has its own rights, binds for its job: it must not bind where its job could not.

    Raises:
        CallerGone: The caller has ended.
        Undecidable: It cannot be told.
    """
    port = int.from_bytes(asked[_PORT_AT], "big")
    if not port:
        return 0
    try:
        first_free = int(Path(_FIRST_FREE_PORT).read_text(encoding="ascii"))
    except (OSError, ValueError):
        first_free = _USUAL_FIRST_FREE_PORT
    return 0 if port >= first_free or may_bind_privileged_ports(supervisor, attempt) else errno.EACCES


def _sockaddr(number: int, place: Place) -> bytes:
    """Return an address as a socket of that family would tell it; b"" if it cannot."""
    family = syscalls.socket_option(number, socket.SO_DOMAIN)
    port = place.port.to_bytes(2, "big")
    if family == socket.AF_INET6:
        return family.to_bytes(2, "little") + port + bytes(4) + place.address.to_bytes(16, "big") + bytes(4)
    if not place.is_ipv4:
        return b""
    return family.to_bytes(2, "little") + port + (place.address & _IPV4_MASK).to_bytes(4, "big") + bytes(8)


def _say_given_up(supervisor: Supervisor, inbound: Inbound) -> None:
    """Put into the journal that a connection came, or failed, and no accept asked for it."""
    reason = line(describe(inbound.error)) if inbound.error is not None else f"{inbound.peer} had come"
    supervisor.recorder.note(f"Rbind at {inbound.bound} through {inbound.pair.server.label} given up: {reason}")
