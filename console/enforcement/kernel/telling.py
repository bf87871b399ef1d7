"""What the journal says of what the kernel tells: a worker's engine, or one that is detached without a worker."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from struct import error as StructError  # noqa: N812 -- so that it is known for what it is

from console.enforcement.kernel.accounts import known_accounts
from console.enforcement.kernel.engine import read_events
from console.enforcement.kernel.entries import authority_failure, entry, is_wanted, lost, note
from console.enforcement.kernel.events import NOTE, KernelEvent
from console.enforcement.kernel.pins import Leftover
from console.enforcement.kernel.programs import program_of
from console.enforcement.ledger import Ledger
from console.journal.entries import Entry
from console.model.words import ExitPoint, Outcome
from console.policy.audit_levels import Levels
from console.policy.image import Account
from console.store.kernel import Told

_MOST_AT_ONCE = 16_384
"""Events in a transaction; about half a second of work."""


def entries_of(event: KernelEvent, clock_ns: int, accounts: Mapping[int, Account], levels: Levels) -> list[Entry]:
    """Return the entries of an event, none or more.

    Args:
        event: What the kernel has told.
        clock_ns: What to add to its time to get nanoseconds since 1970.
        accounts: Everybody, by number.
        levels: What the audit levels want.
    """
    if event.flags & NOTE:
        return [note(event.text, at_ns=event.at_ns + clock_ns)]
    account = accounts.get(event.uid) or Account(str(event.uid))
    if not is_wanted(event, levels, account.user):
        return []
    made = entry(event, clock_ns=clock_ns, user=account.user, program=program_of(event))
    is_failure = event.exit_point is ExitPoint.LISTEN and event.outcome is Outcome.REJECTED
    if is_failure and levels.wants("AF", user=account.user):
        return [made, authority_failure(made)]
    return [made]


def write_last_words(ledger: Ledger, leftovers: Sequence[Leftover]) -> None:
    """Write down what engines have told that decide no longer, and how much of it is lost; remove what they have left.

    Raises:
        StoreError: It could not be written; what is not yet in the journal stays where it is.
    """
    accounts, levels = known_accounts(), Levels(ledger.auditing())
    for leftover in leftovers:
        _write_one(ledger, leftover, accounts, levels)
        leftover.remove()


def _write_one(ledger: Ledger, leftover: Leftover, accounts: Mapping[int, Account], levels: Levels) -> None:
    ring, before = leftover.ring, ledger.told_before(leftover.name)
    missing = max(leftover.lost - before.lost, 0)
    if ring is None:
        return
    ring.give_back(max(before.position, ring.position))
    while (batch := ring.read(_MOST_AT_ONCE)).end > ring.position or missing:
        clock_ns = time.time_ns() - time.monotonic_ns()
        try:
            events, _ = read_events(batch)
        except StructError:  # those of another version: nobody can read them any more
            events, missing = [], missing + len(batch.records)
        entries = [made for event in events for made in entries_of(event, clock_ns, accounts, levels)]
        if missing:
            entries.append(lost(missing, at_ns=time.time_ns()))
        ledger.write_told(entries, leftover.name, Told(batch.end, max(leftover.lost, before.lost)))
        ring.give_back(batch.end)
        missing = 0
