"""Whether somebody has written to a store is told apart from nobody having, and from who looks having."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest
from sqlmodel import Session, select

from console.model.running import Worker
from console.store.changes import BUSY, Changes
from console.store.engine import open_store
from console.store.session import reading, transaction
from console.store.workers import add_worker, beat


@pytest.fixture
def changes(store):
    made = Changes(store)
    yield made
    made.close()


def _add(session: Session, now):
    return add_worker(session, pid=1, host="h", at=now, revision=1)


def test_state_stays_while_nobody_writes(store, changes):
    before = changes.state()
    with reading(store) as session:
        session.exec(select(Worker)).all()
    assert before is not None
    assert changes.state() == before


def test_what_others_commit_is_a_change_and_what_they_roll_back_is_none(store, changes, store_url, now):
    before = changes.state()
    with transaction(store) as session:
        _add(session, now)
        session.rollback()
    assert changes.state() == before
    with transaction(store) as session:
        _add(session, now)
    after = changes.state()
    assert after != before
    other = open_store(store_url)
    with transaction(other) as session:
        _add(session, now)
    other.close()
    assert changes.state() != after


def test_connection_that_had_to_be_replaced_is_a_change(store, changes, now):
    seen = set()
    for _ in range(4):
        seen.add(changes.state())
        changes._store.engine.dispose()
    assert len(seen) == 4


def test_own_writing_is_no_change_and_hides_none_of_others(store, changes, now):
    with transaction(store) as session:
        number = _add(session, now)
    before = changes.state()
    for _ in range(3):
        with changes.writing() as session:
            beat(session, number, at=now, revision=2)
    assert changes.state() == before
    with reading(store) as session:
        assert session.get(Worker, number).revision == 2
    with transaction(store) as session:
        _add(session, now)
    with changes.writing() as session:
        beat(session, number, at=now, revision=3)
    assert changes.state() != before


def test_nothing_is_known_while_it_writes_and_nobody_waits_for_that(changes):
    with changes.writing():
        assert changes.state() is BUSY
    assert changes.state() not in (None, BUSY)


def test_key_of_the_journal_that_is_made_changed_or_removed_is_a_change(store, changes):
    path = store.location.journal_key
    seen = [changes.state()]
    path.write_bytes(b"a")
    seen.append(changes.state())
    os.chmod(path, 0o400)
    seen.append(changes.state())
    path.unlink()
    seen.append(changes.state())
    assert [one == other for one, other in pairwise(seen)] == [False, False, False]
