"""Counts journal entries: by user, address, port and the like, and hour by hour; pure, one entry after the other.

Memory is bounded whatever the journal holds. Keys are counted exactly as long as there are not more than `MOST_KEYS` of
them; then the rarer half is counted together from there on, and the summary says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import compress
from operator import itemgetter
from sys import intern
from typing import Any, NamedTuple

from console.model.words import DEFAULT_SEQUENCE, Outcome

MOST_KEYS = 200_000
_MOST_HOURS = 100_000
"""Eleven years; what a damaged journal has beyond that is in the totals only."""
_MOST_MINUTES = 50_000
_MINUTE = "%Y-%m-%d %H:%M"
_HOUR = timedelta(hours=1)


class By(StrEnum):
    """What entries are counted by."""

    USER = "*USER"
    ADDRESS = "*ADDRESS"
    """The other end's; of a listen, this one's."""
    PORT = "*PORT"
    """The service's: the port connected to, or listened on."""
    PROGRAM = "*PROGRAM"
    OUTCOME = "*OUTCOME"
    RULE = "*RULE"
    """Exit point and sequence number."""


MINUTE = "minute"
"""When an entry was written, in UTC: ``2026-03-01 14:30``."""

Columns = Mapping[str, Sequence[Any]]
"""Field of the entry -> its values, for some entries."""


def _addresses(columns: Columns) -> Sequence[Any]:
    both = zip(columns["remote_address"], columns["local_address"], strict=True)
    return [remote or local for remote, local in both]


def _ports(columns: Columns) -> Sequence[Any]:
    types = zip(columns["sk_type"], columns["remote_port"], columns["local_port"], strict=True)
    return [remote if kind in _OUTBOUND else local for kind, remote, local in types]


def _rules(columns: Columns) -> Sequence[Any]:
    return list(zip(columns["exit_point"], columns["rule_sequence"], strict=True))


_OUTBOUND = ("C", "O")


class _Way(NamedTuple):
    """How entries are counted by something."""

    fields: tuple[str, ...]
    """What of an entry it needs."""
    keys: Callable[[Columns], Sequence[Any]]


_WAYS: Mapping[By, _Way] = {
    By.USER: _Way(("user_name",), lambda columns: columns["user_name"]),
    By.ADDRESS: _Way(("remote_address", "local_address"), _addresses),
    By.PORT: _Way(("sk_type", "remote_port", "local_port"), _ports),
    By.PROGRAM: _Way(("program",), lambda columns: columns["program"]),
    By.OUTCOME: _Way((), lambda columns: columns["outcome"]),
    By.RULE: _Way(("exit_point", "rule_sequence"), _rules),
}


def fields_of(by: Iterable[By]) -> tuple[str, ...]:
    """Return what must be read of an entry to count by some things; the minute and the outcome come first."""
    return (MINUTE, "outcome", *(field for each in by for field in _WAYS[each].fields))


_NAMES = {Outcome.ALLOWED.value: "allowed", Outcome.REJECTED.value: "rejected", Outcome.MONITOR.value: "monitor"}


class Tally:
    """How many entries there were, and when."""

    __slots__ = ("allowed", "first", "last", "monitor", "other", "rejected")

    def __init__(self) -> None:
        """Count none yet."""
        self.allowed = 0
        self.rejected = 0
        self.monitor = 0
        """Would have been rejected, and went on."""
        self.other = 0
        """Without outcome."""
        self.first = ""
        """Minute of the earliest, in UTC; empty for none."""
        self.last = ""

    @property
    def entries(self) -> int:
        """All of them."""
        return self.allowed + self.rejected + self.monitor + self.other

    @property
    def accepted(self) -> int:
        """Those whose call went on."""
        return self.allowed + self.monitor

    def add_some(self, outcome: str, number: int, first: str, last: str) -> None:
        """Count entries of one outcome."""
        name = _NAMES.get(outcome, "other")
        setattr(self, name, getattr(self, name) + number)
        if first < self.first or not self.first:
            self.first = first
        if last > self.last:
            self.last = last

    def less(self, others: Iterable[Tally]) -> Tally:
        """Return what is left without others, in the same time."""
        left = Tally()
        left.add(self)
        for other in others:
            left.allowed -= other.allowed
            left.rejected -= other.rejected
            left.monitor -= other.monitor
            left.other -= other.other
        return left

    def add(self, other: Tally) -> None:
        """Count another's entries as well."""
        self.allowed += other.allowed
        self.rejected += other.rejected
        self.monitor += other.monitor
        self.other += other.other
        self.first = min(filter(None, (self.first, other.first)), default="")
        self.last = max(self.last, other.last)


