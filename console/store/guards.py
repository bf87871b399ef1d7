"""Jobs under a guard: the worker records them, the console lists them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, or_
from sqlmodel import Session, col, select

from console.model.running import JOB_NUMBER_MAX, Guard
from console.model.words import EndOption
from console.store.generic import matches


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs to show; a field left empty does not restrict. Texts may be generic: ``NIGHT*``."""

    running: bool = True
    """Only those that have not ended."""
    user: str = ""
    job: str = ""
    """Qualified name, number, user or name of the job."""


def list_jobs(session: Session, only: JobFilter, *, limit: int = 1000) -> list[Guard]:
    """Return jobs, newest first."""
    query = select(Guard).where(*_conditions(only)).order_by(col(Guard.id).desc()).limit(limit)
    return list(session.exec(query))


def _conditions(only: JobFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [col(Guard.ended).is_(None)] if only.running else []
    if only.user:
        found.append(matches(col(Guard.user), only.user))
    number, *rest = only.job.split("/")
    if rest:
        return [
            *found,
            col(Guard.job_number) == int(number),
            col(Guard.user) == rest[0],
            col(Guard.job_name) == rest[1],
        ]
    if number.isdecimal():
        found.append(or_(col(Guard.job_number) == int(number), col(Guard.job_name) == number))
    elif number:
        found.append(or_(matches(col(Guard.user), number), matches(col(Guard.job_name), number)))
    return found


def find_job(session: Session, number: int, user: str, name: str) -> Guard | None:
    """Return a job by its qualified name; the latest one, as numbers come again."""
    named = (Guard.job_number == number, Guard.user == user, Guard.job_name == name)
    return session.exec(select(Guard).where(*named).order_by(col(Guard.id).desc()).limit(1)).first()


def request_end(session: Session, job: Guard, option: EndOption, delay_s: int) -> None:
    """Ask for the end of a job: its worker sees it and tells the guard."""
    job.end_requested = f"{option} {delay_s}"
    session.flush()


def end_request(job: Guard) -> tuple[EndOption, int] | None:
    """Return how a job was asked to end, and after how many seconds at the latest; None for one that was not."""
    if not job.end_requested:
        return None
    option, _, delay = job.end_requested.partition(" ")
    return EndOption(option), int(delay)


def end_requests(session: Session) -> dict[str, tuple[EndOption, int]]:
    """Return the running jobs that are to end: guard id -> how, and after how many seconds."""
    query = select(Guard).where(col(Guard.ended).is_(None), col(Guard.end_requested).is_not(None))
    asked = ((job.guard_id, end_request(job)) for job in session.exec(query))
    return {guard_id: request for guard_id, request in asked if request is not None}


def find_guard(session: Session, guard_id: str) -> Guard | None:
    """Return a job by the id of its guard."""
    return session.exec(select(Guard).where(col(Guard.guard_id) == guard_id)).one_or_none()


_AMONG = select(Guard).where(col(Guard.guard_id).in_(bindparam("wanted", expanding=True)))
"""Made once: the worker asks it in each transaction, and to make a query takes longer than to have it answered."""


def find_guards(session: Session, guard_ids: Collection[str]) -> dict[str, Guard]:
    """Return jobs by the ids of their guards."""
    found = session.exec(_AMONG, params={"wanted": list(guard_ids)})
    return {guard.guard_id: guard for guard in found}


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
