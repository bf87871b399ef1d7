"""Holds the index of the journal against the entries, block by block: it must hide none from readers."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlmodel import Session

from console.journal.chain import FIELDS
from console.store.journal_index import INDEXED, block_of, hidden_by_index

_taken = itemgetter(*(FIELDS.index(name) for name in (*INDEXED, "entry_timestamp")))
"""Returns what the index is made of, and the time."""


class IndexCheck:
    """Takes entries in ascending order and remembers the blocks whose index does not know all of them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._block = -1
        self._rows: list[tuple[Any, ...]] = []
        self._hidden: list[int] = []

    def extend(self, entries: Sequence[Sequence[Any]]) -> None:
        """Take some entries whose values are good."""
        if block_of(entries[0][0]) == block_of(entries[-1][0]) == self._block:
            self._rows.extend(map(_taken, entries))
            return
        for entry in entries:
            block = block_of(entry[0])
            if block != self._block:
                self.finish()
                self._block = block
            self._rows.append(_taken(entry))

    def finish(self) -> list[int]:
        """Check the block that the last entries were of; return all blocks that hide entries."""
        if self._rows:
            times = [str(row[-1]) for row in self._rows]
            if hidden_by_index(self._session, self._block, self._rows, (min(times), max(times))):
                self._hidden.append(self._block)
        self._rows = []
        return self._hidden
