"""What an alert goes through for each key: raised, told of again, over. Pure: entries and times in, events out.

::

    not raised --threshold met--> RAISED --met again, quiet time over--> AGAIN --not met for clear_s--> CLEARED
                                     '---------- an entry meets the clear condition ----------------------^

An alert that tells *SUMMARY says RAISED once, then at most one AGAIN in each quiet time with how many entries there
were since, then CLEARED with how long it lasted. One that is raised anew within the quiet time after it was last told
of is told of when that time is over, if it is still raised then. An alert that tells *EACH says MET for each entry that
meets it, at most `MOST_A_MINUTE`; what is beyond is counted and said with the next.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b

from console.alerts.conditions import Predicate, fields_named, parse
from console.alerts.entry_fields import PLACES, Row, places_of
from console.alerts.windows import Window
from console.model.alerts import MOST_KEY_CHARACTERS, Telling

MOST_RAISED = 1000
"""Keys for which an alert is raised at the same time; those beyond are raised together, as `OTHERS`."""
OTHERS = "*OTHERS"
MOST_A_MINUTE = 60
"""What an alert that tells *EACH says in a minute at most; a receiver of mail takes no more."""
_MOST_QUIET = 10_000
"""Keys told of lately that are remembered after they were over."""
_CUT = 160
_MINUTE = timedelta(minutes=1)
_AT = PLACES["entry_timestamp"]
_NUMBER = PLACES["sequence_number"]


class What(StrEnum):
    """What an event says."""

    RAISED = "*RAISED"
    AGAIN = "*AGAIN"
    MET = "*MET"
    CLEARED = "*CLEARED"
    TEST = "*TEST"
    """Nothing happened: somebody tests a destination."""


@dataclass(frozen=True, slots=True)
class Spec:
    """An alert, as it is evaluated."""

    name: str
    condition: str
    clear_condition: str = ""
    per: str = ""
    distinct: str = ""
    threshold: int = 1
    within: timedelta = _MINUTE
    clear_after: timedelta = _MINUTE
    telling: Telling = Telling.SUMMARY
    quiet: timedelta = timedelta(minutes=10)


@dataclass(slots=True)
class Raised:
    """An alert that is raised for a key."""

    key: str
    raised_at: datetime
    last_at: datetime
    first_number: int
    last_number: int
    count: int = 0
    """Entries since it was raised, those that raised it among them."""
    told: int = 0
    """How many of them were told of; 0 when nothing was told yet."""
    told_at: datetime | None = None
    row: Row = ()
    """The last entry that met it; empty after a restart."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell."""

    what: What
    key: str
    at: datetime
    raised_at: datetime
    last_at: datetime
    first_number: int
    last_number: int
    count: int
    """Entries since it was raised."""
    more: int
    """Entries since the last time that it was told."""
    row: Row = field(default=(), repr=False)

    @property
    def lasted(self) -> timedelta:
        """From the entry that raised it to the last that met it."""
        return max(self.last_at - self.raised_at, timedelta())


