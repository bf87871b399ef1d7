"""What fails, fails closed and costs nothing: guards and workers killed, store locked, disk full, clock set back.

What a job was told, it counts for itself (tests/programs/tally.c); that count is held against the journal.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from console.enforcement.frames import NewRevision, Records, encode
from console.enforcement.records import read_all
from console.store.location import locate_file
from tests.end_to_end.command import Greenwall, end, until
from tests.enforcement.guard.scripted_worker import POLICY, ScriptedWorker
from tests.loopback import hang_up, serving

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]

_LOCKED_S = 10.0
_TURNS = 40
"""Spread over the time that the store is locked."""
_DISK_MIB = 128


@pytest.fixture
def port():
    """Return the port of a server that hangs up at once."""
    with serving(hang_up) as number:
        yield number


def ask(job, count):
    """Let the job connect so often, or until it fails; without waiting for what it says."""
    job.stdin.write(f"{count}\n")
    job.stdin.flush()


def told(job):
    """Return what the job counts: succeeded, failed, and the last errno."""
    succeeded, failed, name = job.stdout.readline().split()
    return int(succeeded), int(failed), name


def connect(job, count):
    ask(job, count)
    return told(job)


def guard_of(greenwall):
    (job,) = (job for job in greenwall.show("jobs") if job["ended"] is None)
    return job["pid"]


def job_entries(greenwall):
    return [entry["text"] for entry in greenwall.show("journal") if entry["entry_type"] == "JS"]


def messages(greenwall, message_id):
    found = [entry for entry in greenwall.show("journal") if entry["entry_type"] == "GR"]
    return [entry["text"] for entry in found if entry["text"].startswith(message_id)]


def whole(greenwall, port):
    """Return how many connects are journalled, having seen that each is there once and the journal is whole."""
    entries = greenwall.journal(sk_type="C", remote_port=port)
    numbers = [entry["guard_number"] for entry in entries]
    assert numbers == sorted(set(numbers))
    greenwall.done("journal", "verify")
    return len(entries)


@pytest.mark.parametrize("worker", ["worker", "no worker"])
def test_killed_guard_has_lost_no_decision_and_its_job_reaches_nobody(greenwall, programs, port, worker):
    with greenwall.running(programs.get("tally"), "127.0.0.1", str(port)) as job:
        before = connect(job, 10)[0]
        guard = guard_of(greenwall)
        if worker == "no worker":
            end(*greenwall.workers(), signal.SIGKILL)
        ask(job, 0)
        until(lambda: len(list(greenwall.directory.glob("store.db.spool/*.segment"))) >= 2, "many decisions")
        end(guard, signal.SIGKILL)
        succeeded, failed, name = told(job)
        assert (failed, name) == (1, "ENOSYS")
        assert connect(job, 5) == (0, 5, "ENOSYS")
        assert job.wait(20) == 1
        job.stdin.close()  # ends the job, which has outlived the front
        assert "GWL0406" in job.stderr.read()
    if worker == "no worker":
        assert greenwall.run("true").returncode == 0
    until(lambda: "Job lost its guard, which was killed." in job_entries(greenwall), "the end of the job")
    # One more may have been decided, of which the job was not told any more.
    assert before + succeeded <= whole(greenwall, port) <= before + succeeded + 1
    assert not list(greenwall.directory.glob("store.db.spool/*.segment"))
    assert not messages(greenwall, "GWL0507")
    assert not messages(greenwall, "GWL0521")


def test_spool_that_ends_in_half_a_record_after_a_power_cut_costs_that_record_only_and_says_so(
    greenwall, programs, port
):
    with greenwall.running(programs.get("tally"), "127.0.0.1", str(port)) as job:
        before = connect(job, 10)[0]
        guard = guard_of(greenwall)
        end(*greenwall.workers(), signal.SIGKILL)
        expected = before + connect(job, 50)[0]
        end(guard, signal.SIGKILL)
        job.stdin.close()
    segment = max(greenwall.directory.glob("store.db.spool/*.segment"))
    octets = bytearray(segment.read_bytes())
    used = len(octets.rstrip(b"\0"))
    octets[used - 20 :] = bytes(len(octets) - used + 20)  # written before the cut: the length, not all of the rest
    segment.write_bytes(octets)
    assert greenwall.run("true").returncode == 0
    until(lambda: "Job lost its guard, which was killed." in job_entries(greenwall), "the end of the job")
    assert whole(greenwall, port) == expected - 1
    assert messages(greenwall, "GWL0507")
    assert list(greenwall.directory.glob("store.db.spool/*.damaged"))


def test_job_begins_and_ends_in_the_journal(greenwall):
    assert greenwall.run("sh", "-c", "exit 7").returncode == 7
    entries = greenwall.show("journal")
    assert [entry["text"] for entry in entries] == ["Job started: sh -c exit 7", "Job ended: status 7"]
    assert {entry["qualified_job_name"] for entry in entries} == {f"000001/{entries[0]['user_name']}/SH"}
    assert greenwall.done("cl", "DSPJRN ENTTYP(JS)").count("JS") == 2


def test_store_locked_for_ten_seconds_holds_up_no_call_and_costs_no_entry(greenwall, programs, port):
    with greenwall.running(programs.get("tally"), "127.0.0.1", str(port)) as job:
        expected = connect(job, 10)[0]
        with contextlib.closing(sqlite3.connect(greenwall.directory / "store.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            slowest_s = 0.0
            for turn in range(1, _TURNS + 1):
                asked = time.monotonic()
                succeeded, failed, _ = connect(job, 100)
                slowest_s = max(slowest_s, time.monotonic() - asked)
                assert failed == 0
                expected += succeeded
                time.sleep(max(0, began + turn * _LOCKED_S / _TURNS - time.monotonic()))
            other.execute("ROLLBACK")
        assert slowest_s < 5, "a turn of 100 connects"
        job.stdin.close()
        assert job.wait(30) == 0
    until(lambda: len(greenwall.journal(remote_port=port)) >= expected, "all entries")
    assert whole(greenwall, port) == expected


@pytest.fixture
def disk(tmp_path):
    """Return a small disk, with a store of its own on it."""
    directory = tmp_path / "disk"
    directory.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={_DISK_MIB}m,mode=700", "greenwall-test", str(directory)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("nothing can be mounted here")
    greenwall = Greenwall(directory)
    yield greenwall
    greenwall.end_workers()
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


def fill(directory: Path) -> Path:
    """Write a file that leaves no room for any other."""
    ballast = directory / "ballast"
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1024 * 1024))
    with open(ballast, "ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return ballast


def far_away(program: str, directory: Path) -> str:
    """Return the path of a copy of a program, so long that a few thousand decisions fill a guard's memory."""
    for _ in range(15):
        directory /= "d" * 240
    directory.mkdir(parents=True)
    return shutil.copy(program, directory / "tally")


