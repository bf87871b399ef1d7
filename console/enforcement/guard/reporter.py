"""Brings a guard's decisions to the worker, each exactly once, through any number of workers.

Decisions are numbered in the order in which they are handed over. While a worker is there they go to it in batches, and
are kept until it says that they are in the journal. When it goes away, everything it has not taken goes into the spool
file, and so do the decisions that follow; the next worker says at its Welcome what it has, and gets the rest. Should
this guard die first, the worker finds the file. Numbers make both exact: the journal takes a number once.

The thread that decides does no more than append to a queue. The batches are made by a thread that looks every few
milliseconds while there is something to send, so that a busy job wakes it a few hundred times a second and an idle one
never.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from console.enforcement.frames import End, Entries, Event, Frame, Hello, InForce, NewRevision, Taken, encode
from console.enforcement.guard.link import WorkerLink
from console.enforcement.guard.supervisor import Decided
from console.enforcement.layouts import NO_ENDPOINT, address_text, is_mapped
from console.enforcement.spool import Spool
from console.errors import WorkerError
from console.model.words import SK_TYPES, AddressFamily
from console.store.location import Location

_PAUSE_S = 0.005
_RECONNECT_S = 0.5
_BATCH = 1000
_FAREWELL_S = 5.0
_FLUSH_S = 2.0


class Reporter:
    """Takes decisions and brings them to the journal.

    Args:
        location: Where the store's worker listens and spools lie.
        hello: How this guard introduces itself, each time anew.
        link: The connection that was made to get the first policy.
        on_revision: Called with each newly activated policy, from a thread of the reporter.
    """

    def __init__(
        self, location: Location, hello: Hello, link: WorkerLink, on_revision: Callable[[NewRevision], None]
    ) -> None:
        self._location = location
        self._hello = hello
        self._on_revision = on_revision
        self._queue: deque[Decided] = deque()
        self._untaken: deque[Event] = deque()
        self._mutex = threading.Lock()
        self._work = threading.Event()
        self._changed = threading.Condition()
        self._next_number = 1
        self._link: WorkerLink | None = link
        self._spool: Spool | None = None
        self._spooled_up_to = 0
        """Number of the last event that is in the spool."""
        self._ending = False
        self._reporting_now = False
        self._reporting = threading.Thread(target=self._run, name="reporter", daemon=True)

    def start(self) -> None:
        """Start the threads."""
        if self._link is not None:
            self._listen_to(self._link)
        self._reporting.start()

    def record(self, decided: Decided) -> None:
        """Take a decision; returns at once. Threads: any."""
        self._queue.append(decided)
        if not self._work.is_set():
            self._work.set()

    def flush(self, timeout_s: float = _FLUSH_S) -> None:
        """Return when everything recorded so far is in the journal, or in the spool, or the time is up."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while (self._queue or self._untaken or self._reporting_now) and self._link is not None:
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return

    def end(self, exit_status: int) -> None:
        """Bring everything home, then say that the job has ended; what no worker takes stays in the spool."""
        self._ending = True
        self._work.set()
        self._reporting.join()
        deadline = time.monotonic() + _FAREWELL_S
        with self._changed:
            while self._untaken and self._link is not None and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())
        link = self._link
        if link is not None and not self._untaken:
            self._send(link, End(exit_status))
            if self._spool is not None:
                self._spool.remove()
        else:
            self._put_away()
            if self._spool is not None:
                self._spool.append([encode(End(exit_status))])
                self._spool.close()
        if link is not None:
            link.close()

    def _run(self) -> None:
        next_attempt = 0.0
        while True:
            self._work.wait(None if self._link is not None else _RECONNECT_S)
            if self._link is None and time.monotonic() >= next_attempt and not self._ending:
                self._reconnect()
                next_attempt = time.monotonic() + _RECONNECT_S
            if not self._queue:
                self._work.clear()
                if self._queue:  # recorded between the look and the clearing
                    self._work.set()
                elif self._ending:
                    return
                continue
            self._reporting_now = True
            self._report()
            self._reporting_now = False
            if not self._ending:
                time.sleep(_PAUSE_S)

    def _report(self) -> None:
        batch: list[Event] = []
        while self._queue and len(batch) < _BATCH:
            batch.append(_event(self._next_number, self._queue.popleft()))
            self._next_number += 1
        with self._mutex:
            self._untaken.extend(batch)
            link = self._link
        if link is None or not self._send(link, Entries(tuple(batch))):
            self._put_away()

    def _send(self, link: WorkerLink, frame: Frame) -> bool:
        try:
            link.send(frame)
        except OSError:
            self._lost(link)
            return False
        return True

    def _lost(self, link: WorkerLink) -> None:
        """Note that a worker has gone; the first who notices does it."""
        with self._changed:
            if self._link is link:
                self._link = None
                link.close()
            self._changed.notify_all()
        self._work.set()

    def _put_away(self) -> None:
        """Move everything untaken into the spool."""
        with self._mutex:
            # What was put away before is there still: each time anew it would fill the disk while no worker lasts.
            fresh = [event for event in self._untaken if event.number > self._spooled_up_to]
            if fresh:
                frames: list[Frame] = []
                if self._spool is None:
                    self._spool = Spool(self._location.spool, self._hello.guard_id)
                    frames.append(self._hello)
                frames += (Entries(tuple(fresh[start : start + _BATCH])) for start in range(0, len(fresh), _BATCH))
                self._spool.append(encode(frame) for frame in frames)
                self._spooled_up_to = fresh[-1].number
            self._untaken.clear()

    def _reconnect(self) -> None:
        self._put_away()
        try:
            link = WorkerLink(self._location, self._hello)
        except WorkerError:
            return
        with self._mutex:
            last = link.welcome.last_number
            if self._spool is not None:
                self._untaken.extend(event for event in self._spool.events() if event.number > last)
            again = tuple(self._untaken)
            self._link = link
        # Before anybody listens: a revision that was pushed after the Welcome must come after it here too.
        self._on_revision(NewRevision(link.welcome.revision, link.welcome.policy))
        self._listen_to(link)
        for start in range(0, len(again), _BATCH):
            if not self._send(link, Entries(again[start : start + _BATCH])):
                return
        if not again:
            self._taken_up_to(last)

    def _listen_to(self, link: WorkerLink) -> None:
        threading.Thread(target=self._hear, args=(link,), name="hearing", daemon=True).start()

    def _hear(self, link: WorkerLink) -> None:
        """Take what one worker says until it goes."""
        try:
            while True:
                match link.receive():
                    case Taken(number=number):
                        self._taken_up_to(number)
                    case NewRevision() as revision:
                        self._on_revision(revision)
                    case _:  # it has gone, or says what no worker says to a guard
                        break
        except (WorkerError, OSError):
            pass  # it speaks no longer as we do: as good as gone
        self._lost(link)

    def in_force(self, revision: int) -> None:
        """Tell the worker which revision decides now."""
        link = self._link
        if link is not None:
            self._send(link, InForce(revision))

    def _taken_up_to(self, number: int) -> None:
        with self._mutex:
            while self._untaken and self._untaken[0].number <= number:
                self._untaken.popleft()
            # A worker's last words may be heard after more than they speak of was put away.
            if self._spool is not None and number >= self._spooled_up_to:
                self._spool.truncate()
        with self._changed:
            self._changed.notify_all()


def _event(number: int, decided: Decided) -> Event:
    local, remote = decided.local, decided.remote
    address = remote.address if remote != NO_ENDPOINT else local.address
    return Event(
        number=number,
        at_ns=decided.at_ns,
        sk_type=SK_TYPES[decided.exit_point],
        outcome=decided.decision.outcome,
        exit_point=decided.exit_point,
        rule_sequence=decided.decision.sequence,
        revision=decided.revision,
        user=decided.who.user,
        pid=decided.who.process,
        program=whole_text(decided.who.program),
        address_family=AddressFamily.IPV4 if is_mapped(address) else AddressFamily.IPV6,
        local_address=_text(local.address, local.port),
        local_port=local.port,
        remote_address=_text(remote.address, remote.port),
        remote_port=remote.port,
        socks_server="",
        decision_us=decided.decision_us,
        text=decided.text,
    )


def whole_text(text: str) -> str:
    """Return a text from the system with what is no UTF-8 spelt out octet by octet: no frame can carry it as it is."""
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace") if not text.isascii() else text


def _text(address: int, port: int) -> str:
    return address_text(address) if address or port else ""
