"""Writes down what engines have told that decide no longer: without a worker, when they are detached or left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.enforcement.kernel.accounts import known_accounts
from console.enforcement.kernel.pins import Leftover
from console.enforcement.kernel.words import next_words
from console.enforcement.ledger import Ledger
from console.policy.audit_levels import Levels
from console.policy.image import Account


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
    ring, told = leftover.ring, ledger.kernel.told_before(leftover.name)
    if ring is None:
        return
    ring.go_on_from(told.position)
    while (words := next_words(ring, told, leftover.lost, accounts, levels)) is not None:
        ledger.kernel.write_told(words.made.drafts, words.made.notable, leftover.name, words.told)
        ring.give_back(words.told.position)
        told = words.told
