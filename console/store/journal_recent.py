"""What this process has appended to the journal last, kept in memory until its blocks have their index.

To read the entries of a block back from the store takes as long as to write a third of them. Nothing here is believed
before the store has been asked: a piece is what a transaction has appended, with the hashes before its first entry and
of its last. If the store has that last hash at that place, the piece was committed, and so was each that the chain says
came before it. What was rolled back, or appended by somebody else, is found in the store as ever.

Only values of exactly the types of their columns are kept, which are in the store as they are here; and only where
there is the compiled module, without which it takes longer to keep them than to read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from console.model.journal import JournalEntry
from console.store.journal_postings import INDEXED, block_of, first_of
from console.store.postings import BLOCK
from console.store.session import MEMORY
from console.store.stored_time import stored_moment

_MOST = 4 * BLOCK
"""Entries that are kept; the index of two full blocks may have to wait (`console.enforcement.journal_keeper`)."""
_JOINED = BLOCK // 4
"""Entries of a piece that several transactions have appended, at most."""
_ENTRY = JournalEntry.metadata.tables["journal_entry"].c
_WANTED = ("entry_timestamp", *INDEXED)
PLACES = tuple(_ENTRY.keys().index(name) for name in _WANTED)
"""Of a row, what is kept."""
KINDS = "".join("n" if _ENTRY[name].type.python_type is int else "t" for name in _WANTED)
"""For each, whether it is a number or a text."""


class Entries(NamedTuple):
    """All entries of a block."""

    columns: list[list[Any]]
    """The values of `INDEXED`, column by column."""
    earliest: datetime
    latest: datetime


class _Piece(NamedTuple):
    """What a transaction has appended, or was to append; or several, one after the other."""

    first: int
    before: str
    """Hash of the entry before the first."""
    last: int
    digest: str
    """Hash of the last."""
    columns: list[list[Any]]
    """The values of `_WANTED`."""


class Recent:
    """The last pieces.

    Threads: any.
    """

    def __init__(self) -> None:
        self._mutex = Lock()
        self._pieces: list[_Piece] = []
        """In the order in which they were made."""
        self._kept = 0
        """Entries in them."""

    def add(self, before: str, last: int, digest: str, columns: list[list[Any]]) -> None:
        """Keep what is being appended.

        Args:
            before: Hash of the entry before the first.
            last: Number of the last entry.
            digest: Hash of the last.
            columns: The values at `PLACES` of each entry, as they are stored, column by column; one entry at least.
        """
        count = len(columns[0])
        if count > _MOST:
            return
        with self._mutex:
            self._join_last(before)
            self._pieces.append(_Piece(last + 1 - count, before, last, digest, columns))
            self._kept += count
            while self._kept > _MOST:
                self._kept -= _length(self._pieces.pop(0))

    def _join_last(self, end: str) -> None:
        """Make one of the last two pieces: of transactions of single entries there are thousands in a block.

        Args:
            end: Hash of the store's last entry: a piece that does not end with it was rolled back.
        """
        if len(self._pieces) < 2:
            return
        one, two = self._pieces[-2:]
        if (one.last + 1, one.digest) != (two.first, two.before) or two.digest != end:
            return
        if two.last - one.first >= _JOINED:
            return
        if block_of(one.first) == block_of(two.last):
            for into, values in zip(one.columns, two.columns, strict=True):
                into += values  # whoever reads the piece as it was reads no further than it went
            self._pieces[-2:] = [_Piece(one.first, one.before, two.last, two.digest, one.columns)]

    def entries(self, session: Session, block: int) -> Entries | None:
        """Return the entries of a block; None if not all of them are here, or the store has others.

        Args:
            session: Reads the store; none of the entries is deleted until their index is written.
            block: All its entries are written.
        """
        first, last = first_of(block), first_of(block + 1) - 1
        with self._mutex:
            pieces = list(self._pieces)
        for end in reversed(pieces):
            if end.first <= last <= end.last:
                chain = list(_chain_to(end, first, pieces))
                if chain[-1].first <= first and _is_stored(session, first, end):
                    return _between(chain[::-1], first, last)
        return None

    def forget(self, block: int) -> None:
        """Forget the pieces that are within a block; its index is made."""
        first, last = first_of(block), first_of(block + 1) - 1
        with self._mutex:
            self._pieces = [each for each in self._pieces if not first <= each.first <= each.last <= last]
            self._kept = sum(map(_length, self._pieces))


def recent_of(session: Session) -> Recent:
    """Return what is kept of a session's store."""
    found: Recent = session.info.setdefault(MEMORY, {}).setdefault(__name__, Recent())
    return found


def _length(piece: _Piece) -> int:
    return piece.last - piece.first + 1


def _chain_to(end: _Piece, first: int, pieces: Sequence[_Piece]) -> Iterator[_Piece]:
    """Yield a piece, the one before it by number and hash, and so on, down to the one that has the first entry."""
    ends = {(each.last, each.digest): each for each in pieces}
    piece: _Piece | None = end
    while piece is not None:
        yield piece
        piece = ends.get((piece.first - 1, piece.before)) if piece.first > first else None


def _is_stored(session: Session, first: int, end: _Piece) -> bool:
    """Say whether the store has the last entry of a piece; and the first of the block, which deletion takes first."""
    wanted = select(_ENTRY.sequence_number, _ENTRY.chain_hash).where(_ENTRY.sequence_number.in_((first, end.last)))
    try:
        found = {row[0]: row[1] for row in session.execute(wanted)}
    except DBAPIError:  # a hash is no text
        return False
    return first in found and found.get(end.last) == end.digest


def _between(chain: Sequence[_Piece], first: int, last: int) -> Entries | None:
    found: list[list[Any]] = [[] for _ in _WANTED]
    for piece in chain:
        begin, stop = max(first - piece.first, 0), min(last - piece.first + 1, _length(piece))
        for into, values in zip(found, piece.columns, strict=True):
            into += values[begin:stop]
    times, *columns = found
    try:
        return Entries(columns, stored_moment(min(times)), stored_moment(max(times)))
    except ValueError:
        return None
