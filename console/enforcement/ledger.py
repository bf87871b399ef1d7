"""The store as the worker uses it. Each method is one transaction and blocks; the worker calls them from one thread."""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlmodel import Session, col, select

from console.clock import Clock
from console.enforcement.frames import Counted, End, EndJob, Hello, InForce, Records
from console.enforcement.intake import GENERIC, entry, job_end, job_start, moment, new_events, unseen_events
from console.enforcement.records import Event, Totals, read_all
from console.enforcement.spool import Leftover, discard, leftover, read_segment, waiting_spools
from console.errors import PolicyError, StoreError, WorkerError
from console.journal.entries import Entry, from_outbox
from console.journal.writer import append
from console.messages import line, message
from console.model.running import Guard
from console.policy.compiler import compile_policy
from console.policy.rule import Policy
from console.store.engine import Store
from console.store.guards import add_guard, end_guard, end_requests, find_guard, list_guards, reopen_guard
from console.store.outbox import forget, waiting
from console.store.revisions import active_number, active_policy
from console.store.session import reading, transaction
from console.store.text import storable
from console.store.workers import add_worker, beat, end_worker

_log = logging.getLogger("greenwall.worker")

_LONGEST_NAME = 64
_LONGEST_JOB_NAME = 10


class StoreGoneError(WorkerError):
    """The store's file was deleted or replaced while the worker had it open; nothing more can be kept in it."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A frame that changes the store, and the guard that sent it."""

    guard_id: str
    frame: Records | Counted | InForce | End


@dataclass(frozen=True, slots=True)
class Took:
    """What was taken in of a spool."""

    whole: bool
    """There is nothing left of it."""


