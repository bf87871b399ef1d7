"""How often something happened in the last t, for each key: with bounded memory, whatever the keys are. Pure.

Keys come from the journal, and so from whoever connects here: a hostile peer can make as many as it has addresses. A
window therefore keeps at most `most_keys` keys and `most_kept` moments in all. When it is full, the key that was met
longest ago is forgotten and begins at nothing when it comes again; `forgotten` says how many were that had not run out
by themselves. What was met lately is what an alert is about, so it is the last to go.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta

MOST_KEYS = 10_000
MOST_KEPT = 200_000
"""Moments, some 100 octets each."""


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
        self._moments: OrderedDict[Hashable, list[datetime]] = OrderedDict()
        self._values: dict[Hashable, OrderedDict[Hashable, datetime]] = {}
        self._kept = 0
        self._newest: datetime | None = None
        self.forgotten = 0
        """Keys forgotten for lack of room, though their time had not run out."""

    def __len__(self) -> int:
        """Return how many keys it keeps."""
        return len(self._moments)

    @property
    def kept(self) -> int:
        """Moments that it keeps."""
        return self._kept

    def add(self, key: Hashable, at: datetime, value: Hashable = None) -> int:
        """Count something.

        What comes late, from the spool of a guard that was killed, counts at its own time, unless its key has as many
        newer ones as the threshold is.

        Args:
            key: Of what.
            at: When it happened.
            value: Where different values are counted, the value; None counts each call.

        Returns:
            How many there were in the time before the newest of this key, this one among them; at most the threshold.
        """
        if self._newest is None or at > self._newest:
            self._newest = at
        moments = self._moments.setdefault(key, [])
        self._moments.move_to_end(key)
        if value is not None and not self._is_new(key, moments, value, at):
            return self._count(moments)
        if moments and at < moments[-1]:
            insort(moments, at)
        else:
            moments.append(at)
        self._kept += 1
        if len(moments) > self._threshold:
            self._drop_first(key, moments)
        self._make_room()
        return self._count(moments)

    def clear(self, key: Hashable) -> None:
        """Forget a key."""
        self._kept -= len(self._moments.pop(key, ()))
        self._values.pop(key, None)

    def _is_new(self, key: Hashable, moments: list[datetime], value: Hashable, at: datetime) -> bool:
        """Note a value; False when it was there already, and its moment was moved to this one."""
        values = self._values.setdefault(key, OrderedDict())
        before = values.get(value)
        if before is None:
            values[value] = at
            return True
        if at > before:
            values[value] = at
            values.move_to_end(value)
            moments.remove(before)
            insort(moments, at)
        return False

    def _drop_first(self, key: Hashable, moments: list[datetime]) -> None:
        first = moments.pop(0)
        self._kept -= 1
        values = self._values.get(key)
        if values is not None:
            del values[next(value for value, at in values.items() if at == first)]

    def _count(self, moments: list[datetime]) -> int:
        return len(moments) - bisect_right(moments, moments[-1] - self._within)

    def _make_room(self) -> None:
        while len(self._moments) > self._most_keys or self._kept > self._most_kept:
            key = next(iter(self._moments))
            if self._newest is not None and self._moments[key][-1] > self._newest - self._within:
                self.forgotten += 1
            self.clear(key)
