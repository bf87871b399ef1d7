"""Makes what a ring buffer tells next ready to be written down: entries, and how much of the ring they are.

Decides nothing about when, nor who writes: a worker does so all the time, and who detaches an engine once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from struct import error as StructError  # noqa: N812 -- so that it is known for what it is
from typing import NamedTuple

from console.enforcement.kernel.drafts import Made, drafts_of
from console.enforcement.kernel.entries import lost
from console.enforcement.kernel.ring import Ring
from console.journal.entries import draft
from console.policy.audit_levels import Levels
from console.policy.image import Account
from console.store.kernel import Told

_MOST_AT_ONCE = 16_384
"""Events in a transaction; about a quarter of a second of work."""


class Words(NamedTuple):
    """What is told next."""

    made: Made
    told: Told
    """How much is in the journal when this is. To be written in the same transaction: who is killed after that has said
    what is lost, and who is killed before has not."""
    events: int
    """How many events it was."""


def next_words(
    ring: Ring, before: Told, lost_now: int, accounts: Mapping[int, Account], levels: Levels
) -> Words | None:
    """Return what a ring buffer tells next, and leave it there; None for nothing.

    Args:
        ring: Where it is told.
        before: How much of it the journal has.
        lost_now: How many decisions have found no room in it, in all.
        accounts: Everybody, by number.
        levels: What the audit levels want.

    Threads: Those of the ring.
    """
    batch = ring.read(_MOST_AT_ONCE)
    missing = max(lost_now - before.lost, 0)
    if batch.end == ring.position and not missing:
        return None
    clock_ns = time.time_ns() - time.monotonic_ns()
    try:
        made = drafts_of(batch.records, clock_ns, accounts, levels)
    except StructError:  # those of another version: nobody can read them any more
        made, missing = Made([], [], []), missing + len(batch.records)
    if missing:
        made.drafts.append(draft(lost(missing, at_ns=time.time_ns())))
    return Words(made, Told(batch.end, max(before.lost, lost_now)), len(batch.records))
