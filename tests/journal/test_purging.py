"""How long the steps of a deletion are: they adapt to what the store takes for them, and go on whatever happens."""

from __future__ import annotations

import pytest
from sqlalchemy.event import listen, remove

from console.journal import receivers
from console.journal.purging import Purging
from console.journal.receivers import BUDGET_S, change_receiver, delete_receiver, purge_is_due
from console.journal.writer import append
from console.store.journal import page_after
from console.store.session import reading, transaction
from tests.conftest import NOW
from tests.factories import entry

COUNT = 400


class SlowDisk:
    """A clock on which a statement takes a millisecond, and each transaction so long besides."""

    def __init__(self, commit_s):
        self.commit_s = commit_s
        self.now = 0.0

    def __call__(self):
        self.now += 0.001
        return self.now

    def commits(self):
        self.now += self.commit_s


@pytest.fixture
def deleted(store, monkeypatch):
    monkeypatch.setattr(receivers, "_DELETED_AT_ONCE", 1)
    with transaction(store) as session:
        append(session, [entry(entry_timestamp=NOW)] * COUNT)
        old, _ = change_receiver(session, clock=lambda: NOW)
    with transaction(store) as session:
        delete_receiver(session, old, unsaved=True, at=NOW)
    return store


def left(store):
    with reading(store) as session:
        return sum(1 for each in page_after(session, 0, limit=COUNT + 99) if each.sequence_number <= COUNT)


def sizes_of_steps(store, purging, count):
    """Return how many entries each of so many steps removes."""
    found = []
    for _ in range(count):
        before = left(store)
        purging.step()
        found.append(before - left(store))
    return found


def test_steps_get_short_while_the_disk_is_slow(deleted):
    disk = SlowDisk(0.2)
    purging = Purging(deleted, timer=disk)
    listen(deleted.engine, "commit", told := lambda _connection: disk.commits())
    removed = sizes_of_steps(deleted, purging, 4)
    remove(deleted.engine, "commit", told)
    assert removed[0] > 15
    assert removed == sorted(removed, reverse=True)
    assert 1 <= removed[-1] <= 2
    assert purging.budget_s < 0.002


def test_steps_get_long_again_when_the_disk_is_fast_and_no_longer_than_they_were(deleted):
    purging = Purging(deleted, timer=SlowDisk(0.0))
    purging.budget_s = 0.002
    sizes = sizes_of_steps(deleted, purging, 15)
    assert sizes == sorted(sizes)
    assert purging.budget_s == BUDGET_S
    assert sizes[-1] > 5 * sizes[0]


def test_deletion_without_time_removes_something_in_each_step(deleted):
    purging = Purging(deleted, timer=SlowDisk(0.0))
    purging.budget_s = 0.0
    while purging.step():
        pass
    assert left(deleted) == 0
    with reading(deleted) as session:
        assert not purge_is_due(session)
