"""The address groups and time groups of the pending policy. Values arrive checked and canonical."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

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


_Group = TypeVar("_Group", AddressGroup, TimeGroup)
_Row = TypeVar("_Row", PendingAddressGroup, PendingTimeGroup)


@dataclass(frozen=True, slots=True)
class PendingGroups(Generic[_Group, _Row]):
    """The pending groups of one kind: `ADDRESS_GROUPS` or `TIME_GROUPS`."""

    kind: str
    """What messages call them: ``Address``."""
    table: type[_Row]
    from_row: Callable[[_Row], _Group]
    to_row: Callable[[_Group], _Row]
    is_named: Callable[[str], ColumnElement[bool]]
    """Returns the condition that a rule names the group of a name."""

    def in_order(self, session: Session) -> list[_Group]:
        """Return all of them, in ascending order of name."""
        return [self.from_row(row) for row in session.exec(select(self.table).order_by(col(self.table.name)))]

    def get(self, session: Session, name: str) -> _Group:
        """Return one.

        Raises:
            StoreError: There is no such group.
        """
        return self.from_row(self._row(session, name))

    def add(self, session: Session, group: _Group) -> None:
        """Add one to the pending policy.

        Raises:
            StoreError: There is one of that name.
        """
        if session.get(self.table, group.name) is not None:
            raise StoreError("GWL02BF", kind=self.kind, name=group.name)
        session.add(self.to_row(group))
        session.flush()

    def change(self, session: Session, group: _Group) -> None:
        """Replace the one of the same name.

        Raises:
            StoreError: There is no such group.
        """
        self._row(session, group.name)
        session.merge(self.to_row(group))
        session.flush()

    def remove(self, session: Session, name: str) -> None:
        """Remove one from the pending policy; the caller sees to it that no rule names it.

        Raises:
            StoreError: There is no such group.
        """
        session.delete(self._row(session, name))
        session.flush()

    def replace(self, session: Session, groups: Iterable[_Group]) -> None:
        """Make these the pending groups."""
        session.execute(delete(self.table), execution_options={"synchronize_session": "fetch"})
        session.add_all(self.to_row(group) for group in groups)
        session.flush()

    def rules_with(self, session: Session, name: str) -> list[Rule]:
        """Return the pending rules that name one, in order."""
        query = select(PendingRule).where(self.is_named(name))
        query = query.order_by(col(PendingRule.exit_point), col(PendingRule.sequence))
        return [Rule(**row.model_dump()) for row in session.exec(query)]

    def _row(self, session: Session, name: str) -> _Row:
        row = session.get(self.table, name)
        if row is None:
            raise StoreError("GWL02BE", kind=self.kind, name=name)
        return row


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


ADDRESS_GROUPS = PendingGroups(
    kind="Address",
    table=PendingAddressGroup,
    from_row=lambda row: AddressGroup(row.name, tuple(row.members.split()), row.text),
    to_row=lambda group: PendingAddressGroup.model_validate(group_fields(group)),
    is_named=lambda name: or_(*(column == GROUP_MARK + name for column in _ADDRESSES)),
)
TIME_GROUPS = PendingGroups(
    kind="Time",
    table=PendingTimeGroup,
    from_row=lambda row: TimeGroup(**row.model_dump()),
    to_row=lambda group: PendingTimeGroup.model_validate(time_group_fields(group)),
    is_named=lambda name: col(PendingRule.time_group) == name,
)
