"""Entries before they are in the journal: what happened, without number, receiver and hash."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from console.journal.chain import EPOCH
from console.model.outbox import AuditOutbox

AUDIT_CODE = "T"
"""Journal code of all audit entries."""
JOURNAL_CODES = {"PR": "J", "NR": "J"}
"""Journal codes of entry types that are not of the audit trail: receiver before, receiver after."""

Draft = list[Any]
"""An entry as the values of `console.journal.chain.FIELDS`, its time in microseconds since 1970, number and receiver
still open."""

_OPEN = 4
"""Values before those of the entry itself: number, time, receiver, journal code."""


class Entry(NamedTuple):
    """What happened; fields in the order of `console.journal.chain.FIELDS`, as `console.model.journal` explains them.

    A tuple and not a class with checks, because a worker makes tens of thousands in a second: what comes from outside
    is checked where it comes in.
    """

    entry_timestamp: datetime
    entry_type: str
    sk_type: str = ""
    outcome: str = ""
    exit_point: str = ""
    rule_sequence: int = 0
    revision: int = 0
    user_name: str = ""
    qualified_job_name: str = ""
    pid: int = 0
    program: str = ""
    address_family: str = ""
    local_address: str = ""
    local_port: int = 0
    remote_address: str = ""
    remote_port: int = 0
    socks_server: str = ""
    decision_us: int = 0
    text: str = ""
    detail: str = ""
    guard_id: str = ""
    guard_number: int = 0


def draft(entry: Entry) -> Draft:
    """Return the draft of an entry."""
    return drafts_of((entry,))[0]


def drafts_of(entries: Iterable[Entry]) -> list[Draft]:
    """Return the drafts of entries."""
    code_of, made = JOURNAL_CODES.get, []
    for entry in entries:
        since = entry[0] - EPOCH  # `microseconds`, without a call for each
        moment_us = (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds
        made.append([0, moment_us, "", code_of(entry[1], AUDIT_CODE), *entry[1:]])
    return made


def entry_of(made: Draft) -> Entry:
    """Return the entry of a draft that was not written yet."""
    return Entry(EPOCH + timedelta(microseconds=made[1]), *made[_OPEN:])


def from_outbox(rows: Iterable[AuditOutbox]) -> list[Entry]:
    """Return the entries that administration has left in the outbox."""
    return [
        Entry(
            entry_timestamp=row.entry_timestamp,
            entry_type=row.entry_type,
            sk_type=row.sk_type,
            user_name=row.user_name,
            qualified_job_name=row.qualified_job_name,
            pid=row.pid,
            exit_point=row.exit_point,
            revision=row.revision,
            program=row.program,
            address_family=row.address_family,
            local_address=row.local_address,
            local_port=row.local_port,
            remote_address=row.remote_address,
            remote_port=row.remote_port,
            text=row.text,
            detail=row.detail,
        )
        for row in rows
    ]
