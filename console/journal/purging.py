"""Removes the entries of deleted receivers in steps as long as the store makes them short: new entries are waiting."""

from __future__ import annotations

import time
from collections.abc import Callable

from console.journal.receivers import BUDGET_S, purge_some
from console.store.engine import Store
from console.store.session import transaction

_TARGET_S = 0.04
"""How long a step may take, with what the disk takes to have it: the entries that wait for it may then take as long
again, and a step that is unlike the one before twice as long as it."""
_LEAST_S = 0.001
_GROWTH = 1.25


class Purging:
    """Does one step after the other.

    Threads: One at a time.

    Args:
        store: With the journal.
        timer: Seconds since whenever.
    """

    def __init__(self, store: Store, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._timer = timer
        self.budget_s = BUDGET_S
        """What the next step has for deleting; to have it on disk comes after that."""

    def step(self) -> bool:
        """Remove some entries; say whether there are more.

        Raises:
            StoreError: The store cannot be read or written.
        """
        began = self._timer()
        with transaction(self._store) as session:
            more = purge_some(session, budget_s=self.budget_s, timer=self._timer)
        took_s = self._timer() - began
        change = _GROWTH if took_s <= _TARGET_S else _TARGET_S / took_s
        self.budget_s = min(max(self.budget_s * change, _LEAST_S), BUDGET_S)
        return more
