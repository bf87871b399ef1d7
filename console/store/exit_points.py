"""The modes of the exit points in the pending policy."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import Session, select

from console.model.pending import PendingExitPoint
from console.model.words import ExitPoint, Mode


def get_modes(session: Session) -> dict[ExitPoint, Mode]:
    """Return the pending mode of each exit point."""
    return {row.exit_point: row.mode for row in session.exec(select(PendingExitPoint))}


def set_modes(session: Session, modes: Mapping[ExitPoint, Mode]) -> None:
    """Change the pending modes of these exit points."""
    for exit_point, mode in modes.items():
        session.merge(PendingExitPoint.model_validate({"exit_point": exit_point, "mode": mode}))
    session.flush()
