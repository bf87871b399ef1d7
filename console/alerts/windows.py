"""How often something happened in the last t, for each key: with bounded memory, whatever the keys are. Pure.

Keys come from the journal, and so from whoever connects here: a hostile peer can make as many as it has addresses. A
window therefore keeps at most `most_keys` keys and `most_kept` moments in all. When it is full, the key that was met
longest ago is forgotten and begins at nothing when it comes again; `forgotten` says how many were that had not run out
by themselves. What was met lately is what an alert is about, so it is the last to go.

Times need not go on: the spool of a guard that was killed comes late, and a clock is set back. What is older than all
that a key counts at the time is therefore counted apart, as a run of its own; of these a key has `_MOST_RUNS`.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta

MOST_KEYS = 10_000
MOST_KEPT = 200_000
"""Moments, some 100 octets each."""
_MOST_RUNS = 3
"""Of a key: one for now, one for what a clock that was set back says, one for a spool that comes late."""


class _Run:
    """Moments of a key that lie near each other, at most so many as the threshold is."""

    __slots__ = ("moments", "values")

    def __init__(self) -> None:
        self.moments: list[datetime] = []
        """In ascending order."""
        self.values: OrderedDict[Hashable, datetime] = OrderedDict()
        """Where different values are counted, each with its moment."""

    def add(self, at: datetime, value: Hashable) -> bool:
        """Count something; False when its value was there already, and its moment was moved to this one."""
        if value is not None and (before := self.values.get(value)) is not None:
            if at > before:
                self.values[value] = at
                self.values.move_to_end(value)
                self.moments.remove(before)
                insort(self.moments, at)
            return False
        if value is not None:
            self.values[value] = at
        if self.moments and at < self.moments[-1]:
            insort(self.moments, at)
        else:
            self.moments.append(at)
        return True

    def drop_first(self) -> None:
        """Forget the oldest."""
        first = self.moments.pop(0)
        if self.values:
            del self.values[next(value for value, at in self.values.items() if at == first)]

    def count(self, within: timedelta) -> int:
        """Return how many there were in the time before the newest."""
        return len(self.moments) - bisect_right(self.moments, self.moments[-1] - within)


class Window:
    """Counts entries, or different values, for each key.

    Args:
        threshold: Up to how many it has to count; for more it says no more than that they are as many.
        within: How far back.
        most_keys: Keys that it keeps.
        most_kept: Moments that it keeps, of all keys together.
    """

    def __init__(
        self, threshold: int, within: timedelta, *, most_keys: int = MOST_KEYS, most_kept: int = MOST_KEPT
    ) -> None:
        self._threshold = threshold
        self._within = within
        self._most_keys = most_keys
        self._most_kept = max(most_kept, threshold)
        self._runs: OrderedDict[Hashable, list[_Run]] = OrderedDict()
        """Of a key, the one that was counted in last at the end."""
        self._kept = 0
        self.forgotten = 0
        """Keys forgotten for lack of room, though their time had not run out."""

    def __len__(self) -> int:
        """Return how many keys it keeps."""
        return len(self._runs)

    @property
    def kept(self) -> int:
        """Moments that it keeps."""
        return self._kept

    def add(self, key: Hashable, at: datetime, value: Hashable = None) -> int:
        """Count something.

        What comes late counts at its own time, among what is near it.

        Args:
            key: Of what.
            at: When it happened.
            value: Where different values are counted, the value; None counts each call.

        Returns:
            How many there were in the time before the newest that is near this one, this one among them; at most the
            threshold.
        """
        runs = self._runs.setdefault(key, [])
        self._runs.move_to_end(key)
        run = self._run_of(runs, at)
        if run.add(at, value):
            self._kept += 1
            if len(run.moments) > self._threshold:
                run.drop_first()
                self._kept -= 1
            self._make_room(at)
        return run.count(self._within)

    def clear(self, key: Hashable) -> None:
        """Forget a key."""
        self._kept -= sum(len(run.moments) for run in self._runs.pop(key, ()))

    def _run_of(self, runs: list[_Run], at: datetime) -> _Run:
        """Return where to count: with the newest that it is not further from than the time that counts."""
        near = [run for run in runs if abs(at - run.moments[-1]) < self._within]
        if not near:
            if len(runs) == _MOST_RUNS:
                self._kept -= len(runs.pop(0).moments)
            runs.append(_Run())
            return runs[-1]
        run = near[0] if len(near) == 1 else max(near, key=lambda each: each.moments[-1])
        if run is not runs[-1]:
            runs.remove(run)
            runs.append(run)
        return run

    def _make_room(self, at: datetime) -> None:
        while len(self._runs) > self._most_keys or self._kept > self._most_kept:
            key = next(iter(self._runs))
            if any(abs(run.moments[-1] - at) < self._within for run in self._runs[key]):
                self.forgotten += 1
            self.clear(key)
