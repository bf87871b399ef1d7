"""The decisions that the journal does not have yet: kept in order, in files, or in memory where there are none."""

from __future__ import annotations

import contextlib
import errno
import itertools
import threading

import pytest

from console.enforcement.guard import backlog as module
from console.enforcement.guard.backlog import Backlog
from console.enforcement.records import read_all
from console.enforcement.spool import Spool, leftover, read_segment, waiting_spools
from console.model.words import Outcome
from console.policy.request import Decision
from tests.factories import AT_NS, GUARD_ID, decided, hello

REJECTED = Decision(Outcome.REJECTED, 10, 1, journal=True, alert=False)
LONG = "x" * 2000
"""A text that makes a segment full after about 120 records."""


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_RETRY_S", 0.0)
    made = []

    def start(directory=tmp_path / "s.spool"):
        made.append(Backlog(directory, hello(), lambda: AT_NS, lambda: None))
        return made[-1]

    yield start
    for backlog in made:
        backlog.remove()


@pytest.fixture
def no_disk(small_disk):
    """Return a directory on a full disk, and a function that makes room there."""
    ballast = small_disk / "ballast"
    with open(ballast, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return small_disk / "s.spool", ballast.unlink


def record(backlog, count, **fields):
    for _ in range(count):
        backlog.record(decided(**fields))


def given_out(backlog):
    events = []
    while octets := backlog.unsent():
        events += read_all(octets)
    return events


def numbers(events):
    return [event.number for event in events]


def left(directory):
    (path,) = waiting_spools(directory)
    with leftover(path) as found:
        if found is None:
            return None
        events = []
        for segment in found.segments:
            more, damage = read_segment(segment, GUARD_ID)
            assert damage == ""
            events += more
        return numbers(events)


def test_decisions_are_given_out_in_order_across_segments(make):
    backlog = make()
    record(backlog, 500, text=LONG)
    assert numbers(given_out(backlog)) == list(range(1, 501))
    record(backlog, 3)
    assert numbers(given_out(backlog)) == [501, 502, 503]


def test_next_segment_is_there_before_it_is_needed_and_the_old_go_when_they_are_taken(make, tmp_path):
    backlog = make()
    segments = lambda: sorted(path.name[-16:-8] for path in (tmp_path / "s.spool").glob("*.segment"))  # noqa: E731
    record(backlog, 60, text=LONG)
    assert segments() == ["00000001"]
    backlog.tend()
    assert segments() == ["00000001", "00000002"]
    record(backlog, 65, text=LONG)
    assert segments() == ["00000001", "00000002"]
    given_out(backlog)
    backlog.taken_up_to(125)
    backlog.tend()
    assert segments() == ["00000002"]
    assert not backlog.untaken


def test_what_was_not_taken_is_given_out_again(make):
    backlog = make()
    record(backlog, 500, text=LONG)
    given_out(backlog)
    backlog.tend()
    backlog.taken_up_to(250)
    backlog.rewind(250)
    again = numbers(given_out(backlog))
    assert again[0] <= 251
    assert again == list(range(again[0], 501))
    backlog.rewind(500)
    assert not backlog.untaken


def test_segments_without_readers_cost_no_descriptors(make):
    backlog = make()
    backlog.tend()
    record(backlog, 2000, text=LONG)
    backlog.tend()
    assert sum(segment._memory is not None for segment in backlog._segments) == 1
    assert numbers(given_out(backlog)) == list(range(1, 2001))


def test_everything_is_counted_and_only_what_a_rule_wants_is_kept(make):
    backlog = make()
    quiet = Decision(Outcome.ALLOWED, 10, 0, journal=False, alert=False)
    record(backlog, 2, decision=quiet)
    record(backlog, 1, decision=REJECTED)
    (event,) = given_out(backlog)
    assert event.totals == backlog.totals == (3, 1, 21)


def test_many_threads_lose_nothing(make):
    backlog = make()
    done = threading.Event()

    def tend():
        while not done.wait(0.001):
            backlog.tend()

    tender = threading.Thread(target=tend)
    tender.start()
    threads = [threading.Thread(target=record, args=(backlog, 1500), kwargs={"text": str(n)}) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    tender.join()
    events = given_out(backlog)
    assert numbers(events) == list(range(1, 12_001))
    assert sorted(event.text for event in events) == sorted(str(n) for n in range(8) for _ in range(1500))


def test_full_disk_leaves_decisions_in_memory_and_says_so_once(make, no_disk):
    directory, _ = no_disk
    backlog = make(directory)
    record(backlog, 300, text=LONG)
    for _ in range(3):
        backlog.tend()
    assert backlog.mortal
    assert not backlog.full
    events = given_out(backlog)
    assert numbers(events) == list(range(1, 302))
    assert events[-1].text.startswith("GWL0510")
    backlog.taken_up_to(301)
    assert not backlog.mortal


def test_memory_goes_into_files_in_order_when_there_is_room_again(make, no_disk):
    directory, make_room = no_disk
    backlog = make(directory)
    record(backlog, 50)
    backlog.tend()
    make_room()
    backlog.tend()
    assert not backlog.mortal
    assert not backlog.troubled
    record(backlog, 300, text=LONG)
    backlog.close(None)
    assert left(directory) == list(range(1, 352))


def test_segment_that_is_begun_in_memory_while_others_get_files_gets_one_as_well(make, tmp_path, monkeypatch):
    (tmp_path / "s.spool").write_bytes(b"")
    backlog = make()
    record(backlog, 1)
    (tmp_path / "s.spool").unlink()
    path_of = Spool.segment

    def path_and_a_disk_that_fills_meanwhile(spool, index):
        monkeypatch.setattr(Spool, "segment", no_path)
        record(backlog, 200, text=LONG)
        monkeypatch.setattr(Spool, "segment", path_of)
        return path_of(spool, index)

    def no_path(spool, index):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Spool, "segment", path_and_a_disk_that_fills_meanwhile)
    backlog.tend()
    assert backlog.mortal
    backlog.tend()
    assert not backlog.mortal
    assert numbers(given_out(backlog)) == list(range(1, backlog.number + 1))


def test_memory_that_is_full_is_said_and_what_is_under_way_is_kept(make, no_disk, monkeypatch):
    monkeypatch.setattr(module, "_MOST_IN_MEMORY", 3)
    backlog = make(no_disk[0])
    counter = itertools.count(1)
    while not backlog.full:
        record(backlog, 1, text=LONG)
        next(counter)
    made = next(counter) - 1
    record(backlog, 500, text=LONG)
    for _ in range(7):
        backlog.turn_away()
    assert backlog.totals.decided == made + 507
    assert backlog.totals.refused == 7
    given_out(backlog)
    backlog.taken_up_to(made + 500)
    backlog.tend()
    assert not backlog.full
    last = [event for event in given_out(backlog) if not event.exit_point]
    assert [event.text[:7] for event in last] == ["GWL0510", "GWL0517"]
    assert "7 calls were refused" in last[1].text


def test_directory_of_a_stranger_is_as_a_full_disk(make, tmp_path):
    (tmp_path / "file").touch()
    backlog = make(tmp_path / "file")
    record(backlog, 5)
    backlog.tend()
    assert backlog.mortal
    assert [event.text[:7] for event in given_out(backlog)][-1] == "GWL0510"
