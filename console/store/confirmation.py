"""Revisions that are taken back unless somebody confirms them in time: commit confirmed, as network people call it.

Who activates over a network that the policy itself may cut gives a time limit. The row outlives the worker and the
console; whichever worker serves the store when the time is up goes back.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, delete

from console.errors import StoreError
from console.messages import describe, message
from console.model.revision import PolicyConfirmation
from console.store.messages import send
from console.store.outbox import add_audit
from console.store.revisions import active_number, reactivate

_NO_POLICY = frozenset({"GWL0325", "GWL0326"})
"""Errors of a revision, and not of the store."""
_SYSTEM = "QSYS"
"""User profile of what Greenwall does of itself, as on IBM i."""


class TakenBack(NamedTuple):
    """What became of a revision that nobody confirmed."""

    number: int
    """The revision."""
    return_to: int
    """The one that its successor is a copy of."""
    made: int
    """That successor, which is active now."""


def waiting_confirmation(session: Session) -> PolicyConfirmation | None:
    """Return the revision that waits to be confirmed; None when none does."""
    found = session.get(PolicyConfirmation, 1)
    return found if found is not None and found.number == active_number(session) else None


def ask_confirmation(
    session: Session, *, number: int, return_to: int, until: datetime, user: str, emergency: bool = False
) -> int:
    """Have a revision taken back unless it is confirmed in time; return which one is gone back to.

    Args:
        session: The transaction of its activation.
        number: The revision.
        return_to: The one before it; if that waits itself, the one that it would go back to.
        until: When time is up.
        user: Who activates it.
        emergency: Whether it overrides rules for a while, and cannot be confirmed.
    """
    earlier = session.get(PolicyConfirmation, 1)
    if earlier is not None and earlier.number == return_to:
        return_to = earlier.return_to
    row = {"id": 1, "number": number, "return_to": return_to, "until": until, "asked_by": user, "emergency": emergency}
    session.merge(PolicyConfirmation.model_validate(row))
    session.flush()
    return return_to


def forget_confirmation(session: Session) -> None:
    """Let what is active stay: it was confirmed, or another revision took its place."""
    session.exec(delete(PolicyConfirmation))


def has_time_limit(session: Session) -> bool:
    """Say whether there is a revision whose time comes to be up."""
    return session.get(PolicyConfirmation, 1) is not None


def is_overdue(session: Session, now: datetime) -> bool:
    """Say whether the time of a revision is up."""
    found = session.get(PolicyConfirmation, 1)
    return found is not None and found.until <= now


def take_back(session: Session, now: datetime) -> TakenBack | None:
    """Go back from a revision whose time is up; the pending policy stays as it is, to be mended.

    The revision that is gone back to is made active as a new one, so that numbers tell the order of what was in force.

    Args:
        session: A transaction that may write.
        now: What time it is.

    Returns:
        What was done; None when nothing was to be done.

    Raises:
        StoreError: The store cannot be read or written. A revision that cannot be read is told of in QSYSOPR, and what
            is active stays.
    """
    row = waiting_confirmation(session)
    if row is None or row.until > now:
        if row is None:
            forget_confirmation(session)
        return None
    text = f"Revision {row.number} was taken back"
    try:
        made = reactivate(session, row.return_to, user=_SYSTEM, at=now, text=text)
    except StoreError as error:
        if error.message_id not in _NO_POLICY:
            raise
        # A worker that tried again for ever would never hand out another revision either.
        said = message("GWL0299", number=row.number, return_to=row.return_to, reason=describe(error).text)
        send(session, said, at=now, key=f"confirmation:{row.number}")
        forget_confirmation(session)
        return None
    done = TakenBack(row.number, row.return_to, made)
    forget_confirmation(session)
    add_audit(
        session,
        "GR",
        at=now,
        user=_SYSTEM,
        job=f"{os.getpid() % 1_000_000:06}/{_SYSTEM}/WORKER",
        text=f"{text}: revision {made} is revision {row.return_to} again",
        detail=json.dumps({"before": {"revision": row.number}, "after": {"revision": made, "as": row.return_to}}),
        revision=made,
    )
    said = message("GWL0294", number=row.number, return_to=row.return_to, made=made, user=row.asked_by)
    send(session, said, at=now, key=f"confirmation:{row.number}")
    return done
