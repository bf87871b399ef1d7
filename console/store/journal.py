"""The journal as it is read: pages of entries in either direction, filtered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network

from sqlalchemy import ColumnElement, SQLColumnExpression, func, or_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from console.model.journal import JournalEntry, Receiver
from console.store.generic import ESCAPE, WILD, literal, matches


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """Which entries to show; a field left empty does not restrict. Texts may be generic: ``ALI*``, ``10.1.*``.

    Addresses may be networks too: ``10.0.0.0/8``.
    """

    entry_type: str = ""
    """One type, or several with blanks between them: ``SK JS``."""
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
    local_address: str = ""
    remote_address: str = ""
    local_port: int | None = None
    remote_port: int | None = None
    program: str = ""
    """Path of the program."""
    receiver: str = ""
    from_number: int | None = None
    to_number: int | None = None
    rule: int | None = None
    """Sequence number of the rule that decided."""


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
    return select(JournalEntry).where(*conditions(only))


def conditions(only: JournalFilter) -> list[ColumnElement[bool]]:
    """Return one condition for each field of the filter that is set: for reports, which read every entry anyway."""
    entry = JournalEntry
    texts = (
        (only.sk_type, entry.sk_type),
        (only.outcome, entry.outcome),
        (only.exit_point, entry.exit_point),
        (only.user, entry.user_name),
        (only.program, entry.program),
        (only.receiver, entry.receiver_name),
    )
    addresses = (
        (only.address, (entry.local_address, entry.remote_address)),
        (only.local_address, (entry.local_address,)),
        (only.remote_address, (entry.remote_address,)),
    )
    numbers = (
        (only.port, (entry.local_port, entry.remote_port)),
        (only.local_port, (entry.local_port,)),
        (only.remote_port, (entry.remote_port,)),
        (only.rule, (entry.rule_sequence,)),
    )
    found = [matches(col(name), value) for value, name in texts if value]
    if only.entry_type:
        found.append(or_(*(matches(col(entry.entry_type), each) for each in only.entry_type.split())))
    found += [or_(*(_address_matches(col(name), value) for name in names)) for value, names in addresses if value]
    found += [or_(*(col(name) == value for name in names)) for value, names in numbers if value is not None]
    if only.from_number is not None:
        found.append(col(entry.sequence_number) >= only.from_number)
    if only.to_number is not None:
        found.append(col(entry.sequence_number) <= only.to_number)
    if only.job:
        found.append(_job_matches(only.job))
    if only.from_time is not None:
        found.append(col(entry.entry_timestamp) >= only.from_time)
    if only.to_time is not None:
        found.append(col(entry.entry_timestamp) <= only.to_time)
    return found


def _address_matches(column: SQLColumnExpression[str], value: str) -> ColumnElement[bool]:
    """Return the condition on an address; a network becomes the texts that its addresses begin with."""
    if "/" not in value:
        return matches(column, value)
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return column == value
    step = 8 if network.version == 4 else 16
    whole = -(-network.prefixlen // step) * step
    if not whole:
        return column.contains("." if network.version == 4 else ":")
    parts = (str(each.network_address) for each in network.subnets(new_prefix=whole))
    if whole == network.max_prefixlen:
        return column.in_(list(parts))
    separator = "." if network.version == 4 else ":"
    return or_(
        *(column.startswith(separator.join(part.split(separator)[: whole // step]) + separator) for part in parts)
    )


def _job_matches(job: str) -> ColumnElement[bool]:
    name = col(JournalEntry.qualified_job_name)
    if job.count("/") == 2:
        return name == job
    part = literal(job.removesuffix(WILD))
    end = "%" if job.endswith(WILD) else ""
    forms = (f"{part}{end}/%", f"%/{part}{end}/%", f"%/{part}{end}")
    return or_(*(name.like(form, escape=ESCAPE) for form in forms))
