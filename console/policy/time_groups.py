"""Time groups: times under a name, checked value by value, and when each of them is active.

A group is active when a clock on the wall of its time zone shows one of its times, on one of its days, within its
dates. That is all there is to say of the changes to and from summer time too: a time that a clock skips does not occur,
and one that it shows twice occurs twice. A time that goes over midnight belongs to the day on which it begins.

So a group changes where the wall clock comes to one of its ends or to midnight, and where the clock itself is put
forward or back; `Schedule` finds the next such moment, and until then nothing has to be looked at.

Asks nothing of the host but its database of time zones (`zoneinfo`): which moment it is, is passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.errors import PolicyError
from console.policy.address_groups import NAME_LENGTH, check_group_name
from console.policy.fields import check_text, refusal
from console.policy.rule import ALWAYS, ANY, SYSTEM, UNBOUNDED, TimeGroup

DAYS = ("*MON", "*TUE", "*WED", "*THU", "*FRI", "*SAT", "*SUN")
"""In the order of `datetime.weekday`."""
SEVERAL_DAYS: Mapping[str, tuple[str, ...]] = MappingProxyType({"*WEEKDAY": DAYS[:5], "*WEEKEND": DAYS[5:]})
"""Words that stand for days when they are written."""
MOST_TIMES = 24
"""Of one group."""
ZONE_LENGTH = 40
"""Characters of a time zone's name; the longest of the IANA database has 32."""

_BILLION = 1_000_000_000
_MINUTE_S = 60
_HOUR_S = 3600
_DAY_MINUTES = 24 * 60
_DAY = timedelta(days=1)
_SEPARATORS = re.compile(r"[ ,]+")
_TIME = re.compile(r"([0-9]{1,2}):?([0-9]{2})-([0-9]{1,2}):?([0-9]{2})", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*){0,2}", re.ASCII)
_MINUTES_IN_HOUR = 60
_FIRST_YEAR, _LAST_YEAR = 1970, 2999


def check_days(value: str, keyword: str = "") -> str:
    """Check days: ``*MON *TUE``, ``*WEEKDAY``, ``*WEEKEND`` or ``*ALL``; the stars and the case do not matter.

    Returns:
        The days in the order of the week, or ``*ALL``.

    Raises:
        PolicyError: One of them is none.
    """
    found: set[str] = set()
    for part in _parts(value):
        word = "*" + part.upper().removeprefix("*")
        if word == ALWAYS:
            found.update(DAYS)
        elif word in SEVERAL_DAYS or word in DAYS:
            found.update(SEVERAL_DAYS.get(word, (word,)))
        else:
            valid = ", ".join((ALWAYS, *SEVERAL_DAYS, *DAYS))
            raise refusal("GWL0201", keyword=keyword or "Days", value=part, valid=valid)
    if not found:
        raise refusal("GWL02B6", keyword=keyword or "Days", value="")
    return ALWAYS if len(found) == len(DAYS) else " ".join(day for day in DAYS if day in found)


def check_times(value: str, keyword: str = "") -> str:
    """Check times of the day: ``08:00-12:00 1300-1800 22:00-06:00``, or ``*ALL``.

    Returns:
        The canonical spelling, ascending; ``*ALL`` for the whole day.

    Raises:
        PolicyError: One of them is none, ends where it begins, or there are too many.
    """
    keyword = keyword or "Times"
    parts = _parts(value)
    if [part.upper().removeprefix("*") for part in parts] == [ALWAYS[1:]]:
        return ALWAYS
    found = sorted({_span(part, keyword) for part in parts})
    if not found:
        raise refusal("GWL02B6", keyword=keyword, value="")
    if len(found) > MOST_TIMES:
        raise refusal("GWL02B8", keyword=keyword, value=len(found), most=MOST_TIMES)
    return ALWAYS if (0, _DAY_MINUTES) in found else " ".join(f"{_clock(low)}-{_clock(high)}" for low, high in found)


def _parts(value: str) -> list[str]:
    return [part for part in _SEPARATORS.split(value) if part]


def _span(text: str, keyword: str) -> tuple[int, int]:
    """Return the minutes at which a time begins and ends; midnight as its end is that of its day."""
    found = _TIME.fullmatch(text)
    hours = [int(digits) for digits in found.groups()] if found else [99] * 4
    begin, end = (hours[at] * _MINUTES_IN_HOUR + hours[at + 1] for at in (0, 2))
    end = end or _DAY_MINUTES
    is_time = max(hours[1::2]) < _MINUTES_IN_HOUR and begin < _DAY_MINUTES and end <= _DAY_MINUTES
    if not is_time or begin == end:
        raise refusal("GWL02B7", keyword=keyword, value=text)
    return begin, end


