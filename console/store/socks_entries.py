"""The SOCKS entries of the pending policy: read, add, change, remove. Values arrive checked, passwords sealed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from console.errors import StoreError
from console.model.pending import PendingSocksEntry
from console.model.words import DEFAULT_SEQUENCE
from console.policy.rule import SocksEntry
from console.policy.secret import Secret
from console.policy.socks_entries import parse_servers, socks_fields
from console.store.rules import STEP


def list_socks_entries(session: Session) -> list[SocksEntry]:
    """Return the pending SOCKS entries in the order in which they are tried."""
    return [_entry(row) for row in session.exec(select(PendingSocksEntry).order_by(col(PendingSocksEntry.sequence)))]


def get_socks_entry(session: Session, sequence: int) -> SocksEntry:
    """Return a pending SOCKS entry.

    Raises:
        StoreError: There is no such entry.
    """
    return _entry(_row(session, sequence))


def next_socks_sequence(session: Session) -> int:
    """Return the first multiple of ten after the last entry.

    Raises:
        StoreError: There is none that an entry can have.
    """
    last = session.exec(select(func.max(PendingSocksEntry.sequence))).one() or 0
    following = (last // STEP + 1) * STEP
    if following >= DEFAULT_SEQUENCE:
        raise StoreError("GWL0332")
    return following


def add_socks_entry(session: Session, entry: SocksEntry) -> None:
    """Add a SOCKS entry to the pending policy.

    Raises:
        StoreError: There is one with its sequence number.
    """
    if session.get(PendingSocksEntry, entry.sequence) is not None:
        raise StoreError("GWL0330", sequence=entry.sequence)
    session.add(_new_row(entry))
    session.flush()


def change_socks_entry(session: Session, entry: SocksEntry) -> None:
    """Replace the pending SOCKS entry that has the same sequence number.

    Raises:
        StoreError: There is no such entry.
    """
    _row(session, entry.sequence)
    session.merge(_new_row(entry))
    session.flush()


def remove_socks_entry(session: Session, sequence: int) -> None:
    """Remove a SOCKS entry from the pending policy.

    Raises:
        StoreError: There is no such entry.
    """
    session.delete(_row(session, sequence))
    session.flush()


def replace_socks_entries(session: Session, entries: Iterable[SocksEntry]) -> None:
    """Make these the pending SOCKS entries."""
    session.execute(delete(PendingSocksEntry), execution_options={"synchronize_session": "fetch"})
    session.add_all(_new_row(entry) for entry in entries)
    session.flush()


def _row(session: Session, sequence: int) -> PendingSocksEntry:
    row = session.get(PendingSocksEntry, sequence)
    if row is None:
        raise StoreError("GWL0331", sequence=sequence)
    return row


def _new_row(entry: SocksEntry) -> PendingSocksEntry:
    if entry.password and not entry.password.is_sealed:
        raise ValueError("a password in clear on its way into the store")
    fields = socks_fields(entry)
    del fields["password"]
    return PendingSocksEntry.model_validate({**fields, "sealed_password": entry.password.text})


def _entry(row: PendingSocksEntry) -> SocksEntry:
    fields = row.model_dump()
    sealed = fields.pop("sealed_password")
    servers = parse_servers(fields.pop("servers"))
    return SocksEntry(**fields, servers=servers, password=Secret(sealed, is_sealed=bool(sealed)))
