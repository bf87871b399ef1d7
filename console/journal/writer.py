"""Appends to the journal: numbers without gaps, the chain continued, the receiver's end moved. Nothing else writes it.

Nothing is remembered between two calls: number and hash to go on from are read in the same transaction, so that a
transaction that was rolled back leaves no trace, and a second writer could not break the chain either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from sqlalchemy import Connection, Dialect, insert, update
from sqlmodel import Session, col

from console.journal.chain import FIELDS, canonical, link, microseconds
from console.journal.entries import AUDIT_CODE, Entry
from console.model.journal import JournalEntry, Receiver
from console.store.journal import attached_receiver

_COLUMNS = (*FIELDS, "chain_hash")
_TABLE = JournalEntry.metadata.tables["journal_entry"]
_MOMENT = _COLUMNS.index("entry_timestamp")


def append(session: Session, entries: Sequence[Entry]) -> int:
    """Append entries in this order, in the caller's transaction.

    Args:
        session: A transaction that may write; the entries are on disk once it has committed.
        entries: What happened.

    Returns:
        The sequence number of the last entry of the journal.
    """
    receiver = attached_receiver(session)
    if not entries:
        return receiver.last_sequence
    digest = bytes.fromhex(receiver.last_hash)
    rows: list[tuple[object, ...]] = []
    for number, entry in enumerate(entries, receiver.last_sequence + 1):
        moment, *rest = entry
        tail = (receiver.name, AUDIT_CODE, *rest)
        digest = link(digest, canonical((number, microseconds(moment), *tail)))
        rows.append((number, moment, *tail, digest.hex()))
    _insert(session.connection(), rows)
    last = receiver.last_sequence + len(entries)
    moved = update(Receiver).where(col(Receiver.name) == receiver.name)
    session.execute(moved.values(last_sequence=last, last_hash=digest.hex()))
    return last


def _insert(connection: Connection, rows: list[tuple[object, ...]]) -> None:
    """Insert rows whose values are in the order of the columns.

    SQLAlchemy prepares each value of each row in Python, which takes longer than SQLite needs to store it. Where the
    driver takes parameters by position they go to it as they are; only a time needs SQLAlchemy's form.
    """
    if not connection.dialect.positional:
        connection.execute(insert(_TABLE), [dict(zip(_COLUMNS, row, strict=True)) for row in rows])
        return
    statement, stored = _prepared(connection.dialect)
    ready = [(*row[:_MOMENT], stored(row[_MOMENT]), *row[_MOMENT + 1 :]) for row in rows]
    connection.exec_driver_sql(statement, ready)


@cache
def _prepared(dialect: Dialect) -> tuple[str, Callable[[object], object]]:
    """Return the statement, its parameters in the order of the columns, and what turns a time into a parameter."""
    compiled = insert(_TABLE).compile(dialect=dialect, column_keys=list(_COLUMNS))
    order = tuple(compiled.positiontup or ())
    if order != _COLUMNS:
        raise ValueError(f"the columns of {_TABLE.name} are not in the order of the chain: {order}")
    process = _TABLE.c.entry_timestamp.type.dialect_impl(dialect).bind_processor(dialect)
    return str(compiled), process or _unchanged


def _unchanged(moment: object) -> object:
    return moment
