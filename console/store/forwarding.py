"""Where the journal is forwarded to: what operators say, and how far the worker has come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import CursorResult, update
from sqlmodel import Session, col, select

from console.errors import CommandError
from console.model.forwarding import ForwardState, ForwardTarget
from console.model.journal import JournalEntry
from console.store.text import storable

_LONGEST_ERROR = 512


def list_targets(session: Session) -> list[ForwardTarget]:
    """Return all targets by name."""
    return list(session.exec(select(ForwardTarget).order_by(col(ForwardTarget.name))))


def get_target(session: Session, name: str) -> ForwardTarget:
    """Return a target.

    Raises:
        CommandError: There is none.
    """
    found = session.get(ForwardTarget, name)
    if found is None:
        raise CommandError("GWL0663", name=name)
    return found


def add_target(session: Session, values: Mapping[str, object], at: datetime) -> ForwardTarget:
    """Add a target.

    Args:
        session: A transaction that may write.
        values: Fields, checked.
        at: Now.

    Raises:
        CommandError: There is one of that name.
    """
    target = ForwardTarget.model_validate({**values, "state_since": at})
    if session.get(ForwardTarget, target.name) is not None:
        raise CommandError("GWL0664", name=target.name)
    session.add(target)
    session.flush()
    return target


def change_target(session: Session, name: str, values: Mapping[str, object]) -> ForwardTarget:
    """Change a target.

    Raises:
        CommandError: There is none.
    """
    before = get_target(session, name)
    checked = ForwardTarget.model_validate({**before.model_dump(), **values})
    session.merge(checked)
    session.flush()
    return checked


def remove_target(session: Session, name: str) -> None:
    """Remove a target.

    Raises:
        CommandError: There is none.
    """
    session.delete(get_target(session, name))
    session.flush()


def move_position(session: Session, name: str, before: int, after: int) -> bool:
    """Note how far entries were delivered.

    Args:
        session: A transaction that may write.
        name: The target.
        before: What was noted last.
        after: Number of the last entry.

    Returns:
        False when the target is gone, or an operator has given it another position meanwhile.
    """
    query = update(ForwardTarget).where(col(ForwardTarget.name) == name, col(ForwardTarget.position) == before)
    moved = session.execute(query.values(position=after))
    return isinstance(moved, CursorResult) and moved.rowcount == 1


def reset_position(session: Session, name: str) -> None:
    """Have a target begin with the first entry, whatever is written in the place of its position."""
    session.execute(update(ForwardTarget).where(col(ForwardTarget.name) == name).values(position=0))


def set_state(session: Session, name: str, state: ForwardState, at: datetime, error: str | None = None) -> None:
    """Note what forwarding to a target is doing.

    Args:
        session: A transaction that may write.
        name: The target.
        state: What it is doing.
        at: Since when.
        error: Why it fails; None leaves the last reason.
    """
    values: dict[str, object] = {"state": state, "state_since": at}
    if error is not None:
        values["last_error"] = storable(error)[:_LONGEST_ERROR]
    session.execute(update(ForwardTarget).where(col(ForwardTarget.name) == name).values(**values))


def number_after(session: Session, number: int) -> int | None:
    """Return the number of the first entry after another that the journal still has; None when there is none."""
    found = col(JournalEntry.sequence_number)
    return session.exec(select(found).where(found > number).order_by(found).limit(1)).first()
