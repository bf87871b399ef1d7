"""Holds the index of the journal against the entries, block by block: it must hide none from readers."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from console.journal.chain import FIELDS
from console.store.journal_index import INDEXED, block_of, hidden_by_index

_PLACES = tuple(FIELDS.index(name) for name in INDEXED)
_MOMENT = FIELDS.index("entry_timestamp")


class IndexCheck:
    """Takes entries in ascending order and remembers the blocks whose index does not know all of them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._block = -1
        self._rows: list[tuple[Any, ...]] = []
        self._hidden: list[int] = []

    def add(self, entry: tuple[Any, ...]) -> None:
        """Take an entry whose values are good."""
        block = block_of(entry[0])
        if block != self._block:
            self.finish()
            self._block = block
        self._rows.append(entry)

    def finish(self) -> list[int]:
        """Check the block that the last entries were of; return all blocks that hide entries."""
        if self._rows:
            rows = [tuple(row[place] for place in _PLACES) for row in self._rows]
            times = [str(row[_MOMENT]) for row in self._rows]
            if hidden_by_index(self._session, self._block, rows, (min(times), max(times))):
                self._hidden.append(self._block)
        self._rows = []
        return self._hidden
