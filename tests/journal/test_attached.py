"""A journal without the receiver or the key that it goes on with: entries come behind what is there, and it is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.enforcement.journal_keeper import JournalKeeper
from console.errors import StoreError
from console.journal.attached import is_in_order
from console.journal.receivers import (
    attached_is_sound,
    change_receiver,
    delete_receiver,
    list_receivers,
    mark_saved,
    purge_some,
)
from console.journal.verify import WHOLE, verify
from console.journal.writer import append
from console.messages import message
from console.store.journal import attached_receiver
from console.store.messages import list_messages
from console.store.session import reading, transaction
from tests.factories import entry

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

GONE = {
    "no row": ("DELETE FROM receiver", "GWL061B"),
    "only rows of before": ("DELETE FROM receiver WHERE detached_at IS NULL", "GWL061B"),
    "all detached": ("UPDATE receiver SET detached_at = '2026-03-01 12:00:00.000000'", "GWL061B"),
    "a name that is octets": ("UPDATE receiver SET name = x'ff' WHERE detached_at IS NULL", "GWL061E"),
    "a name that is no text": ("UPDATE receiver SET name = CAST(x'80' AS TEXT) WHERE detached_at IS NULL", "GWL061E"),
    "an attachment at no time": ("UPDATE receiver SET attached_at = 'x'", "GWL061E"),
    "an attachment at a number": ("UPDATE receiver SET attached_at = 7", "GWL061E"),
    "an old deletion at no time": ("UPDATE receiver SET deleted_at = 'x', purged = 'y' WHERE detached_at", "GWL061E"),
    "a number that is none": ("UPDATE receiver SET first_sequence = 'x' WHERE detached_at IS NULL", "GWL061E"),
}


def write(store, *texts, at=NOW):
    with transaction(store) as session:
        append(session, [entry(text=text) for text in texts], clock=lambda: at)


def texts(store):
    with reading(store) as session:
        query = "SELECT text FROM journal_entry WHERE text LIKE 'more%' ORDER BY sequence_number"
        return session.connection().exec_driver_sql(query).scalars().all()


def said(store):
    with reading(store) as session:
        return {each.message_id for each in list_messages(session)}


def entries_say(store, message_id):
    with reading(store) as session:
        query = "SELECT count(*) FROM journal_entry WHERE entry_type = 'GR' AND text LIKE ?"
        return session.connection().exec_driver_sql(query, (f"{message_id}%",)).scalar()


def verdict(store):
    with reading(store) as session:
        found = verify(session)
    message(found.message_id, **found.values())
    return found


@pytest.fixture
def journal(store):
    """Return a store whose journal has two receivers."""
    write(store, "more 1", "more 2")
    with transaction(store) as session:
        change_receiver(session, clock=lambda: NOW)
    write(store, "more 3")
    return store


@pytest.mark.parametrize("idle", [False, True])
@pytest.mark.parametrize(("damage", "told"), GONE.values(), ids=GONE)
def test_entries_go_on_behind_what_is_there_and_it_is_said_and_found(journal, damage, told, idle):
    with transaction(journal) as session:
        session.connection().exec_driver_sql(damage)
    if idle:
        JournalKeeper(journal, lambda: NOW).step()
    write(journal, "more 4")
    keeper = JournalKeeper(journal, lambda: NOW + timedelta(minutes=1))
    keeper.step()
    write(journal, "more 5")
    assert texts(journal) == [f"more {number}" for number in range(1, 6)]
    with reading(journal) as session:
        numbers = session.connection().exec_driver_sql("SELECT sequence_number FROM journal_entry ORDER BY 1").scalars()
        found = list(numbers)
        assert found == list(range(1, len(found) + 1))
        assert is_in_order(session)
        assert attached_is_sound(session)
        assert attached_receiver(session).detached_at is None
        list_receivers(session)
    assert told in said(journal)
    assert entries_say(journal, told)
    # No deletion in the place of one at no time: that is just what was signed.
    assert (verdict(journal).bad_entry is None) == ("deleted_at" in damage)


def test_chain_goes_on_across_the_receiver_that_is_attached_in_the_place_of_one_that_is_gone(journal):
    with transaction(journal) as session:
        session.connection().exec_driver_sql("DELETE FROM receiver WHERE detached_at IS NULL")
    write(journal, "more 4")
    with reading(journal) as session:
        old, new = list_receivers(session)
        last = session.connection().exec_driver_sql(
            "SELECT chain_hash FROM journal_entry WHERE sequence_number = ?", (new.first_sequence - 1,)
        )
        assert new.before_hash == last.scalar()
        assert (old.name, new.name) == ("AUDRCV0001", "AUDRCV0002")
    found = verdict(journal)
    assert (found.message_id, found.bad_entry) == ("GWL061D", old.last_sequence + 1)


def test_reader_of_a_journal_without_receiver_is_told_so(journal):
    with transaction(journal) as session:
        session.connection().exec_driver_sql("DELETE FROM receiver")
    with pytest.raises(StoreError) as raised, reading(journal) as session:
        attached_receiver(session)
    assert raised.value.message_id == "GWL061F"


def signatures(store):
    with reading(store) as session:
        return {each.name: each.signature for each in list_receivers(session)}


@pytest.mark.parametrize("idle", [False, True])
def test_key_that_is_gone_is_said_and_what_it_signed_is_not_signed_again(journal, idle):
    before = signatures(journal)
    key = journal.location.journal_key
    public = key.read_text().splitlines()[1]
    key.unlink()
    if idle:
        JournalKeeper(journal, lambda: NOW).step()
    write(journal, "more 4")
    JournalKeeper(journal, lambda: NOW).step()
    assert signatures(journal).items() >= before.items()
    assert list(signatures(journal)) == ["AUDRCV0001", "AUDRCV0002", "AUDRCV0003"]
    assert "GWL061C" in said(journal)
    assert entries_say(journal, "GWL061C") == 1
    found = verdict(journal)
    assert (found.message_id, found.bad_entry) == ("GWL062A", 1)
    assert dict(found.detail) == {"receivers": "AUDRCV0001, AUDRCV0002"}
    with key.open("a") as file:
        file.write(f"{public}\n")
    assert verdict(journal).message_id == WHOLE


def test_new_key_vouches_through_the_chain_for_what_the_lost_one_signed(journal):
    journal.location.journal_key.unlink()
    write(journal, "more 4")
    with transaction(journal) as session:
        session.connection().exec_driver_sql("UPDATE journal_entry SET user_name = 'M' WHERE sequence_number = 2")
    found = verdict(journal)
    assert (found.message_id, found.bad_entry) == ("GWL0603", 2)


def test_nobody_is_led_to_believe_by_a_lost_key_that_a_new_receiver_need_not_be_signed(journal):
    journal.location.journal_key.unlink()
    write(journal, "more 4")
    with transaction(journal) as session:
        session.connection().exec_driver_sql("UPDATE receiver SET signature = '' WHERE name = 'AUDRCV0003'")
    assert verdict(journal).message_id == "GWL0607"


def test_receivers_of_a_lost_key_can_be_saved_and_deleted(journal):
    journal.location.journal_key.unlink()
    write(journal, "more 4")
    with transaction(journal) as session:
        mark_saved(session, "AUDRCV0001", NOW)
        delete_receiver(session, "AUDRCV0001", unsaved=False, at=NOW)
    with transaction(journal) as session:
        while purge_some(session):
            pass
    found = verdict(journal)
    assert (found.message_id, dict(found.detail)) == ("GWL062A", {"receivers": "AUDRCV0001, AUDRCV0002"})


def test_command_that_changes_a_receiver_does_not_replace_a_key_that_is_gone(journal):
    journal.location.journal_key.unlink()
    with pytest.raises(StoreError) as raised, transaction(journal) as session:
        mark_saved(session, "AUDRCV0001", NOW)
    assert raised.value.message_id == "GWL0606"
    assert not journal.location.journal_key.exists()
