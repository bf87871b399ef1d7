"""Walks the chain of the journal and names the first entry that is not what was written.

Finds entries that were changed, removed, inserted or moved, receivers' rows and checkpoints likewise, and a chain that
was computed anew by somebody without the key. What it cannot find is a store that was put back whole to what it was
after the last checkpoint that the file beside the store tells of: at most a minute of activity.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple, NoReturn, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Column, ColumnElement, CursorResult, Integer, Result, Row, String, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from console.errors import JournalError
from console.journal.chain import FIELDS, canonical, link
from console.journal.index_check import IndexCheck
from console.journal.seal import CheckpointForm, ReceiverForm, is_signed
from console.journal.signer import load_public_key, read_head
from console.model.journal import GENESIS_HASH, Checkpoint, JournalEntry, Receiver
from console.store.journal_index import first_of
from console.store.session import location_of

WHOLE = "GWL0601"
"""Id of the message that everything is as it was written."""

_PAGE = 1000
_POINT = 19
_TEXT_LENGTH = 26
"""Of ``2026-03-01 12:00:00.123456``, and the place of its point."""
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - times are stored without zone, in UTC
_MICROSECOND = timedelta(microseconds=1)
_MOMENTS = ("attached_at", "detached_at", "saved_at", "deleted_at", "made_at")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk along the chain has found."""

    entries: int
    """How many entries are good, from the first on."""
    bad_entry: int | None = None
    """Sequence number at which the journal is first not what was written; None: all of it is."""
    message_id: str = WHOLE
    """Says what is wrong there, or that nothing is."""
    detail: tuple[tuple[str, object], ...] = ()
    """Further values of that message."""
    hidden: tuple[int, ...] = ()
    """Blocks whose index hides entries from readers; the entries themselves are good."""

    def values(self) -> dict[str, object]:
        """Return the values of the message."""
        return {"entries": self.entries, "bad_entry": self.bad_entry, **dict(self.detail)}


