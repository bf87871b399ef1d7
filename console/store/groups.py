"""The address groups and time groups of the pending policy. Values arrive checked and canonical."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import ColumnElement, delete, or_
from sqlmodel import Session, col, select

from console.errors import StoreError
from console.model.pending import PendingAddressGroup, PendingRule, PendingTimeGroup
from console.policy.address_groups import GROUP_MARK, group_fields, group_of
from console.policy.checks import KEYWORDS
from console.policy.fields import refusal
from console.policy.rule import ANY, AddressGroup, Rule, TimeGroup
from console.policy.time_groups import time_group_fields

_ADDRESSES = (col(PendingRule.local_address), col(PendingRule.remote_address))


def list_address_groups(session: Session) -> list[AddressGroup]:
    """Return the pending address groups, in ascending order of name."""
    rows = session.exec(select(PendingAddressGroup).order_by(col(PendingAddressGroup.name)))
    return [_address_group(row) for row in rows]


def list_time_groups(session: Session) -> list[TimeGroup]:
    """Return the pending time groups, in ascending order of name."""
    rows = session.exec(select(PendingTimeGroup).order_by(col(PendingTimeGroup.name)))
    return [TimeGroup(**row.model_dump()) for row in rows]


def get_address_group(session: Session, name: str) -> AddressGroup:
    """Return a pending address group.

    Raises:
        StoreError: There is no such group.
    """
    row = session.get(PendingAddressGroup, name)
    if row is None:
        raise StoreError("GWL02BE", kind="Address", name=name)
    return _address_group(row)


def get_time_group(session: Session, name: str) -> TimeGroup:
    """Return a pending time group.

    Raises:
        StoreError: There is no such group.
    """
    row = session.get(PendingTimeGroup, name)
    if row is None:
        raise StoreError("GWL02BE", kind="Time", name=name)
    return TimeGroup(**row.model_dump())


def add_address_group(session: Session, group: AddressGroup) -> None:
    """Add an address group to the pending policy.

    Raises:
        StoreError: There is one of that name.
    """
    if session.get(PendingAddressGroup, group.name) is not None:
        raise StoreError("GWL02BF", kind="Address", name=group.name)
    session.add(_address_row(group))
    session.flush()


def add_time_group(session: Session, group: TimeGroup) -> None:
    """Add a time group to the pending policy.

    Raises:
        StoreError: There is one of that name.
    """
    if session.get(PendingTimeGroup, group.name) is not None:
        raise StoreError("GWL02BF", kind="Time", name=group.name)
    session.add(_time_row(group))
    session.flush()


def change_address_group(session: Session, group: AddressGroup) -> None:
    """Replace the pending address group of the same name.

    Raises:
        StoreError: There is no such group.
    """
    get_address_group(session, group.name)
    session.merge(_address_row(group))
    session.flush()


def change_time_group(session: Session, group: TimeGroup) -> None:
    """Replace the pending time group of the same name.

    Raises:
        StoreError: There is no such group.
    """
    get_time_group(session, group.name)
    session.merge(_time_row(group))
    session.flush()


def remove_address_group(session: Session, name: str) -> None:
    """Remove an address group from the pending policy; the caller sees to it that no rule names it.

    Raises:
        StoreError: There is no such group.
    """
    get_address_group(session, name)
    session.delete(session.get_one(PendingAddressGroup, name))
    session.flush()


def remove_time_group(session: Session, name: str) -> None:
    """Remove a time group from the pending policy; the caller sees to it that no rule names it.

    Raises:
        StoreError: There is no such group.
    """
    get_time_group(session, name)
    session.delete(session.get_one(PendingTimeGroup, name))
    session.flush()


def replace_groups(session: Session, address_groups: Iterable[AddressGroup], time_groups: Iterable[TimeGroup]) -> None:
    """Make these the pending groups."""
    for table in (PendingAddressGroup, PendingTimeGroup):
        session.execute(delete(table), execution_options={"synchronize_session": "fetch"})
    session.add_all(_address_row(group) for group in address_groups)
    session.add_all(_time_row(group) for group in time_groups)
    session.flush()


def check_groups(session: Session, rule: Rule) -> None:
    """Check that the groups that a rule names are in the pending policy.

    Raises:
        PolicyError: One of them is not; its ``keyword`` is that of the command language.
    """
    for field in ("local_address", "remote_address"):
        name = group_of(getattr(rule, field))
        if name is not None and session.get(PendingAddressGroup, name) is None:
            raise refusal("GWL02B5", keyword=KEYWORDS[field], value=getattr(rule, field))
    if rule.time_group != ANY and session.get(PendingTimeGroup, rule.time_group) is None:
        raise refusal("GWL02B5", keyword=KEYWORDS["time_group"], value=rule.time_group)


def count_address_group_uses(session: Session) -> dict[str, int]:
    """Return how many pending rules name each address group that any names."""
    found: Counter[str] = Counter()
    query = select(PendingRule.local_address, PendingRule.remote_address).where(
        or_(*(column.startswith(GROUP_MARK, autoescape=True) for column in _ADDRESSES))
    )
    for said in session.exec(query):
        found.update({name for value in said if (name := group_of(value)) is not None})
    return dict(found)


def count_time_group_uses(session: Session) -> dict[str, int]:
    """Return how many pending rules name each time group that any names."""
    query = select(PendingRule.time_group).where(col(PendingRule.time_group) != ANY)
    return dict(Counter(session.exec(query)))


def rules_with_address_group(session: Session, name: str) -> list[Rule]:
    """Return the pending rules that name an address group, in order."""
    said = GROUP_MARK + name
    return _rules(session, or_(*(column == said for column in _ADDRESSES)))


def rules_with_time_group(session: Session, name: str) -> list[Rule]:
    """Return the pending rules that name a time group, in order."""
    return _rules(session, col(PendingRule.time_group) == name)


def _rules(session: Session, condition: ColumnElement[bool]) -> list[Rule]:
    query = select(PendingRule).where(condition).order_by(col(PendingRule.exit_point), col(PendingRule.sequence))
    return [Rule(**row.model_dump()) for row in session.exec(query)]


def _address_group(row: PendingAddressGroup) -> AddressGroup:
    return AddressGroup(row.name, tuple(row.members.split()), row.text)


def _address_row(group: AddressGroup) -> PendingAddressGroup:
    return PendingAddressGroup.model_validate(group_fields(group))


def _time_row(group: TimeGroup) -> PendingTimeGroup:
    return PendingTimeGroup.model_validate(time_group_fields(group))
