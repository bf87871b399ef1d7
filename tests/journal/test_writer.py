"""Numbers without gaps and a chain that holds, whatever was rolled back, reopened or tampered with."""

from __future__ import annotations

import pytest

from console.errors import StoreError
from console.journal.entries import Entry, from_outbox
from console.journal.verify import Verdict, verify
from console.journal.writer import append
from console.messages import message
from console.store.engine import open_store
from console.store.journal import attached_receiver, last_number, page_after
from console.store.outbox import add_audit, waiting
from console.store.session import reading, transaction
from console.store.text import storable
from tests.factories import entry

RECEIVER = (("receiver", "AUDRCV0001"),)


def write(store, count, **fields):
    with transaction(store) as session:
        return append(session, [entry(guard_number=number, **fields) for number in range(count)])


def verdict(store):
    with reading(store) as session:
        return verify(session)


def tamper(store, statement):
    with transaction(store) as session:
        session.connection().exec_driver_sql(statement)


def test_entries_are_numbered_from_1_and_come_back_as_written(store):
    with transaction(store) as session:
        assert append(session, [entry(), entry(text="Ä\n", detail="ADDSOCRUL", pid=0)]) == 2
    with reading(store) as session:
        rows = page_after(session, 0, limit=10)
        assert attached_receiver(session).last_sequence == 2
    assert [row.sequence_number for row in rows] == [1, 2]
    assert {row.receiver_name for row in rows} == {"AUDRCV0001"}
    assert [Entry(**row.model_dump(include=set(Entry._fields))) for row in rows] == [
        entry(),
        entry(text="Ä\n", detail="ADDSOCRUL", pid=0),
    ]


def test_numbers_go_on_across_batches_and_restarts(store, store_url):
    assert write(store, 3) == 3
    again = open_store(store_url)
    assert write(again, 2) == 5
    again.close()
    assert write(store, 0) == 5
    assert write(store, 1) == 6
    assert verdict(store) == Verdict(6)


def test_rolled_back_batch_leaves_no_gap(store):
    write(store, 2)
    with pytest.raises(StoreError), transaction(store) as session:  # noqa: PT012 - the transaction is the point
        append(session, [entry()])
        append(session, [entry(pid=None)])
    assert write(store, 1) == 3
    assert verdict(store) == Verdict(3)


def test_empty_journal_is_whole(store):
    assert verdict(store) == Verdict(0)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE journal_entry SET remote_port = 80 WHERE sequence_number = 3", Verdict(2, 3, "GWL0603")),
        (
            "UPDATE journal_entry SET entry_timestamp = '2026-03-01 12:00:00.123457' WHERE sequence_number = 1",
            Verdict(0, 1, "GWL0603"),
        ),
        ("UPDATE journal_entry SET entry_timestamp = 'never' WHERE sequence_number = 4", Verdict(3, 4, "GWL0603")),
        ("UPDATE journal_entry SET chain_hash = '' WHERE sequence_number = 2", Verdict(1, 2, "GWL0603")),
        ("UPDATE journal_entry SET chain_hash = 'x' WHERE sequence_number = 2", Verdict(1, 2, "GWL0603")),
        ("DELETE FROM journal_entry WHERE sequence_number = 4", Verdict(3, 4, "GWL0602")),
        ("DELETE FROM journal_entry WHERE sequence_number = 1", Verdict(0, 1, "GWL0602")),
        ("DELETE FROM journal_entry WHERE sequence_number > 3", Verdict(3, 4, "GWL0602")),
        ("DELETE FROM journal_entry", Verdict(0, 1, "GWL0602")),
        ("UPDATE journal_entry SET sequence_number = 0 WHERE sequence_number = 5", Verdict(0, 1, "GWL0603")),
        (
            "UPDATE journal_entry SET (guard_number, text) = (SELECT guard_number, 'x' FROM journal_entry AS other"
            " WHERE other.sequence_number = 5) WHERE sequence_number = 4",
            Verdict(3, 4, "GWL0603"),
        ),
        ("UPDATE receiver SET last_sequence = 4", Verdict(0, 1, "GWL0607", RECEIVER)),
        ("UPDATE receiver SET last_sequence = 6", Verdict(5, 6, "GWL0602")),
        ("UPDATE receiver SET last_hash = '" + "0" * 64 + "'", Verdict(5, 6, "GWL0607", RECEIVER)),
        ("UPDATE receiver SET name = 'AUDRCV0002'", Verdict(0, 1, "GWL0604")),
        ("UPDATE journal_entry SET (entry_timestamp, chain_hash) = ('x', '')", Verdict(0, 1, "GWL0603")),
        ("DELETE FROM receiver", Verdict(0, 1, "GWL0605")),
        ("UPDATE receiver SET last_sequence = 'x'", Verdict(0, 1, "GWL0605")),
        ("UPDATE receiver SET first_sequence = x'00ff'", Verdict(0, 1, "GWL0605")),
        ("UPDATE receiver SET (attached_at, detached_at) = (1, 2)", Verdict(5, 6, "GWL0607", RECEIVER)),
    ],
)
def test_tampering_is_found_at_its_first_entry(store, statement, expected):
    write(store, 5)
    tamper(store, statement)
    found = verdict(store)
    assert found == expected
    message(found.message_id, **found.values())


def test_journal_longer_than_a_page_is_walked_to_its_end(store):
    write(store, 2500)
    assert verdict(store) == Verdict(2500)
    tamper(store, "UPDATE journal_entry SET user_name = 'MALLORY' WHERE sequence_number = 2499")
    assert verdict(store) == Verdict(2498, 2499, "GWL0603")


def test_outbox_entry_becomes_an_entry_of_its_type(store, now):
    with transaction(store) as session:
        add_audit(session, "GR", at=now, user="OPER", job="000000/OPER/CL", text="t", detail="d", revision=7)
        (made,) = from_outbox(waiting(session))
    assert (made.entry_type, made.revision, made.entry_timestamp, made.guard_id) == ("GR", 7, now, "")


def test_text_that_no_database_takes_is_spelt_out(store):
    assert storable("plain") == "plain"
    assert storable("a\0b\udcffÄ") == "a\\x00b\\udcffÄ"
    write(store, 1, text=storable("\udcff\0"))
    with reading(store) as session:
        assert page_after(session, 0, limit=1)[0].text == "\\udcff\\x00"


def test_entry_that_cannot_be_stored_leaves_no_trace(store):
    write(store, 1)
    with pytest.raises(StoreError), transaction(store) as session:
        append(session, [entry(), entry(program=None)])
    with reading(store) as session:
        assert last_number(session) == 1
    assert verdict(store) == Verdict(1)
