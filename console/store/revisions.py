"""Revisions: which is active, and how the pending policy becomes the next one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import Pool, func
from sqlmodel import Session, col, select

from console.errors import StoreError
from console.model.revision import ActiveRevision, PolicyConfirmation, Revision
from console.policy.difference import compare
from console.policy.rule import Policy
from console.store.exit_points import get_modes, set_modes
from console.store.exit_programs import list_exit_programs, replace_exit_programs
from console.store.groups import ADDRESS_GROUPS, TIME_GROUPS
from console.store.rules import RuleRows, replace_rules, rule_rows
from console.store.settings import Settings, get_settings, set_settings
from console.store.socks_entries import list_socks_entries, replace_socks_entries


class RevisionHead(NamedTuple):
    """A revision without what it holds, which may be large."""

    number: int
    made_at: datetime
    made_by: str
    text: str


def active_number(session: Session) -> int:
    """Return the number of the active revision."""
    return session.exec(select(ActiveRevision.number)).one()


def active_policy(session: Session) -> tuple[int, Policy]:
    """Return the active revision and its number.

    Raises:
        StoreError: The revision cannot be read.
    """
    number = active_number(session)
    return number, revision_policy(session, number)


def lasting_number(session: Session) -> int:
    """Return the number of the active revision; in an emergency that of the one which is in force after it."""
    active = active_number(session)
    row = session.get(PolicyConfirmation, 1)
    return row.return_to if row is not None and row.emergency and row.number == active else active


def lasting_policy(session: Session) -> tuple[int, Policy]:
    """Return the policy that the pending one is compared with, and its number: without what an emergency overrides.

    Raises:
        StoreError: The revision cannot be read.
    """
    number = lasting_number(session)
    return number, revision_policy(session, number)


def revision_policy(session: Session, number: int) -> Policy:
    """Return the policy that a revision holds, with its passwords sealed.

    What a revision of an older Greenwall does not say is what that Greenwall did: the defaults of `Policy`.

    Raises:
        StoreError: There is no such revision, or it cannot be read.
    """
    row = session.get(Revision, number)
    if row is None:
        raise StoreError("GWL0325", number=number)
    try:
        return msgspec.json.decode(row.document, type=Policy)
    except msgspec.MsgspecError as error:
        raise StoreError("GWL0326", number=number, reason=str(error)) from error


def pending_policy(session: Session) -> Policy:
    """Return the pending policy; service names get their ports only at activation."""
    return replace(_all_but_rules(session), rules=tuple(rule_rows(session)))


def _all_but_rules(session: Session) -> Policy:
    settings = get_settings(session)
    return Policy(
        modes=get_modes(session),
        udp=settings.udp,
        raw_sockets=settings.raw_sockets,
        exit_programs=tuple(list_exit_programs(session)),
        socks=tuple(list_socks_entries(session)),
        address_groups=tuple(ADDRESS_GROUPS.in_order(session)),
        time_groups=tuple(TIME_GROUPS.in_order(session)),
    )


def set_pending(session: Session, policy: Policy) -> None:
    """Make a checked policy the pending one, whole; its passwords are sealed (`console.store.secrets`)."""
    replace_rules(session, policy.rules)
    set_modes(session, policy.modes)
    set_settings(session, Settings(policy.udp, policy.raw_sockets))
    replace_exit_programs(session, policy.exit_programs)
    replace_socks_entries(session, policy.socks)
    ADDRESS_GROUPS.replace(session, policy.address_groups)
    TIME_GROUPS.replace(session, policy.time_groups)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What was counted last, and of what."""

    lasting_is: tuple[int, datetime]
    """Number and time: a number may be given twice, when the first activation was rolled back."""
    lasting: Policy
    rest: Policy
    rules: RuleRows
    changes: int


_counted: WeakKeyDictionary[Pool, _Counted] = WeakKeyDictionary()
"""By pool of connections, of which a store has one, while each session has an engine of its own. Panels ask at each
turn, and nearly always nothing has changed.

Threads:
    An entry is replaced whole; who finds an old one counts again.
"""


