"""The journal as it is read: pages of entries in either direction, filtered.

A page is found block by block from the near end on. Where a block has an index, only the entries that it names are
looked at; where it has none, as the one that is being filled, all are. What is found is checked against the whole
filter: the index says where to look, and not what is there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import ColumnElement
from sqlalchemy import select as select_columns
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from console.errors import StoreError
from console.model.journal import HIGHEST_NUMBER, JournalEntry, Receiver
from console.store.generic import WILD
from console.store.imported import imported_page_after, imported_page_before
from console.store.journal_filter import EVERYTHING, JournalFilter, conditions, confirm
from console.store.journal_index import first_after, known_blocks, last_before, matching
from console.store.journal_keys import Clause, clauses
from console.store.journal_postings import block_of, first_of
from console.store.made_usable import NAMES, as_octets, is_usable, shown, text_of
from console.store.postings import ALL, offsets_in

__all__ = [
    "EVERYTHING",
    "JournalFilter",
    "attached_receiver",
    "get_entry",
    "last_number",
    "page_after",
    "page_before",
]

_MOST_BLOCKS = 128
"""Blocks that are asked for at once; the first time it is one, then twice as many each time."""
_MOST_CANDIDATES = 500
"""Entries that are looked up at once (SQLITE_MAX_VARIABLE_NUMBER was 999 once)."""


def page_after(session: Session, number: int, *, limit: int, only: JournalFilter = EVERYTHING) -> list[JournalEntry]:
    """Return the entries after a sequence number, in ascending order; 0 begins at the first."""
    if only.journal:
        return imported_page_after(session, number, limit=limit, only=only)
    search = _search(session, only, low=number + 1, high=None, limit=limit, descending=False)
    with closing(search):  # it may have more to read
        numbers = list(islice(search, limit))
    return _load(session, numbers)


def page_before(
    session: Session, number: int | None, *, limit: int, only: JournalFilter = EVERYTHING
) -> list[JournalEntry]:
    """Return the entries before a sequence number, or the last ones for None; in ascending order too."""
    if only.journal:
        return imported_page_before(session, number, limit=limit, only=only)
    search = _search(session, only, low=1, high=None if number is None else number - 1, limit=limit, descending=True)
    with closing(search):  # it may have more to read
        numbers = list(islice(search, limit))
    return _load(session, numbers)


def get_entry(session: Session, number: int) -> JournalEntry | None:
    """Return one entry by its sequence number."""
    return next(iter(_load(session, [number])), None)


def last_number(session: Session) -> int:
    """Return the sequence number of the newest entry, 0 for none; higher ones than ours can be were planted."""
    return last_before(session, HIGHEST_NUMBER + 1) or 0


_ATTACHED = (
    select(Receiver)
    .where(col(Receiver.detached_at).is_(None))
    .order_by(col(Receiver.first_sequence).desc(), col(Receiver.name))
    .limit(1)
)


def attached_receiver(session: Session) -> Receiver:
    """Return the receiver that takes entries now; the last of them, should somebody have put another beside it.

    Raises:
        StoreError: There is none. The worker attaches one; until then there is nothing to be said of it.
    """
    found = session.exec(_ATTACHED).first()
    if found is None:
        raise StoreError("GWL061F")
    return found


def _load(session: Session, numbers: list[int]) -> list[JournalEntry]:
    """Return entries; what somebody has written over is shown as far as it can be, and says so."""
    number = col(JournalEntry.sequence_number)
    ordered = sorted(numbers)
    found: list[JournalEntry] = []
    for at in range(0, len(ordered), _MOST_CANDIDATES):
        some = ordered[at : at + _MOST_CANDIDATES]
        part: list[JournalEntry] | None
        try:
            part = list(session.exec(select(JournalEntry).where(number.in_(some)).order_by(number)))
        except (DBAPIError, LookupError, TypeError, ValueError):  # SQLAlchemy's types pass errors on
            part = None
        found += _load_damaged(session, some) if part is None or not all(map(is_usable, part)) else part
    return found


def _load_damaged(session: Session, numbers: list[int]) -> list[JournalEntry]:
    columns = JournalEntry.metadata.tables["journal_entry"].c
    query = select_columns(*(as_octets(columns[name]) for name in NAMES))
    query = query.where(columns.sequence_number.in_(numbers)).order_by(columns.sequence_number)
    return [shown(row) for row in session.execute(query)]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Entries to look at: all from `first` to `last`, or of those the ones in a set of a block."""

    first: int
    last: int
    bits: int | None = None


def _search(
    session: Session, only: JournalFilter, *, low: int, high: int | None, limit: int, descending: bool
) -> Generator[int]:
    """Yield the numbers of the entries that a filter shows, from the near end on; so many are wanted."""
    span = _narrowed(session, only, low, high)
    if span is None:
        return
    enough = min(limit, _MOST_CANDIDATES)
    wanted = clauses(only)
    if not wanted and only.from_time is None and only.to_time is None:
        yield from _scan(session, only, _Stretch(*span), at_once=enough, descending=descending)
        return
    candidates: list[int] = []
    for stretch in _stretches(session, only, wanted, span, descending=descending):
        if stretch.bits is None:
            yield from _look_up(session, only, candidates, descending=descending)
            candidates = []
            yield from _scan(session, only, stretch, at_once=enough, descending=descending)
            continue
        # Some for a page at once: looking them up one block after the other would take a query for each.
        for number in _candidates(stretch, descending=descending):
            candidates.append(number)
            if len(candidates) >= enough:
                yield from _look_up(session, only, candidates, descending=descending)
                candidates, enough = [], _MOST_CANDIDATES
    yield from _look_up(session, only, candidates, descending=descending)


