"""The index of the journal: for each full block of entries, which of them have which value.

Derived data: a block without index is read entry by entry, the index of a block can be made anew at any time, and the
chain of the journal does not depend on it. Who writes into the store can make it hide entries from readers: `verify`
of the journal compares it with the entries (`console.journal.verify`), and `forget_blocks` has it made anew.

A secondary index for each field would cost an insertion at some place of a large tree for each entry and field, and
could not combine two fields. Here the rows of a block come once, in the order of the key, at the end of the tree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from typing import cast as cast_result

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    CursorResult,
    LargeBinary,
    Select,
    String,
    Table,
    cast,
    delete,
    func,
    insert,
    select,
    type_coerce,
    union_all,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from console.model.journal import HIGHEST_NUMBER, JournalBlock, JournalEntry, JournalGroup, JournalIndex
from console.store.bulk import insert_rows
from console.store.group_postings import group_of
from console.store.journal_groups import GroupIndex, sets_in_groups
from console.store.journal_keys import Clause, Range
from console.store.journal_postings import (
    INDEXED,
    Block,
    Posting,
    block_of,
    column_postings,
    first_of,
    hides,
    postings,
)
from console.store.journal_recent import recent_of
from console.store.picked_ports import of_port
from console.store.postings import ALL, Members, as_int, meet
from console.store.stored_time import stored_moment

_ALWAYS = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
"""For a block in which a time is none: no time that is asked for leaves it out."""

_FORM = 1
"""What `JournalBlock.form` is for an index as it is made here."""


_Times = tuple[datetime, datetime]


class MadeIndex(NamedTuple):
    """The index of a block, not written yet."""

    block: int
    rows: list[Posting]
    times: _Times
    """When the earliest and the latest entry happened."""


def index_block(session: Session, block: int) -> None:
    """Make the index of a block from its entries; one that is there is replaced.

    Args:
        session: A transaction.
        block: All its entries are written.
    """
    write_index(session, make_index(session, block))


def make_index(session: Session, block: int) -> MadeIndex:
    """Make the index of a block from its entries, to be written next.

    Args:
        session: Reads the store; meanwhile others may write.
        block: All its entries are written, and none of them is deleted before the index is written.
    """
    return MadeIndex(block, *(_recent(session, block) or _read(session, block)))


def write_index(session: Session, made: MadeIndex) -> None:
    """Write the index of a block; one that is there is replaced.

    Args:
        session: A transaction.
        made: The index.
    """
    block, made_rows, (earliest, latest) = made
    forget_blocks(session, block, block)
    session.execute(insert(JournalBlock).values(block=block, first_time=earliest, last_time=latest, form=_FORM))
    rows = [(block, *each) for each in made_rows]
    insert_rows(session.connection(), _INDEX, ("block", "field", "key", "entries"), rows)


def _recent(session: Session, block: int) -> tuple[list[Posting], _Times] | None:
    """Return the index of a block whose entries are in memory still, and when the earliest and the latest happened."""
    recent = recent_of(session)
    found = recent.entries(session, block)
    if found is None:
        return None
    recent.forget(block)
    return column_postings(found.columns), (found.earliest, found.latest)


def _read(session: Session, block: int) -> tuple[list[Posting], _Times]:
    """Return the same of a block whose entries are in the store."""
    first, last = first_of(block), first_of(block + 1) - 1
    columns = JournalEntry.metadata.tables["journal_entry"].c
    here = columns.sequence_number.between(first, last)
    query = select(*(columns[name] for name in INDEXED)).where(here).order_by(columns.sequence_number)
    try:
        rows: Sequence[Sequence[Any]] = session.execute(query).fetchall()
    except DBAPIError:  # a text is none; as octets it can be had
        found = session.execute(query.with_only_columns(*(_as_octets(columns[name]) for name in INDEXED)))
        rows = [[each.decode("utf-8", "replace") if isinstance(each, bytes) else each for each in row] for row in found]
    try:
        earliest, latest = session.execute(
            select(func.min(columns.entry_timestamp), func.max(columns.entry_timestamp)).where(here)
        ).one()
    except (DBAPIError, ValueError, TypeError):
        earliest, latest = _ALWAYS
    return postings(rows), (earliest, latest)


def _as_octets(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(column, LargeBinary) if column.type.python_type is not int else column


_INDEX = JournalIndex.metadata.tables["journal_index"]
_GROUP = JournalGroup.metadata.tables["journal_group"]
_BLOCK = JournalBlock.metadata.tables["journal_block"]


def forget_blocks(session: Session, first: int, last: int, *, keep_row: bool = False) -> None:
    """Remove the index of some blocks.

    Args:
        session: A transaction.
        first: The first of the blocks.
        last: The last.
        keep_row: Say that they have no entries; otherwise the worker makes their index anew.
    """
    if first > last:
        return
    # By tables and not by classes: SQLAlchemy would first read the keys of what is to go, which need not be readable.
    session.execute(delete(_INDEX).where(_INDEX.c.block.between(first, last)))
    within = _BLOCK.c.block.between(first, last)
    if keep_row:
        session.execute(update(_BLOCK).where(within).values(first_time=None, last_time=None))
    else:
        session.execute(delete(_BLOCK).where(within))


def missing_block(session: Session, below: int) -> int | None:
    """Return the last full block that has no index yet; None when all have.

    Args:
        session: Reads the store.
        below: Block of the entry that comes next.
    """
    number = _BLOCK.c.block
    known = session.execute(select(func.count()).where(number < below)).scalar_one()
    if known >= below:
        return None
    found = set(session.execute(select(number).where(number < below)).scalars())
    expected = below - 1
    while expected >= 0:
        if expected in found:
            expected -= 1
            continue
        nearest = last_before(session, first_of(expected + 1))
        if nearest is None or block_of(nearest) == expected:
            return None if nearest is None else expected
        expected = block_of(nearest)  # whoever planted an entry far off has not filled the blocks between
    return None


def older_block(session: Session, below: int) -> int | None:
    """Return the last block before one whose index an older Greenwall has made; None when there is none.

    Readers find the same in it, but they look at more entries for a port that the system picked.
    """
    query = select(_BLOCK.c.block).where(_BLOCK.c.block < below, _BLOCK.c.form != _FORM)
    found: int | None = session.execute(query.order_by(_BLOCK.c.block.desc()).limit(1)).scalar()
    return found


def first_after(session: Session, number: int) -> int | None:
    """Return the number of the first entry after one; None for none."""
    return _nearest(session, max(number + 1, 1), HIGHEST_NUMBER, _NUMBER)


def last_before(session: Session, number: int) -> int | None:
    """Return the number of the last entry before one; None for none."""
    return _nearest(session, 1, min(number - 1, HIGHEST_NUMBER), _NUMBER.desc())


def _nearest(session: Session, low: int, high: int, order: ColumnElement[Any]) -> int | None:
    # One bound at each end: of two SQLite would take whichever comes last, and walk from there to the other.
    query = select(_NUMBER).where(low <= _NUMBER, high >= _NUMBER).order_by(order).limit(1)
    found: int | None = session.execute(query).scalar()
    return found


_NUMBER = JournalEntry.metadata.tables["journal_entry"].c.sequence_number


class KnownBlock(NamedTuple):
    """What is known of a block that has an index."""

    first_time: datetime | None
    """Time of its earliest entry; None: it has none any more."""
    last_time: datetime | None
    grouped: bool
    """Whether its index is in that of its group."""


def known_blocks(session: Session, blocks: Collection[int]) -> dict[int, KnownBlock]:
    """Return the blocks that have an index.

    For a time that is none, as only somebody who wrote there himself can make one, comes one that leaves nothing out.
    """
    columns = JournalBlock.metadata.tables["journal_block"].c
    times = [type_coerce(columns.first_time, String), type_coerce(columns.last_time, String)]
    grouped = columns.grouped == 1  # whatever else may have been written there
    query = select(columns.block, *times, grouped).where(columns.block.in_(blocks))
    try:
        found = session.execute(query).all()
    except DBAPIError:
        found = session.execute(
            query.with_only_columns(columns.block, *(cast(each, LargeBinary) for each in times), grouped)
        ).all()
    return {
        block: KnownBlock(_time(earliest, _ALWAYS[0]), _time(latest, _ALWAYS[1]), bool(together))
        for block, earliest, latest, together in found
    }


def _time(found: object, instead: datetime) -> datetime | None:
    if found is None:
        return None
    try:
        return stored_moment(found.decode() if isinstance(found, bytes) else found)
    except ValueError:
        return instead


def matching(
    session: Session, known: Mapping[int, KnownBlock], wanted: Sequence[Clause], *, whole_blocks: bool = False
) -> dict[int, int]:
    """Return the entries that may satisfy all clauses, as a set a block; blocks without any are left out.

    Args:
        session: Reads the store.
        known: Blocks that have an index.
        wanted: Of a filter.
        whole_blocks: Whether all entries of a block will be looked at and not those of the set: then no set is too long
            to be read for leaving a block out.
    """
    alive: dict[int, Members] = dict.fromkeys(known, ALL)
    exact = [clause for clause in wanted if _is_exact(clause)]
    for clause, pages in _shortest_first(session, known, exact):
        left = [block for block, members in alive.items() if members]
        _meet(session, known, alive, clause, left if whole_blocks else _worth_reading(known, alive, pages))
    few = 0 if whole_blocks else _FEW
    for clause in wanted:
        if clause not in exact:
            _meet(session, known, alive, clause, [block for block, members in alive.items() if _count(members) > few])
    return {block: bits for block, members in alive.items() if (bits := as_int(members))}


def _meet(
    session: Session, known: Mapping[int, KnownBlock], alive: dict[int, Members], clause: Clause, asked: list[int]
) -> None:
    """Leave those alive in some blocks that a clause finds there."""
    found = _stored(session, known, asked, clause)
    for block in asked:
        alive[block] = meet(alive[block], [found.get(block, [])])


_Home = tuple[bool, int]
"""Whether it is a group, and the number of the group or block that has the sets of a block."""


def _home_of(known: Mapping[int, KnownBlock], block: int) -> _Home:
    return (True, group_of(block)) if known[block].grouped else (False, block)


def _shortest_first(
    session: Session, known: Mapping[int, KnownBlock], wanted: Sequence[Clause]
) -> list[tuple[Clause, dict[_Home, int]]]:
    """Return clauses in the order in which they are best asked, and how many pages their sets have where.

    With one clause there is nothing to be put into order. With more, rows are looked up twice, but the long sets of
    what most entries have are not read where few entries are left.
    """
    if len(wanted) < 2:
        return [(clause, {}) for clause in wanted]
    measured = [(clause, _pages(session, known, clause)) for clause in wanted]
    return sorted(measured, key=lambda each: sum(each[1].values()))


def _pages(session: Session, known: Mapping[int, KnownBlock], clause: Clause) -> dict[_Home, int]:
    found: dict[_Home, int] = {}
    together = [block for block, each in known.items() if each.grouped]
    alone = [block for block in known if not known[block].grouped]
    for grouped, asked, query in ((False, alone, _query), (True, together, _group_query)):
        if asked:
            for number, length in session.execute(query(asked, clause, lengths=True)):
                found[grouped, number] = found.get((grouped, number), 0) + (length or 0) // _PAGE_BYTES
    return found


def _worth_reading(
    known: Mapping[int, KnownBlock], alive: Mapping[int, Members], pages: Mapping[_Home, int]
) -> list[int]:
    """Return the blocks where to look at all entries that are left takes more pages than to read the sets."""
    left: defaultdict[_Home, int] = defaultdict(int)
    for block, members in alive.items():
        left[_home_of(known, block)] += _count(members)
    homes = ((block, _home_of(known, block)) for block in alive)
    return [block for block, home in homes if _PAGES_OF_ENTRY * left[home] > pages.get(home, 0)]


def _stored(
    session: Session, known: Mapping[int, KnownBlock], blocks: Collection[int], clause: Clause
) -> dict[int, list[bytes]]:
    """Return the stored sets of a clause for each of some blocks that has any; all where they are unreadable."""
    found: defaultdict[int, list[bytes]] = defaultdict(list)
    together = {block for block in blocks if known[block].grouped}
    alone = [block for block in blocks if block not in together]
    for asked, query in ((alone, _query), (together, _group_query)):
        if not asked:
            continue
        try:
            rows = session.execute(query(asked, clause)).all()
        except DBAPIError:  # a text is none: it says nothing of who is in it
            found.update((block, [b""]) for block in asked)
            continue
        for block, entries in rows if query is _query else sets_in_groups(rows, together):
            found[block].append(entries)
    octet = next((span.octet for span in clause if span.octet is not None), None)
    return found if octet is None else {block: list(of_port(sets, octet)) for block, sets in found.items()}


def _count(members: Members) -> int:
    return members.bit_count() if isinstance(members, int) else len(members)


_PAGE_BYTES = 4096
"""Of SQLite."""
_PAGES_OF_ENTRY = 2
"""Read for each entry that is looked at: its own, and the one that leads there."""
_FEW = 4
"""Entries left in a block that are looked up sooner than a range of keys is read."""


def _is_exact(clause: Clause) -> bool:
    return all(span.low == span.high for span in clause)


_Sets = Select[int, Any] | CompoundSelect[int, Any]


def _query(blocks: Collection[int], clause: Clause, *, lengths: bool = False) -> _Sets:
    """Return the query for the sets of a clause: a part for each range, as SQLite would read whole blocks for an OR."""
    return _ranges(_INDEX.c.block, _INDEX, blocks, clause, lengths=lengths)


def _group_query(blocks: Collection[int], clause: Clause, *, lengths: bool = False) -> _Sets:
    """Return the query for the sets of a clause of all blocks of the groups that some are in."""
    return _ranges(_GROUP.c.number, _GROUP, sorted(set(map(group_of, blocks))), clause, lengths=lengths)


def _ranges(
    number: ColumnElement[int], table: Table, numbers: Collection[int], clause: Clause, *, lengths: bool
) -> _Sets:
    """Return the query for sets, or for their lengths only: SQLite has these without reading the sets."""
    entries = func.length(table.c.entries) if lengths else table.c.entries
    parts: list[Select[int, Any]] = [
        select(number, entries).where(number.in_(numbers), table.c.field == int(span.field), _within(table.c.key, span))
        for span in clause
    ]
    return parts[0] if len(parts) == 1 else union_all(*parts)


def _within(key: ColumnElement[bytes], span: Range) -> ColumnElement[bool]:
    return key == span.low if span.low == span.high else key.between(span.low, span.high)


def stored_postings(session: Session, block: int) -> Iterator[Posting]:
    """Yield the index of a block as it is stored, in the order of its key; a field or key that is none finds nobody.

    Raises:
        ValueError: A text in it is none.
    """
    columns = _INDEX.c
    chosen = [columns.field, columns.key, columns.entries]
    query = select(*chosen).where(columns.block == block).order_by(columns.field, columns.key)
    driver = session.connection().dialect.loaded_dbapi
    found = None
    try:
        found = cast_result(CursorResult[Any], session.execute(query))
        rows = found.cursor.fetchall()  # as the driver gives them: SQLAlchemy makes each row anew
    except (DBAPIError, driver.Error) as error:
        # As octets anything can be had; if these cannot be, then the store is what cannot be read.
        session.execute(query.with_only_columns(*(cast(each, LargeBinary) for each in chosen))).all()
        raise ValueError(f"the index of block {block} holds a text that is none") from error
    finally:
        if found is not None:
            found.close()
    for field, key, entries in rows:
        yield field, key if isinstance(key, bytes) else b"", entries


def hidden_by_index(
    session: Session, groups: GroupIndex, block: int, entries: Block, times: tuple[object, object]
) -> bool:
    """Say whether the index of a block does not know some of its entries; a block without index hides none.

    Args:
        session: Reads the store.
        groups: Reads the same.
        block: The block.
        entries: All of them.
        times: When the earliest and the latest happened, as they are stored.
    """
    known_at = JournalBlock.metadata.tables["journal_block"].c
    times_of = (type_coerce(each, String) for each in (known_at.first_time, known_at.last_time))
    query = select(known_at.grouped == 1, *times_of).where(known_at.block == block)
    try:
        row = session.execute(query).one_or_none()
    except DBAPIError:  # a time is no text
        return True
    if row is None:
        return False
    together, *known = row
    try:
        (earliest, latest), (first, last) = map(stored_moment, known), map(stored_moment, times)
    except ValueError:  # readers leave nothing out for it, but nothing of ours has written it
        return True
    if earliest > first or latest < last:
        return True
    try:
        stored = groups.postings(block) if together else list(stored_postings(session, block))
    except ValueError:
        return True
    return hides(stored, entries.postings())
