"""Times as operators write them."""

from __future__ import annotations

import time as clock
from datetime import UTC, datetime

import pytest

from console.errors import CommandError
from console.journal.moments import check_moment, span_of

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
"""A Wednesday."""


@pytest.fixture(autouse=True)
def zone(monkeypatch):
    """Return a way to set the time zone of this system; at first it is UTC."""

    def set_zone(name):
        monkeypatch.setenv("TZ", name)
        clock.tzset()

    set_zone("UTC")
    yield set_zone
    monkeypatch.undo()
    clock.tzset()


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("*today", "*TODAY"),
        ("*LAST 30", "*LAST 30 *MINUTES"),
        ("*last  2   *hours", "*LAST 2 *HOURS"),
        ("2026-03-01", "2026-03-01"),
        ("2026-03-01   14:30", "2026-03-01 14:30"),
        ("14:30:05", "14:30:05"),
        ("2026-03-01 14:30:00.123456", "2026-03-01 14:30:00.123456"),
    ],
)
def test_a_time_has_one_spelling(text, canonical):
    assert check_moment(text, "FROMTIME") == canonical
    assert check_moment(canonical, "FROMTIME") == canonical


@pytest.mark.parametrize(
    "text",
    ["", "LUNCH", "*LAST", "*LAST 0", "*LAST 100000", "*LAST 5 *YEARS", "*TOMORROW", "2026-02-30", "25:00",
     "14:30 2026-03-01", "2026-03-01 LUNCH", "*LAST ٣", "9999-12-31", "0001-01-01", "2026-03-01 14:30 UTC"],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_its_keyword(text):
    with pytest.raises(CommandError) as refused:
        check_moment(text, "TOTIME")
    assert (refused.value.message_id, refused.value.values["keyword"]) == ("GWL0630", "TOTIME")


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("*TODAY", "2026-03-04 00:00:00", "2026-03-04 23:59:59.999999"),
        ("*YESTERDAY", "2026-03-03 00:00:00", "2026-03-03 23:59:59.999999"),
        ("*WEEK", "2026-03-02 00:00:00", "2026-03-08 23:59:59.999999"),
        ("*PRVWEEK", "2026-02-23 00:00:00", "2026-03-01 23:59:59.999999"),
        ("*MONTH", "2026-03-01 00:00:00", "2026-03-31 23:59:59.999999"),
        ("*PRVMONTH", "2026-02-01 00:00:00", "2026-02-28 23:59:59.999999"),
        ("*LAST 30 *MINUTES", "2026-03-04 12:00:00", "2026-03-04 12:30:00"),
        ("*LAST 2 *HOURS", "2026-03-04 10:30:00", "2026-03-04 12:30:00"),
        ("*LAST 7 *DAYS", "2026-02-25 12:30:00", "2026-03-04 12:30:00"),
        ("2026-02-28", "2026-02-28 00:00:00", "2026-02-28 23:59:59.999999"),
        ("2026-02-28 14:30", "2026-02-28 14:30:00", "2026-02-28 14:30:00"),
        ("12:30", "2026-03-04 12:30:00", "2026-03-04 12:30:00"),
        ("12:31", "2026-03-03 12:31:00", "2026-03-03 12:31:00"),
    ],
)
def test_a_time_stands_for_a_span(text, start, end):
    found = span_of(text, NOW)
    assert [str(moment.astimezone(UTC)).removesuffix("+00:00") for moment in found] == [start, end]


def test_words_are_of_the_time_zone_of_this_system(zone):
    zone("Asia/Kathmandu")
    assert span_of("*TODAY", NOW).start.astimezone(UTC) == datetime(2026, 3, 3, 18, 15, tzinfo=UTC)
    assert span_of("14:30", NOW).start.astimezone(UTC) == datetime(2026, 3, 4, 8, 45, tzinfo=UTC)


def test_a_day_on_the_other_side_of_summer_time_begins_at_its_own_midnight(zone):
    zone("Europe/Berlin")
    assert span_of("2026-07-01", NOW).start.astimezone(UTC) == datetime(2026, 6, 30, 22, tzinfo=UTC)
    # The day on which the clocks go forward has 23 hours.
    start, end = span_of("2026-03-29", NOW)
    assert round((end - start).total_seconds() / 3600) == 23