def count_changes(session: Session, rules: RuleRows | None = None) -> int:
    """Count what activating would change: rules, groups, exit programs, SOCKS entries, modes, settings.

    What an emergency overrides is no such change: activating would not take it back.

    Args:
        session: An open session.
        rules: The pending rules, if they were read in this session.
    """
    last = _last_counted(session)
    lasting_is = _lasting_is(session)
    rest = _all_but_rules(session)
    rules = rule_rows(session) if rules is None else rules
    if last and last.lasting_is == lasting_is and last.rest == rest and last.rules == rules:
        return last.changes
    lasting = last.lasting if last and last.lasting_is == lasting_is else revision_policy(session, lasting_is[0])
    changes = len(compare(lasting, replace(rest, rules=tuple(rules))))
    _counted[session.get_bind().engine.pool] = _Counted(lasting_is, lasting, rest, rules, changes)
    return changes


def compared_policy(session: Session) -> Policy:
    """Return the policy that `count_changes` compared with, without reading it again; to be called after that."""
    last = _last_counted(session)
    return last.lasting if last and last.lasting_is == _lasting_is(session) else lasting_policy(session)[1]


def _last_counted(session: Session) -> _Counted | None:
    return _counted.get(session.get_bind().engine.pool)


def _lasting_is(session: Session) -> tuple[int, datetime]:
    number = lasting_number(session)
    return number, session.exec(select(Revision.made_at).where(col(Revision.number) == number)).one()


def activate(
    session: Session, *, services: Mapping[str, int], user: str, at: datetime, text: str = "", time_zone: str = ""
) -> int:
    """Make the pending policy the next revision, and active; the caller's transaction makes it whole or not at all.

    Args:
        session: An open transaction.
        services: Port of each service name that the rules use.
        user: Who activates.
        at: When.
        text: What for; at most 50 characters.
        time_zone: Name of the system's time zone, where a time group needs it.

    Returns:
        The number of the new revision.
    """
    policy = replace(pending_policy(session), services=dict(services), time_zone=time_zone)
    return _add(session, policy, user=user, at=at, text=text)


def reactivate(session: Session, number: int, *, user: str, at: datetime, text: str = "") -> int:
    """Make what an older revision holds the next revision, and active; the pending policy stays as it is.

    Args:
        session: An open transaction.
        number: Of the older revision.
        user: Who activates.
        at: When.
        text: What for; at most 50 characters.

    Returns:
        The number of the new revision.

    Raises:
        StoreError: There is no such revision, or it cannot be read.
    """
    return activate_policy(session, revision_policy(session, number), user=user, at=at, text=text)


def activate_policy(session: Session, policy: Policy, *, user: str, at: datetime, text: str = "") -> int:
    """Make a policy the next revision, and active; the pending policy stays as it is.

    Args:
        session: An open transaction.
        policy: With the ports of its services; its passwords are sealed.
        user: Who activates.
        at: When.
        text: What for; at most 50 characters.

    Returns:
        The number of the new revision.
    """
    return _add(session, policy, user=user, at=at, text=text)


def list_revisions(session: Session) -> list[RevisionHead]:
    """Return all revisions, newest first, without what they hold."""
    columns = (Revision.number, Revision.made_at, Revision.made_by, Revision.text)
    rows = session.exec(select(*columns).order_by(col(Revision.number).desc()))
    return [RevisionHead(*row) for row in rows]


def _add(session: Session, policy: Policy, *, user: str, at: datetime, text: str) -> int:
    last = session.exec(select(func.max(Revision.number))).one() or 0
    row = {
        "number": last + 1,
        "made_at": at,
        "made_by": user,
        "text": text,
        "document": _document(policy),
    }
    session.add(Revision.model_validate(row))
    session.flush()
    session.merge(ActiveRevision.model_validate({"id": 1, "number": last + 1}))
    session.flush()
    return last + 1


def fingerprint(policy: Policy) -> str:
    """Return what tells a policy from any other."""
    return hashlib.sha256(_document(policy).encode()).hexdigest()


def _document(policy: Policy) -> str:
    plain = replace(policy, modes=dict(policy.modes), services=dict(policy.services))
    return msgspec.json.encode(plain, order="deterministic").decode()
