"""No entry that somebody has written over ends what watches the journal, sends it on, indexes it or writes it out."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

import pytest
from sqlalchemy import true

from console.alerts.reading import first_since, read_batch
from console.alerts.watcher import Watcher
from console.errors import StoreError
from console.journal.export import entries, origin
from console.journal.formats import audit_journal
from console.journal.forwarding.messages import message
from console.journal.made_usable import usable
from console.journal.verify import verify
from console.journal.writer import append
from console.model.alerts import Alert
from console.model.forwarding import ForwardFormat
from console.store import alerts as kept
from console.store.journal import page_after
from console.store.journal_index import index_block, stored_postings
from console.store.journal_keys import IndexField, text_key
from console.store.postings import unpack
from console.store.session import reading, transaction
from tests.alerts.rows import row
from tests.factories import entry

WRITTEN_OVER = {
    "a time that is none": "entry_timestamp = 'x'",
    "a time that is a number": "entry_timestamp = 5",
    "a time in octets": "entry_timestamp = x'ff'",
    "a port in words": "remote_port = 'x'",
    "a port in octets": "local_port = x'ff'",
    "an address in octets": "remote_address = x'00ff'",
    "a user in octets": "user_name = x'ff00'",
    "a text that is not UTF-8": "text = CAST(x'ff41' AS TEXT)",
    "half a character": "program = CAST(x'eda080' AS TEXT)",
    "a rule in words": "rule_sequence = 'x'",
}


@pytest.fixture(params=WRITTEN_OVER.values(), ids=WRITTEN_OVER.keys())
def damaged(request, store, store_url, now):
    """Return a store whose third entry of five was written over."""
    alert = {"name": "ANY", "active": True, "condition": "local_port >= 0 AND user_name <> NOBODY", "per": "user_name",
             "threshold": 1, "within_s": 10, "clear_s": 20, "quiet_s": 60, "telling": "*EACH"}  # fmt: skip
    with transaction(store) as session:
        append(session, [entry(entry_timestamp=now) for _ in range(5)])
        kept.add_alert(session, Alert.model_validate(alert))
        kept.set_position(session, 0)
    with sqlite3.connect(store_url.removeprefix("sqlite:///")) as connection:
        connection.execute(f"UPDATE journal_entry SET {request.param} WHERE sequence_number = 3")
    connection.close()
    return store


def test_alerts_look_at_the_entries_behind_it(damaged, now):
    watcher = Watcher(damaged, lambda: now, "HERE")
    while watcher.step():
        pass
    with reading(damaged) as session:
        assert kept.position(session) == 5
        found = read_batch(session, 0, true())
        assert [each[0] for each in found.rows] == [1, 2, 3, 4, 5]
        assert first_since(session, now, 5) in (1, 4)


@pytest.mark.parametrize("form", list(ForwardFormat))
def test_it_is_sent_on_as_far_as_it_can_be(damaged, form):
    sent = [message(each, origin(), form, 8192) for each in entries(damaged)]
    assert len(sent) == 5


def test_it_is_exported_as_far_as_it_can_be(damaged):
    assert len([audit_journal.line(each, origin()) for each in entries(damaged)]) == 5


def test_its_block_gets_an_index_that_hides_no_other(damaged):
    with transaction(damaged) as session:
        index_block(session, 0)
    with reading(damaged) as session:
        index = {(field, key): unpack(bits) for field, key, bits in stored_postings(session, 0)}
    assert index[IndexField.ENTRY_TYPE, text_key("SK")] == 0b11111
    assert all(bits & 0b11011 in (0, 0b11011) for bits in index.values())


def test_reading_it_alone_fails_in_our_words_and_verification_names_it(damaged):
    with suppress(StoreError), reading(damaged) as session:
        page_after(session, 0, limit=10)
    with reading(damaged) as session:
        assert verify(session).bad_entry == 3


def test_entry_that_is_as_it_should_be_is_left_alone():
    sound = row(1)
    assert next(usable([sound])) == sound