def test_full_disk_is_made_do_without_until_calls_must_be_refused_and_nothing_is_lost(disk, programs, port, tmp_path):
    program = far_away(programs.get("tally"), tmp_path)
    with disk.running(program, "127.0.0.1", str(port)) as job:
        expected = connect(job, 10)[0]
        until(lambda: len(disk.journal(remote_port=port)) == expected, "the first entries")
        ballast = fill(disk.directory)
        # Kept in memory: the job notices nothing.
        succeeded, failed, _ = connect(job, 2000)
        assert (succeeded, failed) == (2000, 0)
        expected += succeeded
        # The memory has a bound; then calls are refused, as any that cannot be decided.
        ask(job, 0)
        succeeded, failed, name = told(job)
        assert (failed, name) == (1, "EPERM")
        expected += succeeded
        assert connect(job, 20) == (0, 20, "EPERM")
        ballast.unlink()
        until(lambda: connect(job, 1)[0], "the first call that is let through again")
        job.stdin.close()
        assert job.wait(30) == 0
    expected += 1
    until(lambda: len(disk.journal(remote_port=port)) >= expected, "all entries")
    assert whole(disk, port) == expected
    assert len(messages(disk, "GWL0510")) == 1
    refused = sum(int(text.split()[1]) for text in messages(disk, "GWL0517"))
    assert refused >= 21
    (row,) = disk.show("jobs")
    assert (row["decided"], row["refused"]) == (expected + refused, refused)
    assert not list(disk.directory.glob("store.db.spool/*"))


def test_full_disk_refuses_calls_before_any_is_in_memory_only_where_none_may_be(disk, programs, port):
    disk.cl("CHGSYSVAL QAUDFRCLVL 1")
    with disk.running(programs.get("tally"), "127.0.0.1", str(port)) as job:
        expected = connect(job, 10)[0]
        until(lambda: len(disk.journal(remote_port=port)) == expected, "the first entries")
        ballast = fill(disk.directory)
        ask(job, 0)  # as far as the files reach that are there
        succeeded, failed, name = told(job)
        assert (failed, name) == (1, "EPERM")
        assert succeeded < 10_000
        guard = guard_of(disk)
        end(guard, signal.SIGKILL)
        ballast.unlink()
    assert disk.run("true").returncode == 0
    until(lambda: len(disk.journal(remote_port=port)) >= expected + succeeded, "all entries")
    assert whole(disk, port) == expected + succeeded


def test_full_disk_lets_calls_go_on_where_operators_only_want_to_be_told(disk, programs, port, tmp_path):
    disk.cl("CHGSYSVAL QAUDENDACN *NOTIFY")
    program = far_away(programs.get("tally"), tmp_path)
    with disk.running(program, "127.0.0.1", str(port)) as job:
        made = connect(job, 10)[0]
        until(lambda: len(disk.journal(remote_port=port)) == made, "the first entries")
        ballast = fill(disk.directory)
        for _ in range(3):
            succeeded, failed, _ = connect(job, 3000)  # more than the guard has memory for
            assert (succeeded, failed) == (3000, 0)
            made += succeeded
        ballast.unlink()
        until(lambda: messages(disk, "GWL0693"), "the count of what has no entry")
        job.stdin.close()
        assert job.wait(30) == 0
    unwritten = sum(int(text.split()[1]) for text in messages(disk, "GWL0693"))
    until(lambda: len(disk.journal(remote_port=port)) >= made - unwritten, "all entries that were kept")
    assert unwritten > 0
    assert whole(disk, port) == made - unwritten
    assert [row["decided"] for row in disk.show("jobs")] == [made]


