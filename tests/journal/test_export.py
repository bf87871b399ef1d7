"""The journal read for an export: in stretches that fit together, while it grows, and damaged."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from console.journal.export import entries, follow
from console.journal.writer import append
from console.store.journal import JournalFilter
from console.store.session import transaction
from tests.conftest import NOW
from tests.factories import entry


@pytest.fixture
def ten(store):
    with transaction(store) as session:
        append(session, [entry(user_name=f"U{number % 3}") for number in range(10)])
    return store


def numbers(found):
    return [each.sequence_number for each in found if each is not None]


@pytest.mark.parametrize("stretch", [1, 3, 10, 99])
def test_stretches_fit_together(ten, stretch):
    assert numbers(entries(ten, stretch=stretch)) == list(range(1, 11))
    assert numbers(entries(ten, JournalFilter(user="U1"), stretch=stretch)) == [2, 5, 8]
    assert numbers(entries(ten, JournalFilter(from_number=4, to_number=6), stretch=stretch)) == [4, 5, 6]
    assert numbers(entries(ten, JournalFilter(from_number=11), stretch=stretch)) == []


def test_times_are_in_utc_to_the_microsecond(ten):
    (first, *_) = entries(ten)
    assert (first.entry_timestamp, first.entry_timestamp.utcoffset().total_seconds()) == (NOW, 0)


def test_entries_that_come_during_an_export_are_not_in_it(ten):
    found = entries(ten, stretch=2)
    first = next(found)
    with transaction(ten) as session:
        append(session, [entry()] * 5)
    assert numbers([first, *found]) == list(range(1, 11))


def test_follow_goes_on_with_what_comes_and_ends_when_nobody_waits(ten):
    rounds = iter([3, 0, 2])

    def wait():
        count = next(rounds, None)
        if count is None:
            return False
        with transaction(ten) as session:
            append(session, [entry(user_name="U1")] * count)
        return True

    found = list(follow(ten, JournalFilter(user="U1", from_number=6), wait))
    assert numbers(found) == [8, 11, 12, 13, 14, 15]
    assert found.count(None) == 4


@pytest.mark.parametrize("damaged", ["never", "", "2026-13-01 00:00:00"])
def test_entry_whose_time_was_damaged_is_exported_all_the_same(ten, damaged):
    with transaction(ten) as session:
        session.execute(
            text("UPDATE journal_entry SET entry_timestamp = :it WHERE sequence_number = 3"), {"it": damaged}
        )
    found = list(entries(ten))
    assert numbers(found) == list(range(1, 11))
    assert found[2].entry_timestamp.year == 1970
