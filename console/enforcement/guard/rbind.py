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
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.acting import as_caller, is_in_our_network
from console.enforcement.guard.awaited import Awaited
from console.enforcement.guard.inbound import Inbound
from console.enforcement.guard.pairs import Pair
from console.enforcement.guard.peer_names import PeerNames, write_name
from console.enforcement.guard.rbind_accept import Handler, RbindAccepts
from console.enforcement.guard.rbind_addresses import copy_address, could_be_bound, refuses_port, sockaddr_of, unusable
from console.enforcement.guard.routing import Router, as_told
from console.enforcement.guard.supervisor import Attempt, Supervisor
from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.enforcement.sockets import bind
from console.errors import CallerGone, SocksError
from console.messages import describe, line
from console.model.words import ExitPoint, SocksType
from console.policy.decide import CompiledPolicy
from console.policy.rule import SocksEntry, SocksServer
from console.socks.client import Patience, dial
from console.socks.exchange import Exchange
from console.socks.words import Command, Place

_NO_GROUPS: frozenset[str] = frozenset()
_ADDRESS_AT, _LENGTH_AT = 1, 2
_OPTION_ADDRESS_AT, _OPTION_LENGTH_AT = 3, 4
"""Indexes of the arguments of bind and of setsockopt."""


class _Led(NamedTuple):
    """The way to a destination."""

    entry: SocksEntry
    server: SocksServer


