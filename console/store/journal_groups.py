"""The index of many blocks in one: what there is of it, how it is made piece by piece, and how readers find in it.

The index of a block is written once, when the block is full, with its rows together. To look for a value then takes a
step into each of hundreds of blocks, each of them elsewhere on the disk. When all blocks of a group have their index,
its rows are written anew in the order of their keys, with one row for all blocks. Until the last piece is there, which
says so in the rows of the blocks, nobody looks at it; then the rows of the blocks go.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Any, NamedTuple
from typing import cast as cast_result

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Integer,
    LargeBinary,
    Select,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from console.model.journal import HIGHEST_NUMBER, JournalBlock, JournalEntry, JournalGroup, JournalIndex
from console.store.bulk import insert_rows
from console.store.group_postings import GROUP, GROUP_BITS, blocks_of, group_of, pack_group, unpack_group
from console.store.journal_postings import Posting, block_of, first_of

_INDEX = JournalIndex.metadata.tables["journal_index"]
_BLOCK = JournalBlock.metadata.tables["journal_block"]
_GROUP = JournalGroup.metadata.tables["journal_group"]

_AT_ONCE = 150
"""Rows of each block that are taken at once: a piece is a megabyte, made and written in some 20 ms."""
_CLEARED_AT_ONCE = 4
"""Blocks whose rows are deleted at once: ten thousand rows."""
_DELETED_AT_ONCE = 100
"""Rows of a group that are deleted at once."""
_DELETED_BYTES = 512 * 1024
"""Or as many as have so much: the longest have 64 KiB, and to delete one SQLite reads all its pages."""

_LAST_BLOCK = block_of(HIGHEST_NUMBER)

Place = tuple[int, bytes]
"""Field and key of a row."""

BEGIN: Place = (-1, b"")
"""Comes before all rows."""


class Piece(NamedTuple):
    """Some rows of a group, which come one after the other."""

    number: int
    """Of the group."""
    after: Place
    """They come behind this row."""
    up_to: Place | None
    """They end with this row, which need not be there; None: with the last of the group."""
    rows: list[tuple[int, int, bytes, bytes]]


def groups_to_make(session: Session, least: int = GROUP) -> list[int]:
    """Return the groups whose blocks have their index, none of them together with others yet; ascending.

    Args:
        session: Reads the store.
        least: How many blocks it must be.
    """
    columns = _BLOCK.c
    number = columns.block.op(">>")(literal_column(str(GROUP_BITS))).label("number")
    query = select(number).where(columns.grouped == 0).group_by("number").order_by("number")
    query = query.having(func.count() >= least, func.count(columns.first_time) > 0)
    return list(session.execute(query).scalars())


def members(session: Session, number: int) -> list[int]:
    """Return the blocks of a group that have their index by themselves, ascending."""
    columns = _BLOCK.c
    query = select(columns.block).where(_in_group(number), columns.grouped == 0).order_by(columns.block)
    return list(session.execute(query).scalars())


def _in_group(number: int) -> ColumnElement[bool]:
    blocks = blocks_of(number)
    return _BLOCK.c.block.between(blocks[0], blocks[-1])


def read_piece(session: Session, number: int, blocks: Sequence[int], after: Place) -> Piece:
    """Return the next rows of a group, made from those of its blocks.

    Args:
        session: Reads the store.
        number: The group.
        blocks: Its blocks, ascending.
        after: What the piece before ended with; `BEGIN` for the first.

    Raises:
        ValueError: A row of a block holds what nobody of us has written.
    """
    found = [_rows_after(session, block, after) for block in blocks]
    full = [rows[-1][:2] for rows in found if len(rows) == _AT_ONCE]
    up_to: Place | None = min(full) if full else None
    sets: defaultdict[Place, list[tuple[int, bytes]]] = defaultdict(list)
    for block, rows in zip(blocks, found, strict=True):
        place = block - blocks_of(number)[0]
        count = len(rows) if up_to is None else bisect_right(rows, up_to, key=itemgetter(0, 1))
        for field, key, entries in rows[:count]:
            sets[field, key].append((place, entries))
    return Piece(number, after, up_to, [(number, *key, pack_group(each)) for key, each in sorted(sets.items())])


_COLUMNS = _INDEX.c
_ROWS_AFTER = (
    select(_COLUMNS.field, _COLUMNS.key, _COLUMNS.entries)
    .where(
        _COLUMNS.block == bindparam("block"),
        tuple_(_COLUMNS.field, _COLUMNS.key)
        > tuple_(bindparam("after", type_=Integer), bindparam("after_key", type_=LargeBinary)),
    )
    .order_by(_COLUMNS.field, _COLUMNS.key)
    .limit(_AT_ONCE)
)


def _rows_after(session: Session, block: int, after: Place) -> list[tuple[int, bytes, bytes]]:
    field, key = after
    rows = _fetched(session, _ROWS_AFTER, {"block": block, "after": field, "after_key": key})
    if not all(type(field) is int and type(key) is bytes and type(entries) is bytes for field, key, entries in rows):
        raise ValueError(f"the index of block {block} holds what is none")
    return rows


def _fetched(session: Session, query: Select[Any], given: dict[str, object]) -> list[Any]:
    """Return rows as the driver gives them: SQLAlchemy makes each row anew.

    Raises:
        ValueError: A text in them is none.
    """
    driver = session.connection().dialect.loaded_dbapi
    found = None
    try:
        found = cast_result(CursorResult[Any], session.execute(query, given))
        return list(found.cursor.fetchall())
    except (DBAPIError, driver.Error) as error:
        # As octets anything can be had; if these cannot be, then the store is what cannot be read.
        session.execute(
            query.with_only_columns(*(cast(each, LargeBinary) for each in query.selected_columns)), given
        ).all()
        raise ValueError("the index holds a text that is none") from error
    finally:
        if found is not None:
            found.close()


def write_piece(session: Session, piece: Piece, blocks: Sequence[int]) -> bool:
    """Write rows of a group; with the last of them readers find in it what they found in its blocks.

    Args:
        session: A transaction.
        piece: What was read last.
        blocks: The blocks that it was read from.

    Returns:
        Whether it was of any use; False: the index of a block was forgotten meanwhile.
    """
    row = tuple_(_GROUP.c.field, _GROUP.c.key)
    here = delete(_GROUP).where(_GROUP.c.number == piece.number, row > tuple_(*piece.after))
    # What a worker has left that was killed, or is left of a group whose blocks were made anew.
    session.execute(here if piece.up_to is None else here.where(row <= tuple_(*piece.up_to)))
    insert_rows(session.connection(), _GROUP, ("number", "field", "key", "entries"), piece.rows)
    if members(session, piece.number) != list(blocks):
        return False
    if piece.up_to is None:
        session.execute(update(_BLOCK).where(_BLOCK.c.block.in_(blocks)).values(grouped=1))
    return True


def block_to_clear(session: Session) -> int | None:
    """Return a block that still has rows of its own though it is in a group; None for none."""
    blocks = _each(session, _INDEX.c.block, _LAST_BLOCK)
    return next((block for block in blocks if is_grouped(session, block)), None)


def _each(session: Session, column: ColumnElement[int], last: int) -> Iterator[int]:
    """Yield what occurs in the first column of a key, ascending: a step for each, however many rows have it.

    Args:
        session: Reads the store.
        column: The first of a key.
        last: The highest that an entry can be in; what lies beyond somebody else has written.
    """
    found: int | None = -1
    while True:
        found = session.execute(select(func.min(column)).where(column > found, column <= last)).scalar()
        if not isinstance(found, int):  # a text, which somebody else wrote there, comes behind all numbers
            return
        yield found


def clear_blocks(session: Session, first: int) -> None:
    """Remove the rows that some blocks from one on have of their own, as far as they are in a group."""
    grouped = select(_BLOCK.c.block).where(_BLOCK.c.block.between(first, first + _CLEARED_AT_ONCE - 1))
    session.execute(delete(_INDEX).where(_INDEX.c.block.in_(grouped.where(_BLOCK.c.grouped == 1))))


def is_grouped(session: Session, block: int) -> bool:
    """Say whether the index of a block is in that of its group."""
    query = select(func.count()).where(_BLOCK.c.block == block, _BLOCK.c.grouped == 1)
    return bool(session.execute(query).scalar())


def group_to_clear(session: Session) -> int | None:
    """Return a group that has rows though all its entries are gone; None for none."""
    number = JournalEntry.metadata.tables["journal_entry"].c.sequence_number
    for group in _each(session, _GROUP.c.number, group_of(_LAST_BLOCK)):
        blocks = blocks_of(group)
        here = number.between(first_of(blocks[0]), first_of(blocks[-1] + 1) - 1)
        if session.execute(select(number).where(here).limit(1)).scalar() is None:
            return group
    return None


def clear_group(session: Session, number: int) -> None:
    """Remove some rows of a group; whatever somebody may have written into their keys."""
    columns = _GROUP.c
    rows = select(columns.field, columns.key).where(columns.number == number).order_by(columns.field, columns.key)
    lengths = session.execute(rows.with_only_columns(func.length(columns.entries)).limit(_DELETED_AT_ONCE)).scalars()
    taken = list(accumulate(length or 0 for length in lengths))
    some = rows.limit(max(bisect_right(taken, _DELETED_BYTES), 1))
    here = delete(_GROUP).where(columns.number == number)
    session.execute(here.where(tuple_(columns.field, columns.key).in_(some)))


def sets_in_groups(rows: Iterable[tuple[int, object]], asked: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the block and the packed set of each block that has one in a row; a row that is damaged finds all.

    Args:
        rows: Number of the group, and what is stored there for the sets of its blocks.
        asked: The blocks that are wanted.
    """
    for number, stored in rows:
        first = blocks_of(number)[0]
        try:
            sets = list(unpack_group(stored))
        except ValueError:
            sets = [(place, b"") for place in range(GROUP)]
        yield from ((first + place, each) for place, each in sets if first + place in asked)


class GroupIndex:
    """The index of blocks as it is stored in their groups; remembers the group that was asked for last.

    Args:
        session: Reads the store.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._number = -1
        self._blocks: list[list[Posting]] = []

    def postings(self, block: int) -> list[Posting]:
        """Return the index of a block, in the order of its key; a field or key that is none finds nobody.

        Raises:
            ValueError: Something in the group is nothing of ours.
        """
        number = group_of(block)
        if number != self._number:
            self._number = -1
            self._blocks = []  # both at once would be twice as much
            self._blocks = self._read(number)
            self._number = number
        return self._blocks[block - blocks_of(number)[0]]

    def _read(self, number: int) -> list[list[Posting]]:
        columns = _GROUP.c
        query = select(columns.field, columns.key, columns.entries).where(columns.number == number)
        found: list[list[Posting]] = [[] for _ in range(GROUP)]
        for field, key, entries in _fetched(self._session, query.order_by(columns.field, columns.key), {}):
            known = key if isinstance(key, bytes) else b""
            for place, each in unpack_group(entries):
                found[place].append((field, known, each))
        return found
