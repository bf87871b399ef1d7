"""Tells the journal of datagrams: the first that a socket sends to a peer, and the first that it receives from one.

SK O and I, in jobs that start while *NETUDP is among the audit levels. Nothing is decided here and nothing is carried
out: addresses are looked at, and then the call goes its way. So a program with two threads can have others told than it
sends to. Where the policy decides about datagrams its decisions are the SK O entries, and sends are not looked at here.

A connect of a datagram socket counts as the first datagram to its peer: what a connected socket sends mostly names no
address. What is received shows where a call wants to know who sent it; where a socket was connected, it can only be the
peer, and what such a socket receives without asking is not seen.

A receive that has to wait waits here until there is something to receive, by a thread of its own, and is then the
kernel's. An error that waits on the socket is told to whoever looks first: that was us, and so it is the answer.

Source: net/ipv4/udp.c, udp_recvmsg; net/core/datagram.c, __skb_try_recv_datagram; net/socket.c, __sys_recvfrom.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from console.enforcement import datagrams, syscalls
from console.enforcement import layouts as k
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.destination import DatagramKind, datagram_destination, datagram_kind, resolved
from console.enforcement.guard.message import read_header, read_sendto
from console.enforcement.guard.remote_names import RemoteNames
from console.enforcement.guard.supervisor import Attempt, Supervisor, Undecidable, local_endpoint
from console.enforcement.guard.turns import Turns
from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.enforcement.records import Seen
from console.errors import CallerGone
from console.model.words import ExitPoint, Mode, Udp
from console.policy.decide import CompiledPolicy

Handler = Callable[[Supervisor, Attempt], None]

_SENDS = (k.SYS_SENDTO, k.SYS_SENDMSG, k.SYS_SENDMMSG)
_RECEIVES = {k.SYS_RECVFROM: 3, k.SYS_RECVMSG: 2, k.SYS_RECVMMSG: 3}
"""Calls that receive -> index of their flags argument."""
_MOST_KNOWN = 16_384
"""Pairs of socket and peer that were told of; when there are more all are forgotten, and told of anew."""
_MOST_OF_CALL = 64
"""Messages of one sendmmsg that are looked at."""
_LOOK_S = 0.25
"""How often somebody who waits is looked after: a signal may have taken its caller out."""


def decides_datagrams(policy: CompiledPolicy) -> bool:
    """Say whether rules are asked about datagrams, and so make the entries."""
    return policy.udp is Udp.DECIDE and policy.modes[ExitPoint.CONNECT] is not Mode.OFF


class Traffic:
    """The handlers that look at datagrams, in front of those that serve the calls.

    Threads: any.
    """

    def __init__(self, turns: Turns | None = None, names: RemoteNames | None = None) -> None:
        self._turns = turns
        """Told before a wait; None in tests with one call at a time."""
        self._names = names
        """There in jobs whose names are resolved at SOCKS servers; what is led to the guard goes to no peer."""
        self._known: set[tuple[Seen, int, Endpoint]] = set()
        """Direction, inode of a socket, and peer, of what was told."""
        self._mutex = threading.Lock()

    def handlers(self, others: Mapping[int, tuple[ExitPoint, Handler]]) -> Mapping[int, tuple[ExitPoint, Handler]]:
        """Return handlers that look at datagrams, given those that serve the calls; receives may have none."""
        own: dict[int, Callable[[Handler, Supervisor, Attempt], None]] = {
            k.SYS_CONNECT: self._connect,
            **dict.fromkeys(_SENDS, self._send),
            **dict.fromkeys(_RECEIVES, self._receive),
        }
        inner = {number: others.get(number, (ExitPoint.CONNECT, _go_on)) for number in own}
        return {**others, **{number: (inner[number][0], partial(own[number], inner[number][1])) for number in own}}

    def _connect(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Tell of the peer that a datagram socket is connected to, and have the connect served."""
        if not decides_datagrams(supervisor.policy):
            with self._looking(supervisor, attempt) as looked:
                if looked is not None:
                    self._tell(supervisor, attempt, looked[0], Seen.SENT, _asked(supervisor, attempt, *looked))
        handle(supervisor, attempt)

    def _send(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Tell where datagrams go, and have the send served."""
        if not decides_datagrams(supervisor.policy):
            with self._looking(supervisor, attempt) as looked:
                if looked is not None:
                    taken, kind = looked
                    for remote in _destinations(supervisor, attempt, taken, kind):
                        self._tell(supervisor, attempt, taken, Seen.SENT, remote)
        handle(supervisor, attempt)

    def _receive(self, handle: Handler, supervisor: Supervisor, attempt: Attempt) -> None:
        """Tell where a datagram comes from as soon as there is one, and have the receive served."""
        call = attempt.call
        flags = call.arguments[_RECEIVES[call.number]]
        failure = 0
        with self._looking(supervisor, attempt) as looked:
            if looked is not None and not flags & socket.MSG_ERRQUEUE:
                taken, kind = looked
                failure, source = datagrams.peek_source(taken.number)
                waits = not flags & socket.MSG_DONTWAIT and not syscalls.is_non_blocking(taken.number)
                if failure == errno.EAGAIN:
                    failure, source = self._wait(supervisor, attempt, taken) if waits else (0, b"")
                if self._names is not None and self._names.told_of(taken.number, source) is not None:
                    source = b""
                if not failure and (remote := datagram_destination(kind, source)) is not None:
                    self._tell(supervisor, attempt, taken, Seen.RECEIVED, remote)
        if failure:
            supervisor.backend.answer(call, failure)
        else:
            handle(supervisor, attempt)

    @contextlib.contextmanager
    def _looking(self, supervisor: Supervisor, attempt: Attempt) -> Iterator[tuple[OwnedFd, DatagramKind] | None]:
        """Give the socket of a call while the block lasts, if it is one of datagrams and its caller can be named."""
        taken = None
        with contextlib.suppress(OSError, Undecidable):
            number = attempt.call.arguments[0] & 0xFFFF_FFFF
            if attempt.call.begun is None:
                taken = supervisor.backend.take_descriptor(attempt.call, attempt.caller, number)
        if taken is None:
            yield None
            return
        with taken:
            kind = None
            with contextlib.suppress(OSError, Undecidable):
                kind = datagram_kind(taken.number)
                if kind is not None:
                    supervisor.identify(attempt)
            yield None if kind is None else (taken, kind)

    def _tell(
        self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, seen: Seen, remote: Endpoint | None
    ) -> None:
        """Tell of a peer, once for each socket and direction."""
        local = local_endpoint(taken.number)
        if local is None or not local.port:
            local = NO_ENDPOINT
        if remote is None or not supervisor.wants(seen, attempt, local):
            return
        if seen is Seen.SENT and self._names is not None and self._names.concerns(remote):
            return
        pair = seen, os.fstat(taken.number).st_ino, remote
        with self._mutex:
            if pair in self._known:
                return
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known.add(pair)
        supervisor.tell(seen, attempt, local, remote)

    def _wait(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd) -> tuple[int, bytes]:
        """Wait until a socket has something to receive; returns as `datagrams.peek_source`, EAGAIN when time is up.

        Raises:
            CallerGone: The call no longer waits.
        """
        if self._turns is not None:
            self._turns.may_block()
        timeout_s = syscalls.receive_timeout_s(taken.number)
        deadline = time.monotonic() + timeout_s if timeout_s else None
        pidfd = attempt.caller.pidfd
        poll = select.poll()
        poll.register(taken.number, select.POLLIN)
        poll.register(pidfd.number, select.POLLIN)
        while True:
            left_s = _LOOK_S if deadline is None else min(_LOOK_S, max(0.0, deadline - time.monotonic()))
            poll.poll(left_s * 1000)
            failure, source = datagrams.peek_source(taken.number)
            if failure != errno.EAGAIN or (deadline is not None and time.monotonic() >= deadline):
                return failure, source
            if _is_shut(taken.number):
                return 0, b""
            if not supervisor.backend.is_waiting(attempt.call):
                raise CallerGone("GWL0402")


def _go_on(supervisor: Supervisor, attempt: Attempt) -> None:
    supervisor.backend.go_on(attempt.call)


def _destinations(
    supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, kind: DatagramKind
) -> Iterator[Endpoint | None]:
    """Yield where the datagrams of a send go."""
    backend, call = supervisor.backend, attempt.call
    headers = [call.arguments[1]]
    if call.number == k.SYS_SENDMMSG:
        count = min(call.arguments[2] & 0xFFFF_FFFF, _MOST_OF_CALL)
        headers = [call.arguments[1] + at * k.MESSAGE_OF_MANY_SIZE for at in range(count)]
    with contextlib.suppress(Undecidable):
        for header in headers:
            sent = read_sendto(backend, call) if call.number == k.SYS_SENDTO else read_header(backend, call, header)
            if isinstance(sent, int):
                return
            if not sent.name:
                yield _peer(taken)
                continue
            remote = datagram_destination(kind, sent.name)
            yield None if remote is None else resolved(taken.number, sent.name, remote)[1]


def _asked(supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, kind: DatagramKind) -> Endpoint | None:
    """Return what a datagram socket is to be connected to; None where it is to be of no peer any more."""
    _, address, size, _, _, _ = attempt.call.arguments
    with contextlib.suppress(OSError):
        sockaddr = supervisor.backend.read_memory(attempt.call, address, min(size, k.SOCKADDR_STORAGE_SIZE))
        remote = datagram_destination(kind, sockaddr) if k.sockaddr_family(sockaddr) else None
        return None if remote is None else resolved(taken.number, sockaddr, remote)[1]
    return None


def _peer(taken: OwnedFd) -> Endpoint | None:
    with contextlib.suppress(OSError):
        return k.parse_sockaddr(syscalls.peer_sockaddr(taken.number))
    return None


def _is_shut(number: int) -> bool:
    """Say whether a socket is ready though it has nothing: it was shut down, and receives return at once."""
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0)) and datagrams.peek_source(number)[0] == errno.EAGAIN
