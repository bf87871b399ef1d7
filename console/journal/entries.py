"""Entries before they are in the journal: what happened, without number, receiver and hash."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from console.model.outbox import AuditOutbox

AUDIT_CODE = "T"
"""Journal code of all audit entries."""


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
