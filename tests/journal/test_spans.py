"""Stretches of a journal verified by other processes: the verdict is that of a walk along all of it, to the letter."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from console.journal.receivers import change_receiver, delete_receiver, purge_some
from console.journal.spans import Nobody, Processes, aligned, hash_at, readers_for
from console.journal.verify import WHOLE, verify
from console.journal.writer import append
from console.store.engine import open_store
from console.store.journal_index import index_block
from console.store.postings import BLOCK
from console.store.session import reading, transaction
from tests.conftest import NOW
from tests.factories import entry

COUNT = 2 * BLOCK + 50
PATIENCE_S = 60
BORDERS = [BLOCK, BLOCK + 1, 2 * BLOCK + 1]


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('spans')}/journal.db")
    with transaction(store) as session:
        append(session, [entry(guard_number=number) for number in range(COUNT)], clock=lambda: NOW)
        for block in range(2):
            index_block(session, block)
    yield store
    store.close()


@pytest.fixture(scope="module")
def processes(journal):
    others = Processes(journal.url, index=True, count=2, many=0, blocks=1)
    yield others
    others.close()


@pytest.fixture
def damaged(journal):
    """Return what damages the journal with a statement, for this test only."""
    with transaction(journal) as session:
        session.connection().exec_driver_sql("CREATE TABLE kept AS SELECT * FROM journal_entry WHERE 0")

    def damage(statement, *numbers):
        with transaction(journal) as session:
            run = session.connection().exec_driver_sql
            for number in numbers:
                run("INSERT INTO kept SELECT * FROM journal_entry WHERE sequence_number = ?", (number,))
            run(statement)

    yield damage
    with transaction(journal) as session:
        run = session.connection().exec_driver_sql
        run("INSERT OR REPLACE INTO journal_entry SELECT * FROM kept")
        run("DROP TABLE kept")


def verdicts(journal, processes):
    with reading(journal) as session:
        return verify(session, readers=processes), verify(session, readers=Nobody())


def test_whole_journal_is_whole(journal, processes):
    ours, alone = verdicts(journal, processes)
    assert ours == alone
    assert (ours.entries, ours.message_id) == (COUNT, WHOLE)


@pytest.mark.parametrize("number", BORDERS)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal_entry SET user_name = 'MALLORY' WHERE sequence_number = {}",
        "UPDATE journal_entry SET text = CAST(x'80' AS TEXT) WHERE sequence_number = {}",
        "UPDATE journal_entry SET chain_hash = upper(chain_hash) WHERE sequence_number = {}",
        "DELETE FROM journal_entry WHERE sequence_number = {}",
    ],
    ids=["changed", "no text", "hash", "missing"],
)
def test_fault_at_a_border_is_named_as_by_one_process(journal, processes, damaged, statement, number):
    damaged(statement.format(number), number)
    ours, alone = verdicts(journal, processes)
    assert ours == alone
    assert (ours.bad_entry, ours.entries) == (number, number - 1)


def test_first_of_two_faults_is_named_whoever_is_done_first(journal, processes, damaged):
    first, second = 7, 2 * BLOCK - 7
    damaged(f"UPDATE journal_entry SET pid = 1 WHERE sequence_number IN ({first}, {second})", first, second)
    ours, alone = verdicts(journal, processes)
    assert ours == alone
    assert ours.bad_entry == first


def test_index_that_hides_entries_is_found_by_other_processes(journal, processes):
    with transaction(journal) as session:
        session.connection().exec_driver_sql("DELETE FROM journal_index WHERE block = 1 AND field = 6")
    ours, alone = verdicts(journal, processes)
    with transaction(journal) as session:
        index_block(session, 1)
    assert ours == alone
    assert (ours.message_id, ours.hidden) == ("GWL0611", (1,))


def test_processes_that_have_ended_are_done_without(journal):
    others = Processes(journal.url, index=True, count=2, many=0, blocks=1)
    others.look([]).close()
    looks = others.look(others.cut(1, COUNT, "AUDRCV0001"))
    assert next(looks) is not None
    for process in others._running:
        process.kill()
        process.wait()
    with reading(journal) as session:
        assert verify(session, readers=others).message_id == WHOLE
    others.close()


def test_nobody_else_is_asked_where_he_could_not_see_what_we_do(journal):
    with transaction(journal) as session:
        assert isinstance(readers_for(session, index=True), Nobody)


def test_store_that_is_named_from_this_directory_is_found_by_other_processes(journal, monkeypatch):
    monkeypatch.chdir(journal.file.parent)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    store = open_store(f"sqlite:///{journal.file.name}")
    with reading(store) as session, closing(readers_for(session, index=True)) as others:
        looks = list(others.look(aligned(1, COUNT, "AUDRCV0001", 1)))
    store.close()
    assert [whole is not None for whole in looks] == [True, True]


def test_receiver_that_is_deleted_while_it_is_verified_is_whole(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/journal.db")
    with transaction(store) as session:
        append(session, [entry()] * (BLOCK + 5), clock=lambda: NOW)
        change_receiver(session, clock=lambda: NOW)
    others = Processes(store.url, index=True, count=2, many=0, blocks=1)
    with reading(store) as session, closing(others):
        assert hash_at(session, 1)  # from now on it sees what there is now
        with transaction(store) as other:
            delete_receiver(other, "AUDRCV0001", unsaved=True, at=NOW)
            while purge_some(other):
                pass
        assert verify(session, readers=others).message_id == WHOLE
    with reading(store) as session:
        assert verify(session).message_id == WHOLE
        assert hash_at(session, 1) == ""
    store.close()


ASK = """
import sys
from console.journal.spans import Processes
others = Processes(sys.argv[1], index=True, count=2, many=0, blocks=1)
looks = others.look(others.cut(1, int(sys.argv[2]), "AUDRCV0001"))
next(looks)
print(*(process.pid for process in others._running), flush=True)
sys.stdin.read()
"""


def is_running(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_processes_end_with_the_one_that_has_started_them_however_it_ends(journal, end):
    command = [sys.executable, "-c", ASK, journal.url, str(COUNT)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **pipes) as asking:
        helpers = list(map(int, asking.stdout.readline().split()))
        assert len(helpers) == 2
        assert all(map(is_running, helpers))
        asking.send_signal(end)
        asking.wait(PATIENCE_S)
    until = time.monotonic() + PATIENCE_S
    while any(map(is_running, helpers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_running, helpers))


def test_short_journals_are_left_to_one_process(journal):
    assert Processes(journal.url, index=True, count=2).cut(1, COUNT, "AUDRCV0001") == ()


def test_stretches_are_of_whole_blocks():
    spans = aligned(5, 5 * BLOCK + 3, "AUDRCV0001", 2)
    assert [(first, last) for first, last, _ in spans] == [(BLOCK + 1, 3 * BLOCK), (3 * BLOCK + 1, 5 * BLOCK)]
    assert list(aligned(5, BLOCK, "AUDRCV0001", 2)) == []


@pytest.mark.parametrize("last", [2**62 - 1, 2**63 - 1])
def test_receiver_that_is_said_to_be_endless_is_found_at_once_and_named(journal, processes, last):
    kept = "UPDATE receiver SET last_sequence = ?"
    with transaction(journal) as session:
        session.connection().exec_driver_sql(kept, (last,))
    try:
        ours, alone = verdicts(journal, processes)
    finally:
        with transaction(journal) as session:
            session.connection().exec_driver_sql(kept, (COUNT,))
    assert ours == alone
    assert (ours.entries, ours.bad_entry, ours.message_id) == (COUNT, COUNT + 1, "GWL0602")


def test_entry_planted_far_off_in_a_receiver_that_reaches_there_is_found_at_once(journal, processes):
    # The stretches up to there are as many as a receiver can be said to have entries.
    far = 2**62 - 1
    with transaction(journal) as session:
        run = session.connection().exec_driver_sql
        run("UPDATE receiver SET last_sequence = ?", (far,))
        names = ", ".join(row[1] for row in run("PRAGMA table_info(journal_entry)").all()[1:])
        run(f"INSERT INTO journal_entry SELECT {far}, {names} FROM journal_entry WHERE sequence_number = 7")
    try:
        ours, alone = verdicts(journal, processes)
    finally:
        with transaction(journal) as session:
            run = session.connection().exec_driver_sql
            run("UPDATE receiver SET last_sequence = ?", (COUNT,))
            run(f"DELETE FROM journal_entry WHERE sequence_number = {far}")
    assert ours == alone
    assert (ours.bad_entry, ours.message_id) == (COUNT + 1, "GWL0602")