class Ledger:
    """Writes down what guards say and what administration did.

    Threads: One at a time.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._file = store.file
        self._opened = None if self._file is None else os.stat(self._file)
        self._worker_id = 0

    def start(self, *, host: str) -> tuple[int, Policy]:
        """Record that this process is the worker; return the active revision.

        Raises:
            StoreError: Nothing was recorded.
        """
        with transaction(self._store) as session:
            number, policy = active_policy(session)
            self._worker_id = add_worker(session, pid=os.getpid(), host=host, at=self._clock(), revision=number)
        return number, policy

    def beat(self, revision: int) -> None:
        """Record that this worker lives.

        Raises:
            StoreError: It could not be recorded.
            StoreGoneError: There is no store any more.
        """
        with transaction(self._store) as session:
            beat(session, self._worker_id, at=self._clock(), revision=revision)
        self.check_there()

    def end(self) -> None:
        """Record that this worker has ended in order.

        Raises:
            StoreError: It could not be recorded.
        """
        with transaction(self._store) as session:
            end_worker(session, self._worker_id, self._clock())

    def newer_policy(self, than: int) -> tuple[int, Policy] | None:
        """Return the active revision if it is another than this one, and one that guards can take.

        Raises:
            StoreError: The store cannot be read, or the revision in it makes no policy.
            StoreGoneError: There is no store any more.
        """
        self.check_there()
        with reading(self._store) as session:
            if active_number(session) == than:
                return None
            number, policy = active_policy(session)
        _check(number, policy)
        return number, policy

    def wanted_ends(self) -> dict[str, EndJob]:
        """Return the running jobs that an operator wants ended: guard id -> how.

        Raises:
            StoreError: The store cannot be read.
        """
        with reading(self._store) as session:
            return {guard_id: EndJob(option, delay_s) for guard_id, (option, delay_s) in end_requests(session).items()}

    def welcome(self, hello: Hello, pid: int) -> tuple[int, int]:
        """Record a guard that has come, or come back.

        Args:
            hello: What it said of itself.
            pid: Its process id in this process's eyes.

        Returns:
            Its job number, and the highest number of its events in the journal.

        Raises:
            StoreError: Nothing was recorded.
        """
        with transaction(self._store) as session:
            guard = self._known(session, hello, pid)
            reopen_guard(session, guard, pid)
            return guard.job_number, guard.last_number

    def take(self, parcels: Sequence[Parcel]) -> list[int | WorkerError]:
        """Write down what guards have sent, all of it in one transaction.

        Args:
            parcels: In the order received; their guards are known.

        Returns:
            For each the highest number of its guard that is on disk now, or why it was not taken.

        Raises:
            StoreError: Nothing was written; the same parcels may be handed over again.
            StoreGoneError: What was written is lost with the store; nothing may be acknowledged.
        """
        entries: list[Entry] = []
        with transaction(self._store) as session:
            wanted = {parcel.guard_id for parcel in parcels}
            rows = session.exec(select(Guard).where(col(Guard.guard_id).in_(wanted)))
            guards = {guard.guard_id: guard for guard in rows}
            results = [self._take_one(guards[parcel.guard_id], parcel.frame, entries) for parcel in parcels]
            append(session, entries)
        self.check_there()
        return results

    def move_outbox(self) -> int:
        """Move what administration has left into the journal; return how many entries.

        Raises:
            StoreError: Nothing was moved.
        """
        with reading(self._store) as session:
            if not waiting(session, limit=1):
                return 0
        with transaction(self._store) as session:
            rows = waiting(session)
            append(session, from_outbox(rows))
            forget(session, max((row.id or 0 for row in rows), default=0))
        return len(rows)

    def take_spool(self, path: Path) -> Took | None:
        """Take in one segment of what a dead guard has left, or what is left after the last; None when its guard lives.

        Raises:
            StoreError: Nothing was taken, and the files stay.
            WorkerError: A file cannot be read or deleted; what it held is taken at most once all the same.
        """
        with leftover(path) as left:
            if left is None:
                return None
            if left.segments:
                return self._take_segment(left, left.segments[0])
            return self._take_end(left)

    def end_dead_guards(self, connected: Container[str]) -> None:
        """Record the end of guards that were killed and left nothing: not connected, and their process is gone.

        Raises:
            StoreError: Nothing was recorded.
        """
        with reading(self._store) as session:
            dead = [guard for guard in list_guards(session) if guard.guard_id not in connected and not _lives(guard)]
        if not dead:
            return
        # Looked for after their death: what has files still is ended with the last of them.
        spooled = {path.stem for path in waiting_spools(self._store.location.spool)}
        with transaction(self._store) as session:
            for guard in dead:
                if guard.guard_id not in spooled:
                    self._end(session, guard.guard_id, None)

    def check_there(self) -> None:
        """Check that the store's file is still the one that was opened.

        SQLite notices nothing: it goes on writing to a file that has no name any more.

        Raises:
            StoreGoneError: It is not.
        """
        if self._file is None or self._opened is None:
            return
        try:
            there = os.path.samestat(os.stat(self._file), self._opened)
        except OSError:
            there = False
        if not there:
            raise StoreGoneError("GWL0502", path=self._file)

    def _take_one(
        self, guard: Guard, frame: Records | Counted | InForce | End, entries: list[Entry]
    ) -> int | WorkerError:
        match frame:
            case Records():
                try:
                    fresh = new_events(read_all(frame.octets), guard.last_number)
                except WorkerError as error:
                    return error
                _write_down(guard, fresh, entries)
            case Counted():
                _count(guard, Totals(frame.decided, frame.refused, frame.decision_us))
            case InForce():
                guard.revision = frame.revision
            case End():
                if guard.ended is None:
                    entries.append(job_end(guard, self._clock(), frame.exit_status))
                guard.ended = guard.ended or self._clock()
                guard.exit_status = frame.exit_status
        return guard.last_number

    def _take_segment(self, left: Leftover, path: Path) -> Took:
        events, damage = read_segment(path, left.guard_id)
        entries: list[Entry] = []
        missing = 0
        with transaction(self._store) as session:
            guard = self._owner(session, left)
            if guard is not None:
                fresh, missing = unseen_events(events, guard.last_number)
                _write_down(guard, fresh, entries)
            else:
                damage = damage or "nobody knows its guard"
            if missing:
                entries.append(self._damage("GWL0521", guard, path=path.name, missing=missing))
            if damage:
                entries.append(self._damage("GWL0507", guard, path=path.name, events=len(events), damage=damage))
            append(session, entries)
        self.check_there()
        discard(path, damaged=bool(damage))
        return Took(whole=False)

    def _take_end(self, left: Leftover) -> Took:
        with transaction(self._store) as session:
            guard = self._owner(session, left)
            if guard is not None:
                self._end(session, guard.guard_id, left.exit_status)
            if left.damage:
                append(session, [self._damage("GWL0515", guard, path=left.path.name, damage=left.damage)])
        self.check_there()
        discard(left.path, damaged=bool(left.damage))
        return Took(whole=True)

    def _owner(self, session: Session, left: Leftover) -> Guard | None:
        """Return the guard that a spool belongs to; its name says which where its contents do not."""
        if left.hello is not None:
            return self._known(session, left.hello, left.hello.pid)
        return find_guard(session, left.guard_id)

    def _known(self, session: Session, hello: Hello, pid: int) -> Guard:
        """Return the row of a guard; a new one is made, and the start of its job journalled."""
        known = find_guard(session, hello.guard_id)
        if known is not None:
            return known
        guard = add_guard(
            session,
            guard_id=hello.guard_id,
            user=storable(hello.user)[:_LONGEST_NAME],
            job_name=storable(hello.job_name)[:_LONGEST_JOB_NAME],
            command=storable(hello.command),
            pid=pid,
            started=moment(hello.started_ns),
        )
        append(session, [job_start(guard)])
        return guard

    def _end(self, session: Session, guard_id: str, exit_status: int | None) -> None:
        """Record and journal the end of a job, once."""
        guard = find_guard(session, guard_id)
        if guard is not None and guard.ended is None:
            append(session, [job_end(guard, self._clock(), exit_status)])
        end_guard(session, guard_id, at=self._clock(), exit_status=exit_status)

    def _damage(self, message_id: str, guard: Guard | None, **values: object) -> Entry:
        said = line(message(message_id, **values))
        _log.warning("%s", said)
        entry = Entry(self._clock(), GENERIC, text=said)
        if guard is None:
            return entry
        job = guard.qualified_job_name
        return entry._replace(user_name=guard.user, qualified_job_name=job, pid=guard.pid, guard_id=guard.guard_id)


def _check(number: int, policy: Policy) -> None:
    """Refuse a revision that would end every guard that gets it; only somebody who wrote into the store can make one.

    Raises:
        StoreError: It does not compile.
    """
    try:
        compile_policy(policy, number)
    except (PolicyError, ValueError) as error:
        raise StoreError("GWL0326", number=number, reason=str(error)) from error


def _write_down(guard: Guard, events: Sequence[Event], entries: list[Entry]) -> None:
    if not events:
        return
    job = guard.qualified_job_name
    for event in events:
        made = entry(event, guard_id=guard.guard_id, job=job)
        if made.entry_type == GENERIC:
            _log.warning("%s: %s", job, made.text)
            made = made._replace(user_name=guard.user, pid=guard.pid)
        entries.append(made)
    guard.last_number = events[-1].number
    _count(guard, events[-1].totals)


def _count(guard: Guard, totals: Totals) -> None:
    """Record what a guard has decided so far; an older total that comes late changes nothing."""
    guard.decided = max(guard.decided, totals.decided)
    guard.refused = max(guard.refused, totals.refused)
    guard.decision_us = max(guard.decision_us, totals.decision_us)


def _lives(guard: Guard) -> bool:
    """Say whether the guard's process is there; one that began after the job is another with the same number."""
    try:
        return psutil.Process(guard.pid).create_time() <= guard.started.timestamp() + 1
    except psutil.Error:
        return False
