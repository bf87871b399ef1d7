"""Brings a guard's decisions to the worker, each exactly once, through any number of workers.

The decisions lie in segments of the spool from the moment they are made (`console.enforcement.guard.backlog`); a thread
here sends their octets to the worker, and forgets them when it says that they are in the journal. When a worker goes
away nothing needs to be done: the next one says at its Welcome what the journal has, and gets what comes after. Should
this guard die first, the worker finds the segments. Numbers make both exact: the journal takes a number once.

The thread shares Python's interpreter lock with those that decide. So it looks a few dozen times a second while there
is something to send, and does little each time; a job that makes no calls never wakes it.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable

from msgspec.structs import replace

from console.clock import now_ns
from console.enforcement.frames import (
    Counted,
    End,
    EndJob,
    Frame,
    Hello,
    InForce,
    NewAuditing,
    NewRevision,
    Records,
    Taken,
    encode,
)
from console.enforcement.guard.backlog import Backlog
from console.enforcement.guard.link import WorkerLink
from console.enforcement.records import Totals
from console.errors import WorkerError
from console.policy.audit_levels import Auditing
from console.store.location import Location

_PAUSE_S = 0.04
"""Between two looks. Each costs a third of a millisecond here and as much in the worker, however little there is to
send. At 20,000 calls a second one in 800 meets the thread at work, which a 99th percentile does not see; and up to
40,000 calls a second the next segment is made before the one in use is full (`console.enforcement.guard.backlog`)."""
_QUIET_ROUNDS = 5
"""Looks without anything new before the thread sleeps until it is woken: to be woken costs the call that does it."""
_RECONNECT_S = 0.5
_FAREWELL_S = 5.0
_FLUSH_S = 2.0


class Reporter:
    """Brings decisions to the journal.

    Args:
        location: Where the store's worker listens and spools lie.
        hello: How this guard introduces itself, each time anew.
        link: The connection that was made to get the first policy.
        on_revision: Called with each newly activated policy, from the reporter's thread.
        on_auditing: Called likewise with what is to be audited, when that was changed.
        on_end: Called likewise when an operator wants the job ended.
    """

    def __init__(
        self,
        location: Location,
        hello: Hello,
        link: WorkerLink,
        on_revision: Callable[[NewRevision], None],
        on_auditing: Callable[[Auditing], None],
        on_end: Callable[[EndJob], None],
    ) -> None:
        self._location = location
        self._hello = hello
        self._on_revision = on_revision
        self._on_auditing = on_auditing
        self._on_end = on_end
        self.bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        """Wakes the thread."""
        self.backlog = Backlog(location.spool, hello, now_ns, self._ring)
        """Takes the decisions."""
        self._link: WorkerLink | None = link
        self._outgoing = memoryview(b"")
        self._seen = self.backlog.progress
        self._counted = Totals()
        self._revision = 0
        self._next_attempt = 0.0
        self._changed = threading.Condition()
        self._hurried = False
        """Somebody waits for what the worker answers."""
        self._exit_status: int | None = None
        self._deadline = 0.0
        self._end_sent = self._end_taken = False
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def in_force(self, revision: int) -> None:
        """Tell the worker which revision decides now. Threads: any."""
        self._revision = revision
        self._ring()

    def flush(self, timeout_s: float = _FLUSH_S) -> None:
        """Return when everything recorded so far is in the journal, or the worker has gone, or the time is up."""
        deadline = time.monotonic() + timeout_s
        self._hurried = True
        self._ring()
        with self._changed:
            while self.backlog.untaken and self._link is not None:
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    break
        self._hurried = False

    def end(self, exit_status: int) -> None:
        """Bring everything home and say that the job has ended; what no worker takes soon stays in the spool."""
        self._deadline = time.monotonic() + _FAREWELL_S
        self._exit_status = exit_status
        self._hurried = True
        self._ring()
        self._thread.join(_FAREWELL_S + _RECONNECT_S)

    def outlast(self) -> None:
        """Return when nothing is left that would be lost with this process."""
        self._thread.join()

    def _ring(self) -> None:
        os.eventfd_write(self.bell, 1)

    def _run(self) -> None:
        quiet = 0
        while not self._may_leave():
            quiet = 0 if self._look() else quiet + 1
            self._sleep(quiet)
        if self._link is not None:
            self._lose()

    def _look(self) -> bool:
        """Do what there is to do; say whether anything new was there."""
        if self._link is None and time.monotonic() >= self._next_attempt:
            self._reconnect()
            self._next_attempt = time.monotonic() + _RECONNECT_S
        self.backlog.tend()
        if self._link is not None:
            try:
                self._send(self._link)
                for frame in self._link.heard():
                    self._hear(frame)
            except (WorkerError, OSError):  # it has gone, or speaks no longer as we do, which is as good
                self._lose()
        before, self._seen = self._seen, self.backlog.progress
        return before != self._seen or bool(self._outgoing)

    def _sleep(self, quiet: int) -> None:
        poll = select.poll()
        poll.register(self.bell, select.POLLIN)
        timeout_s: float | None = _PAUSE_S
        if self._link is not None and (self._hurried or quiet >= _QUIET_ROUNDS):
            poll.register(self._link.fileno(), select.POLLIN)
        if quiet >= _QUIET_ROUNDS and not self._hurried:
            self.backlog.resting = True
            if self.backlog.progress != self._seen:  # recorded before that could be seen
                self.backlog.resting = False
                return
            timeout_s = _RECONNECT_S if self._link is None or self.backlog.troubled else None
        poll.poll(None if timeout_s is None else timeout_s * 1000)
        self.backlog.resting = False
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.bell)

    def _send(self, link: WorkerLink) -> None:
        """Send what the worker takes now."""
        while octets := self._outgoing or memoryview(self._next()):
            self._outgoing = octets[link.offer(octets) :]
            if self._outgoing:
                return

    def _next(self) -> bytes:
        """Return the octets of the next frame; b"" when there is nothing to say."""
        if self._revision:
            revision, self._revision = self._revision, 0
            return encode(InForce(revision))
        if octets := self.backlog.unsent():
            return encode(Records(octets))
        totals = self.backlog.totals
        if totals not in (self._counted, self.backlog.carried):
            self._counted = totals
            return encode(Counted(*totals))
        if self._exit_status is not None and not self.backlog.untaken and not self._end_sent:
            self._end_sent = True
            return encode(End(self._exit_status))
        return b""

    def _hear(self, frame: Frame) -> None:
        match frame:
            case Taken(number=number, ended=ended):
                self.backlog.taken_up_to(number)
                self._end_taken = self._end_taken or ended
                with self._changed:
                    self._changed.notify_all()
            case NewRevision() as revision:
                self._on_revision(revision)
            case NewAuditing(auditing=auditing):
                self._on_auditing(auditing)
            case EndJob() as request:
                self._on_end(request)
            case _:
                raise WorkerError("GWL0506", frame=type(frame).__name__)

    def _lose(self) -> None:
        """Note that the worker has gone."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
        self._outgoing = memoryview(b"")
        self._end_sent = False
        self._counted = Totals()
        with self._changed:
            self._changed.notify_all()

    def _reconnect(self) -> None:
        try:
            link = WorkerLink(self._location, replace(self._hello, forgotten=self.backlog.taken))
        except WorkerError:
            return
        self.backlog.rewind(link.welcome.last_number)
        self._link = link
        self._on_auditing(link.welcome.auditing)
        self._on_revision(NewRevision(link.welcome.revision, link.welcome.policy))

    def _may_leave(self) -> bool:
        """Say whether the job has ended, and everything of it is where it will be found; tidies up then."""
        if self._exit_status is None:
            return False
        if self._end_taken:
            self.backlog.remove()
            return True
        if (self._link is None or time.monotonic() >= self._deadline) and not self.backlog.mortal:
            with contextlib.suppress(OSError):  # a full disk: then the next worker has to do without the status
                self.backlog.close(self._exit_status)
            return True
        return False
