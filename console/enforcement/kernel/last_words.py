"""Writes down what engines have told that decide no longer: without a worker, when they are detached or left behind."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from struct import error as StructError  # noqa: N812 -- so that it is known for what it is

from console.enforcement.kernel.accounts import known_accounts
from console.enforcement.kernel.drafts import Made, drafts_of
from console.enforcement.kernel.entries import lost
from console.enforcement.kernel.pins import Leftover
from console.enforcement.ledger import Ledger
from console.journal.entries import draft
from console.policy.audit_levels import Levels
from console.policy.image import Account
from console.store.kernel import Told

_MOST_AT_ONCE = 16_384
"""Events in a transaction; about half a second of work."""


def write_last_words(ledger: Ledger, leftovers: Sequence[Leftover]) -> None:
    """Write down what engines have told that decide no longer, and how much of it is lost; remove what they have left.

    Raises:
        StoreError: It could not be written; what is not yet in the journal stays where it is.
    """
    accounts, levels = known_accounts(), Levels(ledger.policies.auditing())
    for leftover in leftovers:
        _write_one(ledger, leftover, accounts, levels)
        leftover.remove()


def _write_one(ledger: Ledger, leftover: Leftover, accounts: Mapping[int, Account], levels: Levels) -> None:
    ring, before = leftover.ring, ledger.kernel.told_before(leftover.name)
    missing = max(leftover.lost - before.lost, 0)
    if ring is None:
        return
    ring.give_back(max(before.position, ring.position))
    while (batch := ring.read(_MOST_AT_ONCE)).end > ring.position or missing:
        clock_ns = time.time_ns() - time.monotonic_ns()
        try:
            made = drafts_of(batch.records, clock_ns, accounts, levels)
        except StructError:  # those of another version: nobody can read them any more
            made, missing = Made([], [], []), missing + len(batch.records)
        if missing:
            made.drafts.append(draft(lost(missing, at_ns=time.time_ns())))
        ledger.kernel.write_told(
            made.drafts, made.notable, leftover.name, Told(batch.end, max(leftover.lost, before.lost))
        )
        ring.give_back(batch.end)
        missing = 0
