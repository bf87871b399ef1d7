"""Where accepts stand that must wait: a queue a listener, one thread for all of them.

The thread polls one descriptor of each listener that has somebody waiting, and a pidfd of each waiting caller: when
the caller ends, its place and its copy of the listener are given up at once, so that nothing of ours keeps a port busy.
A caller that a signal took out of its accept shows only when we ask, which happens when a connection comes, and
every quarter of a second while somebody waits. So often the connections are looked at, too, that are kept for an accept
to come; and, once, whether one who waits has a descriptor left, without which Linux would not have let it wait.

Exit programs may take long to answer, and one for whom a connection has come does not let the others wait: where the
policy has any for accept, each connection is decided and handed over by a thread of its own.

Threads: its own; `add` may be called from any.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import threading
import time
from collections import deque

from console.enforcement.guard.accept import Acceptance, AcceptPoint, Taken
from console.enforcement.guard.supervisor import Supervisor, Undecidable
from console.errors import CallerGone
from console.model.words import ExitPoint

_LOOK_S = 0.25
_LEAVE_S = 1.0
_IDLE_LOOKS = 8
"""Looks at nothing after which the thread sleeps until it is woken."""


class WaitingRoom:
    """The accepts of one job that wait for connections."""

    def __init__(self) -> None:
        self._queues: dict[int, deque[Acceptance]] = {}
        """Inode of a listener -> who waits, in order of arrival; the first one's descriptor is polled."""
        self._polled: dict[int, int] = {}
        """Descriptor number -> inode of its listener."""
        self._callers: dict[int, int] = {}
        """Number of a caller's pidfd -> inode of the listener it waits at."""
        self._mutex = threading.Lock()
        self._epoll = select.epoll()
        self._idle_looks = _IDLE_LOOKS
        self._next_look = 0.0
        """When to look around: the earliest deadline, or a quarter of a second after the last look (time.monotonic)."""
        self._sleeps_until = math.inf
        """When the thread will look up by itself (time.monotonic). What epoll is to wait for, it takes in meanwhile
        without the bell."""
        self._leaving, self._left = threading.Event(), threading.Event()
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._epoll.register(self._bell, select.EPOLLIN)

    def start(self, supervisor: Supervisor, point: AcceptPoint) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, args=(supervisor, point), name="waiting-room", daemon=True).start()

    def add(self, acceptance: Acceptance) -> None:
        """Take an acceptance in; it is owned here from now on."""
        with self._mutex:
            queue = self._queues.setdefault(acceptance.inode, deque())
            queue.append(acceptance)
            if len(queue) == 1:
                self._poll_listener(acceptance)
            self._poll_caller(acceptance)
            self._idle_looks = 0
            if acceptance.deadline:
                self._next_look = min(self._next_look, acceptance.deadline)
            must_ring = self._sleeps_until > self._next_look
        if must_ring:
            self.wake()

    def wake(self) -> None:
        """Look whether there is something to do. Threads: any."""
        os.eventfd_write(self._bell, 1)

    def leave(self) -> None:
        """Return when the places of callers that ended with their job are given up, and their listeners closed.

        Whoever hears of the job's end may want its port at once. Threads: any but the object's own.
        """
        with self._mutex:
            if not self._queues:
                return
        self._leaving.set()
        self.wake()
        self._left.wait(_LEAVE_S)

    def _poll_listener(self, acceptance: Acceptance) -> None:
        number = acceptance.listener.number
        self._epoll.register(number, select.EPOLLIN)
        self._polled[number] = acceptance.inode

    def _poll_caller(self, acceptance: Acceptance) -> None:
        number = acceptance.pidfd.number
        if number not in self._callers:
            self._epoll.register(number, select.EPOLLIN)
        self._callers[number] = acceptance.inode

    def _run(self, supervisor: Supervisor, point: AcceptPoint) -> None:
        while True:
            ready = [number for number, _ in self._epoll.poll(self._patience_s(point))]
            for number in ready:
                if number == self._bell:
                    os.eventfd_read(self._bell)
                elif number in self._polled:
                    self._serve(supervisor, point, self._polled[number])
            for inode in point.kept.unannounced:
                self._serve(supervisor, point, inode)
            leaving = self._leaving.is_set()
            if leaving or time.monotonic() >= self._next_look or any(number in self._callers for number in ready):
                self._look_around(supervisor, point)
                point.reset_given_up(supervisor)
            if leaving:
                self._left.set()

    def _patience_s(self, point: AcceptPoint) -> float:
        """Return how long the thread may sleep; -1, until the bell, when nobody has waited and nothing was kept lately.

        Mostly the next accept comes soon, and would have to ring.
        """
        with self._mutex:
            if not self._queues and not point.kept.entries and self._idle_looks >= _IDLE_LOOKS:
                self._sleeps_until = math.inf
                return -1
            self._sleeps_until = self._next_look
            return max(0.0, self._next_look - time.monotonic())

    def _serve(self, supervisor: Supervisor, point: AcceptPoint, inode: int) -> None:
        """Give the connections of a listener to those who wait, first come first served."""
        while True:
            with self._mutex:
                queue = self._queues.get(inode)
                if not queue:
                    return
                first = queue[0]
            if supervisor.asks_exit_programs(ExitPoint.ACCEPT) and supervisor.backend.is_waiting(first.attempt.call):
                taken = point.take(first)
                if taken == errno.EAGAIN:
                    return
                self._withdraw(first)
                arguments = supervisor, point, first, taken
                try:
                    threading.Thread(target=self._serve_apart, args=arguments, name="accepting", daemon=True).start()
                except RuntimeError:  # none to be had: then the others wait
                    self._serve_apart(*arguments)
                continue
            try:
                if supervisor.backend.is_waiting(first.attempt.call) and not point.try_once(supervisor, first):
                    return
            except CallerGone:
                pass
            except Undecidable as error:
                with contextlib.suppress(CallerGone):
                    supervisor.reject(first.attempt, str(error))
            self._dismiss(first)

    def _serve_apart(self, supervisor: Supervisor, point: AcceptPoint, acceptance: Acceptance, taken: Taken) -> None:
        """Serve one who was withdrawn, in a thread of its own: others are not to wait for exit programs with it."""
        try:
            if not point.try_once(supervisor, acceptance, taken):
                self.add(acceptance)
                return
        except CallerGone:
            pass
        except Undecidable as error:
            with contextlib.suppress(CallerGone):
                supervisor.reject(acceptance.attempt, str(error))
        acceptance.listener.close()

    def _dismiss(self, acceptance: Acceptance) -> None:
        """Forget an acceptance."""
        self._withdraw(acceptance)
        acceptance.listener.close()

    def _withdraw(self, acceptance: Acceptance) -> None:
        """Give an acceptance away; the next one's descriptor is polled in its place."""
        with self._mutex:
            queue = self._queues[acceptance.inode]
            was_first = queue[0] is acceptance
            queue.remove(acceptance)
            pidfd = acceptance.pidfd.number
            if self._callers.pop(pidfd, None) is not None:
                self._epoll.unregister(pidfd)
            if was_first:
                number = acceptance.listener.number
                self._epoll.unregister(number)
                del self._polled[number]
                if queue:
                    self._poll_listener(queue[0])
            if not queue:
                del self._queues[acceptance.inode]

    def _look_around(self, supervisor: Supervisor, point: AcceptPoint) -> None:
        """Dismiss those whose caller is gone, whose time is up, or who cannot get a descriptor."""
        now = time.monotonic()
        with self._mutex:
            everyone = [acceptance for queue in self._queues.values() for acceptance in queue]
            self._idle_looks = 0 if everyone else self._idle_looks + 1
            deadlines = [acceptance.deadline for acceptance in everyone if acceptance.deadline > now]
            self._next_look = min([now + _LOOK_S, *deadlines])
        for acceptance in everyone:
            if not supervisor.backend.is_waiting(acceptance.attempt.call):
                self._dismiss(acceptance)
                continue
            failure = _failure(point, acceptance, now)
            acceptance.has_waited = True
            if failure:
                self._dismiss(acceptance)
                with contextlib.suppress(CallerGone):
                    supervisor.backend.answer(acceptance.attempt.call, failure)


def _failure(point: AcceptPoint, acceptance: Acceptance, now: float) -> int:
    """Return the errno with which a wait ends now; 0 if it goes on."""
    if acceptance.deadline and now >= acceptance.deadline:
        return errno.EAGAIN
    if not acceptance.has_waited and point.tables.look(acceptance.attempt.caller):
        return errno.EMFILE
    return 0