def test_disk_that_has_room_again_keeps_what_was_in_memory_through_the_guards_death(disk, programs, port):
    with disk.running(programs.get("tally"), "127.0.0.1", str(port)) as job:
        expected = connect(job, 10)[0]
        guard = guard_of(disk)
        end(*disk.workers(), signal.SIGKILL)
        ballast = fill(disk.directory)
        expected += connect(job, 5000)[0]
        ballast.unlink()
        spooled = disk.directory / "store.db.spool"
        until(lambda: len(list(spooled.glob("*.segment"))) >= 3, "files for what was in memory")
        end(guard, signal.SIGKILL)
        assert connect(job, 1) == (0, 1, "ENOSYS")
    assert disk.run("true").returncode == 0
    until(lambda: len(disk.journal(remote_port=port)) >= expected, "all entries")
    assert whole(disk, port) == expected == 5010


def test_clock_set_back_leaves_entries_their_order_and_numbers(greenwall, programs, port, tmp_path):
    offset = tmp_path / "offset"
    offset.write_text("0")
    clock = {"LD_PRELOAD": programs.get("clock", shared=True), "CLOCK_OFFSET": str(offset)}
    with greenwall.running(programs.get("tally"), "127.0.0.1", str(port), env=os.environ | clock) as job:
        connect(job, 50)
        offset.write_text("-3600")
        connect(job, 50)
        until(lambda: len(greenwall.journal(remote_port=port)) == 100, "the entries while the job runs")
        offset.write_text("7200")
        connect(job, 50)
        offset.write_text("-7200")
        connect(job, 50)
        job.stdin.close()
        assert job.wait(30) == 0
    assert whole(greenwall, port) == 200
    entries = greenwall.show("journal")
    assert [entry["sequence_number"] for entry in entries] == list(range(1, len(entries) + 1))
    connects = [entry for entry in entries if entry["remote_port"] == port]
    assert [entry["guard_number"] for entry in connects] == list(range(1, 201))
    times = [datetime.fromisoformat(entry["entry_timestamp"]) for entry in connects]
    hours = [round((at - times[0]) / timedelta(hours=1)) for at in times]
    assert hours == [0] * 50 + [-1] * 50 + [2] * 50 + [-2] * 50
    assert entries[-1]["text"] == "Job ended: status 0"


def test_revision_that_makes_no_policy_leaves_the_old_one_in_force_and_the_journal_says_so(greenwall, programs, port):
    greenwall.cl(f"ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') RMTPORT({port}) ACTION(*REJECT)")
    greenwall.cl("ACTSOCPCY")
    with (
        greenwall.running(programs.get("tally"), "127.0.0.1", str(port)) as allowed,
        greenwall.running(programs.get("tally"), "127.0.0.2", str(port)) as refused,
    ):
        assert connect(allowed, 1) == (1, 0, "OK")
        with contextlib.closing(sqlite3.connect(greenwall.directory / "store.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute(
                "INSERT INTO revision SELECT number + 1, made_at, made_by, text, replace(document, '127.0.0.2', '???')"
                " FROM revision WHERE number = (SELECT number FROM active_revision)"
            )
            other.execute("UPDATE active_revision SET number = number + 1")
            other.execute("COMMIT")
        until(lambda: messages(greenwall, "GWL0516"), "the entry")
        assert connect(allowed, 1) == (1, 0, "OK")
        assert connect(refused, 1) == (0, 1, "EPERM")
        greenwall.cl("RMVSOCRUL EXITPNT(*CONNECT) SEQNBR(10)", "ACTSOCPCY")
        until(lambda: connect(refused, 1)[0], "the next good revision")
    assert len(messages(greenwall, "GWL0516")) == 1


def test_revision_that_a_guard_cannot_use_leaves_the_old_one_in_force_and_the_worker_hears_of_it(
    greenwall, programs, port
):
    greenwall.run("true")  # makes the store
    greenwall.end_workers()
    worker = ScriptedWorker(locate_file(greenwall.directory / "store.db"))
    try:
        with greenwall.running(programs.get("tally"), "127.0.0.1", str(port)) as job:
            assert connect(job, 1) == (1, 0, "OK")
            nonsense = replace(POLICY, rules=tuple(replace(rule, remote_address="???") for rule in POLICY.rules))
            worker.send(encode(NewRevision(2, nonsense)))

            def told_of_it():
                events = read_all(worker.next(Records).octets)
                return any("GWL0516" in event.text and not event.exit_point for event in events)

            until(told_of_it, "the notice")
            assert connect(job, 1) == (1, 0, "OK")
    finally:
        worker.go()
