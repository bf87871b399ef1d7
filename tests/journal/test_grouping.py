"""The index of blocks brought together: step by step, begun anew, damaged, deleted; it never hides an entry unseen."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest
from sqlalchemy.event import listen

from console.enforcement.journal_keeper import JournalKeeper
from console.journal.grouping import Grouping
from console.journal.receivers import change_receiver, delete_receiver, purge_some
from console.journal.spans import Nobody
from console.journal.verify import verify
from console.journal.writer import append
from console.store import journal_index
from console.store.engine import open_store
from console.store.group_postings import GROUP, unpack_group
from console.store.journal import EVERYTHING, JournalFilter, page_after, page_before
from console.store.journal_groups import group_to_clear
from console.store.journal_index import forget_blocks, index_block, known_blocks, matching, missing_block
from console.store.journal_keys import clauses
from console.store.journal_postings import first_of
from console.store.journal_rows import rows
from console.store.picked_ports import is_picked
from console.store.postings import BLOCK, offsets_in
from console.store.session import reading, transaction
from tests.bench.journal import entries
from tests.conftest import NOW
from tests.factories import entry
from tests.journal.test_ending import ENTRY
from tests.store.older_index import in_older_form

COUNT = 2 * BLOCK + 50
PICKED_PORT = next(each.local_port for each in entries() if each.local_port >= 32768)
FILTERS = [
    EVERYTHING,
    JournalFilter(user="USER07"),
    JournalFilter(user="USER1*", outcome="*REJECTED"),
    JournalFilter(remote_address="0.0.0.0/2", sk_type="A"),
    JournalFilter(address="10.0.0.5", port=22),
    JournalFilter(job="000100"),
    JournalFilter(port=PICKED_PORT),
    JournalFilter(local_port=PICKED_PORT, sk_type="C"),
    JournalFilter(user="NOBODY"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the file of a journal whose blocks have their index, each by itself."""
    file = tmp_path_factory.mktemp("made") / "journal.db"
    store = open_store(f"sqlite:///{file}")
    source = entries()
    for count in (BLOCK + 9000, COUNT - BLOCK - 9000):
        with transaction(store) as session:
            append(session, list(islice(source, count)), clock=lambda: NOW)
        with transaction(store) as session:
            change_receiver(session, clock=lambda: NOW)
    with transaction(store) as session:
        for block in range(2):
            index_block(session, block)
    store.close()
    return file


@pytest.fixture
def journal(made, tmp_path):
    for file in made.parent.iterdir():
        shutil.copy(file, tmp_path / file.name)
    store = open_store(f"sqlite:///{tmp_path}/{made.name}")
    yield store
    store.close()


@pytest.fixture
def grouped(journal):
    assert steps(journal) > 3
    return journal


def steps(store, *, most=10**6, least=2):
    grouping = Grouping(store, least=least)
    return sum(1 for _ in islice(iter(lambda: grouping.step(None), False), most))


def run(store, *statements):
    with transaction(store) as session:
        return [session.connection().exec_driver_sql(each) for each in statements]


def count(store, table):
    with reading(store) as session:
        return session.connection().exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()


def pages(store):
    """Return what readers find, in many ways."""
    with reading(store) as session:
        return [
            [each.sequence_number for each in page]
            for only in FILTERS
            for page in (
                page_after(session, 0, limit=30, only=only),
                page_after(session, BLOCK + 9, limit=7, only=only),
                page_before(session, None, limit=30, only=only),
                page_before(session, BLOCK, limit=7, only=only),
            )
        ] + [sum(1 for _ in rows(session, only, ("user_name",))) for only in FILTERS[1:]]


def hidden(store):
    with reading(store) as session:
        found = verify(session)
        assert verify(session, readers=Nobody()) == found
        assert found.bad_entry is None
        return found.hidden


def test_blocks_are_brought_together_and_readers_find_the_same(journal):
    before = pages(journal)
    assert steps(journal) > 3
    assert count(journal, "journal_index") == 0
    assert count(journal, "journal_group") > 0
    assert pages(journal) == before
    assert hidden(journal) == ()
    assert steps(journal) == 0


@pytest.mark.parametrize("most", [1, 3])
def test_readers_find_the_same_after_every_step_and_a_dead_workers_work_is_done_anew(journal, most):
    before = pages(journal)
    steps(journal, most=most)
    assert pages(journal) == before
    assert hidden(journal) == ()
    steps(journal)
    assert pages(journal) == before
    assert hidden(journal) == ()
    assert count(journal, "journal_index") == 0


