"""Every decision reaches the journal once, whatever becomes of the workers."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from console.enforcement.frames import MAX_FRAME_BYTES, End, Entries, Hello, InForce, NewRevision, encode
from console.enforcement.guard import reporter as module
from console.enforcement.guard.link import WorkerLink
from console.enforcement.guard.reporter import Reporter
from console.enforcement.guard.supervisor import Decided, Who
from console.enforcement.layouts import Endpoint
from console.enforcement.spool import leftover, parse, waiting_spools
from console.model.words import ExitPoint, Outcome
from console.policy.request import MAPPED, Decision
from console.store.location import Location
from tests.end_to_end.command import until
from tests.enforcement.guard.scripted_worker import POLICY, ScriptedWorker
from tests.factories import hello

DECISION = Decision(Outcome.ALLOWED, 99999, 0, journal=True, alert=False)
_ports = itertools.count(1)


def decided(**fields):
    whole = {
        "at_ns": 1, "exit_point": ExitPoint.CONNECT, "decision": DECISION, "revision": 1,
        "who": Who("ALICE", "/bin/x", 7), "local": Endpoint(MAPPED + 1, 2),
        "remote": Endpoint(MAPPED + 0x7F00_0001, next(_ports)), "decision_us": 3, "text": "",
    }  # fmt: skip
    return Decided(**(whole | fields))


@pytest.fixture
def location(tmp_path):
    return Location(tmp_path, "s.db")


@pytest.fixture
def make(location, monkeypatch):
    """Return a function that starts a reporter on a worker that is there."""
    monkeypatch.setattr(module, "_RECONNECT_S", 0.02)
    monkeypatch.setattr(module, "_FAREWELL_S", 0.5)
    made = []

    def start(on_revision=lambda revision: None):
        reporter = Reporter(location, hello(), WorkerLink(location, hello()), on_revision)
        reporter.start()
        made.append(reporter)
        return reporter

    yield start
    for reporter in made:
        if reporter._reporting.is_alive():
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
        reporter.record(decided())


def has(worker, count):
    until(lambda: len(worker.journal) >= count, f"{count} entries")
    return worker.journal == list(range(1, count + 1))


def test_decisions_arrive_in_order_and_the_end_comes_last(work, make):
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
    worker.next(Entries)
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
        worker.next(Entries)
        worker.go()
        worker = work(worker.journal)
        worker.next(Hello)
    assert has(worker, 7 * losses)


def test_spool_is_gone_when_all_was_taken_and_the_job_has_ended(work, make, location):
    worker = work()
    reporter = make()
    worker.go()
    record(reporter, 5)
    until(lambda: waiting_spools(location.spool), "the spool")
    worker = work(worker.journal)
    assert has(worker, 5)
    reporter.end(0)
    assert worker.next(End) == End(0)
    assert waiting_spools(location.spool) == []


def test_what_no_worker_took_is_left_in_the_spool(work, make, location):
    worker = work()
    reporter = make()
    record(reporter, 3)
    assert has(worker, 3)
    worker.go()
    record(reporter, 4)
    reporter.end(7)
    (path,) = waiting_spools(location.spool)
    with leftover(path) as left:
        assert [event.number for event in left.events] == [4, 5, 6, 7]
        assert (left.hello, left.damage) == (hello(), "")


def spooled(location):
    (path,) = waiting_spools(location.spool)
    _hello, events, damage = parse(path.read_bytes())
    assert damage == ""
    return [event.number for event in events]


def test_last_words_of_a_worker_take_nothing_from_what_was_put_away_after_them(work, make, location):
    worker = work()
    reporter = make()
    record(reporter, 3)
    assert has(worker, 3)
    worker.go()
    record(reporter, 4)
    until(lambda: waiting_spools(location.spool) and spooled(location) == [4, 5, 6, 7], "the spool")
    reporter._taken_up_to(3)
    assert spooled(location) == [4, 5, 6, 7]
    assert has(work(worker.journal), 7)


def test_spool_holds_each_entry_once_however_many_workers_go(work, make, location):
    worker = work()
    reporter = make()
    for _ in range(5):
        worker.commits = False
        worker.go()
        record(reporter, 2)
        worker = work(worker.journal)
        worker.commits = False
        worker.next(Entries)
    worker.go()
    until(lambda: len(spooled(location)) == 10, "the spool")
    assert spooled(location) == list(range(1, 11))


def test_more_entries_than_a_frame_holds_are_put_away_whole(work, make, location):
    worker = work()
    worker.commits = False
    reporter = make()
    count, program = 5000, "/" + "p" * (MAX_FRAME_BYTES // 4500)
    for _ in range(count):
        reporter.record(decided(who=Who("ALICE", program, 7)))
    while worker.next(Entries).events[-1].number < count:
        pass
    worker.go()
    reporter.end(0)
    assert spooled(location) == list(range(1, count + 1))


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


@pytest.mark.parametrize("program", ["/bin/\udcff\udcfe", "/bin/\N{SNOWMAN}", "/bin/a\nb"])
def test_program_of_any_octets_reaches_the_journal(work, make, program):
    worker = work()
    reporter = make()
    reporter.record(decided(who=Who("ALICE", program, 7)))
    (event,) = worker.next(Entries).events
    assert event.program == program.encode(errors="surrogateescape").decode(errors="backslashreplace")


@pytest.mark.parametrize(
    ("remote", "local", "family"),
    [
        (Endpoint(MAPPED + 1, 2), Endpoint(MAPPED + 3, 4), "*IPV4"),
        (Endpoint(1, 2), Endpoint(3, 4), "*IPV6"),
        (Endpoint(0, 0), Endpoint(MAPPED, 4), "*IPV4"),
        (Endpoint(0, 0), Endpoint(0, 4), "*IPV6"),
    ],
)
def test_family_of_an_entry_is_that_of_its_remote_side_or_its_only_one(work, make, remote, local, family):
    worker = work()
    make().record(decided(remote=remote, local=local))
    assert worker.next(Entries).events[0].address_family == family
