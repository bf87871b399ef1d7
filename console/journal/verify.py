"""Walks the chain of the journal and names the first entry that is not what was written.

Finds entries that were changed, removed, inserted or moved, receivers' rows and checkpoints likewise, and a chain that
was computed anew by somebody without the key. What it cannot find is a store that was put back whole to what it was
after the last checkpoint that the file beside the store tells of: at most a minute of activity.
"""

from __future__ import annotations

from contextlib import closing

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from console.journal.index_check import IndexCheck
from console.journal.signer import load_trusted, read_head
from console.journal.spans import Readers, readers_for
from console.journal.stored import StoredReceiver, first_entry, stored_receivers
from console.journal.walk import WHOLE, FoundError, Verdict, Walk
from console.store.journal_postings import first_of
from console.store.session import location_of

__all__ = ["WHOLE", "Verdict", "verify"]


def verify(session: Session, *, index: bool = True, readers: Readers | None = None) -> Verdict:
    """Check every entry against its hash, its neighbour, its receiver and the signatures.

    Args:
        session: An open session; it sees one state of the store from beginning to end.
        index: Whether to check as well that the index hides no entry from readers.
        readers: Who looks at stretches of a long journal beside us; None: other processes, if there are processors.

    Raises:
        StoreError: The key of the journal, or the store, cannot be read.
    """
    location = location_of(session)
    key = load_trusted(location)
    head = read_head(location)  # before the store: what is written meanwhile must not seem to be missing there
    try:
        receivers = stored_receivers(session)
    except DBAPIError:
        receivers = []
    if not receivers:
        return Verdict(0, 1, "GWL0605")
    if key is None:
        if _is_new(session, receivers):
            return Verdict(0)
        return Verdict(0, 1, "GWL0610", (("path", location.journal_key),))
    if _is_new(session, receivers) and head is None:
        return Verdict(0)
    check = IndexCheck(session) if index else None
    head_path = str(location.journal_head)
    if readers is not None:
        return _walked(Walk(session, key, check, readers), receivers, head, head_path)
    with closing(readers_for(session, index=index)) as others:
        return _walked(Walk(session, key, check, others), receivers, head, head_path)


def _walked(walk: Walk, receivers: list[StoredReceiver], head: tuple[int, int, str] | None, head_path: str) -> Verdict:
    try:
        entries = walk.whole(receivers, head, head_path)
    except FoundError as found:
        return found.verdict
    hidden = walk.hidden_blocks()
    return _hidden(entries, hidden) if hidden else Verdict(entries)


def _is_new(session: Session, receivers: list[StoredReceiver]) -> bool:
    """Say whether nothing was ever written to a journal, and so nothing signed."""
    form, signature = receivers[-1]
    return form.last_sequence == 0 and not signature and first_entry(session, -(2**63), None) is None


def _hidden(entries: int, blocks: list[int]) -> Verdict:
    """Return what is to be said of a journal that is good but for its index."""
    first = blocks[0]
    detail = (("block", first), ("first", first_of(first)), ("last", first_of(first + 1) - 1))
    return Verdict(entries, None, "GWL0611", detail, tuple(blocks))
