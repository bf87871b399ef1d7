"""Keeps one exit program of a guard running, and lets one question at a time through to it.

A process that is of no more use is killed, and the next one is started by the first question after a pause. The pause
doubles with each failure in a row, so that a program which cannot live does not eat the machine; every question in
between fails at once. One that ended while nobody asked is replaced at once and without a word; so is one that ended
before it had read a question, which is then put to its successor, once. One that had read it may have ended because of
it, and is not given it again.

A signal may take the caller out of its call while the program thinks, and have it make the call again (SA_RESTART). The
answer that nobody heard is kept for that: otherwise a program that is interrupted more often than the exit program
answers would never come to its end.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from console.enforcement.guard.exit_program_process import ExitProgramProcess, NoAnswer, NotAsked
from console.enforcement.guard.exit_program_wire import Reply
from console.errors import CallerGone
from console.exit_request import ExitRequest
from console.policy.rule import ExitProgram

_FIRST_PAUSE_S = 0.1
_KEPT_S = 5.0
"""How long an answer is kept that nobody heard; a signal handler that runs longer has its question asked anew."""
_MOST_KEPT = 256
_MOST_DOUBLINGS = 8
"""25.6 seconds at the most."""

Start = Callable[[str], ExitProgramProcess]
"""Starts the process of an entry point, from a thread that lives as long as the guard; raises OSError."""


class ExitProgramKeeper:
    """One exit program, through the lives of its processes.

    Threads: any; questions stand in line.
    """

    def __init__(self, program: ExitProgram, start: Start, clock: Callable[[], float] = time.monotonic) -> None:
        self.program = program
        self.users = 0
        """Questions asked and not yet answered; counted, under its own lock, by who owns this."""
        self._start = start
        self._clock = clock
        self._lock = threading.Lock()
        self._process: ExitProgramProcess | None = None
        self._failures = 0
        """How often in a row it gave no answer."""
        self._start_from = 0.0
        """When the next process may be started, by the clock."""
        self._failure = ""
        self._unheard: dict[tuple[int, ExitRequest], tuple[float, Reply]] = {}
        """Thread and question -> when it was answered, and how."""

    def launch(self) -> None:
        """Start the process ahead of the first question; a failure shows at that."""
        with self._lock:
            try:
                self._running()
            except NoAnswer as failure:
                self._fail(str(failure))

    def ask(self, thread: int, request: ExitRequest, is_waiting: Callable[[], bool]) -> Reply:
        """Put a question when it is its turn.

        The time limit begins with the question, not with the wait for one's turn: that others ask as well is no fault
        of the program's.

        Args:
            thread: Who calls.
            request: The question.
            is_waiting: Whether anybody still wants to know.

        Raises:
            NoAnswer: It gave none, or no process runs.
            CallerGone: Nobody wants to know any more.
        """
        with self._lock:
            if not is_waiting():
                raise CallerGone("GWL0402")
            answered, reply = self._unheard.pop((thread, request), (-_KEPT_S, None))
            if reply is not None and self._clock() - answered < _KEPT_S:
                return reply
            if self._clock() < self._start_from:
                raise NoAnswer(f"does not run: {self._failure}")
            try:
                reply = self._answer(request)
            except NoAnswer as failure:
                self._fail(str(failure))
                raise
            self._failures = 0
            if not is_waiting():
                self._keep(thread, request, reply)
                raise CallerGone("GWL0402")
            return reply

    def end(self) -> None:
        """End the process: in order, or at once when it is being asked."""
        if self._lock.acquire(blocking=False):
            try:
                if self._process is not None:
                    self._process.end()
                    self._process = None
            finally:
                self._lock.release()
        elif (process := self._process) is not None:
            process.terminate()

    def _answer(self, request: ExitRequest) -> Reply:
        """Ask the process, and its successor if it ended before it had read the question.

        Raises:
            NoAnswer: There is none.
        """
        try:
            return self._running().ask(request, self.program.time_limit_ms)
        except NotAsked:
            self._clear_away()
        return self._running().ask(request, self.program.time_limit_ms)

    def _running(self) -> ExitProgramProcess:
        """Return the process, a new one if need be: also where the last one ended while nobody asked.

        Raises:
            NoAnswer: None can be started.
        """
        if self._process is not None and self._process.ended_idle:
            self._clear_away()
        if self._process is None:
            try:
                self._process = self._start(self.program.program)
            except OSError as error:
                raise NoAnswer(f"cannot be started: {error.strerror}") from error
        return self._process

    def _keep(self, thread: int, request: ExitRequest, reply: Reply) -> None:
        now = self._clock()
        self._unheard = {key: kept for key, kept in self._unheard.items() if now - kept[0] < _KEPT_S}
        if len(self._unheard) < _MOST_KEPT:
            self._unheard[thread, request] = now, reply

    def _clear_away(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _fail(self, failure: str) -> None:
        self._clear_away()
        self._failure = failure
        self._start_from = self._clock() + _FIRST_PAUSE_S * 2 ** min(self._failures, _MOST_DOUBLINGS)
        self._failures += 1
