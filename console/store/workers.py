"""Workers: which one runs, and since when it has been heard of."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from console.model.running import Worker
from console.store.engine import Store
from console.store.locks import is_locked
from console.store.session import reading

STALE_AFTER = timedelta(seconds=10)
"""A worker beats every two seconds; one that has missed four beats is taken for dead or stuck."""


def is_running(store: Store, now: datetime) -> bool:
    """Say whether a worker serves the store: its lock is held, and it has been heard of in the last ten seconds.

    Raises:
        StoreError: The store cannot be read.
    """
    if not is_locked(store.location.worker_lock):
        return False
    with reading(store) as session:
        worker = latest_worker(session)
    return worker is not None and worker.ended is None and abs(now - worker.heartbeat) <= STALE_AFTER


def latest_worker(session: Session) -> Worker | None:
    """Return the worker that started last."""
    return session.exec(select(Worker).order_by(col(Worker.id).desc()).limit(1)).first()


def is_in_kernel(session: Session) -> bool:
    """Say whether the policy of this store is also decided in the kernel: by its worker, or left attached by it."""
    worker = latest_worker(session)
    return worker is not None and bool(worker.cgroup)


def forget_cgroup(session: Session) -> None:
    """Record that what the latest worker had attached in the kernel is attached no longer."""
    worker = latest_worker(session)
    if worker is not None:
        worker.cgroup = ""
        session.add(worker)


def list_workers(session: Session, *, limit: int = 100) -> list[Worker]:
    """Return workers, newest first."""
    return list(session.exec(select(Worker).order_by(col(Worker.id).desc()).limit(limit)))


def add_worker(session: Session, *, pid: int, host: str, at: datetime, revision: int, cgroup: str = "") -> int:
    """Record that a worker has started; return its id."""
    row = {"pid": pid, "host": host, "started": at, "heartbeat": at, "revision": revision, "cgroup": cgroup}
    worker = Worker.model_validate(row)
    session.add(worker)
    session.flush()
    return worker.id or 0


def beat(session: Session, worker_id: int, *, at: datetime, revision: int) -> None:
    """Record that a worker is alive."""
    session.execute(update(Worker).where(col(Worker.id) == worker_id).values(heartbeat=at, revision=revision))


def end_worker(session: Session, worker_id: int, at: datetime) -> None:
    """Record that a worker has ended in order."""
    session.execute(update(Worker).where(col(Worker.id) == worker_id).values(ended=at))
