"""What the commands on address groups and those on time groups do alike: change the pending policy, and record it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from console.commands.audit import record
from console.commands.definition import Context, Result
from console.commands.listing import rules_named
from console.errors import CommandError
from console.messages import Message, message
from console.policy.rule import AddressGroup, TimeGroup
from console.store.groups import PendingGroups

_Group = TypeVar("_Group", AddressGroup, TimeGroup)


@dataclass(frozen=True, slots=True)
class GroupChanges(Generic[_Group]):
    """Changes of the groups of one kind. All raise `StoreError`: no such group, or one of that name."""

    groups: PendingGroups[_Group, Any]
    fields: Callable[[_Group, _Group | None], Mapping[str, object]]
    """Returns what an audit entry says of a group: of the one that it is, and what it was before or became."""

    def read(self, context: Context, name: str) -> _Group:
        """Return a group as it is."""
        with context.opened() as session:
            return self.groups.get(session, name)

    def add(self, context: Context, group: _Group, done: Message | None = None) -> Result:
        """Add a group; ``done`` says so where it says more."""
        with context.opened() as session:
            self.groups.add(session, group)
        self._record(context, f"{self._named(group)} added", before=None, after=group)
        return Result(messages=(done or self._group_done("GWL02C3", group),))

    def change(
        self, context: Context, before: _Group, after: _Group, text: str = "", done: Message | None = None
    ) -> Result:
        """Change a group, unless it stays as it is; ``text``, for the entry, and ``done`` where they say more."""
        if after == before:
            return Result(messages=(self._group_done("GWL02C5", after),), changed=False)
        with context.opened() as session:
            self.groups.change(session, after)
        self._record(context, text or f"{self._named(after)} changed", before=before, after=after)
        return Result(messages=(done or self._group_done("GWL02C4", after),))

    def copy(self, context: Context, name: str, to_name: str) -> Result:
        """Copy a group under another name."""
        source = self.read(context, name)
        group = dataclasses.replace(source, name=to_name)
        with context.opened() as session:
            self.groups.add(session, group)
        self._record(context, f"{self._named(group)} copied from {source.name}", before=None, after=group)
        return Result(messages=(message("GWL02C6", kind=self.groups.kind, name=source.name, to_name=group.name),))

    def remove(self, context: Context, name: str) -> Result:
        """Remove a group.

        Raises:
            CommandError: A rule of the pending policy names it.
        """
        group = self.read(context, name)
        with context.opened() as session:
            rules = self.groups.rules_with(session, group.name)
            if rules:
                raise CommandError("GWL02C2", kind=self.groups.kind, name=group.name, rules=rules_named(rules))
            self.groups.remove(session, group.name)
        self._record(context, f"{self._named(group)} removed", before=group, after=None)
        return Result(messages=(self._group_done("GWL02C7", group),))

    def _named(self, group: _Group) -> str:
        return f"{self.groups.kind} group {group.name}"

    def _group_done(self, message_id: str, group: _Group) -> Message:
        return message(message_id, kind=self.groups.kind, name=group.name)

    def _record(self, context: Context, text: str, *, before: _Group | None, after: _Group | None) -> None:
        record(
            context,
            text,
            before=None if before is None else self.fields(before, after),
            after=None if after is None else self.fields(after, before),
        )
