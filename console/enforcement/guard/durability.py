"""QAUDFRCLVL and QAUDENDACN in a guard: what must be on the disk before a call goes on, and what if it cannot be.

Records are safe from the moment they are made against all but the system itself going down, because a segment is a
file's memory (`console.enforcement.segment`). With *SYS that is enough. With a number, a thread that has made a record
waits here until fewer than so many are in memory only: with 1, until its own is on the disk. Whoever comes first writes
for all who wait.

What is in the journal is on the disk too: the worker says so only after a commit that was.

Threads: any.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from console.enforcement.segment import Segment
from console.policy.audit_levels import REFUSE, Auditing


class Durability:
    """Keeps how many records there may be in memory only, and writes them to the disk."""

    def __init__(self) -> None:
        self.level = 0
        """Records that there may be in memory only, and one more; 0 for any number."""
        self.refuses = True
        """Whether calls are refused when no record can be kept; otherwise they go on without one."""
        self.failure: OSError | None = None
        """Why the disk does not take what it should."""
        self._written = 0
        """Number of the last record on the disk."""
        self._mutex = threading.Lock()

    def set(self, auditing: Auditing) -> None:
        """Do from now on as the system values say."""
        self.level = auditing.force_level
        self.refuses = auditing.end_action == REFUSE

    def is_due(self, number: int) -> bool:
        """Say whether who has made this record must wait for the disk."""
        return bool(self.level) and number - self._written >= self.level

    def taken(self, number: int) -> None:
        """Learn that the journal has all up to this record."""
        with self._mutex:
            self._written = max(self._written, number)

    def write(self, number: int, segments: Iterable[Segment]) -> None:
        """Return when a record, and all before it, is on the disk, or cannot be brought there: then `failure` is set.

        Args:
            number: Of the record.
            segments: Those that there are, oldest first.
        """
        with self._mutex:
            if number <= self._written:
                return
            unwritten = [segment for segment in segments if segment.last > self._written]
            last = max((segment.last for segment in unwritten), default=number)
            try:
                for segment in unwritten:
                    segment.write()
            except OSError as error:
                self.failure = error
                return
            self.failure = None
            if all(segment.path is not None for segment in unwritten):
                self._written = max(self._written, last)

    def is_over(self, unkept: int) -> bool:
        """Say whether a call could no longer be recorded as it must be.

        Args:
            unkept: Records that no file holds, and the journal neither.
        """
        return bool(self.level) and (self.failure is not None or unkept >= self.level - 1)
