"""Receivers: named, attached one after the other, saved before they go, gone bit by bit, and the chain holds."""

from __future__ import annotations

import itertools
import time
from datetime import timedelta

import pytest

from console.errors import JournalError
from console.journal import receivers
from console.journal.receivers import (
    attributes,
    change_at_threshold,
    change_receiver,
    delete_receiver,
    expire,
    list_receivers,
    mark_saved,
    next_name,
    purge_is_due,
    purge_some,
    set_attributes,
    state,
    threshold_is_reached,
)
from console.journal.verify import verify
from console.journal.writer import append
from console.store.journal import JournalFilter, page_after, page_before
from console.store.journal_index import index_block, missing_block
from console.store.journal_postings import block_of
from console.store.postings import BLOCK
from console.store.session import reading, transaction
from tests.factories import entry


def write(store, count, **fields):
    with transaction(store) as session:
        return append(session, [entry(**fields)] * count)


def change(store, now, name=""):
    with transaction(store) as session:
        return change_receiver(session, name, clock=lambda: now)


def verdict(store):
    with reading(store) as session:
        return verify(session)


def states(store):
    with reading(store) as session:
        return [(each.name, state(each), each.first_sequence, each.last_sequence) for each in list_receivers(session)]


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [
        ("AUDRCV0001", (), "AUDRCV0002"),
        ("AUDRCV0001", ("AUDRCV0002",), "AUDRCV0003"),
        ("AUDRCV9999", (), "AUDRCV0000"),
        ("DSTR09", (), "DSTR10"),
        ("SECURITY", (), "SECURI0001"),
        ("R", (), "R0001"),
        ("R9", tuple(f"R{n}" for n in range(10)), "RA1"),
    ],
)
def test_name_that_is_generated_counts_up(name, taken, expected):
    assert next_name(name, {name, *taken}) == expected


def test_entries_go_on_without_a_gap_in_the_next_receiver(store, now):
    write(store, 3)
    assert change(store, now) == ("AUDRCV0001", "AUDRCV0002")
    assert change(store, now, "SPECIAL") == ("AUDRCV0002", "SPECIAL")
    write(store, 2)
    assert states(store) == [
        ("AUDRCV0001", "ONLINE", 1, 4), ("AUDRCV0002", "ONLINE", 5, 6), ("SPECIAL", "ATTACHED", 7, 9),
    ]  # fmt: skip
    assert verdict(store).entries == 9
    assert verdict(store).bad_entry is None
    with reading(store) as session:
        rows = page_after(session, 3, limit=4)
        assert [(row.journal_code, row.entry_type) for row in rows] == [
            ("J", "NR"),
            ("J", "PR"),
            ("J", "NR"),
            ("J", "PR"),
        ]
        shown = page_after(session, 0, limit=9, only=JournalFilter(receiver="AUDRCV*", entry_type="SK"))
        assert [row.sequence_number for row in shown] == [1, 2, 3]


@pytest.mark.parametrize(("name", "message_id"), [("AUDRCV0001", "GWL0613"), ("1A", "GWL0614"), ("A" * 11, "GWL0614")])
def test_receiver_needs_a_name_of_its_own(store, now, name, message_id):
    with pytest.raises(JournalError) as error:
        change(store, now, name)
    assert error.value.message_id == message_id


def test_receiver_goes_only_detached_and_saved_or_when_told_so(store, now):
    write(store, 3)
    with pytest.raises(JournalError) as error, transaction(store) as session:
        delete_receiver(session, "AUDRCV0001", unsaved=True, at=now)
    assert error.value.message_id == "GWL0615"
    change(store, now)
    with pytest.raises(JournalError) as error, transaction(store) as session:
        delete_receiver(session, "AUDRCV0001", unsaved=False, at=now)
    assert error.value.message_id == "GWL0616"
    with transaction(store) as session:
        mark_saved(session, "AUDRCV0001", now)
    assert states(store)[0][1] == "SAVED"
    with transaction(store) as session:
        delete_receiver(session, "AUDRCV0001", unsaved=False, at=now)
    with pytest.raises(JournalError) as error, transaction(store) as session:
        delete_receiver(session, "AUDRCV0001", unsaved=False, at=now)
    assert error.value.message_id == "GWL0612"


def test_deletion_goes_on_after_a_crash_and_the_chain_verifies_all_along(store, now, monkeypatch):
    monkeypatch.setattr(receivers, "_DELETED_AT_ONCE", 3)
    write(store, 5)
    change(store, now)
    write(store, 7)
    change(store, now)
    write(store, 2)
    with transaction(store) as session:
        delete_receiver(session, "AUDRCV0002", unsaved=True, at=now)
    left = []
    more = True
    while more:  # each a transaction of its own: between any two the worker may be killed
        assert verdict(store).bad_entry is None
        with transaction(store) as session:
            more = purge_some(session, budget_s=0)
        with reading(store) as session:
            left.append(len(page_after(session, 0, limit=99)))
    assert left == [15, 12, 9, 9, 9]
    assert verdict(store).bad_entry is None
    with reading(store) as session:
        assert not purge_is_due(session)
        assert [each.name for each in list_receivers(session)] == ["AUDRCV0001", "AUDRCV0002", "AUDRCV0003"]
        assert [row.sequence_number for row in page_before(session, None, limit=4)] == [6, 16, 17, 18]