def test_rows_that_a_dead_worker_left_are_not_taken_for_what_is_written_now(journal):
    before = pages(journal)
    run(journal, "INSERT INTO journal_group VALUES (0, 6, x'00', x'00'), (0, 99, x'ff', x'00')")
    steps(journal)
    assert run(journal, "DELETE FROM journal_group WHERE entries = x'00'")[0].rowcount == 0
    assert (pages(journal), hidden(journal)) == (before, ())


def test_block_that_is_forgotten_while_its_group_is_made_is_not_in_it(journal):
    before = pages(journal)
    grouping = Grouping(journal, least=2)
    assert grouping.step(None)
    with transaction(journal) as session:
        forget_blocks(session, 1, 1)
    while grouping.step(None):
        pass
    with reading(journal) as session:
        assert [each.grouped for each in known_blocks(session, range(2)).values()] == [False]
    assert (pages(journal), hidden(journal)) == (before, ())


DAMAGE = {
    "row gone": "DELETE FROM journal_group WHERE field = 6",
    "sets of nobody": "UPDATE journal_group SET entries = x'00000000' WHERE field = 3",
    "no sets": "UPDATE journal_group SET entries = x'07' WHERE field = 3",
    "a text": "UPDATE journal_group SET entries = 'abcd' WHERE field = 6",
    "a number": "UPDATE journal_group SET entries = 7 WHERE field = 6",
    "no text": "UPDATE journal_group SET entries = CAST(x'80' AS TEXT) WHERE field = 6",
    "key": "UPDATE journal_group SET key = x'00' WHERE field = 4 AND key = (SELECT max(key) FROM journal_group "
           "WHERE field = 4)",
    "field": "UPDATE journal_group SET field = 99 WHERE field = 2",
    "number": "UPDATE journal_group SET number = 1 WHERE field = 10",
    "all gone": "DELETE FROM journal_group",
    "taken out": "UPDATE journal_block SET grouped = 0",
    "flag of another kind": "UPDATE journal_block SET grouped = 'x'",
    "time": "UPDATE journal_block SET last_time = NULL",
    "port": "UPDATE journal_group SET entries = substr(entries, 1, length(entries) - 2) || x'0000' "
            "WHERE field = 18 AND key = (SELECT max(key) FROM journal_group WHERE field = 18)",
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_group_that_hides_entries_is_found_and_made_anew(grouped, damage):
    before = pages(grouped)
    run(grouped, damage)
    found = hidden(grouped)
    assert found == (0, 1)
    with transaction(grouped) as session:
        for block in found:
            forget_blocks(session, block, block)
        while (block := missing_block(session, 2)) is not None:
            index_block(session, block)
    steps(grouped)
    assert (pages(grouped), hidden(grouped)) == (before, ())
    assert count(grouped, "journal_index") == 0


@pytest.mark.parametrize("name", ["no sets", "a text", "a number", "no text"])
def test_damaged_row_of_a_group_finds_all_and_hides_nothing(grouped, name):
    before = pages(grouped)
    run(grouped, DAMAGE[name])
    assert pages(grouped) == before


def test_flag_that_was_planted_hides_entries_and_is_found(journal):
    run(journal, "UPDATE journal_block SET grouped = 1 WHERE block = 1")
    assert hidden(journal) == (1,)


def test_set_that_was_planted_hides_nothing(grouped):
    before = pages(grouped)
    run(grouped, "INSERT INTO journal_group SELECT number, field, x'4e4f424f4459', entries FROM journal_group "
        "WHERE field = 6 LIMIT 1")  # fmt: skip
    assert (pages(grouped), hidden(grouped)) == (before, ())


@pytest.mark.parametrize(("damage", "blocks"), [("entries = 'x'", ()), ("key = CAST(x'80' AS TEXT)", (1,))])
def test_damaged_index_of_a_block_stays_by_itself_and_the_worker_goes_on(journal, damage, blocks, caplog):
    lowest = "(SELECT min(key) FROM journal_index WHERE block = 1 AND field = 6)"
    run(journal, f"UPDATE journal_index SET {damage} WHERE block = 1 AND field = 6 AND key = {lowest}")
    assert steps(journal) < 4
    assert "index of group 0" in caplog.text
    with reading(journal) as session:
        assert not any(each.grouped for each in known_blocks(session, range(2)).values())
    assert hidden(journal) == blocks


@pytest.mark.parametrize("number", [2**50, 2**62, 2**63 - 1])
def test_rows_that_were_planted_beyond_all_entries_hold_up_nothing(journal, number):
    run(journal, f"INSERT INTO journal_group (number, field, key, entries) VALUES ({number}, 1, x'41', x'')",
        f"INSERT INTO journal_block (block, grouped) VALUES ({number}, 1)",
        f"INSERT INTO journal_index (block, field, key, entries) VALUES ({number}, 1, x'41', x'')")  # fmt: skip
    assert steps(journal) > 3
    with reading(journal) as session:
        assert all(each.grouped for each in known_blocks(session, range(2)).values())


def test_group_goes_on_when_a_block_of_another_group_has_got_its_index(journal):
    grouping = Grouping(journal, least=2)
    for count in range(1000):
        if not grouping.step(None):
            break
        grouping.begin_anew(GROUP + count)
    with reading(journal) as session:
        assert all(each.grouped for each in known_blocks(session, range(2)).values())


def test_group_that_could_not_be_written_is_made_when_the_next_block_is_full(journal):
    grouping = Grouping(journal, least=2)
    assert grouping.step("one")
    run(journal, "CREATE TRIGGER full BEFORE INSERT ON journal_group BEGIN SELECT RAISE(ABORT, 'full'); END")
    while grouping.step("one"):
        continue
    run(journal, "DROP TRIGGER full")
    assert not grouping.step("one")
    while grouping.step("two"):
        continue
    with reading(journal) as session:
        assert all(each.grouped for each in known_blocks(session, range(2)).values())


@pytest.mark.parametrize("when", ["before", "after"])
def test_deleted_receiver_is_gone_and_the_rest_is_found(journal, when):
    if when == "before":
        steps(journal)
    with transaction(journal) as session:
        delete_receiver(session, "AUDRCV0001", unsaved=True, at=NOW)
    while True:
        with transaction(journal) as session:
            if not purge_some(session):
                break
    steps(journal)
    kept = pages(journal)
    run(journal, "DELETE FROM journal_block", "DELETE FROM journal_index", "DELETE FROM journal_group")
    assert kept == pages(journal)


def test_index_of_deleted_receivers_goes_whole(grouped):
    for name in ("AUDRCV0001", "AUDRCV0002"):
        with transaction(grouped) as session:
            delete_receiver(session, name, unsaved=True, at=NOW + timedelta(days=1))
    more = True
    while more:
        with transaction(grouped) as session:
            more = purge_some(session)
    run(grouped, "DELETE FROM journal_entry")  # those that came since are in the group, too
    with reading(grouped) as session:
        assert group_to_clear(session) == 0
    steps(grouped)
    assert count(grouped, "journal_group") == 0


def test_worker_brings_the_blocks_of_a_full_group_together(store):
    with transaction(store) as session:
        append(session, [entry(entry_timestamp=NOW)] * BLOCK)
        index_block(session, 0)
        run_here = session.connection().exec_driver_sql
        run_here(f"WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {GROUP - 1}) "
                 "INSERT INTO journal_block (block) SELECT i FROM n")  # fmt: skip
        run_here(ENTRY.format(number=first_of(GROUP), digest="chain_hash"))
    keeper = JournalKeeper(store, lambda: NOW)
    assert not keeper.step(pressed=True)
    assert sum(1 for _ in iter(keeper.step, False)) > 1
    with reading(store) as session:
        assert known_blocks(session, [0])[0].grouped
        assert len(page_after(session, 0, limit=9, only=JournalFilter(user="ALICE"))) == 9


@pytest.mark.parametrize("together", [False, True])
def test_worker_makes_an_older_index_anew_and_readers_find_the_same_all_along(journal, together):
    before = pages(journal)
    for block in range(2):
        in_older_form(journal, block)
    if together:
        steps(journal)
    assert (pages(journal), hidden(journal)) == (before, ())
    keeper = JournalKeeper(journal, lambda: NOW)
    renewed: list[int] = []
    found: list[object] = []
    more = True
    while more:
        more = keeper.step()
        with reading(journal) as session:
            renewed.append(session.connection().exec_driver_sql("SELECT sum(form) FROM journal_block").scalar_one())
            found.append([page_after(session, at, limit=9, only=JournalFilter(port=PICKED_PORT)) for at in (0, BLOCK)])
    assert renewed[-1] == 2
    assert all(each == found[0] for each in found)
    assert pages(journal) == before
    assert 1 in renewed, "one block a step"
    assert steps(journal) > 3
    assert (pages(journal), hidden(journal)) == (before, ())
    assert not JournalKeeper(journal, lambda: NOW).step(), "what is of today stays"
    assert told_apart(journal)


def told_apart(store):
    """Say whether all sets of picked ports in the groups tell the ports apart."""
    query = "SELECT entries FROM journal_group WHERE field IN (14, 18) AND key >= x'00008000' AND length(key) = 4"
    with reading(store) as session:
        found = [each for (stored,) in session.connection().exec_driver_sql(query) for _, each in unpack_group(stored)]
    return bool(found) and all(map(is_picked, found))


def test_entries_of_a_picked_port_are_looked_up_and_those_of_its_neighbours_are_not(grouped):
    only = JournalFilter(port=PICKED_PORT)
    with reading(grouped) as session:
        wanted = [each.sequence_number for each in page_after(session, 0, limit=BLOCK, only=only)]
        sets = matching(session, known_blocks(session, range(2)), clauses(only))
    assert wanted
    found = [first_of(block) + at for block, bits in sorted(sets.items()) for at in offsets_in(bits, descending=False)]
    assert found == [number for number in wanted if number < first_of(2)]


def test_long_sets_are_not_read_where_few_entries_are_left(grouped):
    only = JournalFilter(sk_type="A", user="RARE")
    asked = []
    engine = grouped.engine
    listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    with reading(grouped) as session:
        assert page_before(session, 2 * BLOCK, limit=20, only=only) == page_before(session, None, limit=20, only=only)
        del asked[:]
        matching(session, known_blocks(session, range(2)), clauses(only))
    read = [(text, values) for text, values in asked if "entries" in text and "length(" not in text]
    assert len(read) == 1, "only the sets of the user"


def test_older_index_of_deleted_entries_is_made_anew_too(journal):
    for block in range(2):
        in_older_form(journal, block)
    steps(journal)
    with transaction(journal) as session:
        delete_receiver(session, "AUDRCV0001", unsaved=True, at=NOW)
    keeper = JournalKeeper(journal, lambda: NOW)
    while keeper.step():
        continue
    assert count(journal, "journal_block WHERE form = 1") == 2
    steps(journal)
    kept = pages(journal)
    run(journal, "DELETE FROM journal_block", "DELETE FROM journal_index", "DELETE FROM journal_group")
    assert kept == pages(journal)


def test_older_index_that_cannot_be_made_anew_holds_up_nothing_and_is_read_as_before(journal, caplog):
    before = pages(journal)
    for block in range(2):
        in_older_form(journal, block)
    run(journal, "CREATE TRIGGER full BEFORE INSERT ON journal_block WHEN NEW.block = 1 "
        "BEGIN SELECT RAISE(ABORT, 'full'); END")  # fmt: skip
    keeper = JournalKeeper(journal, lambda: NOW)
    assert [keeper.step() for _ in range(4)] == [False, True, False, False]
    assert "block 1" in caplog.text
    assert count(journal, "journal_block WHERE form = 1") == 1
    assert pages(journal) == before


def test_who_reads_whole_blocks_reads_none_in_which_nothing_is_found(grouped, monkeypatch):
    monkeypatch.setattr(journal_index, "_PAGES_OF_ENTRY", 1 / BLOCK)  # as if sets were long
    numbers = Counter(each.qualified_job_name[:6] for each in islice(entries(), 2 * BLOCK))
    job = next(number for number, count in numbers.items() if count == 1)
    with reading(grouped) as session:
        known = known_blocks(session, range(2))
        (one,) = page_after(session, 0, limit=9, only=JournalFilter(job=job, to_number=2 * BLOCK))
        net = "0.0.0.0/1" if int(one.remote_address.split(".")[0]) >= 128 else "128.0.0.0/1"
        for only in (
            JournalFilter(job=job, sk_type="C" if one.sk_type == "A" else "A"),
            JournalFilter(job=job, remote_address=net),
        ):
            assert len(matching(session, known, clauses(only))) == 1, "there is one to look at"
            assert page_after(session, 0, limit=9, only=replace(only, to_number=2 * BLOCK)) == []
            assert matching(session, known, clauses(only), whole_blocks=True) == {}
