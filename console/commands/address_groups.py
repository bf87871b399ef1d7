"""The commands on address groups; they change the pending policy only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from console.commands.definition import Command, Context, Result
from console.commands.group_changes import GroupChanges
from console.commands.group_keywords import (
    ADDRESS_GROUP,
    CHANGED_GROUP_VALUES,
    FROM_FILE,
    GROUP_VALUES,
    MEMBERS,
    NEW_ADDRESS_GROUP,
    TO_ADDRESS_GROUP,
    address_group_of,
    members_of,
    names_members,
)
from console.commands.keywords import BLANK
from console.commands.language import SAME
from console.commands.listing import Column, labelled, rules_named, table
from console.errors import CommandError
from console.messages import message
from console.model.words import IOSYSCFG
from console.policy.address_groups import few_members
from console.policy.rule import AddressGroup
from console.store.groups import ADDRESS_GROUPS, count_address_group_uses

_MOST_AUDITED = 1000
"""Members that an audit entry names; revisions hold all of them."""
_COLUMNS = (Column("Group"), Column("Members", right=True), Column("Rules", right=True), Column("Text"))


def _fields(group: AddressGroup, other: AddressGroup | None) -> dict[str, object]:
    """Return what an audit entry says of a group; of its members, which came or went."""
    others = frozenset(() if other is None else other.members)
    own = [member for member in group.members if member not in others]
    return {
        "name": group.name, "text": group.text, "count": len(group.members), "members": few_members(own, _MOST_AUDITED),
    }  # fmt: skip


_CHANGES = GroupChanges(ADDRESS_GROUPS, _fields)


class AddAddressGroup(Command):
    """Adds a group."""

    name = "ADDADRGRP"
    text = "Add Address Group"
    authority = (IOSYSCFG,)
    parameters = (NEW_ADDRESS_GROUP, *GROUP_VALUES)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Add it."""
        group = address_group_of(values["ADRGRP"], members_of(values), values["TEXT"])
        return _CHANGES.add(context, group, message("GWL02C8", name=group.name, count=len(group.members)))


class ChangeAddressGroup(Command):
    """Changes a group: its text, or all its members."""

    name = "CHGADRGRP"
    text = "Change Address Group"
    authority = (IOSYSCFG,)
    parameters = (ADDRESS_GROUP, *CHANGED_GROUP_VALUES)
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the group as it is; its members, which may be thousands, stay ``*SAME``."""
        group = _CHANGES.read(context, values["ADRGRP"])
        return {"MBR": SAME, "TEXT": group.text}

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it."""
        before = _CHANGES.read(context, values["ADRGRP"])
        is_left = values["MBR"] == SAME and not names_members(values)
        members = " ".join(before.members) if is_left else members_of(values)
        after = address_group_of(before.name, members, values["TEXT"])
        return _CHANGES.change(context, before, after)


class AddAddressGroupEntry(Command):
    """Adds members to a group."""

    name = "ADDADRGRPE"
    text = "Add Address Group Entry"
    authority = (IOSYSCFG,)
    parameters = (ADDRESS_GROUP, MEMBERS, FROM_FILE)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Add them; those that it has already stay."""
        before = _CHANGES.read(context, values["ADRGRP"])
        added = _given(values)
        after = address_group_of(before.name, " ".join([*before.members, *added]), before.text)
        count = len(after.members) - len(before.members)
        done = message("GWL02C9", name=after.name, count=count, total=len(after.members))
        text = f"Members added to address group {after.name}: {count}"
        return _CHANGES.change(context, before, after, text, done)


class RemoveAddressGroupEntry(Command):
    """Removes members from a group."""

    name = "RMVADRGRPE"
    text = "Remove Address Group Entry"
    authority = (IOSYSCFG,)
    parameters = (ADDRESS_GROUP, MEMBERS, FROM_FILE)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove them, all or none."""
        before = _CHANGES.read(context, values["ADRGRP"])
        gone = frozenset(_given(values))
        missing = sorted(gone.difference(before.members))
        if missing:
            raise CommandError("GWL02CB", name=before.name, members=few_members(missing))
        left = [member for member in before.members if member not in gone]
        after = address_group_of(before.name, " ".join(left), before.text)
        done = message("GWL02CA", name=after.name, count=len(gone), total=len(after.members))
        text = f"Members removed from address group {after.name}: {len(gone)}"
        return _CHANGES.change(context, before, after, text, done)


def _given(values: Mapping[str, str]) -> list[str]:
    """Return the members that a command names.

    Raises:
        ConsoleError: It names none, or what it names is none.
    """
    if not names_members(values):
        raise CommandError("GWL02CF", command="MBR or FROMFILE")
    return members_of(values).split()


class CopyAddressGroup(Command):
    """Copies a group under another name."""

    name = "CPYADRGRP"
    text = "Copy Address Group"
    authority = (IOSYSCFG,)
    parameters = (ADDRESS_GROUP, TO_ADDRESS_GROUP)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Copy it."""
        return _CHANGES.copy(context, values["ADRGRP"], values["TOADRGRP"])


class RemoveAddressGroup(Command):
    """Removes a group."""

    name = "RMVADRGRP"
    text = "Remove Address Group"
    authority = (IOSYSCFG,)
    parameters = (ADDRESS_GROUP,)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove it, unless a rule of the pending policy names it."""
        return _CHANGES.remove(context, values["ADRGRP"])


class DisplayAddressGroup(Command):
    """Shows a group."""

    name = "DSPADRGRP"
    text = "Display Address Group"
    authority = ()
    parameters = (ADDRESS_GROUP,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        group = _CHANGES.read(context, values["ADRGRP"])
        with context.opened() as session:
            rules = ADDRESS_GROUPS.rules_with(session, group.name)
        told = [
            (ADDRESS_GROUP.prompt, group.name),
            ("Text", group.text or BLANK),
            ("Used by rules", rules_named(rules)),
            ("Number of members", len(group.members)),
        ]
        return Result((), (*labelled(told), *group.members), "DisplayAddressGroup", dict(values))


class WorkWithAddressGroups(Command):
    """Shows the groups."""

    name = "WRKADRGRP"
    text = "Work with Address Groups"
    authority = ()

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        with context.opened() as session:
            groups = ADDRESS_GROUPS.in_order(session)
            counts = count_address_group_uses(session)
        rows = [(group.name, len(group.members), counts.get(group.name, 0), group.text) for group in groups]
        return Result((), _listed(rows), "WorkWithAddressGroups", dict(values))


def _listed(rows: Iterable[Sequence[object]]) -> tuple[str, ...]:
    return table(_COLUMNS, rows, "(No address groups)")


COMMANDS: tuple[type[Command], ...] = (
    WorkWithAddressGroups,
    AddAddressGroup,
    ChangeAddressGroup,
    CopyAddressGroup,
    RemoveAddressGroup,
    DisplayAddressGroup,
    AddAddressGroupEntry,
    RemoveAddressGroupEntry,
)