def _clock(minutes: int) -> str:
    return f"{minutes // _MINUTES_IN_HOUR:02}:{minutes % _MINUTES_IN_HOUR:02}"


def check_date(value: str, keyword: str = "") -> str:
    """Check a date, ``2026-12-24``, or ``*NONE``.

    Raises:
        PolicyError: It is none.
    """
    if value.isascii() and value.upper() in (UNBOUNDED, UNBOUNDED[1:]):
        return UNBOUNDED
    try:
        day = date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None or not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise refusal("GWL02B9", keyword=keyword or "Date", value=value)
    return value


def check_time_zone(value: str, keyword: str = "") -> str:
    """Check the name of a time zone, ``Europe/Berlin`` or ``UTC``, or ``*SYSTEM``.

    Raises:
        PolicyError: This system's database has no such zone.
    """
    if value.isascii() and value.upper() in (SYSTEM, SYSTEM[1:]):
        return SYSTEM
    find_zone(value, keyword or "Time zone")
    return value


@lru_cache(maxsize=64)
def find_zone(name: str, keyword: str) -> tzinfo:
    """Return a time zone.

    Raises:
        PolicyError: This system's database has no such zone.
    """
    if name == "UTC":
        return UTC
    try:
        # The pattern first: a name is a path there, and some that are no zones raise errors of all kinds.
        return ZoneInfo(name if _ZONE.fullmatch(name) and len(name) <= ZONE_LENGTH else "")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise refusal("GWL02BA", keyword=keyword, value=name) from error


TIME_CHECKS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "name": check_group_name,
        "days": check_days,
        "times": check_times,
        "from_date": check_date,
        "to_date": check_date,
        "time_zone": check_time_zone,
        "text": check_text,
    }
)
"""Field of a time group -> its check, in the order in which fields are written and shown."""

TIME_KEYWORDS: Mapping[str, str] = MappingProxyType(
    {
        "name": "TIMGRP",
        "days": "DAYS",
        "times": "TIMES",
        "from_date": "FROMDATE",
        "to_date": "TODATE",
        "time_zone": "TIMZON",
        "text": "TEXT",
    }
)
"""Field of a time group -> its keyword in the command language."""

TIME_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {field.name: str(field.default) for field in fields(TimeGroup) if field.default is not MISSING}
)
"""Field of a time group -> what it is when nothing is said; the name is required."""


def check_rule_time(value: str, keyword: str = "") -> str:
    """Check the time group of a rule: its name, or ``*ANY``.

    Raises:
        PolicyError: It is no name.
    """
    if value.isascii() and value.upper() in (ANY, ANY[1:]):
        return ANY
    return check_group_name(value, keyword or "Time group")


def make_time_group(**given: object) -> TimeGroup:
    """Make a time group from the texts of its fields.

    Args:
        given: Values by field name; ``name`` is required, the others have the defaults of `TimeGroup`.

    Raises:
        PolicyError: A value cannot be taken, alone or beside another; its ``keyword`` is the field's name.
    """
    group = TimeGroup(**{name: TIME_CHECKS[name](str(value), name) for name, value in given.items()})
    # Both are of one form, which sorts as the days do.
    if UNBOUNDED not in (group.from_date, group.to_date) and group.to_date < group.from_date:
        raise refusal("GWL02BB", keyword="to_date", value=group.to_date, first=group.from_date)
    return group


def time_group_fields(group: TimeGroup) -> dict[str, str]:
    """Return every field of a time group as text, by its name, in the order of `TIME_CHECKS`."""
    return {name: getattr(group, name) for name in TIME_CHECKS}


def check_time_groups(groups: Iterable[TimeGroup]) -> None:
    """Check that groups can be asked: each value in its bounds, each name once.

    Raises:
        PolicyError: A value cannot be taken, or a name is there twice.
    """
    seen: set[str] = set()
    for group in groups:
        if make_time_group(**time_group_fields(group)) != group:
            raise refusal("GWL02B0", keyword="name", value=group.name, longest=NAME_LENGTH)
        if group.name in seen:
            raise refusal("GWL02B4", keyword="name", value=group.name)
        seen.add(group.name)


def says_system_zone(groups: Iterable[TimeGroup]) -> bool:
    """Return whether any group has the system's time zone, whose name then belongs in `Policy.time_zone`."""
    return any(group.time_zone == SYSTEM for group in groups)


