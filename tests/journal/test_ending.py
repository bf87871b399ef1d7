"""Entries go on being written, whatever somebody without the key has put in their way, and verification names it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.enforcement.journal_keeper import JournalKeeper
from console.journal.receivers import attached_is_sound
from console.journal.verify import verify
from console.journal.writer import append
from console.model.journal import Checkpoint
from console.store.session import reading, transaction
from tests.factories import entry

ENTRY = """INSERT INTO journal_entry SELECT {number}, entry_timestamp, receiver_name, journal_code, entry_type, sk_type,
outcome, exit_point, rule_sequence, revision, user_name, qualified_job_name, pid, program, address_family,
local_address, local_port, remote_address, remote_port, socks_server, decision_us, text, detail, guard_id,
guard_number, {digest} FROM journal_entry WHERE sequence_number = 1"""
CHECKPOINT = """INSERT INTO journal_checkpoint
SELECT {number}, sequence_number, chain_hash, made_at, signature FROM journal_checkpoint WHERE number = 1"""
RECEIVER = """INSERT INTO receiver (name, attached_at, first_sequence, last_sequence, last_hash, before_hash,
size_bytes, checkpoints, purged, signature) SELECT 'FAKE', attached_at, 99, 99, last_hash, before_hash, 0, 0, 0, ''
FROM receiver"""

UNSOUND = {
    "an entry where the next comes": ENTRY.format(number=4, digest="chain_hash"),
    "an entry with a hash that is none": ENTRY.format(number=4, digest="'zz'"),
    "an entry with a hash that is no text": ENTRY.format(number=4, digest="CAST(x'FFFE' AS TEXT)"),
    "a hash that is no text": "UPDATE receiver SET last_hash = CAST(x'FFFE' AS TEXT)",
    "a hash that is none": "UPDATE receiver SET last_hash = 'zz'",
    "an end that is no number": "UPDATE receiver SET last_sequence = 'x'",
    "an end before the end": "UPDATE receiver SET last_sequence = 0",
    "an end behind all numbers": "UPDATE receiver SET last_sequence = 9223372036854775807",
    "a size that is no number": "UPDATE receiver SET size_bytes = 'x'",
    "a count that is no number": "UPDATE receiver SET checkpoints = 'x'",
    "another receiver": RECEIVER,
}
SOUND = {
    "a checkpoint where the next comes": CHECKPOINT.format(number=2),
    "an entry with the highest number": ENTRY.format(number=2**63 - 1, digest="chain_hash"),
    "a checkpoint with the highest number": CHECKPOINT.format(number=2**63 - 1),
    "a checkpoint whose time is none": "UPDATE journal_checkpoint SET made_at = 'x'",
    "a checkpoint whose time is no text": "UPDATE journal_checkpoint SET made_at = CAST(x'FFFE' AS TEXT)",
    "a checkpoint whose hash is no text": "UPDATE journal_checkpoint SET chain_hash = CAST(x'FFFE' AS TEXT)",
    "an end whose hash is no text": "UPDATE journal_entry SET chain_hash = CAST(x'FFFE' AS TEXT)"
    " WHERE sequence_number = 3",
    "a checkpoint of times to come": "UPDATE journal_checkpoint SET made_at = '2999-01-01 00:00:00.000000'",
}


def write(store, at, text="more"):
    with transaction(store) as session:
        append(session, [entry(text=text)], clock=lambda: at)


def texts(store):
    with reading(store) as session:
        query = "SELECT text FROM journal_entry WHERE text LIKE 'more%' ORDER BY sequence_number"
        return session.connection().exec_driver_sql(query).scalars().all()


@pytest.mark.parametrize("planted", [*UNSOUND.values(), *SOUND.values()], ids=[*UNSOUND, *SOUND])
def test_nothing_planted_keeps_entries_from_being_written_and_it_is_found(store, now, planted):
    write(store, now, "more 1")
    write(store, now, "more 2")
    write(store, now, "more 3")
    with transaction(store) as session:
        session.connection().exec_driver_sql(planted)
        session.connection().exec_driver_sql("UPDATE journal_entry SET text = '' WHERE sequence_number > 3")
    write(store, now + timedelta(minutes=2), "more 4")
    keeper = JournalKeeper(store, lambda: now + timedelta(minutes=3))
    keeper.step()
    write(store, now + timedelta(minutes=4), "more 5")
    assert texts(store) == [f"more {number}" for number in range(1, 6)]
    with reading(store) as session:
        assert verify(session).bad_entry is not None
        assert attached_is_sound(session)


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=400)])
def test_clock_that_is_set_back_does_not_end_the_checkpoints(store, now, back):
    write(store, now)
    for minute in range(3):
        write(store, now - back + timedelta(minutes=minute))
    with reading(store) as session:
        assert session.get(Checkpoint, 4) is not None
        assert verify(session).bad_entry is None
