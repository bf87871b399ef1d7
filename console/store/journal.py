"""The journal as it is read: pages of entries in either direction, filtered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from console.model.journal import JournalEntry, Receiver
from console.store.generic import ESCAPE, WILD, literal, matches


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which entries to show; a field left empty does not restrict. Texts may be generic: ``ALI*``, ``10.1.*``."""

    entry_type: str = ""
    sk_type: str = ""
    outcome: str = ""
    exit_point: str = ""
    user: str = ""
    address: str = ""
    """Local or remote."""
    port: int | None = None
    """Local or remote."""
    job: str = ""
    """Any part of the qualified job name: number, user, name or all three."""
    from_time: datetime | None = None
    to_time: datetime | None = None


EVERYTHING = JournalFilter()


def page_after(session: Session, number: int, *, limit: int, only: JournalFilter = EVERYTHING) -> list[JournalEntry]:
    """Return the entries after a sequence number, in ascending order; 0 begins at the first."""
    query = _filtered(only).where(col(JournalEntry.sequence_number) > number)
    return list(session.exec(query.order_by(col(JournalEntry.sequence_number)).limit(limit)))


def page_before(
    session: Session, number: int | None, *, limit: int, only: JournalFilter = EVERYTHING
) -> list[JournalEntry]:
    """Return the entries before a sequence number, or the last ones for None; in ascending order too."""
    query = _filtered(only)
    if number is not None:
        query = query.where(col(JournalEntry.sequence_number) < number)
    found = session.exec(query.order_by(col(JournalEntry.sequence_number).desc()).limit(limit))
    return list(reversed(list(found)))


def get_entry(session: Session, number: int) -> JournalEntry | None:
    """Return one entry by its sequence number."""
    return session.get(JournalEntry, number)


def last_number(session: Session) -> int:
    """Return the sequence number of the newest entry, 0 for none."""
    return session.exec(select(func.max(JournalEntry.sequence_number))).one() or 0


def attached_receiver(session: Session) -> Receiver:
    """Return the receiver that takes entries now."""
    return session.exec(select(Receiver).where(col(Receiver.detached_at).is_(None))).one()


def _filtered(only: JournalFilter) -> SelectOfScalar[JournalEntry]:
    return select(JournalEntry).where(*_conditions(only))


def _conditions(only: JournalFilter) -> list[ColumnElement[bool]]:
    """Return one condition for each field of the filter that is set."""
    entry = JournalEntry
    texts = (
        (only.entry_type, (entry.entry_type,)),
        (only.sk_type, (entry.sk_type,)),
        (only.outcome, (entry.outcome,)),
        (only.exit_point, (entry.exit_point,)),
        (only.user, (entry.user_name,)),
        (only.address, (entry.local_address, entry.remote_address)),
    )
    found = [or_(*(matches(col(name), value) for name in names)) for value, names in texts if value]
    if only.port is not None:
        found.append(or_(col(entry.local_port) == only.port, col(entry.remote_port) == only.port))
    if only.job:
        found.append(_job_matches(only.job))
    if only.from_time is not None:
        found.append(col(entry.entry_timestamp) >= only.from_time)
    if only.to_time is not None:
        found.append(col(entry.entry_timestamp) <= only.to_time)
    return found


def _job_matches(job: str) -> ColumnElement[bool]:
    name = col(JournalEntry.qualified_job_name)
    if job.count("/") == 2:
        return name == job
    part = literal(job.removesuffix(WILD))
    end = "%" if job.endswith(WILD) else ""
    forms = (f"{part}{end}/%", f"%/{part}{end}/%", f"%/{part}{end}")
    return or_(*(name.like(form, escape=ESCAPE) for form in forms))