class Counted(NamedTuple):
    """One line of a summary."""

    key: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Summary:
    """The entries by one thing, the most frequent first."""

    by: By
    lines: tuple[Counted, ...]
    others: Counted | None = None
    """What is not among the lines, together; its key says how many keys it is."""
    is_exact: bool = True
    """Whether every line counts all entries of its key; else it may have a few less."""


class Bucket(NamedTuple):
    """Some hours of a report, one or several."""

    start: datetime
    hours: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class Report:
    """What was counted."""

    total: Tally
    hours: tuple[tuple[datetime, Tally], ...]
    """The hours that have entries, in order; each begins where an hour of this system's time zone begins."""
    summaries: tuple[Summary, ...]

    def summary(self, by: By) -> Summary:
        """Return the summary by one thing."""
        return next(each for each in self.summaries if each.by is by)

    def buckets(self, most: int, span: tuple[datetime, datetime] | None = None) -> list[Bucket]:
        """Return the time from beginning to end in equal parts of whole hours, at most so many; none for no time.

        Args:
            most: At most so many parts.
            span: The first and last moment to show; those of the entries if there is none.
        """
        starts = [start for start, _ in self.hours]
        if span is None and not starts:
            return []
        low, high = span or (starts[0], starts[-1])
        low, high = min([low, *starts[:1]]), max([high, *starts[-1:]])
        low = _hour_of(low)
        count = max(0, (high - low) // _HOUR) + 1
        width = -(-count // most)
        found = [Bucket(low + index * width * _HOUR, width, Tally()) for index in range(-(-count // width))]
        for start, tally in self.hours:
            found[(start - low) // (width * _HOUR)].tally.add(tally)
        return found


Batch = list[tuple[Any, ...]]
"""Values of some entries, each in the order of `fields_of`; counting sorts them."""


def count(batches: Iterable[Batch], by: Sequence[By], *, most_lines: int, tell: Callable[[int], None]) -> Report:
    """Count entries.

    Args:
        batches: The entries, some thousand at a time.
        by: What to count by.
        most_lines: Lines of each summary.
        tell: Told now and then how many entries were counted.
    """
    names = fields_of(by)
    hours = _Hours()
    keyed = {each: _Keys(each) for each in by}
    counted = 0
    # Column by column and not row by row: Counter, zip and dict then do in C what would be six updates for each entry.
    for part in filter(None, batches):
        # Nearly sorted, so this takes next to no time; the first and last time of each key follow from the order.
        part.sort(key=itemgetter(0))
        columns = dict(zip(names, zip(*part, strict=True), strict=True))
        # One text for each minute, and not one for each entry: the first and the last of every key are kept.
        minutes, outcomes = [intern(str(each)) for each in columns[MINUTE]], columns["outcome"]
        hours.add(Counter(zip(minutes, outcomes, strict=True)))
        kinds = set(outcomes) - {Outcome.ALLOWED.value}
        rare = {outcome: [each == outcome for each in outcomes] for outcome in kinds}
        for each, keys in keyed.items():
            keys.add(_WAYS[each].keys(columns), rare, minutes)
        counted += len(part)
        tell(counted)
    return Report(
        hours.total(), tuple(sorted(hours.tallies.items())), tuple(keys.summary(most_lines) for keys in keyed.values())
    )


class _Hours:
    """Tallies by hour; entries come in minutes, of which there are few different ones."""

    def __init__(self) -> None:
        self.tallies: dict[datetime, Tally] = {}
        self._by_minute: dict[str, Tally] = {}
        self._without_hour = Tally()

    def add(self, counter: Mapping[tuple[str, str], int]) -> None:
        """Count some entries by minute and outcome."""
        for (minute, outcome), number in counter.items():
            tally = self._by_minute.get(minute) or self._of(minute)
            tally.add_some(outcome, number, minute, minute)

    def total(self) -> Tally:
        """Return all hours together."""
        total = Tally()
        for tally in self.tallies.values():
            total.add(tally)
        total.add(self._without_hour)
        return total

    def _of(self, minute: str) -> Tally:
        moment = read_minute(minute)
        if moment is None:
            return self._without_hour
        hour = _hour_of(moment)
        tally = self.tallies.get(hour)
        if tally is None:
            if len(self.tallies) >= _MOST_HOURS:
                return self._without_hour
            tally = self.tallies[hour] = Tally()
        if len(self._by_minute) >= _MOST_MINUTES:
            self._by_minute.clear()
        self._by_minute[minute] = tally
        return tally


class _Keys:
    """Counts by key. Counter and dict take a batch at a time, in C; an object a key would take ten times as long."""

    def __init__(self, by: By) -> None:
        self._by = by
        self._total = Tally()
        self._entries: Counter[Any] = Counter()
        self._of_outcome: dict[str, Counter[Any]] = {}
        self._first: dict[Any, str] = {}
        self._last: dict[Any, str] = {}
        self._dropped = 0

    def add(self, keys: Sequence[Any], rare: Mapping[str, Sequence[bool]], minutes: Sequence[str]) -> None:
        """Count some entries, in the order of their times.

        Args:
            keys: Of each.
            rare: Outcome -> which of them have it; of all but the allowed.
            minutes: Of each.
        """
        self._entries.update(keys)
        for outcome, holders in rare.items():
            self._of_outcome.setdefault(outcome, Counter()).update(compress(keys, holders))
        if minutes[0] >= self._total.last:
            self._last.update(zip(keys, minutes, strict=True))
            begun = dict(zip(reversed(keys), reversed(minutes), strict=True))
            # Not the difference of both: it would go through all the keys there are, for each batch.
            self._first.update((key, minute) for key, minute in begun.items() if key not in self._first)
        else:
            self._add_late(keys, minutes)
        numbers = {outcome: sum(holders) for outcome, holders in rare.items()}
        for outcome, number in {**numbers, _ALLOWED: len(keys) - sum(numbers.values())}.items():
            self._total.add_some(outcome, number, minutes[0], minutes[-1])
        if len(self._entries) > MOST_KEYS:
            self._drop()

    def _add_late(self, keys: Sequence[Any], minutes: Sequence[str]) -> None:
        """Take the times of entries that are older than some before them: a guard's, whose worker was away."""
        for key, minute in zip(keys, minutes, strict=True):
            self._first[key] = min(self._first.get(key, minute), minute)
            self._last[key] = max(self._last.get(key, minute), minute)

    def _drop(self) -> None:
        """Forget the rarer half, to make room."""
        rarer = [key for key, _ in self._entries.most_common()[MOST_KEYS // 2 :]]
        self._dropped += len(rarer)
        counts: list[dict[Any, Any]] = [self._entries, self._first, self._last, *self._of_outcome.values()]
        for each in counts:
            for key in rarer:
                each.pop(key, None)

    def _tally(self, key: Any) -> Tally:  # noqa: ANN401 -- a text, a number, or a pair
        tally = Tally()
        first, last = self._first[key], self._last[key]
        rare = {outcome: counts[key] for outcome, counts in self._of_outcome.items()}
        for outcome, number in {**rare, _ALLOWED: self._entries[key] - sum(rare.values())}.items():
            tally.add_some(outcome, number, first, last)
        return tally

    def summary(self, most_lines: int) -> Summary:
        """Return the most frequent keys, and what is left together."""
        ranked = sorted(self._entries, key=lambda key: (-self._entries[key], str(key)))
        lines = tuple(Counted(_key_text(key), self._tally(key)) for key in ranked[:most_lines])
        left = len(ranked) - len(lines) + self._dropped
        if not left:
            return Summary(self._by, lines)
        others = self._total.less(line.tally for line in lines)
        return Summary(self._by, lines, Counted(f"({left:,} others)", others), is_exact=not self._dropped)


_ALLOWED = Outcome.ALLOWED.value


def _key_text(key: Any) -> str:  # noqa: ANN401 -- a text, a number, or a pair
    if isinstance(key, tuple):
        point, sequence = key
        number = "*DFT" if sequence == DEFAULT_SEQUENCE else str(sequence or "")
        return f"{point} {number}".strip() or "*NONE"
    return str(key) if key not in ("", 0) else "*NONE"


def read_minute(minute: str) -> datetime | None:
    """Return the time of a minute; None for what is none: who can write the store can write anything."""
    try:
        return datetime.strptime(minute, _MINUTE).replace(tzinfo=UTC)
    except (ValueError, TypeError):
        return None


def _hour_of(moment: datetime) -> datetime:
    """Return the beginning of the hour in this system's time zone, which may be half an hour off that of UTC."""
    here = moment.astimezone()
    return (here - timedelta(minutes=here.minute, seconds=here.second, microseconds=here.microsecond)).astimezone(UTC)
