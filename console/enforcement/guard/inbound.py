"""One inbound connection that a SOCKS server was asked for, from BIND's first reply to who gets it.

::

    AWAITED --> ARRIVED --> CLAIMED --> HANDED --> SPENT
           |       ^-----------+-----------+         ^
           `--> FAILED ---> TOLD ----> HANDED -------+
                   ^-----------+-----------+
    AWAITED, ARRIVED, FAILED --> SPENT: nobody is left who could accept it

A thread waits for the server's second reply, makes the program's listener readable when there is something to accept
(see `doorbell`), and gives the connection up when the listener is closed, or, before it listens, when its process ends.

Knows no rules and no journal.

Threads: any; its own.
"""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Callable
from enum import IntEnum, auto

from console.enforcement import syscalls
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.doorbell import Doorbell
from console.enforcement.guard.pairs import Pair
from console.errors import CallerGone, SocksError
from console.socks.client import Patience, perform
from console.socks.exchange import Exchange
from console.socks.words import Place

_LOOK_S = 0.1
_HANDING_S = 2.0
"""How long to deliver it, one system call, may take."""


class Stage(IntEnum):
    """How far it has come."""

    AWAITED = auto()
    ARRIVED = auto()
    """It is there for an accept."""
    CLAIMED = auto()
    """An accept has it in hand."""
    HANDED = auto()
    """The program is about to have it, or the failure: it may make its next accept before we know."""
    FAILED = auto()
    """It will not come; no accept was told so yet."""
    TOLD = auto()
    """An accept is to tell that it will not come."""
    SPENT = auto()
    """It is the program's, or came to nothing."""


_CLAIMED_FROM = {Stage.ARRIVED: Stage.CLAIMED, Stage.FAILED: Stage.TOLD}
_IN_HAND = frozenset({Stage.CLAIMED, Stage.TOLD, Stage.HANDED})
_NOT_YET = _IN_HAND | {Stage.AWAITED}
"""What the accepts that do not have it wait in: it may be given back."""


