"""The store as the worker uses it. Each method is one transaction and blocks; the worker calls them from one thread."""

from __future__ import annotations

import logging
import os
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from console.clock import Clock
from console.enforcement.frames import Counted, End, EndJob, Hello, InForce, Records
from console.enforcement.intake import GENERIC, job_end, notice, take
from console.enforcement.job_rows import count, end_job, if_wanted, known_job, lives, write_down
from console.enforcement.kernel_ledger import KernelLedger
from console.enforcement.leftovers import Took, take_in
from console.enforcement.operator_notices import (
    tell_of_intruder,
    tell_of_outage,
    tell_of_servers,
    tell_of_unclean_end,
    tell_of_unkept,
)
from console.enforcement.policy_watch import PolicyWatch
from console.enforcement.records import Totals
from console.enforcement.spool import waiting_spools
from console.errors import WorkerError
from console.journal.entries import Draft, Entry, draft, from_outbox
from console.journal.writer import append, append_drafts
from console.messages import line, message
from console.model.running import Guard
from console.policy.rule import Policy
from console.store.changes import Changes
from console.store.confirmation import take_back
from console.store.engine import Store
from console.store.guards import end_requests, find_guards, list_guards, reopen_guard
from console.store.kernel import say_of_kernel
from console.store.outbox import forget, waiting
from console.store.revisions import active_policy
from console.store.secrets import unseal_policy
from console.store.session import reading, transaction
from console.store.workers import add_worker, beat, end_worker, latest_worker

_log = logging.getLogger("greenwall.worker")

_LONGEST_STATE = 500


class StoreGoneError(WorkerError):
    """The store's file was deleted or replaced while the worker had it open; nothing more can be kept in it."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A frame that changes the store, and the guard that sent it."""

    guard_id: str
    frame: Records | Counted | InForce | End


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
        self.changes = Changes(store)
        """Whether others have written there, to be closed in the end; what is written all the time is no news to it."""
        self.policies = PolicyWatch(store, clock, self.check_there)
        """What guards are to be told."""
        self.kernel = KernelLedger(store, self.changes, self.check_there)
        """What the kernel engine has told."""

    def start(self, *, host: str, cgroup: str = "") -> tuple[int, Policy]:
        """Record that this process is the worker; return the active revision, its passwords in clear.

        Args:
            host: Name of this system.
            cgroup: Of its kernel engine; empty without one.

        Raises:
            StoreError: Nothing was recorded.
        """
        with transaction(self._store) as session:
            take_back(session, self._clock())
            number, policy = active_policy(session)
            policy = unseal_policy(self._store.location, policy)
            tell_of_unclean_end(session, latest_worker(session), self._clock())
            self._worker_id = add_worker(
                session, pid=os.getpid(), host=host, at=self._clock(), revision=number, cgroup=cgroup
            )
        return number, policy

    def beat(self, revision: int) -> None:
        """Record that this worker lives.

        Raises:
            StoreError: It could not be recorded.
            StoreGoneError: There is no store any more.
        """
        with self.changes.writing(entries=False) as session:
            beat(session, self._worker_id, at=self._clock(), revision=revision)
        self.check_there()

    def now(self) -> datetime:
        """Return the time by the ledger's clock."""
        return self._clock()

    def tell_of_outage(self, since: datetime, reason: str) -> None:
        """Tell operators that the store could not be written for a while.

        Raises:
            StoreError: It cannot be written now either.
        """
        with transaction(self._store) as session:
            tell_of_outage(session, since, reason, self._clock())

    def end(self) -> None:
        """Record that this worker has ended in order.

        Raises:
            StoreError: It could not be recorded.
        """
        with transaction(self._store) as session:
            end_worker(session, self._worker_id, self._clock())

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
            guard = known_job(session, hello, pid)
            reopen_guard(session, guard, pid)
            missing = hello.forgotten - guard.last_number
            if missing > 0:
                guard.last_number = hello.forgotten
                said = line(message("GWL0522", missing=missing))
                _log.warning("%s: %s", guard.qualified_job_name, said)
                append(session, [notice(guard, self._clock(), said)])
            return guard.job_number, guard.last_number

    def refuse_job(self, pid: int, above: Sequence[int]) -> str:
        """Return the job that a process is in; empty for none. That it wants to speak here is written down.

        Args:
            pid: The process.
            above: Its ancestors.

        Raises:
            StoreError: The store cannot be read or written.
        """
        with reading(self._store) as session:
            found = session.exec(select(Guard).where(col(Guard.pid).in_(above), col(Guard.ended).is_(None)))
            guard = next(filter(lives, found), None)
        if guard is None:
            return ""
        with transaction(self._store) as session:
            said = tell_of_intruder(session, guard, pid, self._clock())
            append(session, [notice(guard, self._clock(), said)])
        return guard.qualified_job_name

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
        made: list[Draft] = []
        notable: list[Entry] = []
        with self.changes.writing() as session:
            guards = find_guards(session, {parcel.guard_id for parcel in parcels})
            results = [
                self._take_one(session, guards[parcel.guard_id], parcel.frame, made, notable) for parcel in parcels
            ]
            append_drafts(session, made)
            tell_of_servers(session, notable)
            tell_of_unkept(session, notable)
        self.check_there()
        return results

    def write(self, entries: Sequence[Entry]) -> None:
        """Write down what no guard has sent.

        Raises:
            StoreError: Nothing was written.
            StoreGoneError: What was written is lost with the store.
        """
        with transaction(self._store) as session:
            append(session, entries)
        self.check_there()

    def say_of_kernel(self, text: str, *, is_wrong: bool = False) -> None:
        """Record what the kernel engine does; where something is wrong the journal says so too.

        Raises:
            StoreError: Nothing was recorded.
        """
        with transaction(self._store) as session:
            say_of_kernel(session, self._worker_id, text[:_LONGEST_STATE])
            if is_wrong:
                append(session, [Entry(self._clock(), GENERIC, text=text)])

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
        return take_in(self._store, self._clock, path, self.check_there)

    def end_dead_guards(self, connected: Container[str]) -> bool:
        """Record the end of guards that were killed and left nothing: not connected, and their process is gone.

        Returns:
            Whether there are others, which may end so.

        Raises:
            StoreError: Nothing was recorded.
        """
        with reading(self._store) as session:
            running = list_guards(session)
            dead = [guard for guard in running if guard.guard_id not in connected and not lives(guard)]
        if not dead:
            return bool(running)
        # Looked for after their death: what has files still is ended with the last of them.
        spooled = {path.stem for path in waiting_spools(self._store.location.spool)}
        with transaction(self._store) as session:
            for guard in dead:
                if guard.guard_id not in spooled:
                    end_job(session, guard, self._clock(), None)
        return True

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
        self,
        session: Session,
        guard: Guard,
        frame: Records | Counted | InForce | End,
        made: list[Draft],
        notable: list[Entry],
    ) -> int | WorkerError:
        match frame:
            case Records():
                try:
                    job, guard_id = guard.qualified_job_name, guard.guard_id
                    fresh = take(frame.octets, guard.last_number, guard_id=guard_id, job=job)
                except WorkerError as error:
                    return error
                notable += write_down(guard, fresh, made)
            case Counted():
                count(guard, Totals(frame.decided, frame.refused, frame.decision_us))
            case InForce():
                guard.revision = frame.revision
            case End():
                if guard.ended is None:
                    made += map(draft, if_wanted(session, job_end(guard, self._clock(), frame.exit_status)))
                guard.ended = guard.ended or self._clock()
                guard.exit_status = frame.exit_status
        return guard.last_number
