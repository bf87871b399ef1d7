"""Audit entries of administration, written in the transaction of the change that they tell of."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import delete
from sqlmodel import Session, col, select

from console.model.outbox import AuditOutbox
from console.policy.audit_levels import Levels
from console.store.system_values import get_auditing
from console.store.text import storable

_LONGEST_USER = 64
_LONGEST_JOB = 96
"""Characters that the journal takes; a name that is longer is cut, because a change is never left unaudited."""


def add_audit(
    session: Session,
    entry_type: str,
    *,
    at: datetime,
    user: str,
    job: str,
    text: str,
    detail: str = "",
    exit_point: str = "",
    revision: int = 0,
    more: Mapping[str, str | int] = MappingProxyType({}),
) -> None:
    """Put an audit entry on its way into the journal, if it is to be audited; the worker moves it there.

    Args:
        session: The transaction of the change itself: either both are kept or neither.
        entry_type: ``GR`` for rules and exit points, ``CD`` for a command that changed something, ``SV`` for a system
            value.
        at: When.
        user: User profile that did it.
        job: Its qualified job name.
        text: One line for people.
        detail: Entry-specific data: the command as it was run, values before and after.
        exit_point: The exit point concerned, if it is one.
        revision: The revision concerned, if it is one.
        more: Further fields of the entry by their names: ``remote_address``.
    """
    sk_type = str(more.get("sk_type", "")) if entry_type == "SK" else ""
    if not Levels(get_auditing(session)).wants(entry_type, sk_type, user=user):
        return
    row = {
        "entry_timestamp": at,
        "entry_type": entry_type,
        "user_name": storable(user)[:_LONGEST_USER],
        "qualified_job_name": storable(job)[:_LONGEST_JOB],
        "pid": os.getpid(),
        "exit_point": exit_point,
        "revision": revision,
        "text": storable(text),
        "detail": storable(detail),
        **more,
    }
    session.add(AuditOutbox.model_validate(row))
    session.flush()


def waiting(session: Session, *, limit: int = 500) -> list[AuditOutbox]:
    """Return the entries that are not in the journal yet, oldest first."""
    return list(session.exec(select(AuditOutbox).order_by(col(AuditOutbox.id)).limit(limit)))


def forget(session: Session, up_to: int) -> None:
    """Delete the entries up to this id; they are in the journal, by the same transaction."""
    session.execute(delete(AuditOutbox).where(col(AuditOutbox.id) <= up_to))
