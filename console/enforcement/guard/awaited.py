"""The sockets of a job that are bound through SOCKS servers, each with the one connection that it awaits."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from console.enforcement import streams
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.inbound import Inbound, Stage
from console.enforcement.guard.supervisor import Attempt, Supervisor
from console.enforcement.guard.turns import Turns
from console.errors import CallerGone

_MOST = 1024
"""Sockets of a job that are bound so, or were; `Awaited.keep` takes none beyond that."""
_MOST_OF_PROCESS = 64
"""Connections that a process awaits; beyond that the oldest that it does not listen for is given up, or none taken."""
_LOOK_S = 0.1


class Awaited:
    """Them.

    Args:
        turns: Told before a thread of the guard waits; None where there is one thread a call.

    Threads: any.
    """

    def __init__(self, turns: Turns | None) -> None:
        self._turns = turns
        self._inbound: dict[int, Inbound] = {}
        """Number of a socket (SO_COOKIE) -> what it is bound to."""
        self._mutex = threading.Lock()
        self._in_hand: set[int] = set()
        """Numbers of sockets that a server is asked for just now."""
        self._settled = threading.Condition(self._mutex)

    def __bool__(self) -> bool:
        """Say whether there is any."""
        return bool(self._inbound)

    @contextlib.contextmanager
    def alone(self, supervisor: Supervisor, attempt: Attempt, taken: OwnedFd) -> Iterator[None]:
        """Have a socket that no other thread asks a server for; the same call's earlier run, maybe, which goes on.

        Raises:
            CallerGone: The call no longer waits.
        """
        cookie = streams.cookie(taken.number)
        if cookie in self._in_hand and self._turns is not None:
            self._turns.may_block()
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

    def find(self, supervisor: Supervisor, attempt: Attempt) -> tuple[OwnedFd, Inbound] | None:
        """Return the socket that a call names and what it is bound to; None for any other."""
        if not self._inbound:
            return None
        number = attempt.call.arguments[0] & 0xFFFF_FFFF
        try:
            taken = supervisor.backend.take_descriptor(attempt.call, attempt.caller, number)
        except OSError:
            return None
        inbound = self.known(taken.number)
        if inbound is None:
            taken.close()
            return None
        return taken, inbound

    def known(self, number: int) -> Inbound | None:
        """Return what a socket is bound to, if it is bound so."""
        try:
            return self._inbound.get(streams.cookie(number))
        except OSError:  # no socket
            return None

    def forget(self, inbound: Inbound) -> None:
        """Know no socket any more that is bound to this."""
        with self._mutex:
            for cookie in [cookie for cookie, known in self._inbound.items() if known is inbound]:
                del self._inbound[cookie]

    def keep(self, number: int, inbound: Inbound) -> bool:
        """Remember what a socket is bound to; say whether there was room."""
        with self._mutex:
            if len(self._inbound) >= _MOST:
                for cookie in [cookie for cookie, known in self._inbound.items() if known.stage is Stage.SPENT]:
                    del self._inbound[cookie]
            is_room = len(self._inbound) < _MOST and self._make_room(inbound.process_number)
            if is_room:
                self._inbound[streams.cookie(number)] = inbound
        return is_room

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
