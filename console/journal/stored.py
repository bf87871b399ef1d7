"""The journal as it is stored, whatever somebody has put into its rows: values, and no rows of the model.

SQLAlchemy would keep every entry it has ever read and take twice as long; and a time that is none would end the read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import add
from typing import Any, NamedTuple, cast

from sqlalchemy import Column, ColumnElement, CursorResult, Integer, LargeBinary, String, select, type_coerce
from sqlalchemy import cast as cast_to
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from console.errors import JournalError
from console.journal.chain import FIELDS, microseconds
from console.journal.seal import ReceiverForm
from console.model.journal import JournalEntry, Receiver
from console.store.journal_postings import block_of, first_of
from console.store.stored_time import stored_moment

_PAGE = 400
"""Entries that are looked at while they still are in the cache of the processor."""
_POINT, _BEHIND = 19, 20
_TEXT_LENGTH = 26
"""Of ``2026-03-01 12:00:00.123456``, and the places of its point and of what is behind it."""
_MOST_SECONDS = 1024
_MOMENTS = ("attached_at", "detached_at", "saved_at", "deleted_at")


class StoredReceiver(NamedTuple):
    """What one receiver says of itself, as it was found."""

    form: ReceiverForm
    """With None for a time that is none."""
    signature: str


ORDER = (
    "name", "attached_at", "detached_at", "first_sequence", "last_sequence", "before_hash", "last_hash", "size_bytes",
    "checkpoints", "saved_at", "deleted_at", "purged", "signature",
)  # fmt: skip
"""The columns of a receiver in the order of `ReceiverForm`, and its signature."""
NUMBERS = frozenset({"first_sequence", "last_sequence", "size_bytes", "checkpoints", "purged"})
"""Those of them that are numbers."""


def raw_receivers(session: Session) -> list[tuple[Any, ...]]:
    """Return the rows of the receivers as they are stored, oldest first: the columns of `ORDER`."""
    columns = Receiver.metadata.tables["receiver"].c
    chosen: list[ColumnElement[Any]] = [_raw(name, columns[name]) for name in ORDER]
    query = select(*chosen).order_by(columns.first_sequence, columns.name)
    try:
        return [tuple(row) for row in session.execute(query)]
    except DBAPIError:  # a text is none; as octets it can be had
        found = session.execute(query.with_only_columns(*(cast_to(each, LargeBinary) for each in chosen)))
        return [tuple(map(_text_of, ORDER, row)) for row in found]


def _text_of(name: str, octets: object) -> object:
    """Return what octets say; themselves if they are no text."""
    if not isinstance(octets, bytes):
        return octets
    try:
        text = octets.decode("ascii")
    except ValueError:
        return octets
    return int(text) if name in NUMBERS and re.fullmatch(r"-?\d{1,19}", text) else text


def stored_receivers(session: Session) -> list[StoredReceiver]:
    """Return the receivers, oldest first; of those only whose numbers are numbers."""
    found = []
    for values in raw_receivers(session):
        *signed, signature = (_value(name, each) for name, each in zip(ORDER, values, strict=True))
        form = ReceiverForm._make(signed)
        if isinstance(form.first_sequence, int) and isinstance(form.last_sequence, int):
            found.append(StoredReceiver(form, signature))
    return found


def _raw(name: str, column: Column[Any]) -> ColumnElement[Any]:
    """Return a column as it is stored, whatever is in it."""
    if name in _MOMENTS:
        return type_coerce(column, String)
    return type_coerce(column, Integer) if name == "purged" else column


def _value(name: str, found: Any) -> Any:  # noqa: ANN401 - a column may hold anything
    if name in _MOMENTS:
        return us_or_none(found)
    return int(found) if isinstance(found, bool) else found


def _us(found: object) -> int:
    """Return a time as it is stored, in microseconds since 1970.

    Raises:
        ValueError: It is no time.
    """
    return microseconds(stored_moment(found))


def us_or_none(found: object) -> int | None:
    """Return a time as it is stored, in microseconds since 1970; 0 for none, None for what is no time."""
    if found is None:
        return 0
    try:
        return _us(found)
    except ValueError:
        return None


def first_entry(session: Session, above: int, upto: int | None) -> int | None:
    """Return the first number there is after one, and not after another."""
    number = JournalEntry.metadata.tables["journal_entry"].c.sequence_number
    query = select(number).where(number > above).order_by(number).limit(1)
    found: int | None = session.execute(query if upto is None else query.where(number <= upto)).scalar()
    return found


_COLUMNS = (*FIELDS, "chain_hash")


def pages(session: Session, first: int, last: int) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield the values of entries, some at a time: those of `FIELDS`, then the hash. No page is of two blocks.

    Values and not rows of the model: SQLAlchemy would keep every entry it has ever read, and take twice as long. From
    the driver's cursor, as its tuples need no work. Times as text: what somebody wrote there need not be a time.

    Raises:
        DBAPIError: The entry after the last one yielded cannot be read.
    """
    columns = JournalEntry.metadata.tables["journal_entry"].c
    number, moment, *rest = (columns[name] for name in _COLUMNS)
    query = select(number, type_coerce(moment, String), *rest).order_by(number)
    after = first - 1
    errors = session.connection().dialect.loaded_dbapi.Error
    while after < last:
        upto = min(last, first_of(block_of(after + 1) + 1) - 1)
        found = cast(CursorResult[Any], session.execute(query.where(number > after, number <= upto)))
        try:
            while page := found.cursor.fetchmany(_PAGE):
                after = page[-1][0]
                yield page
        except errors:
            break
        finally:
            found.close()
        if after < upto:  # nobody has filled the rest of the block, and perhaps none for long
            beyond = first_entry(session, after, last)
            after = last if beyond is None else beyond - 1
    # A text in the page is no text. One by one, all but that entry can be read.
    while after < last and (one := session.execute(query.where(number > after, number <= last).limit(1)).one_or_none()):
        after = one[0]
        yield [tuple(one)]