def _narrowed(session: Session, only: JournalFilter, low: int, high: int | None) -> tuple[int, int] | None:
    """Return the first and last number that can be shown; None for no number."""
    high = last_number(session) if high is None else high
    low = max(low, only.from_number or 1)
    high = high if only.to_number is None else min(high, only.to_number)
    if only.receiver:
        spans = _receiver_spans(session, only.receiver)
        if not spans:
            return None
        low = max(low, min(first for first, _ in spans))
        high = min(high, max(last for _, last in spans))
    return (low, high) if low <= high else None


def _receiver_spans(session: Session, name: str) -> list[tuple[int, int]]:
    found = session.exec(select(Receiver.name, Receiver.first_sequence, Receiver.last_sequence))
    generic = len(name) > 1 and name.endswith(WILD)
    return [
        (first, last)
        for each, first, last in found
        if (each.startswith(name[:-1]) if generic else each == name) and last >= first
    ]


def _stretches(
    session: Session, only: JournalFilter, wanted: list[Clause], span: tuple[int, int], *, descending: bool
) -> Iterator[_Stretch]:
    """Yield what there is to look at, from the near end on."""
    blocks = range(block_of(span[0]), block_of(span[1]) + 1)
    count = 1
    while blocks := _without_gap(session, blocks, descending=descending):
        part, blocks = (blocks[-count:], blocks[:-count]) if descending else (blocks[:count], blocks[count:])
        found = _part(session, only, wanted, span, part)
        yield from reversed(found) if descending else found
        count = min(2 * count, _MOST_BLOCKS)


def _without_gap(session: Session, blocks: range, *, descending: bool) -> range:
    """Return blocks from the first on that has an entry: somebody may have planted one far off, with none between."""
    if not blocks:
        return blocks
    if descending:
        number = last_before(session, first_of(blocks[-1] + 1))
        return range(blocks[0], block_of(number) + 1 if number else blocks[0])
    number = first_after(session, first_of(blocks[0]) - 1)
    return range(block_of(number) if number else blocks[-1] + 1, blocks[-1] + 1)


def _part(
    session: Session, only: JournalFilter, wanted: list[Clause], span: tuple[int, int], part: range
) -> list[_Stretch]:
    """Return what there is to look at in some blocks, ascending."""
    known = known_blocks(session, part)
    inside = {block: each for block, each in known.items() if _overlap(only, each.first_time, each.last_time)}
    # Where the index knows nothing of the filter but the times, a block is read as one without index.
    sets = matching(session, inside, wanted) if wanted else {}
    found: list[_Stretch] = []
    for block in part:
        first, last = max(first_of(block), span[0]), min(first_of(block + 1) - 1, span[1])
        if block in sets:
            found.append(_Stretch(first, last, sets[block]))
        elif block not in known or (not wanted and block in inside):
            if found and found[-1].bits is None and found[-1].last == first - 1:
                first = found.pop().first
            found.append(_Stretch(first, last))
    return found


def _overlap(only: JournalFilter, earliest: datetime | None, latest: datetime | None) -> bool:
    """Say whether a block has entries in the times of a filter."""
    if earliest is None or latest is None:
        return False
    return (only.from_time is None or latest >= only.from_time) and (only.to_time is None or earliest <= only.to_time)


def _scan(session: Session, only: JournalFilter, stretch: _Stretch, *, at_once: int, descending: bool) -> Iterator[int]:
    """Yield the numbers of the entries that a filter shows, having looked at each."""
    where: list[ColumnElement[bool]] = [col(JournalEntry.sequence_number).between(stretch.first, stretch.last)]
    yield from _confirmed(session, only, where, at_once=at_once, descending=descending)


def _candidates(stretch: _Stretch, *, descending: bool) -> Iterator[int]:
    """Yield the numbers that the index has found in a block, as far as they are in the stretch."""
    base = first_of(block_of(stretch.first))
    low, high = stretch.first - base, stretch.last - base
    bits = (stretch.bits or 0) & ALL >> (ALL.bit_length() - 1 - high)
    return (base + offset for offset in offsets_in(bits >> low << low, descending=descending))


def _look_up(session: Session, only: JournalFilter, numbers: list[int], *, descending: bool) -> Iterator[int]:
    """Yield those of some numbers whose entries a filter shows."""
    if numbers:
        yield from _confirmed(session, only, [col(JournalEntry.sequence_number).in_(numbers)], descending=descending)


def _confirmed(
    session: Session,
    only: JournalFilter,
    where: list[ColumnElement[bool]],
    *,
    at_once: int = _MOST_CANDIDATES,
    descending: bool,
) -> Iterator[int]:
    """Yield the numbers of the entries in some place that a filter shows.

    Args:
        session: Reads the store.
        only: The filter.
        where: The place.
        at_once: Entries of a page. Where SQL says all of the filter, no more are read before anybody asks for them.
        descending: From the last on.
    """
    number = col(JournalEntry.sequence_number)
    check = confirm(only)
    table = JournalEntry.metadata.tables["journal_entry"].c
    names = [table.local_address, table.remote_address, table.qualified_job_name]
    query = select_columns(number, *names).where(*where, *conditions(only))
    query = query.order_by(number.desc() if descending else number)
    fetched = at_once if check is None else _MOST_CANDIDATES
    done: int | None = None
    try:
        with session.execute(query, execution_options={"yield_per": fetched}) as rows:
            for found, *texts in rows:
                done = found
                if check is None or check(*map(text_of, texts)):
                    yield found
    except DBAPIError:  # a text is none; as octets it can be had
        rest = query if done is None else query.where(number < done if descending else number > done)
    else:
        return
    for found, *texts in session.execute(rest.with_only_columns(number, *map(as_octets, names))):
        if check is None or check(*map(text_of, texts)):
            yield found
