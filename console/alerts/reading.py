"""Reads the journal for alerts: by position, in bounded batches, and no more of it than their conditions can be about.

What the database can tell for sure from numbers and words it is asked to leave out; the conditions decide on the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, LargeBinary, String, and_, cast, or_, true, type_coerce
from sqlalchemy import select as select_columns
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from console.alerts.conditions import Condition, Term
from console.alerts.entry_fields import KINDS, Kind, Row
from console.journal.chain import FIELDS
from console.model.journal import JournalEntry
from console.store.journal import last_number
from console.store.journal_index import first_after
from console.store.made_usable import NUMBERS, time_of, usable

SPAN = 20_000
"""Entries that a step goes on at most."""
BATCH = 1_000
"""Entries of them that it looks at at most."""
_TABLE = JournalEntry.metadata.tables["journal_entry"]
_TIME = "entry_timestamp"
_COLUMNS = [type_coerce(_TABLE.c[name], String) if name == _TIME else _TABLE.c[name] for name in FIELDS]
_AS_OCTETS = [
    column if name in NUMBERS else cast(column, LargeBinary) for name, column in zip(FIELDS, _COLUMNS, strict=True)
]
"""Texts that are none, as only somebody who wrote into the store himself can make them, can be had so."""
_EXACT_WORDS = frozenset({"entry_type", "sk_type", "outcome", "exit_point"})
"""Fields whose values are of ours alone, in upper case."""


class Batch(NamedTuple):
    """Some entries."""

    rows: Sequence[Row]
    """Those that may be of interest, in ascending order."""
    up_to: int
    """Every entry up to this number was looked at, those left out among them."""
    is_last: bool
    """Whether the journal ended there."""


def read_batch(session: Session, after: int, wanted: ColumnElement[bool], last: int | None = None) -> Batch:
    """Read entries after a sequence number.

    Args:
        session: A session.
        after: The number.
        wanted: As `prefilter` made it.
        last: The highest number to read; the journal's end for None.
    """
    number = _TABLE.c.sequence_number
    end = last_number(session)
    end = end if last is None else min(end, last)
    first = first_after(session, after)  # somebody may have planted an entry far off
    up_to = min(end, SPAN + (after if first is None else first - 1))
    if up_to <= after:
        return Batch((), after, is_last=True)
    query = select_columns(*_COLUMNS).where(number > after, number <= up_to, wanted).order_by(number).limit(BATCH)
    try:
        found = session.execute(query).all()
    except DBAPIError:
        found = session.execute(query.with_only_columns(*_AS_OCTETS)).all()
    rows = list(usable(found))
    if len(rows) == BATCH:
        up_to = rows[-1][0]
    return Batch(rows, up_to, is_last=up_to >= end)


def first_since(session: Session, moment: datetime, up_to: int) -> int:
    """Return the number of the first entry, of those up to a number, that is not older than a moment.

    Entries are nearly in the order of their times; those that came late may be missed by the search.
    """
    low, high = 1, up_to + 1
    while low < high:
        middle = (low + high) // 2
        number = _TABLE.c.sequence_number
        query = select_columns(type_coerce(_TABLE.c.entry_timestamp, String)).where(number >= middle)
        try:
            found = session.execute(query.order_by(number).limit(1)).scalar()
        except DBAPIError:
            found = ""  # as for any other time that is none
        if found is not None and time_of(found) < moment:
            low = middle + 1
        else:
            high = middle
    return low


def prefilter(conditions: Sequence[Condition]) -> ColumnElement[bool]:
    """Return what entries must be like for one of the conditions to be met; others may be like that, too."""
    if not conditions:
        return true()
    return or_(*(and_(true(), *filter_terms(condition.terms)) for condition in conditions))


def filter_terms(terms: Sequence[Term]) -> list[ColumnElement[bool]]:
    """Return what the database can be asked of some terms without answering otherwise than they do."""
    found: list[ColumnElement[bool]] = []
    for term in terms:
        if term.field in _EXACT_WORDS and term.operator in ("=", "IN"):
            values = [value.upper() for value in term.values]
            if all(value.isascii() and not (len(value) > 1 and value.endswith("*")) for value in values):
                found.append(_TABLE.c[term.field].in_(values))
        elif KINDS[term.field] is Kind.NUMBER and term.field in _TABLE.c and term.operator in ("=", "IN"):
            numbers = [int(value) for value in term.values]
            if max(numbers) < 2**63:
                found.append(_TABLE.c[term.field].in_(numbers))
    return found
