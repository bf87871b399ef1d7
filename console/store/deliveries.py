"""What is still to be delivered to destinations of alerts: at least once, however often the worker ends in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import ColumnElement, delete, func, or_, update
from sqlmodel import Session, col, select

from console.model.alerts import AlertDelivery, Delivered

MOST_WAITING = 10_000
"""For one destination; what comes when so many wait is not kept, and counted."""
LONGEST_PAUSE = timedelta(hours=1)
"""Between two attempts."""
_MOST_KEPT = 5_000
"""Delivered and given up ones that are kept for looking at."""
_LONGEST_ERROR = 512


def new_id() -> str:
    """Return an id for something to be delivered; it is part of the payload, so that receivers can drop doubles."""
    return uuid4().hex


def put(session: Session, *, delivery_id: str, alert: str, destination: str, payload: str, at: datetime) -> bool:
    """Keep something to be delivered, in the caller's transaction; False when too many wait already.

    Args:
        session: A transaction that may write.
        delivery_id: See `new_id`.
        alert: Name of the alert.
        destination: Name of the destination.
        payload: What to deliver, JSON.
        at: When.
    """
    waiting = select(func.count()).where(
        col(AlertDelivery.destination) == destination, col(AlertDelivery.state) == Delivered.WAITING
    )
    if session.exec(waiting).one() >= MOST_WAITING:
        return False
    row = {
        "delivery_id": delivery_id,
        "alert": alert,
        "destination": destination,
        "payload": payload,
        "created_at": at,
        "next_try_at": at,
    }
    session.add(AlertDelivery.model_validate(row))
    session.flush()
    return True


def due(session: Session, destination: str, now: datetime, *, limit: int = 20) -> list[AlertDelivery]:
    """Return what is to be delivered to a destination now, oldest first."""
    query = select(AlertDelivery).where(
        col(AlertDelivery.state) == Delivered.WAITING,
        _is_time(now),
        col(AlertDelivery.destination) == destination,
    )
    return list(session.exec(query.order_by(col(AlertDelivery.id)).limit(limit)))


def _is_time(now: datetime) -> ColumnElement[bool]:
    """Return whether an attempt is due; one later than any pause was set before the clock was set back."""
    at = col(AlertDelivery.next_try_at)
    return or_(at <= now, at > now + LONGEST_PAUSE)


def is_waiting(session: Session) -> bool:
    """Say whether anything is to be delivered, now or later."""
    waits = col(AlertDelivery.state) == Delivered.WAITING
    return session.exec(select(AlertDelivery.id).where(waits).limit(1)).first() is not None


def due_destinations(session: Session, now: datetime) -> list[str]:
    """Return the destinations for which something is to be delivered now."""
    query = select(AlertDelivery.destination).where(col(AlertDelivery.state) == Delivered.WAITING, _is_time(now))
    return sorted(set(session.exec(query.distinct())))


def sent(session: Session, delivery: int, at: datetime, error: str = "") -> None:
    """Record that something was delivered; `error` says what was not quite as it should be."""
    _end(session, delivery, Delivered.SENT, at, error)


def given_up(session: Session, delivery: int, at: datetime, error: str) -> None:
    """Record that something will not be tried again."""
    _end(session, delivery, Delivered.FAILED, at, error)


def failed(session: Session, delivery: int, *, next_try_at: datetime, error: str) -> None:
    """Record an attempt that failed, and when the next is made."""
    row = session.get(AlertDelivery, delivery)
    if row is not None:
        row.tries += 1
        row.next_try_at = next_try_at
        row.error = error[:_LONGEST_ERROR]
        session.add(row)
        session.flush()


def put_off(session: Session, destination: str, until: datetime) -> None:
    """Have everything that waits for a destination wait until a moment, if it would not wait so long."""
    waiting = update(AlertDelivery).where(
        col(AlertDelivery.destination) == destination,
        col(AlertDelivery.state) == Delivered.WAITING,
        col(AlertDelivery.next_try_at) < until,
    )
    session.execute(waiting.values(next_try_at=until))


def hurry(session: Session, destination: str, now: datetime) -> None:
    """Have everything that waits for a destination be tried now."""
    waiting = update(AlertDelivery).where(
        col(AlertDelivery.destination) == destination, col(AlertDelivery.state) == Delivered.WAITING
    )
    session.execute(waiting.values(next_try_at=now))


def counts(session: Session) -> dict[tuple[str, Delivered], int]:
    """Return how many deliveries there are for each destination and state."""
    columns = (col(AlertDelivery.destination), col(AlertDelivery.state))
    found = session.exec(select(*columns, func.count()).group_by(*columns))
    return {(destination, state): count for destination, state, count in found}


def list_deliveries(session: Session, destination: str = "", *, limit: int = 100) -> list[AlertDelivery]:
    """Return deliveries, newest first."""
    query = select(AlertDelivery).order_by(col(AlertDelivery.id).desc()).limit(limit)
    return list(session.exec(query.where(col(AlertDelivery.destination) == destination) if destination else query))


def _end(session: Session, delivery: int, state: Delivered, at: datetime, error: str) -> None:
    row = session.get(AlertDelivery, delivery)
    if row is None:
        return
    row.tries += 1
    row.state = state
    row.ended_at = at
    row.error = error[:_LONGEST_ERROR]
    session.add(row)
    session.flush()
    ended = select(AlertDelivery.id).where(col(AlertDelivery.state) != Delivered.WAITING)
    oldest = session.exec(ended.order_by(col(AlertDelivery.id).desc()).offset(_MOST_KEPT).limit(1)).first()
    if oldest is not None:
        session.execute(
            delete(AlertDelivery).where(col(AlertDelivery.state) != Delivered.WAITING, col(AlertDelivery.id) <= oldest)
        )
