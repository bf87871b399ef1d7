"""How a guard's backlog is shared with calls that are served without Python: one lock, one numbering, one memory."""

from __future__ import annotations

import threading
from mmap import mmap
from typing import NamedTuple, Protocol


class Tally(NamedTuple):
    """What one side has counted, for the other to go on with."""

    number: int
    """Of the last record."""
    decided: int
    refused: int
    decision_us: int
    carried: tuple[int, int, int]
    """What the last record says had been decided."""
    end: int
    """Octets of the segment that are written."""


class Native(Protocol):
    """What counts and keeps decisions without Python: `console.enforcement.guard.plain_calls`."""

    def enter(self) -> tuple[int, int, int, int, tuple[int, int, int], int]:
        """Take its lock; returns the values of a `Tally`."""

    def leave_journal(self, *tally_and_resting: *tuple[int, int, int, int, tuple[int, int, int], int, bool]) -> None:
        """Say what is counted now, and whether the reporter is to be woken for more; give the lock back."""

    def lend(self, memory: mmap | None, /) -> None:
        """Let it append to a segment; None for none. Under the lock."""


class Counts(Protocol):
    """What this side counts."""

    def learn(self, tally: Tally) -> None:
        """Take over what the other side has counted."""

    def state(self) -> tuple[Tally, bool]:
        """Return what the other side is to go on with, and whether the reporter is to be woken for more."""


class SharedLock:
    """The lock of a backlog that is the other side's too: who takes it learns what that has counted."""

    def __init__(self, counts: Counts, native: Native) -> None:
        self._counts = counts
        self._native = native
        self._mutex = threading.Lock()

    def __enter__(self) -> None:
        self._mutex.acquire()
        self._counts.learn(Tally(*self._native.enter()))

    def __exit__(self, *_: object) -> None:
        tally, resting = self._counts.state()
        self._native.leave_journal(*tally, resting)
        self._mutex.release()
