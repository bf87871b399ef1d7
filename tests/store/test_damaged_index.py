"""An index, and attributes, that somebody has written over: they hide nothing from readers and stop nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.enforcement.journal_keeper import JournalKeeper
from console.journal.receivers import attributes, change_receiver, delete_receiver, list_receivers
from console.journal.signer import read_head
from console.journal.verify import verify
from console.journal.writer import append
from console.model.journal import THRESHOLD_KB
from console.store.journal import JournalFilter, page_after, page_before
from console.store.journal_index import forget_blocks, index_block, known_blocks
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


NO_TEXT = "CAST(x'80' AS TEXT)"


@pytest.mark.parametrize("column", ["key", "entries", "field"])
def test_text_that_is_none_in_the_index_is_called_hiding_and_made_anew(store, column):
    with transaction(store) as session:
        append(session, [entry(user_name="ALICE", entry_timestamp=NOW)] * (BLOCK + 3))
        index_block(session, 0)
        session.connection().exec_driver_sql(f"UPDATE journal_index SET {column} = {NO_TEXT} WHERE field = 6")
    with reading(store) as session:
        found = verify(session)
        assert (found.bad_entry, found.hidden) == (None, (0,))
        if column == "entries":  # whoever finds the row reads the block; the others are what verification is for
            only = JournalFilter(user="ALICE")
            assert len(page_after(session, 0, limit=10, only=only)) == 10
            assert sum(1 for _ in rows(session, only, ("user_name",))) == BLOCK + 3
    with transaction(store) as session:
        forget_blocks(session, 0, 0)
    keeper = JournalKeeper(store, lambda: NOW)
    while keeper.step():
        pass
    with reading(store) as session:
        assert verify(session).hidden == ()
        assert list(known_blocks(session, [0])) == [0]


def test_index_row_planted_where_a_block_is_to_be_does_not_stop_the_keeper(store):
    with transaction(store) as session:
        append(session, [entry()] * BLOCK)
        session.connection().exec_driver_sql(f"INSERT INTO journal_index VALUES (0, 6, {NO_TEXT}, x'0000')")
    keeper = JournalKeeper(store, lambda: NOW)
    while keeper.step():
        pass
    with reading(store) as session:
        assert list(known_blocks(session, [0])) == [0]
        assert verify(session).hidden == ()


def test_block_that_can_have_no_index_does_not_end_what_comes_after_it(store, caplog):
    with transaction(store) as session:
        append(session, [entry()] * BLOCK)
        change_receiver(session)
        delete_receiver(session, "AUDRCV0001", unsaved=True, at=NOW)
        refuse = "CREATE TRIGGER refuse BEFORE INSERT ON journal_block BEGIN SELECT RAISE(ABORT, 'no'); END"
        session.connection().exec_driver_sql(refuse)
    keeper = JournalKeeper(store, lambda: NOW)
    while keeper.step():
        pass
    keeper.step()
    with reading(store) as session:
        assert [each.purged for each in list_receivers(session)] == [True, False]
    assert read_head(store.location) is not None
    assert len([each for each in caplog.records if "block 0" in each.getMessage()]) == 1


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
