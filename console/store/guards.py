"""Jobs under a guard: the worker records them, the console lists them."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from console.model.running import JOB_NUMBER_MAX, Guard


def find_guard(session: Session, guard_id: str) -> Guard | None:
    """Return a job by the id of its guard."""
    return session.exec(select(Guard).where(col(Guard.guard_id) == guard_id)).one_or_none()


def list_guards(session: Session, *, running: bool = True, limit: int = 1000) -> list[Guard]:
    """Return jobs, newest first.

    Args:
        session: An open session.
        running: Only those that have not ended.
        limit: At most so many.
    """
    query = select(Guard).order_by(col(Guard.id).desc()).limit(limit)
    if running:
        query = query.where(col(Guard.ended).is_(None))
    return list(session.exec(query))


def add_guard(
    session: Session, *, guard_id: str, user: str, job_name: str, command: str, pid: int, started: datetime
) -> Guard:
    """Record a new job and give it the next job number."""
    row = {
        "guard_id": guard_id,
        "job_number": _next_job_number(session),
        "user": user,
        "job_name": job_name,
        "command": command,
        "pid": pid,
        "started": started,
    }
    guard = Guard.model_validate(row)
    session.add(guard)
    session.flush()
    return guard


def end_guard(session: Session, guard_id: str, *, at: datetime, exit_status: int | None) -> None:
    """Record that a job has ended; a time once recorded stays, a status that comes later is added."""
    guard = find_guard(session, guard_id)
    if guard is None:
        return
    guard.ended = guard.ended or at
    guard.exit_status = exit_status if guard.exit_status is None else guard.exit_status
    session.flush()


def reopen_guard(session: Session, guard: Guard, pid: int) -> None:
    """Record that a guard has come back, perhaps after the worker had given it up."""
    guard.pid = pid
    guard.ended = None
    session.flush()


def _next_job_number(session: Session) -> int:
    """Return the number after the latest job's, passing over those of jobs that still run."""
    last = session.exec(select(Guard.job_number).order_by(col(Guard.id).desc()).limit(1)).first() or 0
    taken = set(session.exec(select(Guard.job_number).where(col(Guard.ended).is_(None))))
    number = last % JOB_NUMBER_MAX + 1
    while number in taken:
        number = number % JOB_NUMBER_MAX + 1
    return number
