"""What guards are to be told, as the worker finds it in the store: the policy in force, and what is to be audited.

A revision that no guard could take is never handed out; the one before it stays in force, and the journal says so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from console.clock import Clock
from console.enforcement.intake import GENERIC
from console.errors import PolicyError, StoreError
from console.journal.entries import Entry
from console.journal.writer import append
from console.messages import describe, line, message
from console.policy.audit_levels import Auditing
from console.policy.compiler import compile_policy
from console.policy.rule import Policy
from console.store.confirmation import has_time_limit, is_overdue, take_back
from console.store.engine import Store
from console.store.revisions import active_number, active_policy
from console.store.secrets import unseal_policy
from console.store.session import reading, transaction
from console.store.system_values import get_auditing

_log = logging.getLogger("greenwall.worker")

_NO_POLICY = frozenset({"GWL0325", "GWL0326", "GWL0333", "GWL0334"})
"""Errors of a revision and its passwords, and not of the store."""


class PolicyWatch:
    """Looks for what has changed since guards were told.

    Args:
        store: Where it is.
        clock: For what is said, and for revisions that nobody has confirmed in time.
        check_there: Raises if there is no store any more.

    Threads: One at a time.
    """

    def __init__(self, store: Store, clock: Clock, check_there: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._check_there = check_there
        self._unusable = 0
        self.awaits_confirmation = False
        """Whether the active revision is taken back at some time, of which nobody tells."""

    def newer(self, than: int) -> tuple[int, Policy] | None:
        """Return the active revision, its passwords in clear, if it is another than this and one that guards can take.

        One that makes no policy leaves the old one in force, and the journal says so, once.

        Raises:
            StoreError: The store cannot be read or written.
            StoreGoneError: There is no store any more.
        """
        self._check_there()
        self._take_back_unconfirmed()
        with reading(self._store) as session:
            number = active_number(session)
            if number in (than, self._unusable):
                return None
            try:
                _, policy = active_policy(session)
                _check(number, policy)
                policy = unseal_policy(self._store.location, policy)
            except StoreError as error:
                if error.message_id not in _NO_POLICY:
                    raise
                reason = line(describe(error))
            else:
                return number, policy
        said = line(message("GWL0516", number=number, reason=reason))
        with transaction(self._store) as session:
            append(session, [Entry(self._clock(), GENERIC, revision=number, text=said)])
        _log.warning("%s", said)
        self._unusable = number
        return None

    def _take_back_unconfirmed(self) -> None:
        """Go back from a revision that nobody has confirmed in time."""
        with reading(self._store) as session:
            self.awaits_confirmation = has_time_limit(session)
            if not is_overdue(session, self._clock()):
                return
        with transaction(self._store) as session:
            done = take_back(session, self._clock())
        if done is not None:
            _log.warning("Revision %d was taken back; %d is %d again", done.number, done.made, done.return_to)

    def auditing(self) -> Auditing:
        """Return what is to be audited.

        Raises:
            StoreError: The store cannot be read.
        """
        with reading(self._store) as session:
            return get_auditing(session)


def _check(number: int, policy: Policy) -> None:
    """Refuse a revision that would end every guard that gets it; only somebody who wrote into the store can make one.

    Raises:
        StoreError: It does not compile.
    """
    try:
        compile_policy(policy, number)
    except (PolicyError, ValueError) as error:
        raise StoreError("GWL0326", number=number, reason=str(error)) from error
