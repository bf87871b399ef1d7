"""The settings of the pending policy that belong to no exit point."""

from __future__ import annotations

from typing import NamedTuple

from sqlmodel import Session, select

from console.model.pending import PendingSettings
from console.model.words import RawSockets, Udp


class Settings(NamedTuple):
    """Each setting by the name it has in `console.policy.rule.Policy`."""

    udp: Udp
    raw_sockets: RawSockets


def get_settings(session: Session) -> Settings:
    """Return the pending settings."""
    row = session.exec(select(PendingSettings)).one()
    return Settings(row.udp, row.raw_sockets)


def set_settings(session: Session, settings: Settings) -> None:
    """Change the pending settings."""
    session.merge(PendingSettings.model_validate({"id": 1, **settings._asdict()}))
    session.flush()
