"""QAUDFRCLVL and QAUDENDACN: what is on the disk before a call goes on, and what happens when nothing can be kept."""

from __future__ import annotations

import errno
import os
import threading

import pytest

from console.enforcement import segment as segments
from console.enforcement.guard import backlog as module
from console.enforcement.records import read
from console.policy.audit_levels import NOTIFY, Auditing
from tests.enforcement.guard.test_backlog import LONG, given_out, make, no_disk, record  # noqa: F401


@pytest.fixture
def disk(monkeypatch):
    """Return what was written to the disk: file name -> its octets when it last was."""
    written = {}

    def fsync(descriptor):
        name = os.readlink(f"/proc/self/fd/{descriptor}")
        written[name] = b"" if os.path.isdir(name) else os.pread(descriptor, segments.SEGMENT_BYTES, 0)

    monkeypatch.setattr(segments.os, "fsync", fsync)
    return written


def on_disk(disk):
    """Return the numbers of the records that would be there after a power cut."""
    found = []
    for name in sorted(disk):
        if name.endswith(".segment") and os.path.dirname(name) in disk:
            found += [event.number for event, _ in read(disk[name][40:])]
    return found


def keeping(make, level, *place, action="*REFUSE"):  # noqa: F811
    backlog = make(*place)
    backlog.keep_as(Auditing(force_level=level, end_action=action))
    return backlog


def test_nothing_waits_for_the_disk_where_the_system_decides(make, disk):  # noqa: F811
    record(keeping(make, 0), 50)
    assert disk == {}


def test_with_one_each_record_is_on_the_disk_before_its_call_goes_on(make, disk):  # noqa: F811
    backlog = keeping(make, 1)
    for number in range(1, 300):
        record(backlog, 1, text=LONG)
        assert on_disk(disk) == list(range(1, number + 1))


@pytest.mark.parametrize("level", [2, 3, 7, 100])
def test_never_so_many_records_are_in_memory_only(make, disk, level):  # noqa: F811
    backlog = keeping(make, level)
    for number in range(1, 250):
        record(backlog, 1)
        assert number - len(on_disk(disk)) < level


def test_what_the_journal_has_counts_as_written(make, disk):  # noqa: F811
    backlog = keeping(make, 5)
    for number in range(1, 50):
        record(backlog, 1)
        given_out(backlog)
        backlog.taken_up_to(number)
    assert on_disk(disk) == []


def test_threads_that_wait_at_once_are_written_together_and_none_goes_on_before(make, monkeypatch):  # noqa: F811
    backlog = keeping(make, 1)
    gate, calls = threading.Event(), []

    def fsync(descriptor):
        calls.append(descriptor)
        gate.wait(10)

    monkeypatch.setattr(segments.os, "fsync", fsync)
    threads = [threading.Thread(target=record, args=(backlog, 1)) for _ in range(20)]
    for thread in threads:
        thread.start()
    while backlog.number < 20:
        pass
    assert all(thread.is_alive() for thread in threads)
    gate.set()
    for thread in threads:
        thread.join(10)
    assert len(calls) < 20


def test_disk_that_refuses_has_calls_refused_until_it_takes_what_there_is(make, monkeypatch):  # noqa: F811
    backlog = keeping(make, 1)
    record(backlog, 3)
    broken = []

    def fsync(_descriptor):
        if broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(segments.os, "fsync", fsync)
    broken.append(True)
    record(backlog, 1)
    assert backlog.full
    assert backlog.troubled
    backlog.tend()
    assert backlog.full
    broken.clear()
    backlog.tend()
    assert not backlog.full
    assert [event.text[:7] for event in given_out(backlog) if not event.exit_point] == ["GWL0510"]


def test_without_a_file_no_call_goes_on_that_must_be_on_the_disk(make, no_disk):  # noqa: F811
    directory, make_room = no_disk
    backlog = keeping(make, 1, directory)
    backlog.tend()
    assert backlog.full
    make_room()
    backlog.tend()
    backlog.tend()
    assert not backlog.full


def test_without_a_file_fewer_records_than_the_level_are_kept_in_memory(make, no_disk):  # noqa: F811
    backlog = keeping(make, 4, no_disk[0])
    kept = 0
    while not backlog.full:
        record(backlog, 1)
        backlog.tend()
        kept += 1
    assert kept <= 3


def test_calls_that_go_on_without_an_entry_are_counted_and_told(make, no_disk, monkeypatch):  # noqa: F811
    monkeypatch.setattr(module, "_MOST_IN_MEMORY", 2)
    backlog = keeping(make, 0, no_disk[0], action=NOTIFY)
    record(backlog, 1000, text=LONG)
    assert not backlog.full
    kept = backlog.number
    assert kept < 1000
    assert backlog.totals.decided == 1000
    no_disk[1]()
    given_out(backlog)
    backlog.taken_up_to(kept)
    backlog.tend()
    told = [event.text for event in given_out(backlog) if not event.exit_point]
    assert [text[:7] for text in told] == ["GWL0510", "GWL0693"]
    assert f"{1000 - kept} entries" in told[1]


def test_plain_calls_are_not_served_beside_what_waits_for_the_disk(make):  # noqa: F811
    lent = []

    class Native:
        def enter(self):
            return 0, 0, 0, 0, (0, 0, 0), 40

        def leave_journal(self, *_):
            pass

        def lend(self, memory):
            lent.append(memory is not None)

    backlog = make()
    backlog.share(Native())
    backlog.keep_as(Auditing(force_level=1))
    backlog.keep_as(Auditing())
    assert lent == [True, False, True]
    backlog.unshare()
