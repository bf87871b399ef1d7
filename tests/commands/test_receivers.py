"""The commands on the journal and its receivers."""

from __future__ import annotations

import json
import sqlite3

import pytest

from console.commands.execute import run_command
from console.commands.receivers import check_file
from console.errors import CommandError, JournalError, StoreError
from console.journal.writer import append
from console.store.journal_index import index_block, known_blocks
from console.store.outbox import waiting
from console.store.postings import BLOCK
from console.store.session import reading, transaction
from tests.factories import entry


def run(context, command):
    return run_command(command, context)


def ids(result):
    return [each.message_id for each in result.messages]


def write(context, count, **fields):
    with transaction(context.store) as session:
        append(session, [entry(guard_number=number, **fields) for number in range(count)])


def refused(context, command):
    with pytest.raises((JournalError, CommandError)) as error:
        run(context, command)
    return error.value.message_id


def test_new_receiver_is_attached_and_the_journal_shows_both(context):
    write(context, 3)
    assert ids(run(context, "CHGJRN JRNRCV(*GEN)")) == ["GWL0624"]
    assert ids(run(context, "CHGJRN QAUDJRN JRNRCV(TAXYEAR)")) == ["GWL0624"]
    lines = run(context, "WRKJRNA").lines
    assert [line.split()[:2] for line in lines[-3:]] == [
        ["AUDRCV0001", "ONLINE"], ["AUDRCV0002", "ONLINE"], ["TAXYEAR", "ATTACHED"],
    ]  # fmt: skip
    assert refused(context, "CHGJRN JRNRCV(AUDRCV0001)") == "GWL0613"


def test_attributes_change_and_stay_as_they_are(context):
    assert ids(run(context, "CHGJRN THRESHOLD(5000) MNGRCV(*USER) DLTRCV(*YES) KEEPDAYS(90) KEEPSIZE(7)")) == [
        "GWL0623"
    ]
    assert ids(run(context, "CHGJRN THRESHOLD(*NONE) KEEPSIZE(*NOMAX)")) == ["GWL0623"]
    assert ids(run(context, "CHGJRN")) == ["GWL0625"]
    shown = "\n".join(run(context, "WRKJRNA").lines)
    for value in ("*NONE", "*USER", "*YES", "90", "*NOMAX"):
        assert value in shown
    with reading(context.store) as session:
        details = [json.loads(row.detail) for row in waiting(session) if row.entry_type == "GR"]
    assert details[0]["before"]["THRESHOLD"] == "1500000"
    assert details[0]["after"]["THRESHOLD"] == "5000"


def test_receiver_is_saved_then_deleted_and_the_file_is_checked_without_the_store(context, tmp_path):
    write(context, 20)
    file = tmp_path / "saved.jsonl"
    assert refused(context, f"SAVJRNRCV AUDRCV0001 TOFILE('{file}')") == "GWL0620"
    assert refused(context, "DLTJRNRCV AUDRCV0001") == "GWL0615"
    run(context, "CHGJRN JRNRCV(*GEN)")
    assert refused(context, "DLTJRNRCV AUDRCV0001") == "GWL0616"
    assert ids(run(context, f"SAVJRNRCV AUDRCV0001 TOFILE('{file}')")) == ["GWL0626"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert "SAVED" in "\n".join(run(context, "DSPJRNRCVA AUDRCV0001").lines)
    assert ids(run(context, f"VFYJRN FROMFILE('{file}')")) == ["GWL0628"]
    assert ids(run(context, "DLTJRNRCV AUDRCV0001")) == ["GWL0627"]
    assert refused(context, "DSPJRNRCVA AUDRCV0001") == "GWL0612"
    assert ids(run(context, "VFYJRN")) == ["GWL0601"]
    with reading(context.store) as session:
        assert [row.entry_type for row in waiting(session)].count("CD") >= 2


def test_unsaved_receiver_goes_when_told_so(context):
    write(context, 2)
    run(context, "CHGJRN JRNRCV(*GEN)")
    assert ids(run(context, "DLTJRNRCV AUDRCV0001 DLTOPT(*IGNINQMSG)")) == ["GWL0627"]


@pytest.fixture
def saved(context, tmp_path):
    write(context, 20)
    run(context, "CHGJRN JRNRCV(*GEN)")
    file = tmp_path / "saved.jsonl"
    run(context, f"SAVJRNRCV AUDRCV0001 TOFILE('{file}')")
    return file


def test_damaged_saved_receiver_is_found_and_its_first_bad_entry_named(saved):
    whole = saved.read_text().splitlines(keepends=True)
    header = json.loads(whole[0])
    other = {**header, "receiver": [*header["receiver"][:3], 1, 20, *header["receiver"][5:]]}
    damages = {
        5: [*whole[:5], whole[5].replace("ALICE", "MALLORY"), *whole[6:]],
        7: [*whole[:7], *whole[8:]],
        3: [*whole[:3], whole[4], whole[3], *whole[5:]],
        21: whole[:-1],
        22: [*whole, whole[-1]],
        4: [*whole[:4], whole[3], *whole[4:]],
        2: [whole[0], whole[1], "{}\n", *whole[3:]],
        1: [json.dumps({**header, "signature": "00" * 64}) + "\n", *whole[1:]],
        20: [*whole[:20], "[]\n", *whole[21:]],
    }
    damages[-1] = [json.dumps(other) + "\n", *whole[1:]]
    for first, lines in damages.items():
        saved.write_text("".join(lines))
        with pytest.raises(JournalError) as error:
            check_file(saved)
        assert error.value.message_id == "GWL0621"
        if first > 0:
            assert error.value.values["bad_entry"] == first
    for text in ("", "{}\n", "x" * 100, '{"greenwall_receiver":1}\n'):
        saved.write_text(text)
        with pytest.raises(JournalError) as error:
            check_file(saved)
        assert error.value.message_id == "GWL0622"


def test_saved_receiver_of_another_key_is_not_taken_for_ours(saved):
    key = json.loads(saved.read_text().splitlines()[0])["public_key"]
    check_file(saved, key)
    with pytest.raises(JournalError):
        check_file(saved, "00" * 32)


def test_index_that_hides_entries_is_said_and_made_again(context):
    write(context, BLOCK)
    with transaction(context.store) as session:
        index_block(session, 0)
    file = context.store.file
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM journal_index WHERE field = 6")
    connection.close()
    assert refused(context, "VFYJRN") == "GWL0611"
    assert ids(run(context, "VFYJRN RBDIDX(*YES)")) == ["GWL0629"]
    with reading(context.store) as session:
        assert known_blocks(session, [0]) == {}
    assert ids(run(context, "VFYJRN")) == ["GWL0601"]


def test_key_that_cannot_be_used_is_shown_with_the_journal_and_by_its_verification(context):
    write(context, 1)
    assert "GWL0606" not in "\n".join(run(context, "WRKJRNA").lines)
    context.store.location.journal_key.chmod(0o644)
    assert "GWL0606" in "\n".join(run(context, "WRKJRNA").lines)
    with pytest.raises(StoreError, match="GWL0606"):
        run(context, "VFYJRN")
