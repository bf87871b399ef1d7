"""Walks the chain of the journal and names the first entry that is not what was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import String, cast, select
from sqlmodel import Session

from console.journal.chain import FIELDS, canonical, link, microseconds
from console.model.journal import GENESIS_HASH, JournalEntry, Receiver

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk along the chain has found."""

    entries: int
    """How many entries are good, from the first on."""
    bad_entry: int | None = None
    """Sequence number at which the journal is first not what was written; None: all of it is."""
    message_id: str = "GWL0601"
    """Says what is wrong there, or that nothing is."""


def verify(session: Session) -> Verdict:
    """Check every entry against its hash, its neighbour and its receiver.

    Finds entries that were changed, removed, inserted or reordered, and entries cut off at the end as long as the
    receiver's row still tells of them. Who can rewrite the store can rewrite the chain and that row as well: receivers
    signed at detach are the answer to that.

    Args:
        session: An open session; it sees one state of the store from beginning to end.
    """
    receivers = _receivers(session)
    if not receivers:
        return Verdict(0, 1, "GWL0605")
    expected = receivers[0].first_sequence
    digest = bytes.fromhex(GENESIS_HASH)
    for entry in _entries(session):
        fault = _place_fault(entry, expected, receivers) or _hash_fault(digest, entry)
        if fault:
            return Verdict(expected - receivers[0].first_sequence, expected, fault)
        digest = bytes.fromhex(entry[-1])
        expected += 1
    return _end(receivers, expected, digest)


def _entries(session: Session) -> Iterator[tuple[Any, ...]]:
    """Yield the values of each entry: those of `FIELDS`, then the hash.

    Values and not rows of the model: SQLAlchemy would keep every entry it has ever read, and take twice as long. Times
    as text: what somebody wrote into the column need not be a time.
    """
    columns = JournalEntry.metadata.tables["journal_entry"].c
    number, moment, *rest = (columns[name] for name in (*FIELDS, "chain_hash"))
    query = select(number, cast(moment, String), *rest).order_by(number)
    for row in session.execute(query, execution_options={"yield_per": _PAGE}):
        yield tuple(row)


class _Span(NamedTuple):
    """What one receiver says of itself."""

    name: str
    first_sequence: int
    last_sequence: int
    last_hash: str


def _receivers(session: Session) -> list[_Span]:
    """Return the receivers, oldest first; values again, and of those only whose numbers are numbers."""
    columns = Receiver.metadata.tables["receiver"].c
    query = select(*(columns[name] for name in _Span._fields)).order_by(columns.first_sequence, columns.name)
    spans = [_Span(*row) for row in session.execute(query)]
    return [span for span in spans if isinstance(span.first_sequence, int) and isinstance(span.last_sequence, int)]


def _place_fault(entry: tuple[Any, ...], expected: int, receivers: list[_Span]) -> str:
    number, _, receiver, *_ = entry
    if number != expected:
        return "GWL0602" if number > expected else "GWL0603"
    holder = next((each.name for each in receivers if each.first_sequence <= expected <= each.last_sequence), None)
    return "GWL0604" if holder != receiver else ""


def _hash_fault(before: bytes, entry: tuple[Any, ...]) -> str:
    number, text, *rest, found = entry
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return "GWL0603"
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    expected = link(before, canonical((number, microseconds(aware), *rest)))
    return "" if found == expected.hex() else "GWL0603"


def _end(receivers: list[_Span], expected: int, digest: bytes) -> Verdict:
    good = expected - receivers[0].first_sequence
    last = receivers[-1]
    if last.last_sequence >= expected:
        return Verdict(good, expected, "GWL0602")
    if last.last_hash != digest.hex():
        return Verdict(good, expected - 1, "GWL0603")
    return Verdict(good)
