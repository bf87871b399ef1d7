"""An entry that somebody has altered before, or after, its index was made: what verification and readers say of it."""

from __future__ import annotations

import pytest

from console import compiled
from console.journal.spans import Nobody
from console.journal.verify import verify
from console.journal.writer import append
from console.store.engine import open_store
from console.store.journal import JournalFilter, get_entry, page_after, page_before
from console.store.journal_index import index_block, stored_postings
from console.store.journal_keys import IndexField
from console.store.journal_recent import recent_of
from console.store.journal_rows import rows
from console.store.postings import BLOCK
from console.store.session import reading, transaction
from tests.conftest import NOW
from tests.factories import entry

ALTERED = 77
FIELDS = {
    "user_name": ("'ALICE'", "'MALLORY'", JournalFilter(user="ALICE"), JournalFilter(user="MALLORY")),
    "remote_port": ("40001", "40002", JournalFilter(port=40001), JournalFilter(remote_port=40002)),
    "outcome": ("'*REJECTED'", "'*ALLOWED'", JournalFilter(outcome="*REJECTED"), JournalFilter(outcome="*ALLOWED")),
}
"""What stands in the store, what is put in its place, and what readers ask for to find the one and the other."""


def made(store):
    entries = [
        entry(entry_timestamp=NOW, user_name="ALICE", remote_port=40001, outcome="*REJECTED") if number % 7 == 0
        else entry(entry_timestamp=NOW, user_name="BOB", remote_port=443, outcome="")
        for number in range(1, BLOCK + 4)
    ]  # fmt: skip
    with transaction(store) as session:
        append(session, entries, clock=lambda: NOW)


def alter(store, field, value):
    with transaction(store) as session:
        session.connection().exec_driver_sql(
            f"UPDATE journal_entry SET {field} = {value} WHERE sequence_number = {ALTERED}"
        )


def index(store, *, from_memory):
    """Make the index, in the worker that has written the entries or in one that was started since."""
    used = store if from_memory else open_store(store.url, create=False)
    with transaction(used) as session:
        assert (recent_of(session).entries(session, 0) is not None) == from_memory
        index_block(session, 0)
    if used is not store:
        used.close()


def verdicts(store):
    with reading(store) as session:
        return verify(session), verify(session, readers=Nobody())


@pytest.mark.skipif(compiled.journalling is None, reason="there was no compiler")
@pytest.mark.parametrize("when", ["before it is indexed", "after it was indexed"])
@pytest.mark.parametrize("field", FIELDS)
def test_altered_entry_is_named_and_the_index_has_what_was_written(store, field, when):
    true, false, by_true, by_false = FIELDS[field]
    made(store)
    if when == "before it is indexed":
        alter(store, field, false)
    index(store, from_memory=True)
    if when == "after it was indexed":
        alter(store, field, false)
    for verdict in verdicts(store):
        assert (verdict.bad_entry, verdict.message_id) == (ALTERED, "GWL0603")
    # It stands in the list as it stands in the store. Whoever asks for a value finds entries that have it, and this one
    # is not known by the value that was put there.
    with reading(store) as session:
        assert str(getattr(get_entry(session, ALTERED), field)) == false.strip("'")
        assert page_after(session, ALTERED - 1, limit=1)[0].sequence_number == ALTERED
        for only in (by_true, by_false):
            assert ALTERED not in [each.sequence_number for each in page_after(session, 0, limit=BLOCK, only=only)]
            assert ALTERED not in [each.sequence_number for each in page_before(session, None, limit=BLOCK, only=only)]
            assert (ALTERED,) not in list(rows(session, only, ("sequence_number",)))
    alter(store, field, true)  # what is in the index is what was written: with the entry put back all is well again
    for verdict in verdicts(store):
        assert (verdict.bad_entry, verdict.hidden) == (None, ())
    with reading(store) as session:
        assert ALTERED in [each.sequence_number for each in page_after(session, 0, limit=BLOCK, only=by_true)]


@pytest.mark.parametrize("field", FIELDS)
def test_entry_that_was_altered_before_another_worker_indexed_it_is_named_and_found_by_what_stands_there(store, field):
    true, false, by_true, by_false = FIELDS[field]
    made(store)
    alter(store, field, false)
    index(store, from_memory=False)
    for verdict in verdicts(store):
        assert verdict.bad_entry == ALTERED
    with reading(store) as session:
        assert ALTERED in [each.sequence_number for each in page_after(session, 0, limit=BLOCK, only=by_false)]
        assert ALTERED not in [each.sequence_number for each in page_after(session, 0, limit=BLOCK, only=by_true)]
    alter(store, field, true)  # the index is what is false now: it hides the entry, and that is said
    for verdict in verdicts(store):
        assert (verdict.bad_entry, verdict.hidden) == (None, (0,))


@pytest.mark.skipif(compiled.journalling is None, reason="there was no compiler")
def test_index_that_is_rebuilt_knows_an_altered_entry_by_what_stands_there(store):
    made(store)
    alter(store, "user_name", "'MALLORY'")
    index(store, from_memory=True)
    index(store, from_memory=False)
    with reading(store) as session:
        users = {key for field, key, _ in stored_postings(session, 0) if field == IndexField.USER}
        assert users == {b"ALICE", b"BOB", b"MALLORY"}
        found = page_after(session, 0, limit=9, only=JournalFilter(user="MALLORY"))
    assert [each.sequence_number for each in found] == [ALTERED]
    assert {verdict.bad_entry for verdict in verdicts(store)} == {ALTERED}
