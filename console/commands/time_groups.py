"""The commands on time groups; they change the pending policy only."""

from __future__ import annotations

from collections.abc import Mapping

from console.commands.definition import Command, Context, Result
from console.commands.group_changes import GroupChanges
from console.commands.group_keywords import (
    NEW_TIME_GROUP,
    TIME_GROUP,
    TIME_VALUES,
    TO_TIME_GROUP,
    time_group_of,
    time_group_values,
)
from console.commands.host import system_time_zone
from console.commands.keywords import BLANK, as_it_is
from console.commands.listing import Column, labelled, rules_named, table
from console.errors import ConsoleError
from console.model.words import IOSYSCFG
from console.policy.rule import SYSTEM, UNBOUNDED, TimeGroup
from console.policy.time_groups import is_active, time_group_fields
from console.store.groups import TIME_GROUPS, count_time_group_uses

_COLUMNS = (
    Column("Group"),
    Column("Days"),
    Column("Times"),
    Column("First date"),
    Column("Last date"),
    Column("Time zone"),
    Column("Now"),
    Column("Rules", right=True),
    Column("Text"),
)


_CHANGES = GroupChanges(TIME_GROUPS, lambda group, _other: time_group_fields(group))


def shown_now(context: Context, group: TimeGroup) -> str:
    """Return whether a group is active now, as lists show it; nothing where its time zone is not known here."""
    try:
        zone = system_time_zone() if group.time_zone == SYSTEM else ""
        return "*ACTIVE" if is_active(group, context.clock(), zone) else "*INACTIVE"
    except ConsoleError:
        return "*UNKNOWN"


class AddTimeGroup(Command):
    """Adds a group."""

    name = "ADDTIMGRP"
    text = "Add Time Group"
    authority = (IOSYSCFG,)
    parameters = (NEW_TIME_GROUP, *TIME_VALUES)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Add it."""
        return _CHANGES.add(context, time_group_of(values, name=values["TIMGRP"]))


class ChangeTimeGroup(Command):
    """Changes a group."""

    name = "CHGTIMGRP"
    text = "Change Time Group"
    authority = (IOSYSCFG,)
    parameters = (TIME_GROUP, *as_it_is(TIME_VALUES))
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the group as it is."""
        return time_group_values(_CHANGES.read(context, values["TIMGRP"]))

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it."""
        before = _CHANGES.read(context, values["TIMGRP"])
        return _CHANGES.change(context, before, time_group_of(values, name=before.name))


class CopyTimeGroup(Command):
    """Copies a group under another name."""

    name = "CPYTIMGRP"
    text = "Copy Time Group"
    authority = (IOSYSCFG,)
    parameters = (TIME_GROUP, TO_TIME_GROUP)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Copy it."""
        return _CHANGES.copy(context, values["TIMGRP"], values["TOTIMGRP"])


class RemoveTimeGroup(Command):
    """Removes a group."""

    name = "RMVTIMGRP"
    text = "Remove Time Group"
    authority = (IOSYSCFG,)
    parameters = (TIME_GROUP,)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove it, unless a rule of the pending policy names it."""
        return _CHANGES.remove(context, values["TIMGRP"])


class DisplayTimeGroup(Command):
    """Shows a group."""

    name = "DSPTIMGRP"
    text = "Display Time Group"
    authority = ()
    parameters = (TIME_GROUP,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        group = _CHANGES.read(context, values["TIMGRP"])
        with context.opened() as session:
            rules = TIME_GROUPS.rules_with(session, group.name)
        shown = time_group_values(group)
        told = [
            (TIME_GROUP.prompt, group.name),
            *((each.prompt, shown[each.keyword] or BLANK) for each in TIME_VALUES),
            ("Now", shown_now(context, group)),
            ("Used by rules", rules_named(rules)),
        ]
        return Result((), labelled(told), "DisplayTimeGroup", dict(values))


class WorkWithTimeGroups(Command):
    """Shows the groups."""

    name = "WRKTIMGRP"
    text = "Work with Time Groups"
    authority = ()

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        with context.opened() as session:
            groups = TIME_GROUPS.in_order(session)
            counts = count_time_group_uses(session)
        rows = [
            (
                group.name,
                group.days,
                group.times,
                _date(group.from_date),
                _date(group.to_date),
                group.time_zone,
                shown_now(context, group),
                counts.get(group.name, 0),
                group.text,
            )
            for group in groups
        ]
        return Result((), table(_COLUMNS, rows, "(No time groups)"), "WorkWithTimeGroups", dict(values))


def _date(value: str) -> str:
    return "" if value == UNBOUNDED else value


COMMANDS: tuple[type[Command], ...] = (
    WorkWithTimeGroups,
    AddTimeGroup,
    ChangeTimeGroup,
    CopyTimeGroup,
    RemoveTimeGroup,
    DisplayTimeGroup,
)
