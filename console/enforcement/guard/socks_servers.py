"""The SOCKS servers of a guard: where they are, and which of them have failed lately.

A server that failed is tried after the others of its entry for a while, so that not each connect waits for it anew. The
journal is told once when a server fails, and once when it is back, with how long it was away.

Knows no sockets of programs, and no entries.

Threads: any.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from console.errors import CallerGone, SocksError
from console.messages import describe, line, message
from console.policy.request import MAPPED
from console.policy.rule import SocksServer
from console.socks.client import Patience

_NAMES_KEPT_S = 30.0
"""How long an address of a name is believed; as long as those of users (`identity`)."""
_AVOIDED_S = 30.0
"""How long a server that failed is tried last."""
_MOST_KEPT = 1024
"""Names, and servers that failed; all are forgotten beyond that."""
_LOOK_S = 0.1
_QUICK_S = 0.002
"""A whole handshake, with a server and a destination nearby. If the next takes longer, the watchdog relieves its thread
after a few hundredths of a second (`turns`)."""


class _Failing(NamedTuple):
    """A server that failed the last time it was tried."""

    since: float
    """Seconds of the monotonic clock."""
    last: float


class SocksServers:
    """What is known of servers, by their labels."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._failing: dict[str, _Failing] = {}
        self._quick: set[str] = set()
        self._addresses: dict[str, tuple[float, tuple[int, ...]]] = {}
        """Name -> until when it is believed, and its addresses."""

    def in_order(self, servers: Sequence[SocksServer]) -> list[SocksServer]:
        """Return the servers of an entry in the order in which to try them: its own, but those that failed last."""
        if not self._failing:
            return list(servers)
        avoided = time.monotonic() - _AVOIDED_S
        failing = {name for name, known in tuple(self._failing.items()) if known.last > avoided}
        return sorted(servers, key=lambda server: server.label in failing)

    def has_failed(self, server: SocksServer, error: SocksError, note: Callable[[str], None]) -> None:
        """Remember that a server failed; `note` takes what the journal is to be told."""
        name, now = server.label, time.monotonic()
        self._quick.discard(name)
        with self._mutex:
            known = self._failing.get(name)
            if known is None and len(self._failing) >= _MOST_KEPT:
                self._failing.clear()
            self._failing[name] = _Failing(now if known is None else known.since, now)
        if known is None:
            at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
            note(line(message("GWL0820", server=name, at=at, reason=line(describe(error)))))

    def is_quick(self, server: SocksServer) -> bool:
        """Say whether a server's last answer came so soon that to hand over to another thread would take as long."""
        return server.label in self._quick

    def has_answered(self, server: SocksServer, note: Callable[[str], None], after_s: float) -> None:
        """Remember that a server works, and how soon; `note` takes what the journal is to be told."""
        name = server.label
        if after_s > _QUICK_S:
            self._quick.discard(name)
        elif len(self._quick) < _MOST_KEPT:
            self._quick.add(name)
        if not self._failing:
            return
        with self._mutex:
            known = self._failing.pop(name, None)
        if known is not None:
            away = timedelta(seconds=round(time.monotonic() - known.since))
            note(line(message("GWL0821", server=name, duration=away)))

    def addresses(self, server: SocksServer, patience: Patience) -> tuple[int, ...]:
        """Return where a server is, in the 128-bit space, in the order of getaddrinfo(3); empty if nobody knows.

        Raises:
            CallerGone: Nobody wants to know any more.
            TimeoutError: The resolver does not answer in time.
        """
        literal = _literal(server.host)
        if literal is not None:
            return (literal,)
        known = self._addresses.get(server.host)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        found = _look_up(server.host, patience)
        with self._mutex:
            if len(self._addresses) >= _MOST_KEPT:
                self._addresses.clear()
            if found:
                self._addresses[server.host] = time.monotonic() + _NAMES_KEPT_S, found
        return found


def _look_up(name: str, patience: Patience) -> tuple[int, ...]:
    """Ask the resolver, in a thread of its own: it knows no time limit but its own, and cannot be interrupted."""
    found: list[tuple[int, ...]] = []
    asking = threading.Thread(target=lambda: found.append(_resolve(name)), name="resolver", daemon=True)
    asking.start()
    while not found:
        left_s = patience.deadline - patience.clock()
        if left_s <= 0:
            raise TimeoutError
        asking.join(min(left_s, _LOOK_S))
        if not patience.is_wanted():
            raise CallerGone("GWL0402")
    return found[0]


def _resolve(name: str) -> tuple[int, ...]:
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    found = (_literal(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in answers)
    return tuple(dict.fromkeys(address for address in found if address is not None))


@lru_cache(maxsize=_MOST_KEPT)
def _literal(host: str) -> int | None:
    """Return an address that is written as one; None for a name."""
    try:
        return MAPPED + int.from_bytes(socket.inet_pton(socket.AF_INET, host), "big")
    except OSError:
        pass
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET6, host), "big")
    except OSError:
        return None
