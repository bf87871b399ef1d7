"""What the journal says of one event that the kernel has told."""

from __future__ import annotations

from collections.abc import Mapping

from console.enforcement.kernel.entries import authority_failure, entry, is_wanted, note
from console.enforcement.kernel.events import NOTE, KernelEvent
from console.enforcement.kernel.programs import program_of
from console.journal.entries import Entry
from console.model.words import ExitPoint, Outcome
from console.policy.audit_levels import Levels
from console.policy.image import Account


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
