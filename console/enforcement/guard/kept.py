"""Connections that were taken off their listener and could not be handed over.

Their caller was taken out of its accept by a signal, has ended, or had no descriptor left. Without a guard such a
connection stays in the listener's queue, where anybody who polls the listener sees it, until somebody accepts it or
the listener is closed. So it is here, as far as a knock at the listener can be made (see `knock`): it is handed to who
finds the knock. Without one, it is handed to the next accept on that listener, and given up if none comes.

Knows nothing of rules and of the journal: what becomes of a connection is decided by who takes it from here.

Threads: any.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from console.enforcement.fds import OwnedFd
from console.enforcement.guard.knock import Knock, key_of, knock
from console.enforcement.guard.supervisor import Attempt
from console.enforcement.layouts import Endpoint
from console.policy.decide import CompiledPolicy
from console.policy.request import Decision


@dataclass(slots=True)
class Connection:
    """A connection that was taken off its listener and decided about."""

    descriptor: OwnedFd
    peer: bytes
    """Socket address of the peer."""
    policy: CompiledPolicy
    decision: Decision
    local: Endpoint
    remote: Endpoint
    recorded: bool = False
    """Whether the journal has it as allowed: one connection is one entry, however many accepts are interrupted."""
    refused: bool = False
    """Whether the journal has it as rejected, and a program that looks before it accepts waits to hear of it."""


@dataclass(slots=True, eq=False)
class Kept:
    """A connection, for whom it was, and since when it is here (time.monotonic)."""

    inode: int
    """Which listener."""
    attempt: Attempt
    connection: Connection
    since: float
    knock: Knock | None = None


class KeptConnections:
    """The connections of one job that wait for another accept."""

    def __init__(self) -> None:
        self.entries: list[Kept] = []
        """In the order they came; looked at before and after each accept, and mostly empty."""
        self._mutex = threading.Lock()
        self.say_whether_any: Callable[[bool], None] = lambda _any: None
        """Told before the first connection can be found at its listener, and when none is here any more."""

    @property
    def unannounced(self) -> frozenset[int]:
        """The inodes of the listeners for which some are here that no knock speaks for."""
        if not self.entries:
            return frozenset()
        with self._mutex:
            return frozenset(entry.inode for entry in self.entries if entry.knock is None)

    def keep(self, listener: int, inode: int, attempt: Attempt, connection: Connection) -> None:
        """Take a connection in, and knock at its listener."""
        entry = Kept(inode, attempt, connection, time.monotonic())
        with self._mutex:
            # In this order: who finds the knock at once then finds us with the mutex, and waits.
            self.entries.append(entry)
            self.say_whether_any(True)
            entry.knock = knock(listener, connection.descriptor.number)

    def take_unannounced(self, inode: int) -> Connection | None:
        """Return the first connection for a listener that no knock speaks for."""
        return self._take_first(lambda entry: entry.knock is None and entry.inode == inode)

    def take_announced(self, descriptor: int, peer: bytes) -> Connection | None:
        """Return the connection that an accepted one stands for; None if that is a connection like any other."""
        key = key_of(descriptor, peer)
        return self._take_first(lambda entry: entry.knock is not None and entry.knock.key == key)

    def _take_first(self, is_wanted: Callable[[Kept], bool]) -> Connection | None:
        with self._mutex:
            entry = next(filter(is_wanted, self.entries), None)
            if entry is None:
                return None
            self._remove(entry)
            return entry.connection

    def take_given_up(self, older_than_s: float) -> list[Kept]:
        """Return those whose listener is gone, and those that no accept came for though no knock keeps them alive."""
        now = time.monotonic()
        with self._mutex:
            found = [entry for entry in self.entries if _is_given_up(entry, now - older_than_s)]
            for entry in found:
                self._remove(entry)
        return found

    def take_all(self) -> list[Kept]:
        """Return all that are here: nobody is left who could accept them."""
        with self._mutex:
            found = list(self.entries)
            for entry in found:
                self._remove(entry)
        return found

    def _remove(self, entry: Kept) -> None:
        """Forget one; the mutex is held."""
        self.entries.remove(entry)
        if not self.entries:
            self.say_whether_any(False)
        if entry.knock is not None:
            entry.knock.close()


def _is_given_up(entry: Kept, since: float) -> bool:
    return entry.knock.is_over if entry.knock is not None else entry.since <= since
