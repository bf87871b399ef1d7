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
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from console.model.words import DEFAULT_SEQUENCE, Outcome

MOST_KEYS = 100_000
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


class Row(NamedTuple):
    """What is counted of an entry, in the order in which the store yields it."""

    minute: Any
    """When, in UTC: ``2026-03-01 14:30``."""
    outcome: Any
    sk_type: Any
    user_name: Any
    local_address: Any
    local_port: Any
    remote_address: Any
    remote_port: Any
    program: Any
    exit_point: Any
    rule_sequence: Any


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
        if outcome == Outcome.ALLOWED:
            self.allowed += number
        elif outcome == Outcome.REJECTED:
            self.rejected += number
        elif outcome == Outcome.MONITOR:
            self.monitor += number
        else:
            self.other += number
        if first < self.first or not self.first:
            self.first = first
        if last > self.last:
            self.last = last

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


def count(rows: Iterable[Sequence[Any]], by: Sequence[By], *, most_lines: int, tell: Callable[[int], None]) -> Report:
    """Count entries.

    Args:
        rows: Values of entries, each in the order of `Row`.
        by: What to count by.
        most_lines: Lines of each summary.
        tell: Told now and then how many entries were counted.
    """
    hours = _Hours()
    keyed = {each: _Keys(each) for each in by}
    whole = iter(rows)
    counted = 0
    # Column by column and not row by row: Counter, zip and dict then do in C what would be six updates for each entry.
    while part := list(islice(whole, _PART)):
        # Nearly sorted, so this takes next to no time; the first and the last time of each key follow from the order.
        part.sort(key=itemgetter(0))
        columns = Row(*zip(*part, strict=True))
        outcomes: Sequence[str] = columns.outcome
        hours.add(Counter(zip(columns.minute, outcomes, strict=True)))
        for each, keys in keyed.items():
            keys.add(_KEYS[each](columns), outcomes, columns.minute)
        counted += len(part)
        tell(counted)
    return Report(
        hours.total(), tuple(sorted(hours.tallies.items())), tuple(keys.summary(most_lines) for keys in keyed.values())
    )


_PART = 16384
"""Entries that are counted at once."""


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
    """Tallies by key."""

    def __init__(self, by: By) -> None:
        self._by = by
        self._tallies: dict[Any, Tally] = {}
        self._others = Tally()
        self._dropped = 0

    def add(self, keys: Sequence[Any], outcomes: Sequence[str], minutes: Sequence[str]) -> None:
        """Count some entries, in the order of their times."""
        last = dict(zip(keys, minutes, strict=True))
        first = dict(zip(reversed(keys), reversed(minutes), strict=True))
        for (key, outcome), number in Counter(zip(keys, outcomes, strict=True)).items():
            tally = self._tallies.get(key)
            if tally is None:
                tally = self._tallies[key] = Tally()
            tally.add_some(outcome, number, first[key], last[key])
        if len(self._tallies) > MOST_KEYS:
            self._drop()

    def _drop(self) -> None:
        """Count the rarer half together, to make room."""
        ranked = sorted(self._tallies.items(), key=lambda item: item[1].entries)
        for key, tally in ranked[: len(ranked) - MOST_KEYS // 2]:
            self._others.add(tally)
            del self._tallies[key]
            self._dropped += 1

    def summary(self, most_lines: int) -> Summary:
        """Return the most frequent keys, and what is left together."""
        ranked = sorted(self._tallies.items(), key=lambda item: (-item[1].entries, str(item[0])))
        others = self._others
        for _, tally in ranked[most_lines:]:
            others.add(tally)
        left = len(ranked[most_lines:]) + self._dropped
        lines = tuple(Counted(_key_text(key), tally) for key, tally in ranked[:most_lines])
        rest = Counted(f"({left:,} others)", others) if left else None
        return Summary(self._by, lines, rest, is_exact=not self._dropped)


def _key_text(key: Any) -> str:  # noqa: ANN401 -- a text, a number, or a pair
    if isinstance(key, tuple):
        point, sequence = key
        number = "*DFT" if sequence == DEFAULT_SEQUENCE else str(sequence or "")
        return f"{point} {number}".strip() or "*NONE"
    return str(key) if key not in ("", 0) else "*NONE"


def _addresses(columns: Row) -> Sequence[Any]:
    return [remote or local for remote, local in zip(columns.remote_address, columns.local_address, strict=True)]


def _ports(columns: Row) -> Sequence[Any]:
    types = zip(columns.sk_type, columns.remote_port, columns.local_port, strict=True)
    return [remote if kind in _OUTBOUND else local for kind, remote, local in types]


_OUTBOUND = ("C", "O")

_KEYS: Mapping[By, Callable[[Any], Sequence[Any]]] = {
    By.USER: lambda columns: columns.user_name,
    By.ADDRESS: _addresses,
    By.PORT: _ports,
    By.PROGRAM: lambda columns: columns.program,
    By.OUTCOME: lambda columns: columns.outcome,
    By.RULE: lambda columns: list(zip(columns.exit_point, columns.rule_sequence, strict=True)),
}


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
