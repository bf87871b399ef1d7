"""The index that is made from memory is that of the entries which the store has, whatever became of what was kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from console import compiled
from console.journal.writer import append
from console.model.journal import JournalBlock, JournalEntry
from console.model.words import Outcome
from console.store import journal_recent
from console.store.engine import open_store
from console.store.journal_index import index_block, stored_postings
from console.store.journal_postings import block_of
from console.store.journal_recent import Recent, recent_of
from console.store.postings import BLOCK
from console.store.session import reading, transaction
from tests.factories import entry

pytestmark = pytest.mark.skipif(compiled.journalling is None, reason="there was no compiler")
ENTRY = JournalEntry.metadata.tables["journal_entry"]
PART = 6000


class StopError(Exception):
    """Ends a transaction."""


def some(now, first, count, **fields):
    """Make entries that have something in common, and something not."""
    return [
        entry(
            entry_timestamp=now + timedelta(seconds=number % 977, microseconds=number),
            user_name=("ALICE", "BOB", "BÉA")[number // 700 % 3],
            remote_address=f"192.0.{number % 5}.{number % 251}",
            remote_port=number % 70 * 900,
            **fields,
        )
        for number in range(first, first + count)
    ]


def fill(store, now, *, upto=BLOCK + 100, **fields):
    """Append so many entries, in transactions one of which goes over the end of the first block."""
    for begin in range(1, upto + 1, PART):
        with transaction(store) as session:
            append(session, some(now, begin, min(PART, upto + 1 - begin), **fields))


def append_and_stop(store, entries):
    with transaction(store) as session:
        append(session, entries)
        raise StopError


def index(store, block=0):
    """Make the index of a block; return it, its times, and whether it came from memory."""
    with transaction(store) as session:
        found = recent_of(session).entries(session, block)
        index_block(session, block)
    with reading(store) as session:
        times = session.execute(select(JournalBlock.first_time, JournalBlock.last_time)).one()
        return list(stored_postings(session, block)), tuple(times), found is not None


def from_store(store, block=0):
    """Return the same, made by a process that has nothing in memory."""
    other = open_store(store.url, create=False)
    try:
        return index(other, block)[:2]
    finally:
        other.close()


def test_index_from_memory_is_that_of_the_store(store, now):
    fill(store, now)
    postings, times, is_recent = index(store)
    assert is_recent
    assert len(postings) > 100
    assert (postings, times) == from_store(store)


def test_what_was_rolled_back_is_not_in_the_index(store, now):
    fill(store, now, upto=PART)
    for _ in range(2):
        with pytest.raises(StopError):
            append_and_stop(store, some(now, PART + 1, BLOCK, program="/never/there"))
    with transaction(store) as session:
        append(session, some(now, PART + 1, BLOCK))
    postings, times, is_recent = index(store)
    assert is_recent
    assert not [key for _, key, _ in postings if key == b"/never/there"]
    assert (postings, times) == from_store(store)


def test_index_of_a_last_block_that_was_rolled_back_is_read_from_the_store(store, now):
    fill(store, now)
    with transaction(store) as session:
        session.execute(delete(ENTRY).where(ENTRY.c.sequence_number == BLOCK + 100))
    assert not index(store)[2]


def test_what_another_process_has_written_in_the_place_of_what_was_rolled_back_is_in_the_index(store, now):
    fill(store, now, upto=BLOCK - 10)
    with pytest.raises(StopError):
        append_and_stop(store, some(now, BLOCK - 9, 100, program="/never/there"))
    other = open_store(store.url, create=False)
    with transaction(other) as session:
        append(session, some(now, BLOCK - 9, 100, program="/elsewhere"))
    other.close()
    postings, times, is_recent = index(store)
    assert not is_recent
    assert (postings, times) == from_store(store)


def test_entries_of_another_process_have_the_index_read_from_the_store(store, now):
    fill(store, now, upto=PART)
    other = open_store(store.url, create=False)
    with transaction(other) as session:
        append(session, some(now, PART + 1, 10, program="/elsewhere"))
    other.close()
    with transaction(store) as session:
        append(session, some(now, PART + 11, BLOCK))
    postings, times, is_recent = index(store)
    assert not is_recent
    assert [key for _, key, _ in postings if key == b"/elsewhere"]
    assert (postings, times) == from_store(store)


def test_block_whose_first_entries_were_deleted_is_read_from_the_store(store, now):
    fill(store, now)
    with transaction(store) as session:
        session.execute(delete(ENTRY).where(ENTRY.c.sequence_number < 500))
    assert not index(store)[2]


@pytest.mark.parametrize("written", [b"\xff\xfe", "0" * 64, None])
def test_hash_that_somebody_has_written_over_has_the_index_read_from_the_store(store, now, written):
    fill(store, now)
    if written is None:
        with transaction(store) as session:
            session.connection().exec_driver_sql("UPDATE journal_entry SET chain_hash = CAST(x'FFFE' AS TEXT)")
    else:
        with transaction(store) as session:
            session.execute(update(ENTRY).values(chain_hash=written))
    with transaction(store) as session:
        assert recent_of(session).entries(session, 0) is None


@pytest.mark.parametrize("fields", [{"outcome": Outcome.ALLOWED}, {"rule_sequence": True}])
def test_values_that_are_not_of_just_the_types_of_their_columns_are_read_from_the_store(store, now, fields):
    fill(store, now, **fields)
    postings, times, is_recent = index(store)
    assert not is_recent
    assert (postings, times) == from_store(store)


def test_nothing_is_kept_without_the_compiled_module(store, now, monkeypatch):
    monkeypatch.setattr(compiled, "journalling", None)
    fill(store, now)
    assert not index(store)[2]


def test_memory_is_bounded_and_given_back_with_the_index(store, now, monkeypatch):
    monkeypatch.setattr(journal_recent, "_MOST", 10)
    monkeypatch.setattr(journal_recent, "_JOINED", 0)
    fill(store, now, upto=20)
    with transaction(store) as session:
        recent = recent_of(session)
        for number in range(21, 40, 4):
            append(session, some(now, number, 4))
        assert sum(map(journal_recent._length, recent._pieces)) == 8
        recent.forget(0)
        assert recent._pieces == []


@pytest.mark.parametrize("joined", [1, 50, BLOCK])
def test_pieces_of_many_transactions_become_few_within_a_block_and_give_the_same_index(store, now, monkeypatch, joined):
    monkeypatch.setattr(journal_recent, "_JOINED", joined)
    fill(store, now, upto=BLOCK - 30)
    for number in range(BLOCK - 29, BLOCK + 30):
        with transaction(store) as session:
            append(session, some(now, number, 1))
        if number % 7 == 0:
            with pytest.raises(StopError):
                append_and_stop(store, some(now, number + 1, 2, program="/never/there"))
    with transaction(store) as session:
        pieces = recent_of(session)._pieces
    assert (len(pieces) > 60) is (joined == 1)
    assert len(pieces) < 35 or joined == 1
    assert all(block_of(each.first) == block_of(each.last) for each in pieces if each.last - each.first < PART - 1)
    postings, times, is_recent = index(store)
    assert is_recent
    assert not [key for _, key, _ in postings if key == b"/never/there"]
    assert (postings, times) == from_store(store)


def test_each_open_store_has_a_memory_of_its_own(store):
    other = open_store(store.url, create=False)
    with reading(store) as one, reading(other) as two, reading(store) as again:
        assert recent_of(one) is recent_of(again)
        assert recent_of(one) is not recent_of(two)
    other.close()
    assert isinstance(recent_of(one), Recent)