class Inbound:
    """One that is awaited.

    Args:
        pair: What it belongs to.
        wire: The guard's connection to the server, which will be the program's connection.
        exchange: Bound.
        asked: Socket address that the program wanted to bind to.
        process: Its process; owned here.
        process_number: The number of that process.
    """

    def __init__(
        self,
        pair: Pair,
        wire: socket.socket,
        exchange: Exchange,
        asked: bytes,
        process: OwnedFd,
        process_number: int,
    ) -> None:
        self.pair = pair
        self.process_number = process_number
        self.wire = wire
        self.asked = asked
        self.stage = Stage.AWAITED
        self.error: SocksError | None = None
        """Why it failed."""
        self.told = False
        """Whether the bind that asked for it was answered."""
        self.recorded = False
        """Whether the journal has it as accepted: one connection is one entry, however many accepts are interrupted."""
        self.doorbell: Doorbell | None = None
        """There once the program listens."""
        self._exchange = exchange
        self._process = process
        self._changed = threading.Condition()

    @property
    def bound(self) -> Place:
        """Where the server listens; never a name, and never no address."""
        bound = self._exchange.bound
        return Place(self.pair.at.address, bound.port) if bound.name else bound.filled(self.pair.at.address)

    @property
    def peer(self) -> Place:
        """Who has come; where the server does not say, who was expected."""
        peer = self._exchange.peer
        expected = self.pair.destination
        return Place(expected.address, peer.port) if peer.name else peer.filled(expected.address)

    def start(self, give_up: Callable[[Inbound], None]) -> None:
        """Begin to wait.

        Args:
            give_up: Called when nobody is left who could accept it and it was there, or had failed.

        Raises:
            RuntimeError, OSError: There is no thread or no descriptor to be had.
        """
        wire = self.wire.dup()  # the other may be closed at any moment
        threading.Thread(target=self._run, args=(wire, give_up), name="inbound", daemon=True).start()

    def listen(self, listener: int) -> None:
        """Let the program's socket listen.

        Raises:
            OSError: Why it cannot.
        """
        with self._changed:
            self.doorbell = Doorbell(listener)
            self._changed.notify_all()

    def claim(self, patience_s: float) -> Stage:
        """Take it for an accept if it is there; wait so long for it.

        Returns:
            `Stage.CLAIMED` for who has it now, `Stage.TOLD` for who is to tell the program that it will not come; both
            must either `give_back` it or `spend` it. `Stage.SPENT`, or `Stage.AWAITED` if the time was too short.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.stage not in _NOT_YET, patience_s)
            # Who has just been given it must not be told that it is still to come: a moment, whatever the patience.
            self._changed.wait_for(lambda: self.stage is not Stage.HANDED, _HANDING_S)
            if self.stage in _CLAIMED_FROM:
                self.stage = _CLAIMED_FROM[self.stage]
                return self.stage
            return Stage.AWAITED if self.stage in _NOT_YET else self.stage

    def hand(self, listener: int) -> None:
        """Get ready to deliver it, for who has claimed it: the program's socket is readable no longer."""
        with self._changed:
            self.stage = Stage.HANDED
            if self.doorbell is not None:
                self.doorbell.silence(listener)

    def give_back(self) -> None:
        """Let another accept have it, if it is not spent."""
        with self._changed:
            if self.stage not in _IN_HAND:
                return
            if self.doorbell is not None:
                self.doorbell.arm()
            self._come_to(Stage.ARRIVED if self.error is None else Stage.FAILED)

    def spend(self, listener: int) -> None:
        """Let go of the connection, which is the program's now, or nobody's."""
        with self._changed:
            self._come_to(Stage.SPENT)
            self.wire.close()
            if self.doorbell is not None:
                self.doorbell.silence(listener)

    def abandon(self) -> None:
        """Give it up; the server is told by a reset."""
        with self._changed:
            self._come_to(Stage.SPENT)
            if self.wire.fileno() >= 0:
                syscalls.reset(self.wire.detach())
            if self.doorbell is not None:
                self.doorbell.close()

    def abandon_unheard(self) -> bool:
        """Give it up if the program does not listen yet; say whether that is so."""
        with self._changed:
            if self.doorbell is not None:
                return False
            self.abandon()
        return True

    def _come_to(self, stage: Stage) -> None:
        with self._changed:
            self.stage = stage
            self._changed.notify_all()

    def _is_wanted(self) -> bool:
        if self.stage is Stage.SPENT:
            return False
        doorbell = self.doorbell
        return doorbell.is_there if doorbell is not None else not syscalls.is_readable(self._process.number)

    def _run(self, wire: socket.socket, give_up: Callable[[Inbound], None]) -> None:
        with wire:
            try:
                self._exchange.await_inbound()
                perform(wire.fileno(), self._exchange, Patience(math.inf, self._is_wanted))
            except CallerGone:
                self.abandon()
                return
            except SocksError as error:
                self.error = error
        self._settle(Stage.ARRIVED if self.error is None else Stage.FAILED)
        while (was_there := self._end()) is None:
            with self._changed:
                if self.doorbell is not None and self.stage in (Stage.ARRIVED, Stage.FAILED):
                    self.doorbell.ring()
                self._changed.wait_for(lambda: self.stage is Stage.SPENT, _LOOK_S)
        if was_there:
            give_up(self)

    def _settle(self, stage: Stage) -> None:
        with self._changed:
            if self.stage is Stage.AWAITED:
                self.stage = stage
                self._changed.notify_all()

    def _end(self) -> bool | None:
        """Reset the connection if nobody is left who could accept it.

        Returns:
            None while it is wanted; else whether it was there for somebody, or had failed and nobody was told.
        """
        with self._changed:
            if self.stage is Stage.SPENT:
                return False
            if self.stage in _IN_HAND or self._is_wanted():
                return None
            was_there = self.stage is not Stage.AWAITED
            self.abandon()
        return was_there
