"""How a guard's backlog is shared with calls that are served without Python: one lock, one numbering, one memory."""

from __future__ import annotations

import threading
from mmap import mmap
from typing import Protocol


class Native(Protocol):
    """What counts and keeps decisions without Python: `console.enforcement.guard.plain_calls`."""

    def enter(self) -> tuple[int, int, int, int, tuple[int, int, int], int]:
        """Take its lock; returns what was counted, and the end of the segment that was lent."""

    def leave_journal(
        self,
        number: int,
        decided: int,
        refused: int,
        decision_us: int,
        carried: tuple[int, int, int],
        end: int,
        resting: bool,
        /,
    ) -> None:
        """Say what is counted now, and give the lock back."""

    def lend(self, memory: mmap | None, /) -> None:
        """Let it append to a segment; None for none. Under the lock."""


class Counts(Protocol):
    """What this side counts."""

    def learn(
        self,
        number: int,
        decided: int,
        refused: int,
        decision_us: int,
        carried: tuple[int, int, int],
        end: int,
    ) -> None:
        """Take over what the other side has counted."""

    def state(self) -> tuple[int, int, int, int, tuple[int, int, int], int, bool]:
        """Return what the other side is to go on with."""


class SharedLock:
    """The lock of a backlog that is the other side's too: who takes it learns what that has counted."""

    def __init__(self, counts: Counts, native: Native) -> None:
        self._counts = counts
        self._native = native
        self._mutex = threading.Lock()

    def __enter__(self) -> None:
        self._mutex.acquire()
        self._counts.learn(*self._native.enter())

    def __exit__(self, *_: object) -> None:
        self._native.leave_journal(*self._counts.state())
        self._mutex.release()
