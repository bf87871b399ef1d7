"""When an exit program is started again, by a clock of the test, and which processes a '9' holds for."""

from __future__ import annotations

import os
import subprocess

import pytest

from console.enforcement.guard import exit_program_skips
from console.enforcement.guard.exit_program_keeper import ExitProgramKeeper
from console.enforcement.guard.exit_program_process import NoAnswer, NotAsked
from console.enforcement.guard.exit_program_skips import Skips
from console.enforcement.guard.exit_program_wire import Reply
from console.enforcement.records import Who
from console.errors import CallerGone
from console.exit_request import ExitRequest
from console.model.words import ExitPoint
from console.policy.rule import ExitProgram
from tests.enforcement.guard.setting import PATIENCE_S

PROGRAM = ExitProgram(ExitPoint.CONNECT, 2, "mine:ask")
REQUEST = ExitRequest("*CONNECT", "QIBM_QSO_CONNECT", "A", "/a", "1/A/B", 1, "", 0, "192.0.2.1", 1, "*IPV4")


class Process:
    """A process that answers as long as the test wants it to."""

    ended_idle = False

    def __init__(self, starts):
        self._starts = starts
        self.is_killed = False

    def ask(self, request, limit_ms):
        if self._starts.vanishing:
            self._starts.vanishing -= 1
            raise NotAsked("ended")
        if self._starts.failing:
            raise NoAnswer("ended")
        return Reply(1, "0", "")

    def kill(self):
        self.is_killed = True


class Starts:
    """What a keeper starts, and the time it sees."""

    def __init__(self):
        self.failing = True
        self.vanishing = 0
        """How many processes end before they read a question."""
        self.now = 1000.0
        self.processes = []
        self.keeper = ExitProgramKeeper(PROGRAM, self.start, lambda: self.now)

    def start(self, entry_point):
        assert entry_point == "mine:ask"
        self.processes.append(Process(self))
        return self.processes[-1]

    def ask(self):
        try:
            return self.keeper.ask(1, REQUEST, lambda: True).answer
        except NoAnswer as failure:
            return str(failure)


def test_pause_doubles_with_each_failure_in_a_row_up_to_half_a_minute():
    starts = Starts()
    pauses = []
    for _ in range(12):
        assert starts.ask() == "ended"
        before = starts.now
        while starts.ask() == "does not run: ended":
            starts.now += 0.05
        pauses.append(round(starts.now - before, 1))
        starts.now += 100
    assert pauses == sorted(pauses)
    assert pauses[0] <= 0.3
    assert pauses[-1] == pauses[-2] == pytest.approx(25.6, abs=0.2)


def test_nothing_is_started_in_a_pause_and_the_failed_process_is_gone():
    starts = Starts()
    starts.ask()
    for _ in range(10):
        starts.ask()
    assert [process.is_killed for process in starts.processes] == [True]


def test_question_that_was_not_read_is_put_to_the_next_process_at_once_and_no_failure():
    starts = Starts()
    starts.failing = False
    for _ in range(3):
        starts.vanishing = 1
        assert starts.ask() == "0"
    assert [process.is_killed for process in starts.processes] == [True, True, True, False]


def test_question_that_two_processes_did_not_read_fails():
    starts = Starts()
    starts.failing = False
    starts.vanishing = 2
    assert starts.ask() == "ended"
    assert starts.ask() == "does not run: ended"
    assert [process.is_killed for process in starts.processes] == [True, True]


def test_question_that_was_read_is_put_to_no_other_process():
    starts = Starts()
    starts.vanishing = 1
    assert starts.ask() == "ended"
    assert starts.ask() == "does not run: ended"
    assert len(starts.processes) == 2


def test_answer_makes_the_next_pause_short_again():
    starts = Starts()
    for _ in range(6):
        starts.ask()
        starts.now += 100
    starts.failing = False
    assert starts.ask() == "0"
    starts.failing = True
    assert starts.ask() == "ended"
    starts.now += 0.11
    starts.failing = False
    assert starts.ask() == "0"


def test_answer_that_nobody_heard_is_given_to_the_call_that_is_made_again_once():
    starts = Starts()
    starts.failing = False
    waiting = iter([True, False])
    with pytest.raises(CallerGone):
        starts.keeper.ask(1, REQUEST, lambda: next(waiting))
    starts.failing = True
    assert starts.ask() == "0"
    assert starts.ask() == "ended"


def test_answer_that_nobody_heard_is_forgotten_after_a_while():
    starts = Starts()
    starts.failing = False
    waiting = iter([True, False])
    with pytest.raises(CallerGone):
        starts.keeper.ask(1, REQUEST, lambda: next(waiting))
    starts.failing = True
    starts.now += 6
    assert starts.ask() == "ended"


class Attempt:
    def __init__(self, process, user="ALICE", program="/usr/bin/curl"):
        self.who = Who(user, program, process)


def yes():
    return True


@pytest.fixture
def children():
    found = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
    yield found
    for child in found:
        child.kill()
        child.wait(PATIENCE_S)


def test_9_holds_for_the_process_and_not_for_the_next_one_of_its_number(children):
    skips = Skips()
    attempt = Attempt(children[0].pid)
    skips.add(attempt, 1, PROGRAM, yes)
    assert skips.of(attempt, 1) == {PROGRAM}
    children[0].kill()
    children[0].wait(PATIENCE_S)
    # The number is free now; whoever calls with it is another process.
    assert skips.of(attempt, 1) == frozenset()


@pytest.mark.parametrize("who", [("BOB", "/usr/bin/curl"), ("ALICE", "/usr/bin/wget")])
def test_9_holds_for_the_user_and_program_that_were_asked_about(who):
    skips = Skips()
    attempt = Attempt(os.getpid())
    skips.add(attempt, 1, PROGRAM, yes)
    assert skips.of(Attempt(os.getpid(), *who), 1) == frozenset()
    assert skips.of(attempt, 1) == frozenset()


def test_9_about_a_caller_that_no_longer_waits_is_not_kept():
    skips = Skips()
    skips.add(Attempt(os.getpid()), 1, PROGRAM, lambda: False)
    assert skips.of(Attempt(os.getpid()), 1) == frozenset()


def test_no_more_processes_are_kept_than_there_is_room_for(children, monkeypatch):
    monkeypatch.setattr(exit_program_skips, "_MOST_PROCESSES", 2)
    skips = Skips()
    attempts = [Attempt(child.pid) for child in children]
    for attempt in attempts:
        skips.add(attempt, 1, PROGRAM, yes)
    assert [bool(skips.of(attempt, 1)) for attempt in attempts] == [True, True, False]
    children[0].kill()
    children[0].wait(PATIENCE_S)
    skips.add(attempts[2], 1, PROGRAM, yes)
    assert [bool(skips.of(attempt, 1)) for attempt in attempts] == [False, True, True]