class RbindPoint:
    """The handlers of a job whose binds may become Rbinds.

    Threads: any.
    """

    def __init__(self, router: Router) -> None:
        self._router = router
        self._awaited = Awaited(router.turns)
        self._own_names = PeerNames()
        """Of accepted connections: where the server listened."""
        self._accepts = RbindAccepts(router, self._awaited, self._own_names)

    def handlers(
        self, others: Mapping[int, tuple[ExitPoint, Handler]], *, every_bind: bool = True
    ) -> Mapping[int, tuple[ExitPoint, Handler]]:
        """Return handlers that know of Rbind, given those that do not and go on serving all other sockets.

        Args:
            others: System call number -> its exit point and what handles it.
            every_bind: Whether a bind may be one; otherwise a program has to ask by the option.
        """
        mine: dict[int, Callable[[Handler, Supervisor, Attempt], None]] = {
            k.SYS_CONNECT: self._connect,
            k.SYS_LISTEN: self._accepts.listen,
            k.SYS_ACCEPT: self._accepts.accept,
            k.SYS_ACCEPT4: self._accepts.accept,
            k.SYS_SETSOCKOPT: self._option,
        }
        known = {number: (others[number][0], partial(handle, others[number][1])) for number, handle in mine.items()}
        _, plain = others.get(k.SYS_BIND, (ExitPoint.CONNECT, _go_on))
        binds = {k.SYS_BIND: (ExitPoint.CONNECT, partial(self._bind, plain))} if every_bind else {}
        return {**others, **known, **binds, k.SYS_GETSOCKNAME: (ExitPoint.CONNECT, self._name)}

    def _bind(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one bind: an Rbind, where the thread has a pair and the socket is one of TCP that is not bound."""
        pair = self._router.pairs.of(attempt.caller)
        if pair is None and not self._awaited:
            handle(supervisor, attempt)
            return
        taken = supervisor.take_socket(attempt)
        if taken is None:
            return
        with taken:
            if not unusable(taken.number):
                with self._awaited.alone(supervisor, attempt, taken):
                    if self._awaited.known(taken.number) is not None or self._is_usable(supervisor, attempt, pair):
                        self._rbind(supervisor, attempt, taken, pair, (_ADDRESS_AT, _LENGTH_AT))
                        return
                if pair is not None:
                    self._router.pairs.forget(attempt.caller)
        handle(supervisor, attempt)

    def _option(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one setsockopt: Rbind, if it is of its level."""
        if attempt.call.arguments[1] & 0xFFFF_FFFF != k.RBIND_LEVEL:
            handle(supervisor, attempt)
            return
        taken = supervisor.take_socket(attempt)
        if taken is None:
            return
        with taken:
            failure = unusable(taken.number)
            if attempt.call.arguments[2] & 0xFFFF_FFFF != k.RBIND_OPTION:
                failure = errno.ENOPROTOOPT
            if failure:
                supervisor.backend.answer(attempt.call, failure)
                return
            pair = self._router.pairs.of(attempt.caller)
            with self._awaited.alone(supervisor, attempt, taken):
                if self._awaited.known(taken.number) is None and not self._is_usable(supervisor, attempt, pair):
                    pair = None
                self._rbind(supervisor, attempt, taken, pair, (_OPTION_ADDRESS_AT, _OPTION_LENGTH_AT))

    def _is_usable(self, supervisor: Supervisor, attempt: Attempt, pair: Pair | None) -> bool:
        """Say whether a thread has a pair, is where its server is, and would be led through that server now."""
        if pair is None or not is_in_our_network(supervisor, attempt):
            return False
        supervisor.identify(attempt)
        return _leads_now(supervisor, supervisor.policy, attempt, pair) is not None

    def _rbind(
        self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, pair: Pair | None, at: tuple[int, int]
    ) -> None:
        """Answer an Rbind of a TCP socket that the kernel has bound nowhere."""
        call = attempt.call
        asked = copy_address(supervisor, attempt, call.arguments[at[0]], call.arguments[at[1]] & 0xFFFF_FFFF)
        if isinstance(asked, int):
            supervisor.backend.answer(call, asked)
            return
        inbound = self._awaited.known(taken.number)
        if inbound is not None:  # made again after a signal, or made twice
            result = errno.EINVAL if inbound.told or inbound.asked != asked else 0
        else:
            result = could_be_bound(supervisor, attempt, taken.number, asked)
            if not result:
                result = errno.ENOTCONN if pair is None else self._ask(supervisor, attempt, taken, pair, asked)
            inbound = self._awaited.known(taken.number)
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
        led = _leads_now(supervisor, policy, attempt, pair)
        if led is None:  # another policy has come into force meanwhile
            return errno.ENOTCONN
        decision = supervisor.decide(policy, attempt, local, remote)
        if decision.errno:
            supervisor.record(policy, attempt, decision, local, remote, text="Rbind")
            return decision.errno
        name, text = pair.label, "Rbind"
        try:
            inbound = self._begin(supervisor, attempt, pair, led, asked)
            result = self._keep(supervisor, taken, inbound)
            text = f"Rbind; the server listens at {inbound.bound}"
        except SocksError as error:
            result, text = error.errno, f"Rbind; {line(describe(error))}"
        except OSError as error:
            result = error.errno or errno.ENOBUFS
        except CallerGone:
            result = errno.EINTR
        supervisor.record(policy, attempt, decision, local, remote, result, text=text, socks_server=name)
        return result

    def _begin(self, supervisor: Supervisor, attempt: Attempt, pair: Pair, led: _Led, asked: bytes) -> Inbound:
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

        exchange = Exchange(as_told(*led, attempt.caller), Command.BIND, pair.destination)
        process = OwnedFd(syscalls.open_pidfd(attempt.caller.process, one_thread=False))
        patience = Patience(time.monotonic() + led.entry.time_limit_ms / 1000, is_wanted)
        wire = dial(Place(*pair.at), exchange, patience)
        return Inbound(pair, wire, exchange, asked, process, attempt.caller.process)

    def _keep(self, supervisor: Supervisor, taken: OwnedFd, inbound: Inbound) -> int:
        """Remember a connection that is awaited, if it can be told of; returns 0 or the errno."""
        if not sockaddr_of(taken.number, inbound.bound):
            inbound.abandon()
            return errno.EAFNOSUPPORT
        try:
            if self._awaited.keep(taken.number, inbound):
                inbound.start(partial(_say_given_up, supervisor))
                return 0
        except (OSError, RuntimeError):  # at the limit of threads or descriptors
            self._awaited.forget(inbound)
        inbound.abandon()
        return errno.ENOBUFS

    def _name(self, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one getsockname."""
        found = self._awaited.find(supervisor, attempt)
        if found is None:
            self._own_names.handle(supervisor, attempt)
            return
        taken, inbound = found
        with taken:
            name = sockaddr_of(taken.number, inbound.bound)
        supervisor.backend.answer(attempt.call, write_name(supervisor, attempt.call, name))

    def _connect(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one connect; of a socket that was to be listened on, after letting go of the server."""
        found = self._awaited.find(supervisor, attempt)
        if found is not None:
            taken, inbound = found
            with taken:
                if inbound.doorbell is None:
                    acting = as_caller(supervisor, attempt)
                    self._awaited.forget(inbound)
                    inbound.abandon()
                    result = refuses_port(supervisor, attempt, inbound.asked)
                    if not result:
                        with acting:
                            result = bind(taken.number, inbound.asked)
                    if result:
                        supervisor.backend.answer(attempt.call, result)
                        return
        handle(supervisor, attempt)


def _leads_now(supervisor: Supervisor, policy: CompiledPolicy, attempt: Attempt, pair: Pair) -> _Led | None:
    """Return how a connect to the destination would go through the same server now; None if it would not."""
    groups = supervisor.groups(attempt) if policy.uses_groups else _NO_GROUPS
    entry = policy.route(attempt.who.user, groups, pair.destination.address, pair.destination.port)
    if entry is None or entry.type is not SocksType.SOCKS:
        return None
    server = next((server for server in entry.servers if server.label == pair.label), None)
    return None if server is None else _Led(entry, server)


def _say_given_up(supervisor: Supervisor, inbound: Inbound) -> None:
    """Put into the journal that a connection came, or failed, and no accept asked for it."""
    reason = line(describe(inbound.error)) if inbound.error is not None else f"{inbound.peer} had come"
    supervisor.recorder.note(f"Rbind at {inbound.bound} through {inbound.pair.label} given up: {reason}")


def _go_on(supervisor: Supervisor, attempt: Attempt) -> None:
    supervisor.backend.go_on(attempt.call)
