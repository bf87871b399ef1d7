"""The store as the worker uses it. Each method is one transaction and blocks; the worker calls them from one thread."""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from sqlmodel import Session, col, select

from console.clock import Clock
from console.enforcement.frames import End, Entries, Event, Hello, InForce
from console.enforcement.intake import entry, moment, new_events, unseen_events
from console.enforcement.spool import Leftover, discard, leftover
from console.errors import PolicyError, StoreError, WorkerError
from console.journal.entries import Entry, from_outbox
from console.journal.writer import append
from console.messages import line, message
from console.model.running import Guard
from console.policy.compiler import compile_policy
from console.policy.rule import Policy
from console.store.engine import Store
from console.store.guards import add_guard, end_guard, find_guard, list_guards, reopen_guard
from console.store.outbox import forget, waiting
from console.store.revisions import active_number, active_policy
from console.store.session import reading, transaction
from console.store.text import storable
from console.store.workers import add_worker, beat, end_worker

_GENERIC = "GR"
_LONGEST_NAME = 64
_LONGEST_JOB_NAME = 10


class StoreGoneError(WorkerError):
    """The store's file was deleted or replaced while the worker had it open; nothing more can be kept in it."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A frame that changes the store, and the guard that sent it."""

    guard_id: str
    frame: Entries | InForce | End


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
            guard = _known(session, hello, pid)
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

    def take_spool(self, path: Path) -> Leftover | None:
        """Take in what a dead guard has left; None when its guard lives.

        Raises:
            StoreError: Nothing was taken, and the file stays.
            WorkerError: The file cannot be read or deleted; what it held is taken at most once all the same.
        """
        with leftover(path) as left:
            if left is None:
                return None
            self._take_leftover(left)
            self.check_there()
            discard(left)
            return left

    def end_dead_guards(self, connected: Container[str]) -> None:
        """Record the end of guards that were killed: not connected, and their process is gone.

        Raises:
            StoreError: Nothing was recorded.
        """
        with reading(self._store) as session:
            dead = [guard for guard in list_guards(session) if guard.guard_id not in connected and not _lives(guard)]
        if dead:
            with transaction(self._store) as session:
                for guard in dead:
                    end_guard(session, guard.guard_id, at=self._clock(), exit_status=None)

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

    def _take_one(self, guard: Guard, frame: Entries | InForce | End, entries: list[Entry]) -> int | WorkerError:
        match frame:
            case Entries():
                try:
                    fresh = new_events(frame.events, guard.last_number)
                except WorkerError as error:
                    return error
                _write_down(guard, fresh, entries)
            case InForce():
                guard.revision = frame.revision
            case End():
                guard.ended = self._clock()
                guard.exit_status = frame.exit_status
        return guard.last_number

    def _take_leftover(self, left: Leftover) -> None:
        entries: list[Entry] = []
        with transaction(self._store) as session:
            if left.hello is not None:
                guard = _known(session, left.hello, left.hello.pid)
                _write_down(guard, unseen_events(left.events, guard.last_number), entries)
                end_guard(session, guard.guard_id, at=self._clock(), exit_status=left.exit_status)
                damage = self._damage(left, guard)
            else:
                # Whose it was cannot be read; that something was lost is said all the same.
                damage = self._damage(left)
            if left.damage:
                entries.append(damage)
            append(session, entries)

    def _damage(self, left: Leftover, guard: Guard | None = None) -> Entry:
        said = line(message("GWL0507", path=left.path.name, events=len(left.events), damage=left.damage))
        entry = Entry(self._clock(), _GENERIC, text=said)
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
    job = guard.qualified_job_name
    entries.extend(entry(event, guard_id=guard.guard_id, job=job) for event in events)
    if events:
        guard.last_number = events[-1].number


def _known(session: Session, hello: Hello, pid: int) -> Guard:
    """Return the row of a guard, made if it is new."""
    return find_guard(session, hello.guard_id) or add_guard(
        session,
        guard_id=hello.guard_id,
        user=storable(hello.user)[:_LONGEST_NAME],
        job_name=storable(hello.job_name)[:_LONGEST_JOB_NAME],
        command=storable(hello.command),
        pid=pid,
        started=moment(hello.started_ns),
    )


def _lives(guard: Guard) -> bool:
    """Say whether the guard's process is there; one that began after the job is another with the same number."""
    try:
        return psutil.Process(guard.pid).create_time() <= guard.started.timestamp() + 1
    except psutil.Error:
        return False