def is_active(group: TimeGroup, moment: datetime, system_zone: str) -> bool:
    """Return whether a group is active at a moment.

    Args:
        group: Checked.
        moment: In any time zone.
        system_zone: Name of the system's, for a group that says no other.

    Raises:
        PolicyError: The time zone is not known here.
    """
    clock = _Clock(group, _zone(group, system_zone))
    return clock.shows(moment.astimezone(clock.zone))


def _zone(group: TimeGroup, system_zone: str) -> tzinfo:
    if group.time_zone != SYSTEM:
        return find_zone(group.time_zone, "time_zone")
    if not system_zone:
        raise refusal("GWL02BC", keyword="time_zone", value=SYSTEM, name=group.name)
    return find_zone(system_zone, "time_zone")


class _Clock:
    """A group's days and times, taken apart, and its time zone."""

    def __init__(self, group: TimeGroup, zone: tzinfo) -> None:
        self.name, self.zone = group.name, zone
        self._days = frozenset(DAYS.index(day) for day in group.days.split()) if group.days != ALWAYS else None
        times = "00:00-24:00" if group.times == ALWAYS else group.times
        self._spans = tuple(_span(text, "times") for text in times.split())
        self._from = date.min if group.from_date == UNBOUNDED else date.fromisoformat(group.from_date)
        self._to = date.max if group.to_date == UNBOUNDED else date.fromisoformat(group.to_date)
        self._ends = sorted({0, _DAY_MINUTES, *(end for span in self._spans for end in span)})

    def shows(self, wall: datetime) -> bool:
        """Return whether the group is active when a clock of its zone shows a time."""
        minute, day = wall.hour * _MINUTES_IN_HOUR + wall.minute, wall.date()
        for begin, end in self._spans:
            if begin < end:
                if begin <= minute < end and self._has(day):
                    return True
            elif (minute >= begin and self._has(day)) or (minute < end and self._has(day - _DAY)):
                return True
        return False

    def _has(self, day: date) -> bool:
        return self._from <= day <= self._to and (self._days is None or day.weekday() in self._days)

    def until(self, at_s: int, wall: datetime) -> int:
        """Return until when the group stays as it is, in seconds since the epoch; perhaps no longer than it has to.

        Args:
            at_s: A moment.
            wall: What the clock shows then.
        """
        minute = wall.hour * _MINUTES_IN_HOUR + wall.minute
        end = next(end for end in self._ends if end > minute)
        return _steady_until(self.zone, at_s, at_s + (end - minute) * _MINUTE_S - wall.second)


def _steady_until(zone: tzinfo, start_s: int, end_s: int) -> int:
    """Return the first moment at which the clock of a zone is put forward or back; the end, if it is not before."""
    offset = _offset(zone, start_s)
    low = start_s
    while low < end_s:
        high = min(low + _HOUR_S, end_s)
        if _offset(zone, high) != offset:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            return high
        low = high
    return end_s


def _offset(zone: tzinfo, at_s: int) -> timedelta | None:
    return datetime.fromtimestamp(at_s, zone).utcoffset()


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time in which the same groups are active.

    Units: Nanoseconds since the epoch; the first included, the last not.
    """

    begins_ns: int
    ends_ns: int
    active: frozenset[str]
    """Names of the groups."""


class Schedule:
    """The time groups of a policy that its rules name.

    Threads: Any.
    """

    def __init__(self, groups: Iterable[TimeGroup], system_zone: str) -> None:
        """Take checked groups.

        Args:
            groups: Those that rules name.
            system_zone: Name of the system's time zone, for those that say no other.

        Raises:
            PolicyError: A time zone is not known here.
        """
        self._clocks = tuple(_Clock(group, _zone(group, system_zone)) for group in groups)

    def period(self, at_ns: int) -> Period:
        """Return what is active at a moment, and until when that is known: no longer than to the next midnight.

        What was before the moment is left out: where a clock is put back, the period is worked out anew.
        """
        at_s = at_ns // _BILLION
        active, ends_s = set(), at_s + _DAY_MINUTES * _MINUTE_S
        for clock in self._clocks:
            wall = datetime.fromtimestamp(at_s, clock.zone)
            ends_s = min(ends_s, clock.until(at_s, wall))
            if clock.shows(wall):
                active.add(clock.name)
        return Period(at_ns, ends_s * _BILLION, frozenset(active))


def time_keyword_error(error: PolicyError) -> PolicyError:
    """Return an error of `make_time_group` that names the keyword instead of the field."""
    name = str(error.values.get("keyword", ""))
    return PolicyError(error.message_id, **{**error.values, "keyword": TIME_KEYWORDS.get(name, name)})
