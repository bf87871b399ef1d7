"""The journal as values: every entry that a page would show, once and in order, whatever has an index."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.journal.writer import append
from console.store import journal_rows
from console.store.journal import JournalFilter, page_after
from console.store.journal_index import index_block
from console.store.journal_postings import first_of
from console.store.journal_rows import MINUTE, batches, rows
from console.store.postings import BLOCK
from console.store.session import reading, transaction
from tests.factories import entry
from tests.stores import open_fresh_store

COUNT = 2 * BLOCK + 500


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store whose first block has an index, the second and the unfinished third none."""
    opened = open_fresh_store(tmp_path_factory.mktemp("rows") / "test.db")
    begin = entry().entry_timestamp
    with transaction(opened) as session:
        append(
            session,
            [
                entry(
                    entry_timestamp=begin + timedelta(seconds=index),
                    user_name=f"USER{index % 7}",
                    remote_address=f"10.{index % 3}.0.{index % 200}",
                    outcome="*REJECTED" if index % 11 == 0 else "*ALLOWED",
                )
                for index in range(COUNT)
            ],
        )
        index_block(session, 0)
    yield opened
    opened.close()


@pytest.fixture
def session(store):
    with reading(store) as opened:
        yield opened


FILTERS = {
    "everything": {},
    "user": {"user": "USER3"},
    "network": {"remote_address": "10.1.0.0/16"},
    "part of a job": {"job": "CURL"},
    "outcome and user": {"outcome": "*REJECTED", "user": "USER*"},
    "from a number": {"from_number": BLOCK - 5},
    "between two numbers": {"from_number": 7, "to_number": BLOCK + 7},
    "nobody": {"user": "NOBODY"},
    "no numbers": {"from_number": COUNT + 1},
    "receiver": {"receiver": "AUDRCV0001"},
}


@pytest.mark.parametrize("fields", FILTERS.values(), ids=FILTERS.keys())
def test_what_is_read_is_what_the_pages_show(session, fields):
    only = JournalFilter(**fields)
    shown = [each.sequence_number for each in page_after(session, 0, limit=COUNT, only=only)]
    assert [number for (number,) in rows(session, only, ("sequence_number",))] == shown


def test_every_entry_is_read_once(session):
    assert [number for (number,) in rows(session, JournalFilter(), ("sequence_number",))] == list(range(1, COUNT + 1))


def test_a_stretch_of_time_is_read_without_the_rest(session, now):
    start = now + timedelta(seconds=BLOCK + 100)
    only = JournalFilter(from_time=start, to_time=start + timedelta(seconds=9))
    assert len(list(rows(session, only, (MINUTE,)))) == 10
    assert [first for first, _ in journal_rows.spans(session, only)] == [first_of(1), first_of(2)]


def test_minutes_are_texts_in_utc(session):
    (batch, *_) = batches(session, JournalFilter(to_number=1), (MINUTE, "user_name"))
    assert batch == [("2026-03-01 12:00", "USER0")]


def test_an_entry_of_a_nonsense_time_does_not_stop_the_reading(store):
    from sqlalchemy import text

    with transaction(store) as session:
        session.execute(text("UPDATE journal_entry SET entry_timestamp = 'nonsense' WHERE sequence_number = 5"))
        found = [minute for (minute,) in rows(session, JournalFilter(to_number=6), (MINUTE,))]
        session.rollback()
    assert found[4] == "nonsense"
    assert len(found) == 6
