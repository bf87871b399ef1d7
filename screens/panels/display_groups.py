"""Display Address Group and Display Time Group: all that a pending group says, who uses it, whether it is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.group_keywords import ADDRESS_GROUP, TIME_GROUP, TIME_VALUES, time_group_values
from console.commands.keywords import BLANK
from console.commands.listing import rules_named
from console.commands.time_groups import shown_now
from console.policy.rule import AddressGroup, TimeGroup
from console.store.groups import ADDRESS_GROUPS, TIME_GROUPS
from console.store.revisions import lasting_policy
from screens.panel import Help
from screens.panels.display import Display, Line
from screens.panels.help_texts import file_help, read_help
from screens.panels.services import Services

_GAP = "  "
_EDGE = 3


class DisplayAddressGroup(Display):
    """Shows one address group of the pending policy."""

    name = "DSPADRGRP"
    title = "Display Address Group"
    module = "display_address_group"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show a group.

        Args:
            services: What panels share.
            arguments: ADRGRP.

        Raises:
            StoreError: There is no such group.
        """
        super().__init__(services)
        with services.context.opened() as session:
            self._group = ADDRESS_GROUPS.get(session, arguments["ADRGRP"])
            self._rules = rules_named(ADDRESS_GROUPS.rules_with(session, self._group.name))
            self._revision, active = lasting_policy(session)
        there = next((group for group in active.address_groups if group.name == self._group.name), None)
        self._state = state(self._group, there)
        self._members = in_columns(self._group.members)

    def help(self, key: str) -> Help | None:
        """Return help on the panel, or the command's help on a value."""
        return super().help(key) or file_help(read_help("ADDADRGRP"), key)

    def lines(self) -> Sequence[Line]:
        """Return what the group says, then its members, as many on a row as fit."""
        group = self._group
        return [
            Line(ADDRESS_GROUP.prompt, group.name, "ADRGRP"),
            Line("Text", group.text or BLANK, "TEXT"),
            Line("In rules", f"%{group.name}", "*NAME"),
            Line("Used by rules", self._rules, "*RULES"),
            Line(f"In active revision {self._revision}", self._state, "*STATE"),
            Line("Number of members", str(len(group.members)), "*COUNT"),
            Line(),
            *(Line(text=text) for text in self._members),
        ]


def in_columns(members: Sequence[str], columns: int = 80) -> list[str]:
    """Return members in columns as wide as the longest of them, read row by row.

    Args:
        members: The members.
        columns: Of the narrowest screen.
    """
    width = max(map(len, members), default=1)
    each = max(1, (columns - _EDGE) // (width + len(_GAP)))
    rows = (members[at : at + each] for at in range(0, len(members), each))
    return ["  " + _GAP.join(member.ljust(width) for member in row).rstrip() for row in rows]


class DisplayTimeGroup(Display):
    """Shows one time group of the pending policy."""

    name = "DSPTIMGRP"
    title = "Display Time Group"
    module = "display_time_group"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show a group.

        Args:
            services: What panels share.
            arguments: TIMGRP.

        Raises:
            StoreError: There is no such group.
        """
        super().__init__(services)
        with services.context.opened() as session:
            self._group = TIME_GROUPS.get(session, arguments["TIMGRP"])
            self._rules = rules_named(TIME_GROUPS.rules_with(session, self._group.name))
            self._revision, active = lasting_policy(session)
        there = next((group for group in active.time_groups if group.name == self._group.name), None)
        self._state = state(self._group, there)

    def help(self, key: str) -> Help | None:
        """Return help on the panel, or the command's help on a value."""
        return super().help(key) or file_help(read_help("ADDTIMGRP"), key)

    def lines(self) -> Sequence[Line]:
        """Return every field, with the prompts of the commands as labels."""
        values = time_group_values(self._group)
        return [
            Line(TIME_GROUP.prompt, self._group.name, "TIMGRP"),
            *(Line(each.prompt, values[each.keyword] or BLANK, each.keyword) for each in TIME_VALUES),
            Line(),
            Line("Now", shown_now(self.services.context, self._group), "*NOW"),
            Line("Used by rules", self._rules, "*RULES"),
            Line(f"In active revision {self._revision}", self._state, "*STATE"),
        ]


def state(group: AddressGroup | TimeGroup, active: AddressGroup | TimeGroup | None) -> str:
    """Return whether a pending group is in force."""
    if active is None:
        return "No: added, waits for activation"
    return "Yes" if active == group else "Otherwise: changed, waits for activation"
