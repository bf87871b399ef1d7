"""An entry that somebody has planted at a number far off stops nobody, and nothing that comes after is passed over."""

from __future__ import annotations

import pytest
from sqlalchemy import true

from console.alerts.reading import first_since, read_batch
from console.enforcement.journal_keeper import JournalKeeper
from console.journal.export import entries, follow
from console.journal.verify import verify
from console.journal.writer import append
from console.store.journal import EVERYTHING, JournalFilter, last_number, page_after, page_before
from console.store.journal_index import index_block, known_blocks
from console.store.session import reading, transaction
from tests.conftest import NOW
from tests.factories import entry
from tests.journal.test_ending import ENTRY

HIGHEST = 2**63 - 1
FAR = 2**61


def write(store, count=1, **fields):
    with transaction(store) as session:
        append(session, [entry(entry_timestamp=NOW, **fields) for _ in range(count)], clock=lambda: NOW)


def plant(store, number):
    with transaction(store) as session:
        session.connection().exec_driver_sql(ENTRY.format(number=number, digest="chain_hash"))


@pytest.fixture(params=[HIGHEST, FAR], ids=["the highest", "far off"])
def planted(request, store):
    """Return a store with three entries, one planted far behind them, and two that were written then."""
    write(store, 3)
    plant(store, request.param)
    write(store, 2, user_name="LATER")
    store.ours = [1, 2, 3, FAR, FAR + 1, FAR + 2] if request.param == FAR else [1, 2, 3, 4, 5]
    return store


@pytest.fixture(params=[False, True], ids=["not indexed", "indexed"])
def indexed(request, planted):
    if request.param:
        with transaction(planted) as session:
            index_block(session, 0)
    return planted


@pytest.fixture
def store(store):
    """Return a store that can be told what is to be found in it."""

    class Noted:
        ours: list[int]

        def __getattr__(self, name):
            return getattr(store, name)

    return Noted()


def test_end_of_the_journal_is_that_of_what_was_written(planted):
    with reading(planted) as session:
        assert last_number(session) == planted.ours[-1]
        assert verify(session).bad_entry == (4 if FAR in planted.ours else 6)


@pytest.mark.parametrize("only", [EVERYTHING, JournalFilter(user="*ALL"), JournalFilter(exit_point="*CONNECT")])
def test_pages_end(indexed, only):
    wanted = [] if only.user else indexed.ours
    with reading(indexed) as session:
        assert [each.sequence_number for each in page_after(session, 0, limit=99, only=only)] == wanted
        assert [each.sequence_number for each in page_before(session, None, limit=99, only=only)] == wanted


def test_exports_end_and_go_on_with_what_comes(indexed):
    assert [each.sequence_number for each in entries(indexed)] == indexed.ours
    assert len(list(entries(indexed, JournalFilter(user="LATER")))) == 2
    found = []
    waits = iter([True, False])

    def wait():
        write(indexed)
        return next(waits)

    found = [each.sequence_number for each in follow(indexed, EVERYTHING, wait) if each is not None]
    assert found == [*indexed.ours, indexed.ours[-1] + 1]


def test_alerts_look_at_every_entry_and_at_what_comes(planted):
    position, seen = 0, []
    for _ in range(4):
        with reading(planted) as session:
            batch = read_batch(session, position, true())
            position = batch.up_to
            seen += [row[0] for row in batch.rows]
            assert first_since(session, NOW, position) == 1
    assert batch.is_last
    assert (position, seen) == (planted.ours[-1], planted.ours)


def test_blocks_that_nobody_has_filled_get_no_index(planted):
    keeper = JournalKeeper(planted, lambda: NOW)
    steps = sum(1 for _ in iter(keeper.step, False))
    assert steps < 3
    with reading(planted) as session:
        assert len(known_blocks(session, range(9))) <= 1
