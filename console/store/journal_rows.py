"""The journal as values, from the first entry to the last: for reports and print-outs that read millions of entries.

Rows of the model would take ten times as long, and SQLAlchemy would keep track of each. Memory stays flat: a block of
entries is read at a time, and blocks in which the index finds nothing are not read at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sqlalchemy import LargeBinary, Select, String, cast, func, select
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import Session

from console.model.journal import JournalEntry
from console.store.journal import JournalFilter, last_number, page_after
from console.store.journal_filter import conditions, confirm
from console.store.journal_index import first_after, known_blocks, matching
from console.store.journal_keys import clauses
from console.store.journal_postings import block_of, first_of
from console.store.made_usable import NUMBERS

MINUTE = "minute"
"""Column that is asked for in the place of the time: the minute in UTC, as text, ``2026-03-01 14:30``."""

_BLOCKS = 16
"""Blocks whose index is read at once: a quarter of a million entries."""
_ROWS = 1000
"""Read at once: what then still is in the cache of the processor when it is looked at."""
_CONFIRMED = ("local_address", "remote_address", "qualified_job_name")
_MINUTE_LENGTH = 16

Span = tuple[int, int]
"""Numbers of the first and last entry to read."""


def batches(session: Session, only: JournalFilter, names: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the values of the entries that a filter shows, some thousand at a time, in ascending order of number.

    Args:
        session: Reads the store; it sees one state of it from beginning to end.
        only: Which entries.
        names: Fields of the entry, of which the time comes as text in UTC on SQLite; or `MINUTE`.
    """
    if only.journal:
        yield from _imported(session, only, names)
        return
    check = confirm(only)
    columns = [_column(session, name) for name in (*names, *(_CONFIRMED if check else ()))]
    query = select(*columns).where(*conditions(only)).order_by(_field("sequence_number"))
    count = len(names)
    for first, last in spans(session, only):
        for part in _read(session, query, first, last):
            yield part if check is None else [row[:count] for row in part if check(*row[count:])]


def _imported(session: Session, only: JournalFilter, names: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the entries of an imported journal, of which there are not so many: page by page."""
    number = 0
    while page := page_after(session, number, limit=_ROWS, only=only):
        yield [tuple(_value(entry, name) for name in names) for entry in page]
        number = page[-1].sequence_number


def _value(entry: JournalEntry, name: str) -> Any:  # noqa: ANN401 -- of whatever field
    if name == MINUTE:
        return f"{entry.entry_timestamp.astimezone(UTC):%Y-%m-%d %H:%M}"
    return getattr(entry, name)


def rows(session: Session, only: JournalFilter, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield what `batches` yields, one by one."""
    return chain.from_iterable(batches(session, only, names))


def spans(session: Session, only: JournalFilter) -> Iterator[Span]:
    """Yield where in the journal to look for the entries that a filter shows, in ascending order."""
    low, high = max(1, only.from_number or 1), last_number(session)
    high = high if only.to_number is None else min(high, only.to_number)
    if low > high:
        return
    blocks = range(block_of(low), block_of(high) + 1)
    wanted = clauses(only)
    while (start := first_after(session, first_of(blocks[0]) - 1) if blocks else None) is not None:
        blocks = blocks[block_of(start) - blocks[0] :]  # somebody may have planted an entry far off
        part, blocks = blocks[:_BLOCKS], blocks[_BLOCKS:]
        known = known_blocks(session, part)
        here = {block: each for block, each in known.items() if _overlap(only, each.first_time, each.last_time)}
        found = matching(session, here, wanted, whole_blocks=True) if wanted else dict.fromkeys(here, 1)
        alive = [block for block in part if block not in known or found.get(block)]
        yield from ((max(low, first_of(block)), min(high, first_of(block + 1) - 1)) for block in alive)


def _overlap(only: JournalFilter, earliest: datetime | None, latest: datetime | None) -> bool:
    """Say whether a block has entries in the times of a filter."""
    if earliest is None or latest is None:
        return False
    return (only.from_time is None or latest >= only.from_time) and (only.to_time is None or earliest <= only.to_time)


def _read(session: Session, query: Select[Any], first: int, last: int) -> Iterator[list[tuple[Any, ...]]]:
    """Yield what the driver has read: SQLAlchemy would make each row anew, which takes twice as long as reading it.

    At most a block at a time: a driver that fetches all of a result at once holds no more than that. Results are not
    streamed, as SQLAlchemy would then have taken the first row for itself.
    """
    here = query.where(_field("sequence_number").between(first, last))
    found = session.connection().execute(here)
    done = 0
    try:
        while part := found.cursor.fetchmany(_ROWS):
            done += len(part)
            yield list(part)
    except session.connection().dialect.loaded_dbapi.Error:
        # A text in the store is none, as only somebody who wrote there himself can make one.
        yield from _read_octets(session, here, done)
    finally:
        found.close()


def _read_octets(session: Session, here: Select[Any], done: int) -> Iterator[list[tuple[Any, ...]]]:
    columns = [_as_octets(column) for column in here.selected_columns]
    for row in session.connection().execute(here.with_only_columns(*columns).offset(done)):
        yield [tuple(value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in row)]


def _as_octets(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return what is no number of entries as octets, which can be read whatever they are."""
    return column if column.name in NUMBERS else cast(column, LargeBinary)


def _field(name: str) -> ColumnElement[Any]:
    return JournalEntry.metadata.tables["journal_entry"].c[name]


def _column(session: Session, name: str) -> ColumnElement[Any]:
    if name != MINUTE:
        return _field(name)
    moment = _field("entry_timestamp")
    if session.get_bind().dialect.name == "sqlite":
        # A quarter of the time is spared by not making a datetime of every entry: there are far fewer minutes.
        return func.substr(cast(moment, String), 1, _MINUTE_LENGTH)
    return func.to_char(func.timezone("UTC", moment), "YYYY-MM-DD HH24:MI")
