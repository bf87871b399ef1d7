"""The decisions of a guard that the journal does not have yet, in the order made.

The thread that decides writes each into a segment (`console.enforcement.segment`) before the call is answered, so that
a guard killed at any moment has left all of them. Everything that takes longer is the reporter's: the next segment is
made before the one in use is full, and the old ones go when the worker has taken what is in them.

Where no file can be had (the disk is full, the directory a stranger's) segments are memory that ends with the process,
a bounded number of them. When they are full too, `full` says so, and calls are refused: what cannot be journalled is
not let happen.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from mmap import mmap
from pathlib import Path

from console.enforcement.frames import Hello
from console.enforcement.guard.durability import Durability
from console.enforcement.guard.segment_source import SegmentSource
from console.enforcement.guard.shared_lock import Native, SharedLock, Tally
from console.enforcement.records import Decided, Totals, pack, pack_notice
from console.enforcement.segment import SEGMENT_BYTES, Segment
from console.messages import line, message
from console.model.words import Outcome
from console.policy.audit_levels import Auditing

_SPARE_FROM = SEGMENT_BYTES // 8
"""Used so far when the next segment is made."""
_MOST_IN_MEMORY = 64
"""Segments without a file, 16 MiB: some 130,000 decisions. Calls that are under way when the last of them is begun are
still kept, however many they are."""
_RETRY_S = 0.5
"""Between two tries to get a file where there was none to be had."""


class Backlog:
    """Takes decisions, and gives them out until they are taken.

    Threads: any may `record`, `note` and `turn_away`; all else is the reporter's.
    """

    def __init__(self, directory: Path, hello: Hello, clock_ns: Callable[[], int], wake: Callable[[], None]) -> None:
        """Make the first segment.

        Args:
            directory: Where spools lie.
            hello: The guard's.
            clock_ns: Nanoseconds since 1970, for notices.
            wake: Called after a decision while `resting` is set, which that clears.
        """
        self.durability = Durability()
        """What must be on the disk before a call goes on, and what becomes of calls when nothing can be kept."""
        self._is_over = False
        """Nothing more can be kept."""
        self._resting = False
        self.number = 0
        """Of the last record."""
        self._source = SegmentSource(directory, hello)
        self._clock_ns = clock_ns
        self._wake = wake
        self._mutex: AbstractContextManager[object] = threading.Lock()
        self._lend: Callable[[mmap | None], None] | None = None
        self._decided = self._refused = self._decision_us = self._turned_away = 0
        self._unkept = 0
        """Entries that were not kept since nothing more can be."""
        self.carried: tuple[int, int, int] = Totals()
        """What had been decided when the last record was made, which says so itself."""
        self._told = False
        self._next_try = 0.0
        self._taken = 0
        self._spare: Segment | None = None
        self._current = self._source.make(self._source.next_index())
        self._segments = deque([self._current])
        self._sending = self._current
        self._sent_to = self._current.end

    def record(self, decided: Decided) -> None:
        """Count a decision, and keep it if its rule wants it in the journal. Threads: any."""
        decision = decided.decision
        with self._mutex:
            self._decided += 1
            self._decision_us += decided.decision_us
            if decision.outcome is Outcome.REJECTED:
                self._refused += 1
            number = 0
            if decision.journal:
                number = self._keep(decided)
        self._settle(number)

    def tell(self, seen: Decided) -> None:
        """Keep what is no decision, as long as there is room. Threads: any."""
        with self._mutex:
            if self._is_over:
                self._unkept += 1
                return
            number = self._keep(seen)
        self._settle(number)

    def note(self, text: str) -> None:
        """Keep something else that belongs into the journal. Threads: any."""
        with self._mutex:
            number = self.number + 1
            totals = (self._decided, self._refused, self._decision_us)
            self._append(number, pack_notice(number, totals, self._clock_ns(), text))

    @property
    def full(self) -> bool:
        """Whether nothing more can be kept, and a call is to be refused therefore, and turned away."""
        return self._is_over and self.durability.refuses

    def turn_away(self) -> None:
        """Count a call that was refused because nothing can be kept. Threads: any."""
        with self._mutex:
            self._decided += 1
            self._refused += 1
            self._turned_away += 1

    def share(self, native: Native) -> None:
        """Let the plain calls, which are served without Python, be counted and kept in the same place.

        Before any other thread has this object.
        """
        native.enter()
        native.lend(self._lent())
        tally, resting = self.state()
        native.leave_journal(*tally, resting)
        self._lend = native.lend
        self._mutex = SharedLock(self, native)

    def keep_as(self, auditing: Auditing) -> None:
        """Keep decisions from now on as the auditing system values say."""
        with self._mutex:
            self.durability.set(auditing)
            if self._lend is not None:
                self._lend(self._lent())

    def _lent(self) -> mmap | None:
        """Return what the plain calls may append to: they wait for no disk."""
        return None if self.durability.level else self._current.memory

    def unshare(self) -> None:
        """Take that back: nothing is served any more."""
        if self._lend is not None:
            with self._mutex:
                self._lend(None)

    def learn(self, tally: Tally) -> None:
        """Take over what the other side has counted; it holds its lock."""
        if tally.number > self.number:
            self._current.last, self._current.end = tally.number, tally.end
        self.number, self._decided, self._refused, self._decision_us, self.carried, _ = tally

    def state(self) -> tuple[Tally, bool]:
        """Return what the other side is to go on with, and whether the reporter is to be woken for more."""
        counted = self.number, self._decided, self._refused, self._decision_us
        return Tally(*counted, self.carried, self._current.end), self._resting

    def _catch_up(self) -> None:
        """Learn what others have counted."""
        if self._lend is not None:
            with self._mutex:
                pass

    @property
    def resting(self) -> bool:
        """Whether the reporter sleeps until it is woken."""
        return self._resting

    @resting.setter
    def resting(self, rests: bool) -> None:
        with self._mutex:
            self._resting = rests

    @property
    def totals(self) -> Totals:
        """What has been decided so far, journalled or not."""
        self._catch_up()
        return Totals(self._decided, self._refused, self._decision_us)

    @property
    def progress(self) -> tuple[int, int]:
        """What grows with all that is recorded."""
        self._catch_up()
        return self.number, self._decided

    @property
    def taken(self) -> int:
        """Number of the last record that the journal has."""
        return self._taken

    @property
    def untaken(self) -> bool:
        """Whether something is not in the journal yet."""
        self._catch_up()
        return self.number > self._taken

    @property
    def mortal(self) -> bool:
        """Whether something would be lost with this process."""
        return any(segment.path is None and segment.last > self._taken for segment in tuple(self._segments))

    @property
    def troubled(self) -> bool:
        """Whether `tend` is to be called even when nothing is recorded."""
        return self._source.trouble is not None or bool(self._turned_away or self._unkept or self.durability.failure)

    def unsent(self) -> bytes:
        """Return the records that come next, whole; b"" when all have been given out."""
        self._catch_up()
        while True:
            segment = self._sending
            complete = segment is not self._segments[-1]  # looked at first: nothing is appended to it after that
            octets = segment.read(self._sent_to, SEGMENT_BYTES)
            self._sent_to += len(octets)
            if octets or not complete:
                return octets
            self._sending = self._segments[self._segments.index(segment) + 1]
            self._sent_to = self._sending.start

    def taken_up_to(self, number: int) -> None:
        """Forget what is in the journal."""
        self._taken = max(self._taken, number)
        self.durability.taken(self._taken)
        while (
            len(self._segments) > 1 and self._segments[0].last <= self._taken and self._segments[0] is not self._sending
        ):
            self._segments.popleft().remove()

    def rewind(self, number: int) -> None:
        """Give out again what comes after this number, and perhaps some before it."""
        self._sending = self._segments[-1]
        self.taken_up_to(number)
        self._sending = self._segments[0]
        self._sent_to = self._sending.start

    def tend(self) -> None:
        """Make the next segment if it is time, let go of old ones, and find files for those that have none."""
        self._catch_up()
        self.taken_up_to(self._taken)
        for segment in tuple(self._segments)[-2::-1]:
            if not segment.release():
                break
        if self._source.trouble is not None and time.monotonic() >= self._next_try:
            self._next_try = time.monotonic() + _RETRY_S
            self._find_files(self._source.trouble)
        if self._spare is None and self._source.trouble is None and self._current.end > _SPARE_FROM:
            self._make_spare()
        if self.durability.failure is not None:
            self._write_again()
        self._is_over = self._has_no_room()
        if not self._is_over:
            self._tell_lost()

    def close(self, exit_status: int | None) -> None:
        """Leave what there is to the next worker."""
        self._remove_spare()
        self._source.close(exit_status)

    def remove(self) -> None:
        """Delete everything, because the journal has it and the job has ended."""
        self.unshare()
        self._remove_spare()
        for segment in self._segments:
            segment.remove()
        self._source.remove()

    def _keep(self, decided: Decided) -> int:
        """Append a record; returns its number, 0 if there was no room. With the lock."""
        if self._is_over and not self.durability.refuses:
            self._unkept += 1
            return 0
        number = self.number + 1
        self.carried = (self._decided, self._refused, self._decision_us)
        self._append(number, pack(number, self.carried, decided))
        return number

    def _settle(self, number: int) -> None:
        """Wake the reporter if it sleeps, and wait for the disk if the record with this number must be there."""
        if self._resting:
            self._resting = False
            self._wake()
        if number and self.durability.is_due(number):
            self.durability.write(number, tuple(self._segments))
            if self.durability.failure is not None or self._current.path is None:
                self._is_over = self._has_no_room()

    def _write_again(self) -> None:
        """Try again to bring to the disk what it did not take."""
        if not self._told:
            self._told = True
            failure = self.durability.failure
            self.note(line(message("GWL0510", path=self._source.directory, reason=failure.strerror if failure else "")))
        self.durability.write(self.number, tuple(self._segments))

    def _tell_lost(self) -> None:
        """Say how many calls were refused, or have no entry, while nothing could be kept."""
        if not self._turned_away and not self._unkept:
            return
        with self._mutex:
            refused, self._turned_away = self._turned_away, 0
            unkept, self._unkept = self._unkept, 0
        if refused:
            self.note(line(message("GWL0517", count=refused)))
        if unkept:
            self.note(line(message("GWL0693", count=unkept)))

    def _append(self, number: int, body: bytes) -> None:
        if not self._current.append(number, body):
            self._turn()
            self._current.append(number, body)
        self.number = number

    def _turn(self) -> None:
        """Go on in the next segment."""
        self._current = self._spare or self._source.make(self._source.next_index())
        self._spare = None
        if self._lend is not None:  # before the one in use so far can be let go of
            self._lend(self._lent())
        self._segments.append(self._current)
        self._is_over = self._has_no_room()

    def _has_no_room(self) -> bool:
        if self._in_memory() >= _MOST_IN_MEMORY:
            return True
        if not self.durability.level or (self._source.trouble is None and self.durability.failure is None):
            return False
        first = next((segment for segment in tuple(self._segments) if segment.path is None), None)
        if first is None:
            return self.durability.is_over(-1)
        before = max((segment.last for segment in tuple(self._segments) if segment.index < first.index), default=0)
        return self.durability.is_over(self.number - max(self._taken, before))

    def _in_memory(self) -> int:
        return sum(segment.path is None for segment in tuple(self._segments)) if self._source.trouble is not None else 0

    def _make_spare(self) -> None:
        with self._mutex:
            index = self._source.next_index()
        spare = self._source.make(index)
        with self._mutex:
            # Segments are read in the order of their numbers: whoever was faster has a later one in use.
            if index == self._source.made and spare.path is not None:
                self._spare = spare
                return
        spare.remove()

    def _remove_spare(self) -> None:
        with self._mutex:
            spare, self._spare = self._spare, None
        if spare is not None:
            spare.remove()

    def _find_files(self, trouble: OSError) -> None:
        """Put into files what is in memory only; say once that there were none to be had."""
        if not self._told:
            self._told = True
            self.note(line(message("GWL0510", path=self._source.directory, reason=trouble.strerror)))
        try:
            for segment in tuple(self._segments):
                if segment.path is None:
                    path = self._source.path(segment.index)
                    with self._mutex:
                        segment.settle(path)
                        if self._lend is not None and segment is self._current:
                            self._lend(self._lent())
        except OSError as error:
            self._source.trouble = error
            return
        with self._mutex:
            if all(segment.path is not None for segment in self._segments):  # none was begun without one meanwhile
                self._source.trouble, self._told = None, False
