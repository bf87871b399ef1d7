"""Gets what guards send onto disk: many guards, one transaction at a time, and no answer before it is there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import ParamSpec, Protocol, TypeVar

from console.enforcement.frames import End, Records
from console.enforcement.ledger import Ledger, Parcel
from console.errors import StoreError, WorkerError
from console.messages import describe, line

_log = logging.getLogger("greenwall.worker")

_P = ParamSpec("_P")
_T = TypeVar("_T")

_QUEUE_PARCELS = 256
"""Parcels that may wait; a guard that sends more is not read from, and keeps its entries itself."""
_BATCH_BYTES = 2 * 1024 * 1024
"""Octets of records in a transaction, about a third of a second of work: longer would hold up the commands of
operators."""
_PAUSE_S = 0.2
"""From one transaction to the next while guards go on sending. One costs as much as three hundred entries, and then the
disk has to write out what it holds; what waits is safe in the spools of its guards."""
_MANY_BYTES = 64 * 1024
_PRESSED_S = 1.0
"""So long after a transaction with so many octets of records, some five hundred, the next are expected."""
_LONGER = 2.5
"""Times the pause after a transaction with so many: then half as much of the worker's time goes into transactions, and
a reader sees the last of many entries half a second late."""
_FIRST_DELAY_S = 0.1
_WORTH_TELLING = timedelta(seconds=5)
"""A store that is locked for a moment by a long command is none."""
_LONGEST_DELAY_S = 2.0


class Sender(Protocol):
    """Whoever a parcel came from."""

    def taken(self, parcel: Parcel, number: int) -> None:
        """Hear that the parcel is on disk, and all events up to this number."""

    def refused(self, error: WorkerError) -> None:
        """Hear that the parcel was not taken, and never will be."""

    def abort(self) -> None:
        """Hear that nothing is known of the parcel; it must be sent again."""


class Scribe:
    """Keeps the one thread that works on the store, and the queue before it.

    Args:
        ledger: What it writes in.
        pause_s: From one transaction to the next.

    Threads: The event loop's only.
    """

    def __init__(self, ledger: Ledger, *, pause_s: float = _PAUSE_S) -> None:
        self.ledger = ledger
        """What it writes in; call its methods through `insist`."""
        self._pause_s = pause_s
        self._hurried = asyncio.Event()
        """What waits is not to wait any longer."""
        self._pressed_until = 0.0
        self._outage: tuple[datetime, str] | None = None
        """Since when the store takes nothing, and why."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._queue: asyncio.Queue[tuple[Parcel, Sender]] = asyncio.Queue(_QUEUE_PARCELS)

    async def insist(self, work: Callable[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
        """Do something in the store, again and again until the store takes it.

        A store may be locked, or its disk full, for a while. Nothing is given up: entries wait here, then in the
        guards, then in their spools.
        """
        delay_s = _FIRST_DELAY_S
        while True:
            try:
                done = await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **named))
            except StoreError as error:
                said = line(describe(error))
                _log.warning("%s", said)
                self._outage = self._outage or (self.ledger.now(), said)
            else:
                if self._outage is not None and work in (self.ledger.take, self.ledger.beat):
                    # These write; a store whose disk is full can be read all the time.
                    await self._say_that_it_is_over(*self._outage)
                return done
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _LONGEST_DELAY_S)

    @property
    def is_pressed(self) -> bool:
        """Whether many entries come."""
        return time.monotonic() < self._pressed_until

    def press(self) -> None:
        """Say that many entries come, by another way than from guards."""
        self._pressed_until = time.monotonic() + _PRESSED_S

    async def put(self, parcel: Parcel, sender: Sender) -> None:
        """Take a parcel; its sender hears of it when it is on disk. Waits while too many others do."""
        if self._queue.full():
            self._hurried.set()
        await self._queue.put((parcel, sender))
        if isinstance(parcel.frame, End):  # its shell has no prompt before that is written down
            self._hurried.set()

    async def commit_for_ever(self) -> None:
        """Write down what comes: the first at once, then all that has come since in one transaction, and so on."""
        while True:
            batch = [await self._queue.get()]
            self._hurried.clear()
            size_bytes = _size_bytes(batch[0][0])
            while size_bytes < _BATCH_BYTES and not self._queue.empty():
                batch.append(self._queue.get_nowait())
                size_bytes += _size_bytes(batch[-1][0])
            if not self._queue.empty():  # whoever hurried may be among those that are left
                self._hurried.set()
            await self._commit(batch)
            pause_s = self._pause_s
            if size_bytes >= _MANY_BYTES:
                self.press()
                pause_s *= _LONGER
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._hurried.wait()

    def close(self) -> None:
        """Wait for what the thread is doing, then end it."""
        self._thread.shutdown()

    async def _say_that_it_is_over(self, since: datetime, reason: str) -> None:
        """Tell operators of a time without the store, once it takes what is written; a short one is not worth it."""
        self._outage = None
        if self.ledger.now() - since < _WORTH_TELLING:
            return
        try:
            tell = self.ledger.tell_of_outage
            await asyncio.get_running_loop().run_in_executor(self._thread, tell, since, reason)
        except StoreError as error:
            _log.warning("%s", line(describe(error)))
            self._outage = since, reason

    async def _commit(self, batch: list[tuple[Parcel, Sender]]) -> None:
        results: list[int | WorkerError] = []
        try:
            results = await self.insist(self.ledger.take, [parcel for parcel, _ in batch])
        finally:
            for _, sender in batch[len(results) :]:
                sender.abort()
        for (parcel, sender), result in zip(batch, results, strict=True):
            if isinstance(result, WorkerError):
                sender.refused(result)
            else:
                sender.taken(parcel, result)


def _size_bytes(parcel: Parcel) -> int:
    return len(parcel.frame.octets) if isinstance(parcel.frame, Records) else 100