class Tracker:
    """One alert: its window, and for which keys it is raised."""

    def __init__(self, spec: Spec) -> None:
        """Begin with nothing counted and nothing raised.

        Args:
            spec: The alert.

        Raises:
            AlertError: Its conditions or fields cannot be read.
        """
        self.spec = spec
        self._matches = parse(spec.condition).compiled()
        self._clears: Predicate | None = parse(spec.clear_condition).compiled() if spec.clear_condition else None
        self._per = tuple(place for name in fields_named(spec.per) for place in places_of(name))
        self._distinct = tuple(place for name in fields_named(spec.distinct) for place in places_of(name))
        self._window = Window(spec.threshold, spec.within)
        self.raised: dict[str, Raised] = {}
        """What is raised now, by key."""
        self._told_at: OrderedDict[str, datetime] = OrderedDict()
        self._ticked: datetime | None = None
        self._minute_began: datetime | None = None
        self._said_in_minute = 0
        self._unsaid = 0

    @property
    def forgotten(self) -> int:
        """Keys that were forgotten for lack of room."""
        return self._window.forgotten

    def resume(self, raised: Iterable[Raised]) -> None:
        """Take up what was raised when an earlier process ended."""
        self.raised.update((each.key, each) for each in raised)

    def warm_up(self, row: Row) -> None:
        """Count an entry that was looked at before this process began; nothing is raised by it again."""
        if self._matches(row):
            self._count(row)

    def feed(self, row: Row) -> list[Event]:
        """Look at an entry; return what there is to tell."""
        events: list[Event] = []
        if self._clears is not None and self._clears(row):
            events += self._over(self._key_of(row), row[_AT])
        if self._matches(row) and self._count(row) >= self.spec.threshold:
            events += self._met(row)
        return events

    def tick(self, now: datetime) -> list[Event]:
        """Look at the time: return what is over, and what is to be told again.

        Args:
            now: Not later than the entries that were not looked at yet, and not earlier than those that were, unless
                the clock was set back.
        """
        if self._ticked is None or now < self._ticked:
            self._set_back(now)
        self._ticked = now
        events: list[Event] = []
        for each in list(self.raised.values()):
            if now - each.last_at >= self.spec.clear_after and self._may_time_clear:
                events += self._over(each.key, now)
            elif each.count > each.told and self._is_quiet_over(each, now):
                events.append(self._told(each, What.AGAIN if each.told else What.RAISED, now))
        return events

    def _set_back(self, now: datetime) -> None:
        """Have no quiet time, and nothing that is raised, last until a time that is far off has come."""
        for each in self.raised.values():
            each.last_at = _not_after(now, each.last_at, self.spec.clear_after)
            each.told_at = each.told_at and _not_after(now, each.told_at, self.spec.quiet)
        for key, told_at in self._told_at.items():
            self._told_at[key] = _not_after(now, told_at, self.spec.quiet)

    @property
    def _may_time_clear(self) -> bool:
        """A state that an entry ends, such as a server that is down, lasts until then however long nobody says so."""
        return self._clears is None

    def _count(self, row: Row) -> int:
        key = self._key_of(row)
        value = tuple(row[place] for place in self._distinct) if self._distinct else None
        return self._window.add(key, row[_AT], value)

    def _key_of(self, row: Row) -> str:
        return key_text([str(row[place]) for place in self._per])

    def _met(self, row: Row) -> list[Event]:
        key, at, number = self._key_of(row), row[_AT], row[_NUMBER]
        each = self.raised.get(key)
        if each is None and len(self.raised) >= MOST_RAISED:
            key = OTHERS
            each = self.raised.get(key)
        if each is None:
            each = Raised(key, at, at, number, number, told_at=self._told_at.get(key))
            each.count = self.spec.threshold - 1
            self.raised[key] = each
        each.count += 1
        each.last_at = max(each.last_at, at)
        each.last_number = max(each.last_number, number)
        each.row = row
        if self.spec.telling is Telling.EACH:
            return self._tell_each(each, at)
        if not self._is_quiet_over(each, at):
            return []
        return [self._told(each, What.AGAIN if each.told else What.RAISED, at)]

    def _tell_each(self, each: Raised, at: datetime) -> list[Event]:
        if each.told_at is not None and self.spec.quiet and at - each.told_at < self.spec.quiet:
            return []
        if self._minute_began is None or not timedelta() <= at - self._minute_began < _MINUTE:
            self._minute_began, self._said_in_minute = at, 0
        if self._said_in_minute >= MOST_A_MINUTE:
            self._unsaid += 1
            return []
        self._said_in_minute += 1
        event = self._told(each, What.MET, at)
        unsaid, self._unsaid = self._unsaid, 0
        return [replace(event, more=max(event.more, unsaid + 1))]

    def _is_quiet_over(self, each: Raised, now: datetime) -> bool:
        return each.told_at is None or now - each.told_at >= self.spec.quiet

    def _told(self, each: Raised, what: What, at: datetime) -> Event:
        event = self._event(each, what, at)
        each.told = each.count
        each.told_at = at
        return event

    def _over(self, key: str, at: datetime) -> list[Event]:
        """End what is raised for a key; say so if it was told that it was raised."""
        each = self.raised.pop(key, None)
        self._window.clear(key)
        if each is None:
            return []
        if each.told_at is not None:
            self._told_at[key] = each.told_at
            self._told_at.move_to_end(key)
            if len(self._told_at) > _MOST_QUIET:
                self._told_at.popitem(last=False)
        if not each.told or (self.spec.telling is Telling.EACH and self._clears is None):
            return []
        return [self._event(each, What.CLEARED, at)]

    @staticmethod
    def _event(each: Raised, what: What, at: datetime) -> Event:
        return Event(
            what=what,
            key=each.key,
            at=at,
            raised_at=each.raised_at,
            last_at=each.last_at,
            first_number=each.first_number,
            last_number=each.last_number,
            count=each.count,
            more=each.count - each.told,
            row=each.row,
        )


def _not_after(now: datetime, moment: datetime, allowed: timedelta) -> datetime:
    """Return a moment, or now where it is yet to come by more than is allowed."""
    return now if moment - now > allowed else moment


def key_text(values: Iterable[str]) -> str:
    """Return the values that entries are counted by as one text, of bounded length, different for different values."""
    whole = " ".join(value.replace("\\", "\\\\").replace(" ", "\\ ") for value in values)
    if len(whole) <= _CUT:
        return whole
    digest = blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{whole[:_CUT]}~{digest}"[:MOST_KEY_CHARACTERS]