class _FoundError(Exception):
    """The walk is at its end: this is the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def verify(session: Session, *, index: bool = True) -> Verdict:
    """Check every entry against its hash, its neighbour, its receiver and the signatures.

    Args:
        session: An open session; it sees one state of the store from beginning to end.
        index: Whether to check as well that the index hides no entry from readers.

    Raises:
        StoreError: The key of the journal, or the store, cannot be read.
    """
    location = location_of(session)
    key = load_public_key(location)
    try:
        receivers = _receivers(session)
    except DBAPIError:
        receivers = []
    if not receivers:
        return Verdict(0, 1, "GWL0605")
    if key is None:
        if _is_new(session, receivers):
            return Verdict(0)
        return Verdict(0, 1, "GWL0610", (("path", location.journal_key),))
    if _is_new(session, receivers) and read_head(location) is None:
        return Verdict(0)
    check = IndexCheck(session) if index else None
    try:
        entries = _Walk(session, key, check).whole(receivers, read_head(location), str(location.journal_head))
    except _FoundError as found:
        return found.verdict
    hidden = check.finish() if check else []
    return _hidden(entries, hidden) if hidden else Verdict(entries)


def _is_new(session: Session, receivers: list[_Row]) -> bool:
    """Say whether nothing was ever written to a journal, and so nothing signed."""
    only = receivers[-1]
    return only.last_sequence == 0 and not only.signature and _first_entry(session, -(2**63), None) is None


def _hidden(entries: int, blocks: list[int]) -> Verdict:
    """Return what is to be said of a journal that is good but for its index."""
    first = blocks[0]
    detail = (("block", first), ("first", first_of(first)), ("last", first_of(first + 1) - 1))
    return Verdict(entries, None, "GWL0611", detail, tuple(blocks))


class _Row(NamedTuple):
    """What one receiver says of itself, as it was found; times in microseconds, None where there is no time."""

    name: str
    attached_us: int
    detached_us: int
    first_sequence: int
    last_sequence: int
    before_hash: str
    last_hash: str
    size_bytes: int
    checkpoints: int
    saved_us: int
    deleted_us: int
    purged: int
    signature: str


def _receivers(session: Session) -> list[_Row]:
    """Return the receivers, oldest first; of those only whose numbers are numbers."""
    columns = Receiver.metadata.tables["receiver"].c
    order = ("name", "attached_at", "detached_at", "first_sequence", "last_sequence", "before_hash", "last_hash",
             "size_bytes", "checkpoints", "saved_at", "deleted_at", "purged", "signature")  # fmt: skip
    chosen: list[ColumnElement[Any]] = [_raw(name, columns[name]) for name in order]
    found = []
    for values in session.execute(select(*chosen).order_by(columns.first_sequence, columns.name)):
        row = _Row._make(_value(name, each) for name, each in zip(order, values, strict=True))
        if isinstance(row.first_sequence, int) and isinstance(row.last_sequence, int):
            found.append(row)
    return found


def _raw(name: str, column: Column[Any]) -> ColumnElement[Any]:
    """Return a column as it is stored, whatever is in it."""
    if name in _MOMENTS:
        return type_coerce(column, String)
    return type_coerce(column, Integer) if name == "purged" else column


def _value(name: str, found: Any) -> Any:  # noqa: ANN401 - a column may hold anything
    if name in _MOMENTS:
        return _us_or_none(found)
    return int(found) if isinstance(found, bool) else found


def _us(text: str | datetime) -> int:
    """Return a time as it is stored, in microseconds since 1970.

    Raises:
        ValueError, TypeError: It is no time.
    """
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    since = moment - _NAIVE_EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def _us_or_none(text: str | datetime | None) -> int | None:
    if text is None:
        return 0
    try:
        return _us(text)
    except (ValueError, TypeError):
        return None


def _first_entry(session: Session, above: int, upto: int | None) -> int | None:
    """Return the first number there is after one, and not after another."""
    number = JournalEntry.metadata.tables["journal_entry"].c.sequence_number
    query = select(number).where(number > above).order_by(number).limit(1)
    found: int | None = session.execute(query if upto is None else query.where(number <= upto)).scalar()
    return found


class _Walk:
    """The state of a walk: which entry comes next, the hash before it, and up to where signatures vouch."""

    def __init__(self, session: Session, key: Ed25519PublicKey, check: IndexCheck | None) -> None:
        self._session = session
        self._key = key
        self._check = check
        self._expected = 1
        self._digest = bytes.fromhex(GENESIS_HASH)
        self._good = 0
        self._vouched = 0
        self._checkpoints = self._read_checkpoints()
        self._next = next(self._checkpoints, None)
        self._passed = 0
        self._head: tuple[int, int, str] | None = None
        self._head_path = ""

    def whole(self, receivers: list[_Row], head: tuple[int, int, str] | None, head_path: str) -> int:
        """Walk from the first entry to the last; return how many are good."""
        self._head, self._head_path = head, head_path
        stray = _first_entry(self._session, -(2**63), 0)
        if stray is not None:
            self._stop(1, "GWL0603")
        for place, receiver in enumerate(receivers):
            self._receiver(receiver, is_last=place == len(receivers) - 1)
        stray = _first_entry(self._session, self._expected - 1, None)
        if stray is not None:
            self._stop(self._expected, "GWL0604")
        self._end(receivers[-1])
        return self._good

    def _receiver(self, row: _Row, *, is_last: bool) -> None:
        form = ReceiverForm(*row[:-1])
        signed = None not in form and is_signed(self._key, form, row.signature)
        if signed and row.deleted_us:
            self._hole(row)
        self._entries(row)
        # What the entries themselves show is said first: it names the very entry.
        tiles = row.first_sequence <= row.last_sequence + 1 and self._expected == row.last_sequence + 1
        detached = bool(row.detached_us) != is_last
        if not (signed and tiles and detached and row.last_hash == self._digest.hex()):
            self._stop(self._vouched + 1, "GWL0607", receiver=row.name)
        self._vouched = row.last_sequence

    def _hole(self, row: _Row) -> None:
        """Go to the first entry of a deleted receiver that is still there, or behind its last."""
        there = _first_entry(self._session, row.first_sequence - 1, row.last_sequence)
        if row.first_sequence != self._expected or row.before_hash != self._digest.hex():
            self._stop(self._vouched + 1, "GWL0607", receiver=row.name)
        if there is not None and row.purged:
            self._stop(there, "GWL0603")
        # The hash before the first that is left is nowhere; that entry is about to go, and those after it are checked.
        after = row.last_sequence if there is None else there
        number = JournalEntry.metadata.tables["journal_entry"].c
        query = select(number.chain_hash).where(number.sequence_number == after)
        found = row.last_hash if there is None else self._session.execute(query).scalar()
        try:
            self._digest = bytes.fromhex(str(found))
        except ValueError:
            self._stop(after, "GWL0603")
        self._expected = after + 1
        while self._next is not None and self._next[0].sequence_number <= after:
            self._checkpoint(self._next, None)

    def _entries(self, row: _Row) -> None:
        """Walk along the entries of a receiver."""
        name, good = row.name, self._good
        expected, digest = self._expected, self._digest
        mark = self._mark()
        for page in self._readable(expected, row.last_sequence):
            for entry in page:
                number = entry[0]
                fault = _place_fault(entry, expected, name) if number != expected or entry[2] != name else ""
                link_hash = None if fault else _hash_of(digest, entry)
                if link_hash is None or link_hash != entry[-1]:
                    self._good = good
                    self._stop(expected, fault or "GWL0603")
                digest = bytes.fromhex(link_hash)
                expected += 1
                good += 1
                if number >= mark:
                    self._good = good
                    self._pass_checkpoints(number, link_hash)
                    mark = self._mark()
            if self._check is not None:
                self._check.extend(page)
        self._expected, self._digest, self._good = expected, digest, good
        if expected <= row.last_sequence:
            self._stop(expected, "GWL0602")

    def _readable(self, first: int, last: int) -> Iterator[Sequence[Sequence[Any]]]:
        """Yield entries, some at a time; one that cannot be read is not what was written."""
        number = first - 1
        try:
            for page in _pages(self._session, first, last):
                number = page[-1][0]
                yield page
        except DBAPIError:
            self._good += number - first + 1
            self._stop(number + 1, "GWL0603")

    def _mark(self) -> int:
        return 2**63 if self._next is None else self._next[0].sequence_number

    def _pass_checkpoints(self, number: int, digest: str) -> None:
        while self._next is not None and self._next[0].sequence_number <= number:
            if self._next[0].sequence_number < number:
                self._bad_checkpoint()
            self._checkpoint(self._next, digest)
        self._vouched = number

    def _checkpoint(self, found: tuple[CheckpointForm, object], digest: str | None) -> None:
        """Check the next checkpoint, and against the hash of its entry where that is there."""
        form, signature = found
        in_order = form.number == self._passed + 1
        if not (in_order and is_signed(self._key, form, signature) and digest in (None, form.chain_hash)):
            self._bad_checkpoint()
        if self._head is not None and form.number == self._head[0] and form[1:3] != self._head[1:]:
            self._stop(self._vouched + 1, "GWL0609", path=self._head_path)
        self._passed += 1
        self._next = next(self._checkpoints, None)

    def _read_checkpoints(self) -> Iterator[tuple[CheckpointForm, object]]:
        columns = Checkpoint.metadata.tables["journal_checkpoint"].c
        made_at = type_coerce(columns.made_at, String)
        query = select(columns.number, columns.sequence_number, columns.chain_hash, made_at, columns.signature)
        query = query.order_by(columns.number)
        found = self._session.execute(query, execution_options={"yield_per": _PAGE})
        while row := self._fetched(found):
            number, sequence, digest, made, signature = tuple(row)
            place = sequence if isinstance(sequence, int) else 0
            yield CheckpointForm(number, place, digest, _us_or_none(made) or -1), signature

    def _fetched(self, found: Result[Any]) -> Row[Any] | None:
        try:
            return found.fetchone()
        except DBAPIError:
            return self._bad_checkpoint()

    def _end(self, last: _Row) -> None:
        if self._next is not None or self._passed != last.checkpoints:
            self._bad_checkpoint()
        if self._head is not None and self._head[0] > last.checkpoints:
            self._stop(self._expected, "GWL0609", path=self._head_path)

    def _bad_checkpoint(self) -> NoReturn:
        self._stop(self._vouched + 1, "GWL0608", checkpoint=self._passed + 1)

    def _stop(self, bad_entry: int, message_id: str, **detail: object) -> NoReturn:
        good = min(self._good, bad_entry - 1)
        raise _FoundError(Verdict(good, bad_entry, message_id, tuple(detail.items())))


_COLUMNS = (*FIELDS, "chain_hash")


def _pages(session: Session, first: int, last: int) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield the values of entries, some at a time: those of `FIELDS`, then the hash.

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
        found = cast(CursorResult[Any], session.execute(query.where(number > after, number <= last).limit(_PAGE)))
        try:
            page = found.cursor.fetchall()
        except errors:
            break
        finally:
            found.close()
        if not page:
            return
        after = page[-1][0]
        yield page
    # A text in the page is no text. One by one, all but that entry can be read.
    while after < last and (one := session.execute(query.where(number > after, number <= last).limit(1)).one_or_none()):
        after = one[0]
        yield [tuple(one)]


def read_entries(session: Session, first: int, last: int) -> Iterator[list[Any]]:
    """Yield the values of entries as they are hashed, and the hash of each at its end.

    Raises:
        JournalError: One is not what was written.
    """
    for entry in chain.from_iterable(_pages(session, first, last)):
        try:
            yield [entry[0], _us(entry[1]), *entry[2:]]
        except (ValueError, TypeError) as error:
            raise JournalError("GWL0603", bad_entry=entry[0], entries=entry[0] - first) from error


def _place_fault(entry: Sequence[Any], expected: int, receiver: str) -> str:
    number = entry[0]
    if number != expected:
        return "GWL0602" if number > expected else "GWL0603"
    return "" if entry[2] == receiver else "GWL0604"


def _hash_of(before: bytes, entry: Sequence[Any]) -> str | None:
    """Return the hash that an entry should have; None if it can have none."""
    try:
        values = [entry[0], _moment_us(entry[1]), *entry[2:-1]]
    except (ValueError, TypeError):
        return None
    # Octets would be hashed as the text that stands for them in JSON: another value, and the same hash.
    return None if bytes in set(map(type, values)) else link(before, canonical(values)).hex()


def _moment_us(text: str | datetime) -> int:
    """Return what `_us` does, faster for the form in which SQLite's times are stored: the second is mostly the last's.

    Raises:
        ValueError, TypeError: It is no time.
    """
    if isinstance(text, str) and len(text) == _TEXT_LENGTH and text[_POINT] == "." and text[-6:].isdecimal():
        return _second_us(text[:_POINT]) + int(text[-6:])
    return _us(text)


@lru_cache(maxsize=1024)
def _second_us(text: str) -> int:
    return _us(text)
