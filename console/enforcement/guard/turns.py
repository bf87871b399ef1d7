"""Threads that take calls in turns: one waits for the next call, and no call that blocks holds up another.

One thread, the leader, waits for a call and serves it itself, so that a call costs no hand-over between threads. Most
calls are over in microseconds, and the leader goes back to wait. Two things relieve a leader that does not come back:

* It says so itself before a call that will wait (`may_block`): a follower takes the lead first.
* The watchdog finds the same call still being served after a look or two, a few hundredths of a second, and lets a
  follower lead. For the next second, leaders say so beforehand where they would not have.

Where many threads of a job call at once, a leader finds calls of others waiting each time. It then lets a follower lead
and goes on beside it, as a helper, until none wait any more. Only plain calls are found so, and helped with (`Beside`):
Python serves one at a time anyway.

The watchdog sleeps while nothing is served. It also takes threads out of calls whose caller has gone: a signal without
SA_RESTART ends the system call with EINTR.

Threads: the object's own; `may_block` is called from within `serve`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Protocol

from console.enforcement.backend import CROWDED, RELIEVED, Backend, Call, Standing

_LOOK_S = 0.02
_GONE_LOOK_S = 0.25
_CAREFUL_S = 1.0
_LAST_LOOK_S = 0.005
_LAST_LOOKS_S = 1.0
"""How long the end of a job waits for what was begun for its callers; only an exit program takes that long."""
_MOST_FOLLOWERS = 4
"""Threads that wait for the lead; one that finds so many waiting already ends."""
_MOST_HELPERS = min(len(os.sched_getaffinity(0)) - 1, 1)
"""Threads that serve calls beside the leader: one, where there is a processor for it."""

ABORT_SIGNAL = signal.SIGUSR1
"""Takes a guard's thread out of a system call; the main thread installs an empty handler (`install_abort_handler`)."""


def install_abort_handler() -> None:
    """Make `ABORT_SIGNAL` end a system call with EINTR and do nothing else; from the main thread only."""
    signal.signal(ABORT_SIGNAL, lambda _number, _frame: None)
    signal.siginterrupt(ABORT_SIGNAL, True)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {ABORT_SIGNAL})


class Beside(Protocol):
    """Serves plain calls without Python, each thread in a lane of its own; see `plain_calls`."""

    def open_lane(self) -> int:
        """Return a lane for the calling thread; -1 when there is none."""

    def close_lane(self, lane: int) -> None:
        """Give it back."""

    def receive(self, lane: int, *, helps: bool) -> Call | Standing | None:
        """Serve plain calls until one comes that is not; None once none can come.

        A thread that helps is relieved when no call waits; one that leads may be told that many do.
        """

    def lead(self, lane: int, leads: bool) -> None:
        """Say whether the thread goes on receiving."""

    def leave(self, lane: int) -> None:
        """Say that a call that was begun has come to its end."""

    def call_of(self, lane: int) -> Call | None:
        """Return the call that is being served."""

    def begun(self) -> int:
        """Return a number that grows with each call."""

    def watch(self, looks: bool) -> None:
        """Say whether somebody looks after the calls; none is served while not."""

    def be_careful(self, seconds: float) -> None:
        """Serve nothing for a while that might wait."""


class _Turn:
    """What one thread is about."""

    __slots__ = ("blocked_since", "call", "helps", "ident", "lane", "leads", "seen")

    def __init__(self, lane: int) -> None:
        self.ident = threading.get_ident()
        self.lane = lane
        """Of the plain calls; -1 for none."""
        self.leads = False
        self.helps = False
        self.call: Call | None = None
        self.blocked_since = 0.0
        self.seen = -1
        """Cookie of the call that it was about when last looked at; it may have gone on to another."""


