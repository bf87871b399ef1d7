"""Holds the index of the journal against the entries, block by block: it must hide none from readers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session

from console.journal.chain import FIELDS
from console.store.journal_groups import GroupIndex
from console.store.journal_index import hidden_by_index
from console.store.journal_postings import INDEXED, Block, block_of

_TAKEN = [FIELDS.index(name) for name in INDEXED]
_MOMENT = FIELDS.index("entry_timestamp")


class IndexCheck:
    """Takes entries in ascending order and remembers the blocks whose index does not know all of them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._groups = GroupIndex(session)
        self._block = -1
        self._entries = Block()
        self._times: list[Any] = []
        self._hidden: list[int] = []

    def extend(self, columns: Sequence[Sequence[Any]]) -> None:
        """Take some entries of one block whose values are good, column by column."""
        block = block_of(columns[0][0])
        if block != self._block:
            self.finish()
            self._block = block
        self._entries.add([columns[place] for place in _TAKEN])
        times = columns[_MOMENT]  # as texts they sort as what they stand for: they are all in the one form
        self._times += (min(times), max(times))

    def finish(self) -> list[int]:
        """Check the block that the last entries were of; return all blocks that hide entries."""
        if self._times:
            times = min(self._times), max(self._times)
            if hidden_by_index(self._session, self._groups, self._block, self._entries, times):
                self._hidden.append(self._block)
        self._entries, self._times = Block(), []
        return self._hidden
