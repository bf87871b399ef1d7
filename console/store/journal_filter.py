"""Which entries of the journal to read: as the reader says it, as conditions in SQL, and what SQL cannot say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from sqlalchemy import ColumnElement, SQLColumnExpression, func, or_
from sqlmodel import col

from console.model.journal import JournalEntry
from console.store.generic import ESCAPE, WILD, literal


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
    journal: str = ""
    """An imported journal; empty for QAUDJRN."""


EVERYTHING = JournalFilter()

Confirm = Callable[[str, str, str], bool]
"""Says of local address, remote address and qualified job name whether an entry that SQL has found is one."""

Network = IPv4Network | IPv6Network


def conditions(only: JournalFilter) -> list[ColumnElement[bool]]:
    """Return one condition for each field of the filter that is set; networks and parts of names are only narrowed."""
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
    found = [_is(col(name), value) for value, name in texts if value]
    if only.entry_type:
        found.append(or_(*(_is(col(entry.entry_type), each) for each in only.entry_type.split())))
    found += [or_(*(_address_is(col(name), value) for name in names)) for value, names in addresses if value]
    found += [or_(*(col(name) == value for name in names)) for value, names in numbers if value is not None]
    if only.job:
        found.append(_job_is(only.job))
    return found + _bounds(only)


def _bounds(only: JournalFilter) -> list[ColumnElement[bool]]:
    number, moment = col(JournalEntry.sequence_number), col(JournalEntry.entry_timestamp)
    found: list[ColumnElement[bool]] = []
    if only.from_number is not None:
        found.append(number >= only.from_number)
    if only.to_number is not None:
        found.append(number <= only.to_number)
    if only.from_time is not None:
        found.append(moment >= only.from_time)
    if only.to_time is not None:
        found.append(moment <= only.to_time)
    return found


def confirm(only: JournalFilter) -> Confirm | None:
    """Return the check of what SQL cannot say: networks, and parts of names; None when it says all."""
    local, remote, either = (_network(text) for text in (only.local_address, only.remote_address, only.address))
    job = only.job if only.job.count("/") < 2 else ""
    if not (local or remote or either or job):
        return None

    def confirmed(local_address: str, remote_address: str, job_name: str) -> bool:
        return (
            (local is None or _in(local_address, local))
            and (remote is None or _in(remote_address, remote))
            and (either is None or _in(local_address, either) or _in(remote_address, either))
            and (not job or _is_part(job_name, job))
        )

    return confirmed


def _is(column: SQLColumnExpression[str], value: str) -> ColumnElement[bool]:
    # LIKE would take ALI* for ali* as well on SQLite, and on other databases not. "*ALLOWED" begins with the wild
    # character: only one at the end makes a value generic.
    if len(value) > 1 and value.endswith(WILD):
        return func.substr(column, 1, len(value) - 1) == value[:-1]
    return column == value


def _address_is(column: SQLColumnExpression[str], value: str) -> ColumnElement[bool]:
    network = _network(value)
    if network is None:
        return _is(column, value)
    return _is(column, _text_start(network) + WILD) if _text_start(network) else column != ""


def _text_start(network: Network) -> str:
    """Return what the texts of all addresses in a network begin with."""
    if network.version == 4:
        octets = str(network.network_address).split(".")[: network.prefixlen // 8]
        return ".".join(octets) + ("." if 0 < len(octets) < 4 else "")
    start = ""
    for group in network.network_address.exploded.split(":")[: network.prefixlen // 16]:
        if not int(group, 16):  # a zero may be left out
            break
        start += f"{int(group, 16):x}:"
    return start if start.count(":") < 8 else start[:-1]


def _network(value: str) -> Network | None:
    if "/" not in value:
        return None
    try:
        return ip_network(value, strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=65536)
def _in(text: str, network: Network) -> bool:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return address in network


def _job_is(job: str) -> ColumnElement[bool]:
    name = col(JournalEntry.qualified_job_name)
    if job.count("/") == 2:
        return name == job
    return name.like(f"%{literal(job.removesuffix(WILD))}%", escape=ESCAPE)


def _is_part(name: str, job: str) -> bool:
    parts = name.split("/")
    if len(job) > 1 and job.endswith(WILD):
        return any(part.startswith(job[:-1]) for part in parts)
    return job in parts
