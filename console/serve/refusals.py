"""Connections that came to nothing, told of once a minute and address: a flood must not fill the journal.

They were closed at once, or ended before anybody had tried to sign on: port scans, monitors, and what speaks no SSH.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial

from console.errors import StoreError
from console.messages import describe, line
from console.serve.entries import Entries, Peer
from console.serve.gate import group_of
from console.serve.threads import Threads

_log = logging.getLogger("greenwall.ssh")

_EVERY_S = 60.0
_MOST_ADDRESSES = 1000
"""That are told apart in a minute; what comes from more of them is counted with the last."""


@dataclass(slots=True)
class _Count:
    peer: Peer
    count: int
    reason: str


class Refusals:
    """Counts what came to nothing, and writes it down.

    Threads: The event loop's only.
    """

    def __init__(self, entries: Entries, threads: Threads) -> None:
        self._entries = entries
        self._threads = threads
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def add(self, peer: Peer, reason: str) -> None:
        """Count a connection."""
        group = group_of(peer.address)
        if group not in self._counts and len(self._counts) >= _MOST_ADDRESSES:
            group = next(reversed(self._counts))
        counted = self._counts.setdefault(group, _Count(peer, 0, reason))
        counted.peer, counted.reason = peer, reason
        counted.count += 1

    async def run(self) -> None:
        """Write them down every minute, for ever."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Write down what was counted."""
        counts, self._counts = list(self._counts.values()), OrderedDict()
        for each in counts:
            try:
                write = partial(self._entries.refused, each.peer, each.count, each.reason)
                await self._threads.run_in_order(write)
            except StoreError as error:
                _log.warning("%s", line(describe(error)))
