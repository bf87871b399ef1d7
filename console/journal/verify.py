"""Walks the chain of the journal and names the first entry that is not what was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlmodel import Session

from console.journal.chain import FIELDS, canonical, link, microseconds
from console.model.journal import JournalEntry, Receiver
from console.store.journal import list_receivers, page_after
from console.store.seed import GENESIS_HASH

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

    Finds entries that were changed, removed, inserted or reordered, and entries cut off at the end. Who can rewrite the
    whole store can rewrite the chain as well: receivers signed at detach are the answer to that.

    Args:
        session: An open session; it sees one state of the store from beginning to end.
    """
    receivers = list_receivers(session)
    if not receivers:
        return Verdict(0, 1, "GWL0605")
    expected = receivers[0].first_sequence
    digest = bytes.fromhex(GENESIS_HASH)
    names = _names(receivers)
    for entry in _entries(session):
        fault = _fault(entry, expected, names)
        if not fault:
            digest = link(digest, canonical(_canonical_values(entry)))
            fault = "" if entry.chain_hash == digest.hex() else "GWL0603"
        if fault:
            return Verdict(expected - receivers[0].first_sequence, expected, fault)
        expected += 1
    return _end(receivers, expected, digest)


def _entries(session: Session) -> Iterator[JournalEntry]:
    number = -1
    while page := page_after(session, number, limit=_PAGE):
        yield from page
        number = page[-1].sequence_number
        # The session would otherwise keep every entry it has ever read.
        session.expunge_all()


def _names(receivers: list[Receiver]) -> list[tuple[int, int, str]]:
    return [(each.first_sequence, each.last_sequence, each.name) for each in receivers]


def _fault(entry: JournalEntry, expected: int, names: list[tuple[int, int, str]]) -> str:
    if entry.sequence_number != expected:
        return "GWL0602" if entry.sequence_number > expected else "GWL0603"
    holder = next((name for first, last, name in names if first <= expected <= last), None)
    return "GWL0604" if holder != entry.receiver_name else ""


def _canonical_values(entry: JournalEntry) -> list[object]:
    values = [getattr(entry, name) for name in FIELDS]
    values[1] = microseconds(entry.entry_timestamp)
    return values


def _end(receivers: list[Receiver], expected: int, digest: bytes) -> Verdict:
    good = expected - receivers[0].first_sequence
    last = receivers[-1]
    if last.last_sequence >= expected:
        return Verdict(good, expected, "GWL0602")
    if last.last_hash != digest.hex():
        return Verdict(good, expected - 1, "GWL0603")
    return Verdict(good)
