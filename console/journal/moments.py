"""Times as operators write them: ``*YESTERDAY``, ``*LAST 30 *MINUTES``, ``2026-03-01 14:30``; pure.

All of them are in the time zone of this system. A word such as ``*WEEK`` names a span: where a list begins it stands
for the beginning of the span, where a list ends for its end. A week begins on Monday (ISO 8601).
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from console.errors import CommandError

TODAY = "*TODAY"
YESTERDAY = "*YESTERDAY"
WEEK = "*WEEK"
PREVIOUS_WEEK = "*PRVWEEK"
MONTH = "*MONTH"
PREVIOUS_MONTH = "*PRVMONTH"
LAST = "*LAST"
"""Alone, as an end: the last entry. With a number and a unit, as a beginning: so long ago."""

SPANS = (TODAY, YESTERDAY, WEEK, PREVIOUS_WEEK, MONTH, PREVIOUS_MONTH)
"""The words that name a span of days."""

UNITS = {"*MINUTES": timedelta(minutes=1), "*HOURS": timedelta(hours=1), "*DAYS": timedelta(days=1)}
"""What ``*LAST`` counts; minutes when no unit is given."""

LONGEST = 26
"""Characters of the longest time: ``*LAST 99999 *MINUTES``, ``2026-03-01 14:30:00.123456``."""

_BAD_TIME = "GWL0630"
_DAY = "%Y-%m-%d"
_TIMES = ("%H:%M:%S.%f", "%H:%M:%S", "%H:%M")
_AGO = re.compile(r"\*LAST ([1-9][0-9]{0,4})(?: (\*(?:MINUTES|HOURS|DAYS)))?", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
"""No journal is older; and every day has a day before and after it that can be computed with."""
_MICROSECOND = timedelta(microseconds=1)
_DAY_LENGTH = timedelta(days=1)
_WEEK_LENGTH = timedelta(days=7)


class Span(NamedTuple):
    """A stretch of time, both ends included."""

    start: datetime
    end: datetime


def check_moment(text: str, keyword: str) -> str:
    """Return the canonical spelling of a time, which means the same at any later moment.

    Raises:
        CommandError: It is none.
    """
    folded = " ".join(text.upper().split())
    ago = _AGO.fullmatch(folded)
    if ago:
        return f"{LAST} {ago[1]} {ago[2] or '*MINUTES'}"
    if folded in SPANS or _read(folded) is not None:
        return folded
    raise CommandError(_BAD_TIME, keyword=keyword, value=text)


def span_of(canonical: str, now: datetime) -> Span:
    """Return what a time stands for: a span for a word or a day, twice the same for a moment.

    Args:
        canonical: As `check_moment` returned it, or typed in the same form.
        now: In any time zone.

    Raises:
        CommandError: It is no time.
    """
    text = " ".join(canonical.upper().split())
    here = now.astimezone()
    ago = _AGO.fullmatch(text)
    if ago:
        return Span(now - int(ago[1]) * UNITS[ago[2] or "*MINUTES"], now)
    if text in SPANS:
        return _days(*_span_days(text, here.date()))
    read = _read(text)
    if read is None:
        raise CommandError(_BAD_TIME, keyword="Position", value=canonical)
    day, clock = read
    if clock is None:
        return _days(day or here.date(), (day or here.date()) + _DAY_LENGTH)
    return _moment(day, clock, here)


def _read(text: str) -> tuple[date | None, time | None] | None:
    """Return day and time of day as they are written; None for either that is not."""
    day, _, clock = text.partition(" ")
    if not clock:
        as_time = _time(day)
        if as_time is not None:
            return None, as_time
        as_day = _day(day)
        return None if as_day is None else (as_day, None)
    both = _day(day), _time(clock)
    return None if None in both else both


def _day(text: str) -> date | None:
    try:
        found = datetime.strptime(text, _DAY).date()  # noqa: DTZ007 -- a day of this system's time zone
    except ValueError:
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def _time(text: str) -> time | None:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).time()  # noqa: DTZ007 -- as above
        except ValueError:
            continue
    return None


def _moment(day: date | None, clock: time, here: datetime) -> Span:
    """Return a time on a day; without a day, the last such time."""
    found = datetime.combine(day or here.date(), clock).astimezone()
    if day is None and found > here:
        found = datetime.combine(here.date() - _DAY_LENGTH, clock).astimezone()
    return Span(found, found)


def _span_days(word: str, today: date) -> tuple[date, date]:
    """Return the first day of a span, and the first after it."""
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    previous = (first - _DAY_LENGTH).replace(day=1)
    return {
        TODAY: (today, today + _DAY_LENGTH),
        YESTERDAY: (today - _DAY_LENGTH, today),
        WEEK: (monday, monday + _WEEK_LENGTH),
        PREVIOUS_WEEK: (monday - _WEEK_LENGTH, monday),
        MONTH: (first, (first + timedelta(days=32)).replace(day=1)),
        PREVIOUS_MONTH: (previous, first),
    }[word]


def _days(first: date, after: date) -> Span:
    """Return whole days; midnight is that of the day itself, on either side of a change to summer time."""
    return Span(_midnight(first), _midnight(after) - _MICROSECOND)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time()).astimezone()
