"""What the worker does for the journal between two batches: step by step, and again after a crash."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.enforcement.journal_keeper import JournalKeeper
from console.errors import StoreError
from console.journal.ending import last_checkpoint
from console.journal.receivers import change_receiver, delete_receiver, list_receivers, set_attributes, state
from console.journal.signer import read_head
from console.journal.verify import verify
from console.journal.writer import append
from console.store.guards import add_guard, list_guards
from console.store.journal import last_number, page_before
from console.store.journal_index import known_blocks
from console.store.messages import list_messages
from console.store.postings import BLOCK
from console.store.session import reading, transaction
from tests.factories import entry


def write(store, count):
    with transaction(store) as session:
        append(session, [entry()] * count)


def test_full_blocks_get_their_index_one_a_step_and_a_new_worker_does_what_is_left(store, now):
    write(store, 3 * BLOCK + 1)
    assert JournalKeeper(store, lambda: now).step()
    keeper = JournalKeeper(store, lambda: now)
    assert [keeper.step() for _ in range(3)] == [True, True, False]
    with reading(store) as session:
        assert set(known_blocks(session, range(9))) == {0, 1, 2}
        assert verify(session).hidden == ()


def test_index_of_two_blocks_waits_while_many_entries_come_and_no_more(store, now):
    keeper = JournalKeeper(store, lambda: now)
    write(store, 2 * BLOCK)
    assert not keeper.step(pressed=True)
    with reading(store) as session:
        assert known_blocks(session, range(9)) == {}
    write(store, BLOCK)
    assert [keeper.step(pressed=True) for _ in range(4)] == [True, True, True, False]
    write(store, BLOCK)
    assert not keeper.step(pressed=True)
    assert [keeper.step() for _ in range(2)] == [True, False]
    with reading(store) as session:
        assert set(known_blocks(session, range(9))) == {0, 1, 2, 3}
        assert verify(session).hidden == ()


def test_deletion_that_a_dead_worker_began_is_finished(store, now):
    write(store, 9000)
    with transaction(store) as session:
        change_receiver(session)
        delete_receiver(session, "AUDRCV0001", unsaved=True, at=now)
    assert JournalKeeper(store, lambda: now).step()
    keeper = JournalKeeper(store, lambda: now)
    while keeper.step():
        pass
    with reading(store) as session:
        assert [each.purged for each in list_receivers(session)] == [True, False]
        assert verify(session).bad_entry is None


def test_receiver_is_changed_at_its_threshold_and_operator_and_journal_are_told(store, now):
    with transaction(store) as session:
        set_attributes(session, {"threshold_kb": 1})
    write(store, 20)
    keeper = JournalKeeper(store, lambda: now)
    keeper.step()
    with reading(store) as session:
        assert [state(each) for each in list_receivers(session)] == ["ONLINE", "ATTACHED"]
        assert "AUDRCV0002" in page_before(session, None, limit=1)[0].text
        said = session.connection().exec_driver_sql("SELECT message_id FROM queue_message").scalars().all()
    assert said == ["GWL0617"]


def test_receiver_that_was_kept_long_enough_goes_by_itself(store, now):
    write(store, 20)
    with transaction(store) as session:
        change_receiver(session, clock=lambda: now)
        set_attributes(session, {"keep_days": 1, "delete_receivers": "*YES"})
    keeper = JournalKeeper(store, lambda: now + timedelta(days=2))
    keeper.step()
    while keeper.step():
        pass
    with reading(store) as session:
        assert [state(each) for each in list_receivers(session)] == ["DELETED", "ATTACHED"]


def test_file_beside_the_store_follows_the_checkpoints(store, now):
    keeper = JournalKeeper(store, lambda: now)
    keeper.step()
    assert read_head(store.location) is None
    write(store, 4)
    keeper.step()
    assert read_head(store.location)[:2] == (1, 4)


def test_file_beside_the_store_receivers_and_retention_wait_for_no_index_and_no_deletion(store, now):
    write(store, 9000)
    with transaction(store) as session:
        set_attributes(session, {"threshold_kb": 1})
        change_receiver(session)
        delete_receiver(session, "AUDRCV0001", unsaved=True, at=now)
    write(store, BLOCK)
    with reading(store) as session:
        number, end, _ = last_checkpoint(session)
    assert JournalKeeper(store, lambda: now).step()
    assert read_head(store.location)[:2] == (number, end)
    with reading(store) as session:
        assert not list_receivers(session)[0].purged
        assert [state(each) for each in list_receivers(session)][-2:] == ["ONLINE", "ATTACHED"]


def test_journal_that_an_older_version_left_unsigned_is_signed_as_it_is_when_a_worker_begins(store, now):
    write(store, 5)
    store.location.journal_key.unlink()
    with transaction(store) as session:
        session.connection().exec_driver_sql("UPDATE receiver SET (signature, checkpoints, size_bytes) = ('', 0, 0)")
        session.connection().exec_driver_sql("DELETE FROM journal_checkpoint")
    with reading(store) as session:
        assert verify(session).message_id == "GWL0610"
    JournalKeeper(store, lambda: now).begin()
    with reading(store) as session:
        assert verify(session).entries == 5
        assert verify(session).bad_entry is None
    write(store, 1)
    with reading(store) as session:
        assert verify(session).entries == 6


def test_receiver_that_somebody_else_has_written_to_is_left_and_the_operator_told(store, now):
    write(store, 5)
    keeper = JournalKeeper(store, lambda: now)
    keeper.step()
    with transaction(store) as session:
        session.connection().exec_driver_sql("UPDATE receiver SET size_bytes = 1")
    keeper.step()
    write(store, 1)
    keeper.step()
    with reading(store) as session:
        assert [state(each) for each in list_receivers(session)] == ["ONLINE", "ATTACHED"]
        found = verify(session)
        assert (found.message_id, dict(found.detail)) == ("GWL0607", {"receiver": "AUDRCV0001"})
        said = session.connection().exec_driver_sql("SELECT message_id FROM queue_message").scalars().all()
    assert said == ["GWL061A"]


def told(store):
    with reading(store) as session:
        return [each.message_id for each in list_messages(session)]


def test_key_that_cannot_be_used_is_told_to_operators_once_and_again_after_it_could(store, now):
    write(store, 1)
    key = store.location.journal_key
    keeper = JournalKeeper(store, lambda: now)
    for times in (1, 2):
        key.chmod(0o644)
        for _ in range(3):
            with pytest.raises(StoreError, match="GWL0606"):
                keeper.step()
        with reading(store) as session:
            (said,) = list_messages(session)
        assert (said.message_id, said.severity, said.count) == ("GWL0606", 40, times)
        key.chmod(0o600)
        keeper.step()


def test_key_that_cannot_be_used_is_told_by_a_worker_that_begins(store, now):
    write(store, 1)
    store.location.journal_key.write_text("nothing\n")
    with pytest.raises(StoreError, match="GWL0606"):
        JournalKeeper(store, lambda: now).begin()
    assert told(store) == ["GWL0606"]


@pytest.fixture
def job(store, now):
    with transaction(store) as session:
        add_guard(session, guard_id="a" * 32, user="ALICE", job_name="CURL", command="curl", pid=7, started=now)
    return store


@pytest.mark.parametrize(
    "damage",
    ["last_number = 'x'", "last_number = -4", "decided = x'31'", "started = 'yesterday'", "started = 5", "pid = 1.5",
     "user = CAST(x'80' AS TEXT)", "command = x'00'", "end_requested = 'now'", "job_number = 'x'",
     "exit_status = 'x'"],
)  # fmt: skip
def test_row_of_a_job_that_was_written_over_is_made_readable_and_said(job, now, damage):
    write(job, 1)
    with transaction(job) as session:
        session.connection().exec_driver_sql(f"UPDATE guard SET {damage}")
    JournalKeeper(job, lambda: now).step()
    with reading(job) as session:
        (found,) = list_guards(session)
        assert found.guard_id == "a" * 32
        assert verify(session).message_id == "GWL0601"
        assert "GWL0525" in page_before(session, None, limit=1)[0].text
    assert told(job) == ["GWL0525"]


def test_rows_of_jobs_that_are_sound_stay_as_they_are(job, now):
    write(job, 1)
    JournalKeeper(job, lambda: now).step()
    assert told(job) == []


OUT_OF_RANGE = "0001-01-01 00:00:00.000000+23:59"


@pytest.mark.parametrize("table", ["receiver SET attached_at", "journal_checkpoint SET made_at"])
def test_time_out_of_range_stops_neither_the_keeper_nor_what_guards_send(store, now, table):
    write(store, 3)
    with transaction(store) as session:
        session.connection().exec_driver_sql(f"UPDATE {table} = ?", (OUT_OF_RANGE,))
    keeper = JournalKeeper(store, lambda: now)
    keeper.begin()
    while keeper.step():
        pass
    write(store, 1)
    with reading(store) as session:
        assert verify(session).message_id in ("GWL0607", "GWL0608")
        assert last_number(session) >= 4