def test_deletion_ends_its_transaction_when_its_time_is_over(store, now, monkeypatch):
    monkeypatch.setattr(receivers, "_DELETED_AT_ONCE", 2)
    write(store, 40)
    change(store, now)
    with transaction(store) as session:
        delete_receiver(session, "AUDRCV0001", unsaved=True, at=now)
    ticks = itertools.count()
    with transaction(store) as session:  # each look at the time is a millisecond later
        assert purge_some(session, budget_s=0.005, timer=lambda: next(ticks) / 1000)
    with reading(store) as session:
        assert len(page_after(session, 0, limit=99)) == 42 - 5 * 2


def test_deletion_lets_new_entries_in_between(store, now):
    write(store, 30_000)
    with transaction(store) as session:
        index_block(session, 0)
    change(store, now)
    with transaction(store) as session:
        delete_receiver(session, "AUDRCV0001", unsaved=True, at=now)
    worked = []
    more = True
    while more:
        began = time.thread_time()  # of this thread alone, whatever else the machine does
        with transaction(store) as session:
            more = purge_some(session)
        worked.append(time.thread_time() - began)
        write(store, 1)
    assert len(worked) > 5
    assert max(worked) < 0.1
    assert verdict(store).bad_entry is None


def test_index_forgets_what_was_deleted_and_nothing_else(store, now):
    write(store, 100, user_name="FIRST")
    change(store, now)
    write(store, 2 * BLOCK, user_name="SECOND")
    change(store, now)
    write(store, BLOCK, user_name="THIRD")
    with transaction(store) as session:
        while (block := missing_block(session, 3)) is not None:
            index_block(session, block)
        delete_receiver(session, "AUDRCV0002", unsaved=True, at=now)
    with transaction(store) as session:
        while purge_some(session):
            pass
    with reading(store) as session:
        assert missing_block(session, block_of(3 * BLOCK)) is None
        for name, count in (("FIRST", 100), ("SECOND", 0), ("THIRD", 500)):
            assert len(page_after(session, 0, limit=500, only=JournalFilter(user=name))) == count
        found = verify(session)
        assert (found.bad_entry, found.hidden) == (None, ())


def test_index_that_hides_an_entry_is_found_and_made_again(store):
    write(store, BLOCK + 5)
    with transaction(store) as session:
        index_block(session, 0)
    assert verdict(store).hidden == ()
    for damage in (
        "DELETE FROM journal_index WHERE field = 6",
        "UPDATE journal_index SET entries = x'0000' WHERE field = 3",
        "UPDATE journal_index SET key = x'00' WHERE field = 4",
        "UPDATE journal_block SET first_time = '2030-01-01 00:00:00.000000'",
        "UPDATE journal_block SET last_time = NULL",
    ):
        with transaction(store) as session:
            session.connection().exec_driver_sql(damage)
        found = verdict(store)
        assert (found.message_id, found.hidden, found.bad_entry) == ("GWL0611", (0,), None), damage
        with transaction(store) as session:
            index_block(session, 0)
        assert verdict(store).hidden == ()


def test_threshold_changes_the_receiver_or_says_so_once(store, now):
    with transaction(store) as session:
        set_attributes(session, {"threshold_kb": 1, "manage_receivers": "*USER"})
    write(store, 2)
    with reading(store) as session:
        assert not threshold_is_reached(session)
    write(store, 20)
    with transaction(store) as session:
        told = change_at_threshold(session)
        assert (told.receiver, told.attached) == ("AUDRCV0001", "AUDRCV0001")
        assert change_at_threshold(session) is None
        set_attributes(session, {"manage_receivers": "*SYSTEM"})
        told = change_at_threshold(session)
        assert (told.receiver, told.attached) == ("AUDRCV0001", "AUDRCV0002")
        assert change_at_threshold(session) is None
    assert verdict(store).bad_entry is None


def test_journal_without_attributes_has_those_of_ibm_i(store):
    with reading(store) as session:
        held = attributes(session)
    assert (held.threshold_kb, held.manage_receivers, held.delete_receivers) == (1_500_000, "*SYSTEM", "*NO")


def test_what_is_old_or_too_much_expires_saved_first(store, now):
    for day in range(3):
        write(store, 20)
        change(store, now + timedelta(days=day))
    with transaction(store) as session:
        assert expire(session, now + timedelta(days=100)) == []
        set_attributes(session, {"keep_days": 10})
        mark_saved(session, "AUDRCV0001", now)
        assert expire(session, now + timedelta(days=9)) == []
        assert expire(session, now + timedelta(days=11)) == ["AUDRCV0001"]
        set_attributes(session, {"delete_receivers": "*YES", "keep_days": 0, "keep_kb": 4})
        assert expire(session, now + timedelta(days=11)) == ["AUDRCV0002"]
