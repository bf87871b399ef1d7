"""What a fresh store begins with: the default policy as revision 1, and the first journal receiver."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlmodel import Session

from console.clock import system_clock
from console.model.journal import GENESIS_HASH, Receiver
from console.policy.document import parse
from console.resources import data_path
from console.store.revisions import activate, set_pending

FIRST_RECEIVER = "AUDRCV0001"

_DEFAULT_POLICY = data_path("policy", "default.yaml")
_MAKER = "QSYS"
"""User profile that IBM i's own objects belong to; nobody has edited this revision."""


def seed(connection: Connection) -> None:
    """Fill the fresh tables, inside the connection's transaction."""
    now = system_clock()
    receiver = {
        "name": FIRST_RECEIVER,
        "attached_at": now,
        "first_sequence": 1,
        "last_sequence": 0,
        "last_hash": GENESIS_HASH,
    }
    with Session(connection) as session:
        set_pending(session, parse(_DEFAULT_POLICY.read_text(encoding="utf-8"), _DEFAULT_POLICY.name))
        activate(session, services={}, user=_MAKER, at=now, text="Default policy")
        session.add(Receiver.model_validate(receiver))
        session.flush()
        session.commit()
