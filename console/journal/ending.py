"""Where the journal ends, whatever somebody without the key has written into its rows.

Who can write into the store can plant a row in the place of the next entry or checkpoint, or have a receiver say that
the journal ends elsewhere. Verification names it; but entries must go on being written, behind what is there. Nothing
that is found is removed: it is evidence. Everything here is part of the caller's transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, LargeBinary, Select, String, cast, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from console.journal.chain import HASH_BYTES
from console.model.journal import GENESIS_HASH, HIGHEST_NUMBER, Checkpoint, JournalEntry, Receiver
from console.store.stored_time import stored_moment

CHECKPOINT_EVERY = timedelta(minutes=1)
"""While there are entries."""

_LIMIT = HIGHEST_NUMBER + 1
"""Numbers from here on were planted; to go on behind the last that a database knows is not possible."""
_ENTRY = JournalEntry.metadata.tables["journal_entry"].c
_RECEIVER = Receiver.metadata.tables["receiver"].c
_CHECKPOINT = Checkpoint.metadata.tables["journal_checkpoint"].c

_MADE_AT = type_coerce(_CHECKPOINT.made_at, String)


def go_on_behind(session: Session, receiver: Receiver, *, sound: bool) -> tuple[bool, object]:
    """Have a receiver's row say where entries can go on.

    Args:
        session: The transaction.
        receiver: The attached one.
        sound: Whether its row is what was signed.

    Returns:
        Whether it may be signed: it is sound, and no entry lies behind the end that it tells of. And when the last
        checkpoint was made, as it is stored; None where there is none.
    """
    found = _highest(session, _ENTRY.sequence_number, _ENTRY.chain_hash)
    last, digest = (0, GENESIS_HASH) if found is None else found
    if not sound:
        _make_usable(receiver, last, digest)
    if last > receiver.last_sequence:
        receiver.last_sequence, receiver.last_hash = last, _hash_or(digest, receiver.last_hash)
        sound = False
    checkpoint = _highest(session, _CHECKPOINT.number, _MADE_AT)
    if checkpoint is None or checkpoint[0] < receiver.checkpoints:  # the last one is gone
        return sound, None
    if checkpoint[0] > receiver.checkpoints:
        receiver.checkpoints = checkpoint[0]
    return sound, checkpoint[1]


def checkpoint_is_due(made_at: object, now: datetime) -> bool:
    """Say whether the last checkpoint is old, or not to be told from one: its time is none, or yet to come.

    A clock that was set back must not end the checkpoints until it is where it was.

    Args:
        made_at: When it was made, as it is stored.
        now: The time.
    """
    try:
        last = stored_moment(made_at)
    except ValueError:
        return True
    return not timedelta() <= now - last < CHECKPOINT_EVERY


def last_checkpoint(session: Session) -> tuple[int, int, str] | None:
    """Return number, sequence number and hash of the last checkpoint as they are stored; None without one."""
    found = _highest(session, _CHECKPOINT.number, _CHECKPOINT.sequence_number, _CHECKPOINT.chain_hash)
    return None if found is None else (found[0], found[1], found[2])


def last_entry(session: Session) -> tuple[int, str]:
    """Return number and hash of the last entry, whichever row tells of it; 0 and the first hash for none."""
    ends = [
        _highest(session, _ENTRY.sequence_number, _ENTRY.chain_hash),
        _highest(session, _RECEIVER.last_sequence, _RECEIVER.last_hash),
        _highest(session, _CHECKPOINT.sequence_number, _CHECKPOINT.chain_hash),
    ]
    found = [(each[0], each[1]) for each in ends if each is not None and isinstance(each[0], int)]
    last, digest = max(found, key=lambda each: each[0], default=(0, GENESIS_HASH))
    return last, _hash_or(digest, GENESIS_HASH)


def highest_checkpoint(session: Session) -> int:
    """Return the number of the last checkpoint, 0 for none."""
    found = _highest(session, _CHECKPOINT.number)
    return 0 if found is None else int(found[0])


def _highest(session: Session, number: Column[Any], *more: ColumnElement[Any]) -> tuple[Any, ...] | None:
    query = _highest_query(number, *more)
    try:
        found = session.execute(query).first()
    except DBAPIError:  # of SQLite, where a text is not in UTF-8: what it is then is for readers to say
        found = session.execute(query.with_only_columns(number, *(cast(each, LargeBinary) for each in more))).first()
    return None if found is None else tuple(found)


@cache
def _highest_query(number: Column[Any], *more: ColumnElement[Any]) -> Select[Any]:
    # Each transaction of the worker asks. To make a query takes SQLAlchemy longer than to have it answered.
    return select(number, *more).where(number < _LIMIT).order_by(number.desc()).limit(1)


def _make_usable(receiver: Receiver, last: int, digest: object) -> None:
    """Put values that can be gone on from in the place of those that cannot; the row stays unsigned."""
    if not (isinstance(receiver.last_sequence, int) and 0 <= receiver.last_sequence < _LIMIT):
        receiver.last_sequence = last
    receiver.last_hash = _hash_or(receiver.last_hash, _hash_or(digest, GENESIS_HASH))
    for name in ("size_bytes", "checkpoints"):
        value = getattr(receiver, name)
        if not (isinstance(value, int) and 0 <= value < _LIMIT):
            setattr(receiver, name, 0)


def _hash_or(found: object, other: str) -> str:
    try:
        return found if isinstance(found, str) and len(bytes.fromhex(found)) == HASH_BYTES else other
    except ValueError:
        return other
