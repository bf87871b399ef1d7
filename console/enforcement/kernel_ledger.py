"""What the kernel engine tells, as the worker writes it down: entries, and up to where in its ring buffer they were."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from console.enforcement.operator_notices import tell_of_servers
from console.journal.entries import Draft, Entry
from console.journal.writer import append_drafts
from console.store.changes import Changes
from console.store.engine import Store
from console.store.kernel import Told, forget_rings, is_enforced, ring_told, set_ring_told
from console.store.session import reading, transaction


class KernelLedger:
    """Writes down what ring buffers tell. Each method is one transaction.

    Args:
        store: Whose journal gets it.
        changes: That are looked for there; what is told is none.
        check_there: Raises if what was committed is in no store any more.

    Threads: One at a time.
    """

    def __init__(self, store: Store, changes: Changes, check_there: Callable[[], None]) -> None:
        self._store = store
        self._changes = changes
        self._check_there = check_there

    def write_told(self, drafts: list[Draft], notable: Sequence[Entry], ring: str, told: Told) -> None:
        """Write down what the kernel has told, and how much of it that was: both, or neither.

        Args:
            drafts: What it has told.
            notable: What of it operators may be told of.
            ring: Name of the ring buffer.
            told: How much that was.

        Raises:
            StoreError: Nothing was written.
            StoreGoneError: What was written is lost with the store.
        """
        with self._changes.writing() as session:
            append_drafts(session, drafts)  # which leaves them as they are: the store may have to be tried again
            tell_of_servers(session, notable)
            set_ring_told(session, ring, told)
        self._check_there()

    def told_before(self, ring: str) -> Told:
        """Return how much of what a ring buffer has told is in the journal.

        Raises:
            StoreError: The store cannot be read.
        """
        with reading(self._store) as session:
            return ring_told(session, ring)

    def forget_rings(self, but: Collection[str]) -> None:
        """Forget the ring buffers that are no more.

        Raises:
            StoreError: They could not be forgotten.
        """
        with transaction(self._store) as session:
            forget_rings(session, but=but)

    def is_enforced(self, cgroup: str) -> bool:
        """Say whether the rules hold in a cgroup, or the kernel engine is only to say what it would do.

        Raises:
            StoreError: The store cannot be read.
        """
        with reading(self._store) as session:
            return is_enforced(session, cgroup)
