"""Appends to the journal: numbers without gaps, the chain continued, the receiver's end moved. Nothing else writes it.

Nothing is remembered between two calls: number and hash to go on from are read in the same transaction, so that a
transaction that was rolled back leaves no trace, and a second writer could not break the chain either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from types import ModuleType
from typing import Any

from sqlalchemy import Dialect
from sqlmodel import Session

from console import compiled
from console.clock import Clock, system_clock
from console.journal.attached import place_to_write
from console.journal.chain import EPOCH, FIELDS, PERSON, canonical, link
from console.journal.ending import checkpoint_is_due, go_on_behind
from console.journal.entries import Draft, Entry, draft, drafts_of
from console.journal.signer import is_sound, make_checkpoint, sign_receiver
from console.model.journal import JournalEntry, Receiver
from console.store.bulk import GROUP, Together, insert_rows, insert_together, shapes_of
from console.store.journal import last_number
from console.store.journal_recent import KINDS, PLACES, recent_of
from console.store.session import location_of

_COLUMNS = (*FIELDS, "chain_hash")
_TABLE = JournalEntry.metadata.tables["journal_entry"]
_MOST = ("receiver_name", "journal_code", "entry_type", "socks_server", "text", "detail")
_OF_A_JOB = (*_MOST, "revision", "qualified_job_name", "guard_id")
_OF_A_SERVER = (
    *_OF_A_JOB, "sk_type", "exit_point", "user_name", "program", "address_family", "local_address", "local_port",
)  # fmt: skip
_OF_A_SYSTEM = (*_MOST, "revision", "guard_id", "address_family", "local_address")
_SHAPES = shapes_of(_COLUMNS, _OF_A_SERVER, _OF_A_JOB, _OF_A_SYSTEM, _MOST)
"""What entries that come one after the other mostly have in common."""
_SECOND_US = 1_000_000
_DAY_S = 86400


def append(session: Session, entries: Sequence[Entry], *, clock: Clock = system_clock) -> int:
    """Append entries in this order, in the caller's transaction.

    Args:
        session: A transaction that may write; the entries are on disk once it has committed.
        entries: What happened.
        clock: For checkpoints.

    Returns:
        The sequence number of the last entry of the journal.

    Raises:
        StoreError: The key of the journal cannot be read or made.
    """
    return append_drafts(session, drafts_of(entries), clock=clock)


def append_drafts(session: Session, drafts: list[Draft], *, clock: Clock = system_clock) -> int:
    """Append drafts of entries in this order, in the caller's transaction; see `append`.

    Args:
        session: A transaction that may write.
        drafts: What happened.
        clock: For checkpoints.
    """
    if not drafts:
        return last_number(session)
    place = place_to_write(session, clock)
    receiver, key = place.receiver, place.key
    drafts = [*map(draft, place.said), *drafts] if place.said else drafts
    sound, checkpoint_at = go_on_behind(session, receiver, sound=is_sound(location_of(session), key, receiver))
    now = clock()
    _insert(session, receiver, drafts)
    # Entries come first, whatever happened to the row; but nothing vouches for it then, and another is attached soon.
    if sound:
        if checkpoint_is_due(checkpoint_at, now):
            session.add(make_checkpoint(key, receiver, now))
        sign_receiver(key, receiver)
    session.flush()
    return receiver.last_sequence


def _insert(session: Session, receiver: Receiver, drafts: list[Draft]) -> None:
    """Insert the rows of drafts, and move the end of their receiver: the hot loop of the worker."""
    connection, before = session.connection(), receiver.last_hash
    native, stored_time = compiled.journalling, _stored_time(connection.dialect)
    if native is None or stored_time is not None:
        insert_rows(connection, _TABLE, _COLUMNS, _chain(receiver, drafts, stored_time))
        return
    rows, columns = _chain_compiled(native, receiver, drafts)
    insert_together(connection, _TABLE, _COLUMNS, rows)
    if columns is not None:
        recent_of(session).add(before, receiver.last_sequence, receiver.last_hash, columns)


def _chain(
    receiver: Receiver, drafts: list[Draft], stored_time: Callable[[int], object] | None
) -> list[tuple[object, ...]]:
    """Return rows in the order of `_COLUMNS`; a time is hashed as the draft has it, and stored in another way."""
    name, size = receiver.name, 0
    digest = bytes.fromhex(receiver.last_hash)
    number = receiver.last_sequence
    known, begin = 0, _text_second(0)
    rows = []
    for _, moment_us, _, *values in drafts:
        number += 1
        form = canonical((number, moment_us, name, *values))
        size += len(form)
        digest = link(digest, form)
        if stored_time is None:
            second, rest_us = divmod(moment_us, _SECOND_US)
            if second != known:
                known, begin = second, _text_second(second)
            stored: object = f"{begin}.{rest_us:06}"
        else:
            stored = stored_time(moment_us)
        rows.append((number, stored, name, *values, digest.hex()))
    receiver.last_sequence = number
    receiver.last_hash = digest.hex()
    receiver.size_bytes += size
    return rows


def _chain_compiled(
    native: ModuleType, receiver: Receiver, drafts: list[Draft]
) -> tuple[Together, list[list[Any]] | None]:
    """Return what `_chain` does, put together, and what `Recent` keeps of it; None where something is unusual."""
    end, digest, size, runs, rest, columns = native.chain_drafts(
        drafts, receiver.name, receiver.last_sequence, bytes.fromhex(receiver.last_hash), PERSON, canonical,
        _text_day, _text_time, len(_COLUMNS), GROUP, _SHAPES, PLACES, KINDS,
    )  # fmt: skip
    receiver.last_sequence, receiver.last_hash = end, digest.hex()
    receiver.size_bytes += size
    return Together(runs, rest), columns


@cache
def _stored_time(dialect: Dialect) -> Callable[[int], object] | None:
    """Return what turns microseconds since 1970 into what the driver takes; None: text, as `_text_time` writes it."""
    process = _TABLE.c.entry_timestamp.type.dialect_impl(dialect).bind_processor(dialect)

    def stored(moment_us: int) -> object:
        moment = EPOCH + timedelta(microseconds=moment_us)
        return process(moment) if process else moment

    # SQLAlchemy takes as long to write a time as SQLite to store an entry; and the second mostly is that of the last.
    if stored(_SAMPLE_US) == _text_time(_SAMPLE_US):
        return None
    return stored


_SAMPLE_US = 1_234_567_890_012_345


def _text_time(moment_us: int) -> str:
    second, rest = divmod(moment_us, _SECOND_US)
    return f"{_text_second(second)}.{rest:06}"


def _text_second(second: int) -> str:
    day, rest = divmod(second, _DAY_S)
    return f"{_text_day(day)} {rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"


@lru_cache(maxsize=64)
def _text_day(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d")
