"""Emergencies that last: which exit points they override, and how a policy is activated without ending them.

The row of `console.store.confirmation` holds them: an emergency is a revision that is taken back and never confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import reduce

from sqlmodel import Session

from console.model.revision import PolicyConfirmation
from console.model.words import ExitPoint
from console.policy.emergency import Emergency, found_overrides, overridden
from console.policy.rule import Policy
from console.store.confirmation import waiting_confirmation
from console.store.revisions import revision_policy


def lasting_overrides(session: Session) -> dict[ExitPoint, Emergency]:
    """Return what each exit point does in the emergency that lasts; empty when none does.

    Raises:
        StoreError: It is not written down, and a revision that would tell cannot be read.
    """
    row = waiting_confirmation(session)
    if row is None or not row.emergency:
        return {}
    if not row.overrides:
        # It began under a Greenwall that did not keep them: before migration 0016.
        return dict(found_overrides(revision_policy(session, row.return_to), revision_policy(session, row.number)))
    pairs = (pair.partition("=") for pair in row.overrides.split())
    return {ExitPoint(point): Emergency(does) for point, _, does in pairs}


def write_overrides(session: Session, overrides: Mapping[ExitPoint, Emergency]) -> None:
    """Keep what the emergency overrides that the active revision is."""
    row = session.get_one(PolicyConfirmation, 1)
    row.overrides = " ".join(f"{point.value}={does.value}" for point, does in sorted(overrides.items()))
    session.add(row)
    session.flush()


def all_overridden(policy: Policy, overrides: Mapping[ExitPoint, Emergency]) -> Policy:
    """Return a policy with every override of an emergency."""
    return reduce(lambda made, each: overridden(made, *each), overrides.items(), policy)


def carry_over(session: Session, *, number: int, return_to: int) -> datetime:
    """Have the emergency that lasts go on as another revision, until the same time; return that time.

    Args:
        session: The transaction that has activated it.
        number: The revision that overrides now.
        return_to: The one that is in force when the emergency is over.
    """
    row = session.get_one(PolicyConfirmation, 1)
    row.number, row.return_to = number, return_to
    session.add(row)
    session.flush()
    return row.until