def read_entries(session: Session, first: int, last: int) -> Iterator[list[Any]]:
    """Yield the values of entries as they are hashed, and the hash of each at its end.

    Raises:
        JournalError: One is not what was written.
    """
    for entry in chain.from_iterable(pages(session, first, last)):
        try:
            yield [entry[0], _us(entry[1]), *entry[2:]]
        except ValueError as error:
            raise JournalError("GWL0603", bad_entry=entry[0], entries=entry[0] - first) from error


def moment_us(text: object) -> int:
    """Return what `_us` does, faster for the form in which SQLite's times are stored: the second is mostly the last's.

    Raises:
        ValueError: It is no time.
    """
    if isinstance(text, str) and len(text) == _TEXT_LENGTH and text[_POINT] == "." and _is_number(text[_BEHIND:]):
        return _SECONDS[text[:_POINT]] + int(text[_BEHIND:])
    return _us(text)


def moments_us(texts: Sequence[Any]) -> list[int]:
    """Return what `moment_us` does for each of some times, with next to no work for each.

    Raises:
        ValueError: One is none.
    """
    if set(map(type, texts)) != {str} or set(map(len, texts)) != {_TEXT_LENGTH}:
        return [moment_us(text) for text in texts]
    behind = [text[_BEHIND:] for text in texts]
    if not _is_number("".join(behind)) or {text[_POINT] for text in texts} != {"."}:
        return [moment_us(text) for text in texts]
    seconds = map(_SECONDS.__getitem__, [text[:_POINT] for text in texts])
    return list(map(add, seconds, map(int, behind)))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()  # other digits than these, too, Python would take for a number


class _Seconds(dict[str, int]):
    """Knows the seconds that were asked for lately."""

    def __missing__(self, text: str) -> int:
        if len(self) >= _MOST_SECONDS:
            self.clear()
        found = self[text] = _us(f"{text}.000000")
        return found


_SECONDS = _Seconds()
