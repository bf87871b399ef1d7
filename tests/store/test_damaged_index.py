"""An index, and attributes, that somebody has written over: they hide nothing from readers and stop nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.enforcement.journal_keeper import JournalKeeper
from console.journal.receivers import attributes
from console.journal.verify import verify
from console.journal.writer import append
from console.model.journal import THRESHOLD_KB
from console.store.journal import JournalFilter, page_after, page_before
from console.store.journal_index import index_block
from console.store.journal_rows import rows
from console.store.postings import BLOCK
from console.store.session import reading, transaction
from tests.conftest import NOW
from tests.factories import entry

DAMAGE = {
    "a time that is none": "UPDATE journal_block SET first_time = 'x'",
    "a time in octets": "UPDATE journal_block SET last_time = x'ff'",
    "a time that is not UTF-8": "UPDATE journal_block SET last_time = CAST(x'ff' AS TEXT)",
    "entries in a text": "UPDATE journal_index SET entries = 'abcd'",
    "entries in a number": "UPDATE journal_index SET entries = 7",
}
FILTERS = [JournalFilter(user="ALICE"), JournalFilter(address="127.0.0.0/8", from_time=NOW - timedelta(days=1))]


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_index_that_is_damaged_hides_nothing(store, damage):
    with transaction(store) as session:
        append(session, [entry(entry_timestamp=NOW)] * (BLOCK + 3))
        index_block(session, 0)
        session.connection().exec_driver_sql(damage)
    with reading(store) as session:
        for only in FILTERS:
            assert [each.sequence_number for each in page_after(session, 0, limit=3, only=only)] == [1, 2, 3]
            assert len(page_before(session, 100, limit=10, only=only)) == 10
            assert sum(1 for _ in rows(session, only, ("user_name",))) == BLOCK + 3
        assert verify(session).bad_entry is None


@pytest.mark.parametrize("text", ["20260101", "2026-W01-1 00:00:00.000000", "2026-03-01T00:00:00.000000"])
def test_time_in_another_form_hides_nothing_and_is_found(store, text):
    with transaction(store) as session:
        append(session, [entry(entry_timestamp=NOW)] * (BLOCK + 3))
        index_block(session, 0)
        session.connection().exec_driver_sql("UPDATE journal_block SET last_time = ?", (text,))
    with reading(store) as session:
        only = JournalFilter(from_time=NOW)
        assert [each.sequence_number for each in page_after(session, 0, limit=2, only=only)] == [1, 2]
        assert verify(session).hidden == (0,)


@pytest.mark.parametrize("values", ["'QAUDJRN', 'x', 'y', 'z', 'a', 'b', 'c'", "'QAUDJRN', -1, x'ff', 1, -2, 'b', 7"])
def test_attributes_that_are_damaged_are_those_of_a_fresh_journal(store, values):
    with transaction(store) as session:
        append(session, [entry()])
        session.connection().exec_driver_sql(f"INSERT OR REPLACE INTO journal VALUES ({values})")
    with reading(store) as session:
        found = attributes(session)
    assert (found.threshold_kb, found.keep_days, found.keep_kb) == (THRESHOLD_KB, 0, 0)
    assert JournalKeeper(store, lambda: NOW).step() is False
