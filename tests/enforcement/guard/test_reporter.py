"""Every decision reaches the journal once, whatever becomes of the workers."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from console.enforcement.frames import Counted, End, EndJob, Hello, InForce, NewRevision, Records, encode
from console.enforcement.guard import reporter as module
from console.enforcement.guard.link import WorkerLink
from console.enforcement.guard.reporter import Reporter
from console.enforcement.layouts import Endpoint
from console.enforcement.records import Totals
from console.enforcement.spool import leftover, read_segment, waiting_spools
from console.model.words import Outcome
from console.policy.request import MAPPED, Decision
from console.store.location import Location
from tests.end_to_end.command import until
from tests.enforcement.guard.scripted_worker import POLICY, ScriptedWorker
from tests.factories import GUARD_ID, decided, hello

PATIENCE_S = 20
_ports = itertools.count(1)


@pytest.fixture
def location(tmp_path):
    return Location(tmp_path, "s.db")


@pytest.fixture
def make(location, monkeypatch):
    """Return a function that starts a reporter on a worker that is there."""
    monkeypatch.setattr(module, "_RECONNECT_S", 0.2)
    monkeypatch.setattr(module, "_FAREWELL_S", 0.5)
    made = []

    def start(on_revision=lambda revision: None, on_end=lambda request: None, on_auditing=lambda auditing: None):
        reporter = Reporter(location, hello(), WorkerLink(location, hello()), on_revision, on_auditing, on_end)
        reporter.start()
        made.append(reporter)
        return reporter

    yield start
    for reporter in made:
        if reporter._thread.is_alive():
            reporter.end(0)


@pytest.fixture
def work(location):
    """Return a function that starts a worker, with the journal of one that has gone."""
    with contextlib.ExitStack() as workers:

        def start(journal=None, **options):
            worker = ScriptedWorker(location, journal, **options)
            workers.callback(worker.go)
            return worker

        yield start


def record(reporter, count):
    for _ in range(count):
        reporter.backlog.record(decided(remote=Endpoint(MAPPED + 1, next(_ports))))


def has(worker, count):
    until(lambda: len(worker.journal) >= count, f"{count} entries")
    return worker.journal == list(range(1, count + 1))


def test_decisions_arrive_in_order_and_the_end_comes_last(work, make, monkeypatch):
    monkeypatch.setattr(module, "_FAREWELL_S", PATIENCE_S)
    worker = work()
    reporter = make()
    reporter.in_force(1)
    record(reporter, 2500)
    reporter.end(3)
    assert has(worker, 2500)
    assert worker.next(End) == End(3)


def test_what_is_flushed_is_in_the_journal(work, make):
    worker = work()
    reporter = make()
    record(reporter, 5)
    reporter.flush(20.0)
    assert worker.journal == [1, 2, 3, 4, 5]


def test_decisions_made_without_a_worker_reach_the_next_one_once(work, make):
    worker = work()
    reporter = make()
    record(reporter, 10)
    assert has(worker, 10)
    worker.go()
    record(reporter, 10)
    worker = work(worker.journal)
    assert has(worker, 20)
    record(reporter, 10)
    assert has(worker, 30)


@pytest.mark.parametrize("commits", [True, False])
def test_what_was_sent_and_not_acknowledged_is_in_the_journal_once(work, make, commits):
    worker = work()
    worker.acknowledges, worker.commits = False, commits
    reporter = make()
    record(reporter, 10)
    worker.next(Records)
    worker.go()
    worker = work(worker.journal)
    record(reporter, 1)
    assert has(worker, 11)


@pytest.mark.parametrize("losses", [2, 3, 5])
def test_entries_survive_workers_that_go_one_after_the_other_before_they_take_them(work, make, losses):
    worker = work()
    reporter = make()
    for _ in range(losses):
        worker.commits = False
        record(reporter, 7)
        worker.next(Records)
        worker.go()
        worker = work(worker.journal)
        worker.next(Hello)
    assert has(worker, 7 * losses)


def test_worker_hears_what_a_guard_cannot_send_any_more(work, make):
    worker = work()
    reporter = make()
    assert worker.next(Hello).forgotten == 0
    record(reporter, 10)
    assert has(worker, 10)
    until(lambda: not reporter.backlog.untaken, "the answer")
    worker.go()
    worker = work(worker.journal)
    assert worker.next(Hello).forgotten == 10


def test_nothing_is_left_when_all_was_taken_and_the_job_has_ended(work, make, location):
    worker = work()
    reporter = make()
    worker.go()
    record(reporter, 5)
    worker = work(worker.journal)
    assert has(worker, 5)
    reporter.end(0)
    assert worker.next(End) == End(0)
    assert list(location.spool.iterdir()) == []


def left(location):
    """Return what a worker finds when the guard is gone: the numbers of the decisions, and the exit status."""
    (path,) = waiting_spools(location.spool)
    with leftover(path) as found:
        assert (found.hello, found.damage) == (hello(), "")
        numbers = []
        for segment in found.segments:
            events, damage = read_segment(segment, GUARD_ID)
            assert damage == ""
            numbers += [event.number for event in events]
    return numbers, found.exit_status


def test_what_no_worker_took_is_left_with_the_status(work, make, location):
    worker = work()
    reporter = make()
    record(reporter, 3)
    assert has(worker, 3)
    worker.go()
    record(reporter, 4)
    reporter.end(7)
    assert left(location) == ([1, 2, 3, 4, 5, 6, 7], 7)


def test_end_that_no_worker_acknowledged_is_left(work, make, location):
    worker = work()
    worker.acknowledges = False
    reporter = make()
    record(reporter, 3)
    reporter.end(7)
    assert left(location) == ([1, 2, 3], 7)


def test_decision_is_in_the_spool_before_anything_is_sent(work, location):
    work()
    link = WorkerLink(location, hello())
    reporter = Reporter(location, hello(), link, print, print, print)
    record(reporter, 5000)  # its thread never runs
    reporter.backlog.close(None)
    link.close()
    assert left(location) == (list(range(1, 5001)), None)


def test_segments_go_when_the_journal_has_what_is_in_them(work, make, location):
    worker = work()
    reporter = make()
    record(reporter, 10_000)
    assert has(worker, 10_000)
    until(lambda: len(list(location.spool.glob("*.segment"))) <= 2, "the old segments to go")


def test_what_is_not_journalled_is_counted(work, make):
    worker = work()
    reporter = make()
    quiet = Decision(Outcome.REJECTED, 10, 1, journal=False, alert=False)
    for _ in range(3):
        reporter.backlog.record(decided(decision=quiet))
    assert reporter.backlog.totals == Totals(3, 3, 21)
    until(lambda: worker.next(Counted) == Counted(3, 3, 21), "the count")
    assert worker.journal == []


def test_what_is_not_journalled_is_counted_behind_what_is(work, location):
    worker = work()
    reporter = Reporter(location, hello(), WorkerLink(location, hello()), *[lambda told: None] * 3)
    quiet = Decision(Outcome.REJECTED, 10, 1, journal=False, alert=False)
    record(reporter, 1)
    for _ in range(2):
        reporter.backlog.record(decided(decision=quiet))
    reporter.start()
    until(lambda: worker.next(Counted) == Counted(*reporter.backlog.totals), "the count")
    assert reporter.backlog.totals.decided == 3
    reporter.end(0)


def test_revision_that_is_pushed_is_handed_on(work, make):
    worker = work()
    seen = []
    make(lambda revision: seen.append(revision.revision))
    worker.next(Hello)
    worker.send(encode(NewRevision(2, POLICY)))
    until(lambda: seen == [2], "the revision")


def test_revision_pushed_right_after_a_welcome_comes_after_it(work, make):
    worker = work()
    seen = []
    reporter = make(lambda revision: seen.append(revision.revision))
    worker.go()
    worker = work(worker.journal, after_welcome=encode(NewRevision(9, POLICY)))
    record(reporter, 1)
    until(lambda: 9 in seen, "the revision")
    assert seen == [1, 9]


def test_worker_hears_which_revision_is_in_force(work, make):
    worker = work()
    make().in_force(4)
    assert worker.next(InForce) == InForce(4)


def test_operators_wish_to_end_the_job_is_handed_on(work, make):
    worker = work()
    seen = []
    make(on_end=seen.append)
    worker.next(Hello)
    worker.send(encode(EndJob("*IMMED", 0)))
    until(lambda: seen == [EndJob("*IMMED", 0)], "the wish")
