"""Brings the index of blocks together, group by group, in steps that hold nobody up."""

from __future__ import annotations

import logging

from console.errors import StoreError
from console.messages import describe, line
from console.store.engine import Store
from console.store.group_postings import GROUP, group_of
from console.store.journal_groups import (
    BEGIN,
    Place,
    block_to_clear,
    clear_blocks,
    clear_group,
    group_to_clear,
    groups_to_make,
    members,
    read_piece,
    write_piece,
)
from console.store.session import reading, transaction

_log = logging.getLogger("greenwall.worker")

_NEVER = object()
"""The state in which there was nothing to do, before there was any."""


class Grouping:
    """Does one step after the other; what a dead worker had begun is begun anew.

    Threads: One at a time.

    Args:
        store: With the journal.
        least: Blocks that a group must have.
    """

    def __init__(self, store: Store, *, least: int = GROUP) -> None:
        self._store = store
        self._least = least
        self._number: int | None = None
        self._blocks: list[int] = []
        self._after: Place = BEGIN
        self._state: object = _NEVER
        self._is_done = False
        self._refused: set[int] = set()
        """Groups that cannot be made in this state; in the next they are tried again: the disk may have been full."""
        self._said: set[int] = set()
        """Groups of which that was said."""

    def step(self, state: object) -> bool:
        """Do a step; say whether there is more to do.

        Args:
            state: Is another when there may be something to do; otherwise nothing is looked for after all was done.

        Raises:
            StoreError: The store cannot be read or written.
        """
        if state != self._state:
            self._state, self._is_done = state, False
            self._refused.clear()
        if self._is_done:
            return False
        if self._number is None and not (self._cleared() or self._begun()):
            self._is_done = True
            return False
        if self._number is not None:
            self._piece(self._number)
        return True

    def begin_anew(self, block: int | None = None) -> None:
        """Forget what has been done of the group of a block, or of any: its blocks are no longer what they were."""
        self._is_done = False
        if block is None or group_of(block) == self._number:
            self._number = None

    def _cleared(self) -> bool:
        with reading(self._store) as session:
            block, group = block_to_clear(session), group_to_clear(session)
        if block is None and group is None:
            return False
        with transaction(self._store) as session:
            if block is not None:
                clear_blocks(session, block)
            elif group is not None:
                clear_group(session, group)
        return True

    def _begun(self) -> bool:
        with reading(self._store) as session:
            number = next((each for each in groups_to_make(session, self._least) if each not in self._refused), None)
            if number is None:
                return False
            self._number, self._blocks, self._after = number, members(session, number), BEGIN
        return True

    def _piece(self, number: int) -> None:
        try:
            with reading(self._store) as session:
                piece = read_piece(session, number, self._blocks, self._after)
            with transaction(self._store) as session:
                useful = write_piece(session, piece, self._blocks)
        except (StoreError, ValueError) as error:  # readers go on to look at its blocks one by one
            self._refuse(number, error)
            return
        if piece.up_to is None or not useful:
            self._number = None
        else:
            self._after = piece.up_to

    def _refuse(self, number: int, error: StoreError | ValueError) -> None:
        if number not in self._said:
            said = line(describe(error)) if isinstance(error, StoreError) else str(error)
            _log.warning("index of group %s: %s", number, said)
        self._said.add(number)
        self._refused.add(number)
        self._number = None