class Turns:
    """Serves all calls of a backend until none can come any more."""

    def __init__(self, backend: Backend, serve: Callable[[Call], None], beside: Beside | None = None) -> None:
        """Begin.

        Args:
            backend: Whose calls.
            serve: Serves one.
            beside: Serves plain calls without Python, where that is possible.
        """
        self._backend = backend
        self._serve = serve
        self._beside = beside
        self._lead = threading.Lock()
        self._mutex = threading.Lock()
        self._local = threading.local()
        self._followers = 0
        self._helpers = 0
        self._threads = 0
        self._away: set[_Turn] = set()
        self._leader: _Turn | None = None
        self._taken = 0
        self._careful_until = 0.0
        self._watch = threading.Event()
        self._watching = False
        self._ended = threading.Event()

    def start(self) -> None:
        """Start the first threads."""
        threading.Thread(target=self._look_after, name="watchdog", daemon=True).start()
        with self._mutex:
            self._add_thread()
            self._add_thread()

    def wait(self) -> None:
        """Return when no call can come any more, and what was begun for callers that ended with their job is over.

        A connect whose caller was killed has begun to connect: it is to be recorded before the journal is closed.
        """
        self._ended.wait()
        give_up_at = time.monotonic() + _LAST_LOOKS_S
        while self._take_out_abandoned(0.0) and time.monotonic() < give_up_at:
            time.sleep(_LAST_LOOK_S)

    @property
    def is_careful(self) -> bool:
        """Whether a call that seldom blocks did so a moment ago."""
        return time.monotonic() < self._careful_until

    def may_block(self) -> None:
        """Let another thread wait for calls; what the caller does next may take long. Threads: any."""
        turn: _Turn | None = getattr(self._local, "turn", None)
        if turn is None:  # none of ours, which never leads
            return
        with self._mutex:
            self._stop_helping(turn)
            self._relieve(turn)

    def _relieve(self, turn: _Turn) -> None:
        """Take the lead from a thread; the mutex is held."""
        if not turn.leads:
            return
        if not self._followers:
            try:
                self._add_thread()
            except RuntimeError:  # the job is at its limit of processes, which is ours too; the watchdog tries again
                self._wake_watchdog()
                return
        self._lead_on(turn, leads=False)
        self._note_blocked(turn, time.monotonic())
        self._leader = None
        self._away.add(turn)
        self._lead.release()
        self._wake_watchdog()

    def _add_thread(self) -> None:
        """Start another thread; the mutex is held.

        Raises:
            RuntimeError: There is none to be had.
        """
        threading.Thread(target=self._take_turns, name=f"turn-{self._threads + 1}", daemon=True).start()
        self._threads += 1
        self._followers += 1

    def _take_turns(self) -> None:
        beside = self._beside
        turn = self._local.turn = _Turn(-1 if beside is None else beside.open_lane())
        while True:
            self._lead.acquire()
            with self._mutex:
                self._followers -= 1
                self._lead_on(turn, leads=True)
                self._leader = turn
            while turn.leads or turn.helps:
                call = self._receive(turn)
                if call is None:
                    self._end(turn)
                    return
                if call is RELIEVED:
                    break
                if call is CROWDED:
                    self._begin_to_help(turn)
                    continue
                turn.call = call
                self._taken += 1
                if not self._watching:
                    self._wake_watchdog()
                self._serve(call)
                turn.call = None
                if (call.begun or call.accepted) is not None and beside is not None:
                    beside.leave(turn.lane)
            with self._mutex:
                self._away.discard(turn)
                self._stop_helping(turn)
                if self._followers >= _MOST_FOLLOWERS:
                    self._close_lane(turn)
                    return
                self._followers += 1

    def _receive(self, turn: _Turn) -> Call | Standing | None:
        if turn.lane < 0 or self._beside is None:
            return self._backend.receive()
        return self._beside.receive(turn.lane, helps=turn.helps)

    def _begin_to_help(self, turn: _Turn) -> None:
        """Let a follower lead and go on beside it, unless there are helpers enough, or no thread is to be had."""
        with self._mutex:
            if self._helpers < _MOST_HELPERS:
                self._relieve(turn)
                turn.helps = not turn.leads
                self._helpers += turn.helps

    def _stop_helping(self, turn: _Turn) -> None:
        self._helpers -= turn.helps
        turn.helps = False

    def _end(self, turn: _Turn) -> None:
        """Let the other threads find out as well, one after the other."""
        self._ended.set()
        self._watch.set()
        with self._mutex:
            if turn.leads:
                self._lead_on(turn, leads=False)
                self._leader = None
                self._lead.release()
            self._close_lane(turn)

    def _lead_on(self, turn: _Turn, *, leads: bool) -> None:
        turn.leads = leads
        if turn.lane >= 0 and self._beside is not None:
            self._beside.lead(turn.lane, leads)

    def _close_lane(self, turn: _Turn) -> None:
        if turn.lane >= 0 and self._beside is not None:
            self._beside.close_lane(turn.lane)
            turn.lane = -1

    def _note_blocked(self, turn: _Turn, now: float) -> Call | None:
        """Note and return the call that a thread is about at a moment."""
        turn.blocked_since = now
        call = self._call_of(turn)
        turn.seen = -1 if call is None else call.cookie
        return call

    def _call_of(self, turn: _Turn) -> Call | None:
        """Return the call that a thread is about."""
        if turn.call is not None or turn.lane < 0 or self._beside is None:
            return turn.call
        return self._beside.call_of(turn.lane)

    def _count(self) -> int:
        """Return a number that grows with each call taken."""
        return self._taken + (0 if self._beside is None else self._beside.begun())

    def _set_watching(self, *, watching: bool) -> None:
        """Say whether the watchdog looks; plain calls are not served beside us while it does not."""
        if self._beside is not None:
            self._beside.watch(watching)
        self._watching = watching

    def _wake_watchdog(self) -> None:
        self._watching = True
        self._watch.set()

    def _look_after(self) -> None:
        seen = -1
        while not self._ended.is_set():
            self._watch.wait()
            self._watch.clear()
            self._set_watching(watching=True)
            idle_looks = 0
            while idle_looks < 2 and not self._ended.wait(_LOOK_S):
                seen, busy = self._look(seen)
                idle_looks = 0 if busy else idle_looks + 1
            self._set_watching(watching=False)
            if self._count() != seen:  # taken between the last look and the line above: nobody else will wake us
                self._watch.set()

    def _look(self, seen: int) -> tuple[int, bool]:
        """Relieve a stuck leader, and take threads out of calls whose caller has gone.

        Args:
            seen: Number of calls taken at the last look.

        Returns:
            The number now, and whether there was anything to look at.
        """
        with self._mutex:
            leader, taken = self._leader, self._count()
            if leader is not None:  # a helper may have served any number meanwhile
                seen_then = leader.seen
                call = self._note_blocked(leader, time.monotonic())
                if call is not None and call.cookie == seen_then:
                    self._be_careful()
                    self._relieve(leader)
        self._take_out_abandoned(_GONE_LOOK_S)
        return taken, bool(self._away) or taken != seen

    def _be_careful(self) -> None:
        self._careful_until = time.monotonic() + _CAREFUL_S
        if self._beside is not None:
            self._beside.be_careful(_CAREFUL_S)

    def _take_out_abandoned(self, after_s: float) -> bool:
        """Take threads out of calls whose caller has gone; say whether there are any.

        Args:
            after_s: Leave those alone that were looked at since.
        """
        found = False
        with self._mutex:
            now = time.monotonic()
            for turn in [turn for turn in self._away if now - turn.blocked_since >= after_s]:
                seen = turn.seen
                call = self._note_blocked(turn, now)
                if call is not None and not self._backend.is_waiting(call):
                    found = True
                    if call.cookie == seen:  # a helper may just be done with it
                        signal.pthread_kill(turn.ident, ABORT_SIGNAL)
        return found
