"""Sessions of the console over SSH: which are open, and which somebody wants ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, delete, update
from sqlmodel import Session, col, select

from console.model.ssh_sessions import SshSession


def list_ssh_sessions(session: Session) -> list[SshSession]:
    """Return the sessions that are open, oldest first."""
    return list(session.exec(select(SshSession).order_by(col(SshSession.id))))


def add_ssh_session(session: Session, row: SshSession) -> None:
    """Record a session that begins."""
    session.add(row)
    session.flush()


def remove_ssh_session(session: Session, job: str) -> None:
    """Forget a session that has ended."""
    session.execute(delete(SshSession).where(col(SshSession.job) == job))


def request_end(session: Session, job: str, user: str) -> bool:
    """Ask for the end of a session; say whether it is there. Its server ends it, within some seconds.

    Args:
        session: A transaction.
        job: Qualified job name.
        user: User profile that asks.
    """
    wanted = update(SshSession).where(col(SshSession.job) == job).values(end_requested_by=user)
    return bool(cast("CursorResult[Any]", session.execute(wanted)).rowcount)


def requested_ends(session: Session, jobs: Sequence[str]) -> dict[str, str]:
    """Return which of some jobs are to be ended, and who wants that."""
    wanted = select(SshSession.job, SshSession.end_requested_by).where(
        col(SshSession.job).in_(jobs), col(SshSession.end_requested_by) != ""
    )
    return dict(session.exec(wanted).all())


def record_input(session: Session, moments: Mapping[str, datetime]) -> None:
    """Record when clients have sent something last.

    Args:
        session: A transaction.
        moments: Qualified job name -> when.
    """
    for job, at in moments.items():
        session.execute(update(SshSession).where(col(SshSession.job) == job).values(last_input=at))
