"""What a worker is doing, as far as the store and its lock tell: for panels, the banner and the shell."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import Session, col, select

from console.model.outbox import AuditOutbox
from console.model.running import Worker
from console.store.engine import Store
from console.store.location import Location
from console.store.locks import is_locked
from console.store.session import reading
from console.store.workers import STALE_AFTER, latest_worker

_BEHIND_AFTER = timedelta(seconds=10)
"""The worker takes administration's entries in at once; what has waited so long waits for something."""


class WorkerState(StrEnum):
    """What a worker is doing."""

    ACTIVE = "*ACTIVE"
    STARTING = "*STARTING"
    """A process holds the store's lock and has not said yet that it is the worker."""
    SILENT = "*SILENT"
    """It is there, and has not said for ten seconds that it lives."""
    ENDED = "*ENDED"
    """In order."""
    LOST = "*LOST"
    """It was killed, or its system went down."""


@dataclass(frozen=True, slots=True)
class Health:
    """How the journal of a store fares."""

    state: WorkerState | None
    """Of the worker that serves the store; None when none does."""
    heard: datetime | None
    """When that worker last said that it lives."""
    waiting: int
    """Entries of administration that are not in the journal yet."""
    is_behind: bool
    """Whether some of them have waited longer than a worker lets them."""


def health(store: Store, now: datetime) -> Health:
    """Return how the journal of a store fares.

    Raises:
        StoreError: The store cannot be read.
    """
    locked = is_locked(store.location.worker_lock)
    with reading(store) as session:
        worker = latest_worker(session)
        waiting, oldest = session.exec(
            select(func.count(col(AuditOutbox.id)), func.min(AuditOutbox.entry_timestamp))
        ).one()
    state = _serving(worker, now, locked=locked)
    heard = worker.heartbeat if worker is not None and state is WorkerState.SILENT else None
    return Health(state, heard, waiting, oldest is not None and now - oldest > _BEHIND_AFTER)


def states(workers: Sequence[Worker], location: Location, now: datetime) -> list[WorkerState]:
    """Return what each of these workers is doing.

    Args:
        workers: Newest first.
        location: The store's.
        now: What time it is.
    """
    serving = _serving(workers[0] if workers else None, now, locked=is_locked(location.worker_lock))
    return [
        serving if index == 0 and serving in (WorkerState.ACTIVE, WorkerState.SILENT) else _past(worker)
        for index, worker in enumerate(workers)
    ]


def _past(worker: Worker) -> WorkerState:
    return WorkerState.LOST if worker.ended is None else WorkerState.ENDED


def _serving(worker: Worker | None, now: datetime, *, locked: bool) -> WorkerState | None:
    """Return what the worker that holds the lock is doing; None when nobody holds it."""
    if not locked:
        return None
    if worker is None or worker.ended is not None or not _may_live(worker):
        return WorkerState.STARTING
    return WorkerState.ACTIVE if abs(now - worker.heartbeat) <= STALE_AFTER else WorkerState.SILENT


def _may_live(worker: Worker) -> bool:
    """Say whether a worker's process may be there; of another system nobody here can tell."""
    if worker.host != socket.gethostname():
        return True
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def serving_worker(session: Session, location: Location, now: datetime) -> Worker | None:
    """Return the worker that holds the store's lock and has told of itself; None when there is none."""
    worker = latest_worker(session)
    state = _serving(worker, now, locked=is_locked(location.worker_lock))
    return worker if state in (WorkerState.ACTIVE, WorkerState.SILENT) else None
