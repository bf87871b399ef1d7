"""Lists of groups of the pending policy: what those of addresses and those of times have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from console.commands.time_groups import shown_now
from console.policy.address_groups import GROUP_MARK
from console.policy.rule import UNBOUNDED, AddressGroup, Rule, TimeGroup
from console.policy.time_groups import SEVERAL_DAYS
from console.store.groups import ADDRESS_GROUPS, TIME_GROUPS, count_address_group_uses, count_time_group_uses
from console.store.revisions import count_changes
from screens.panel import FunctionKey, Push, Reply, Submission
from screens.panels.columns import Column
from screens.panels.held_list import WorkWithHeld
from screens.panels.options import Option, Way
from screens.panels.pending import draw_pending
from screens.panels.services import Services
from screens.panels.work_with import LIST_KEYS
from screens.panels.work_with_rules import WorkWithRules
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size

_GroupT = TypeVar("_GroupT", AddressGroup, TimeGroup)
_ALTERNATE = FunctionKey(11, "Alternate view")
_MOST_RULES_SHOWN = 99_999


@dataclass(frozen=True, slots=True)
class Used(Generic[_GroupT]):
    """A row of the list."""

    group: _GroupT
    rules: int
    """How many rules of the pending policy name it."""
    now: str = ""
    """Whether a time group is active."""


class _WorkWithGroups(WorkWithHeld[Used[_GroupT]]):
    """Groups: position-to and pending changes above them, F6 adds and F10 activates."""

    is_wide = True
    options_row = 5
    heading_rows = 1
    gap = 1
    command_label = "Parameters for options 2, 3 or command"
    _shows_all: bool = False
    _changes: int = 0

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F11 only where not all columns show."""
        return (
            *LIST_KEYS,
            FunctionKey(6, "Add"),
            FunctionKey(10, "Activate"),
            *(() if self.view_count == 1 or self._shows_all else (_ALTERNATE,)),
            FunctionKey(17, "Position to"),
        )

    def draw_header(self, page: Page) -> None:
        """Show position-to, and how many changes wait."""
        self.draw_position(page, 3, "Position to")
        draw_pending(page, 3, self._changes)

    def answer_key(self, submission: Submission) -> Reply:
        """Activate; else as any list."""
        if submission.key == "F10":
            return Push(self.services.open("ConfirmActivation", {}))
        return super().answer_key(submission)

    def row_id(self, row: Used[_GroupT]) -> str:
        """Return the name of the group."""
        return row.group.name

    def load(self) -> Sequence[Used[_GroupT]]:
        """Read the groups, and how many rules name each."""
        with self.context.opened() as session:
            self._changes = count_changes(session)
        return self.groups()

    @abstractmethod
    def groups(self) -> Sequence[Used[_GroupT]]:
        """Read the groups."""


class WorkWithAddressGroups(_WorkWithGroups[AddressGroup]):
    """The address groups: add, change, copy, remove, display, show their rules, add and remove members."""

    name = "WRKADRGRP"
    title = "Work with Address Groups"
    module = "work_with_address_groups"
    subject = "Address Groups"
    add_command = "ADDADRGRP"
    legend_rows = 2
    empty_text = "(No address groups. F6 adds one; rules say it as %NAME)"
    command_label = "Parameters for options 2, 3, 14, 15 or command"

    @property
    def options(self) -> Sequence[Option[Used[AddressGroup]]]:
        """What can be done with a group."""
        return (
            Option(2, "Change", "CHGADRGRP", _address_name),
            Option(3, "Copy", "CPYADRGRP", _address_name),
            Option(4, "Remove", "RMVADRGRP", _address_name, Way.CONFIRM),
            Option(5, "Display", "DSPADRGRP", _address_name, Way.RUN),
            Option(8, "Rules that use it", opens=lambda row: GroupRules(self.services, GROUP_MARK + row.group.name)),
            Option(14, "Add members", "ADDADRGRPE", _address_name),
            Option(15, "Remove members", "RMVADRGRPE", _address_name),
        )

    def columns(self, size: Size) -> Sequence[Column[Used[AddressGroup]]]:
        """Return the columns; on a wide screen with more room for members and text."""
        self._shows_all = size == WIDE
        return (
            Column("Group", 10, lambda row: row.group.name, help_key="ADRGRP"),
            Column("Members", 7, lambda row: str(len(row.group.members)), right=True, help_key="COUNT"),
            Column("Rules", 5, lambda row: _count(row.rules), right=True, help_key="RULES"),
            Column("First members", 52 if self._shows_all else 23, _first_members, help_key="MBR"),
            Column("Text", 46 if self._shows_all else 23, lambda row: row.group.text, help_key="TEXT"),
        )

    def groups(self) -> Sequence[Used[AddressGroup]]:
        """Read the groups."""
        with self.context.opened() as session:
            counts = count_address_group_uses(session)
            return [Used(group, counts.get(group.name, 0)) for group in ADDRESS_GROUPS.in_order(session)]


class WorkWithTimeGroups(_WorkWithGroups[TimeGroup]):
    """The time groups: add, change, copy, remove, display, show their rules."""

    name = "WRKTIMGRP"
    title = "Work with Time Groups"
    module = "work_with_time_groups"
    subject = "Time Groups"
    add_command = "ADDTIMGRP"
    view_count = 2
    empty_text = "(No time groups. F6 adds one; rules name it in TIMGRP)"

    @property
    def options(self) -> Sequence[Option[Used[TimeGroup]]]:
        """What can be done with a group."""
        return (
            Option(2, "Change", "CHGTIMGRP", _time_name),
            Option(3, "Copy", "CPYTIMGRP", _time_name),
            Option(4, "Remove", "RMVTIMGRP", _time_name, Way.CONFIRM),
            Option(5, "Display", "DSPTIMGRP", _time_name, Way.RUN),
            Option(8, "Rules that use it", opens=lambda row: GroupRules(self.services, row.group.name)),
        )

    def columns(self, size: Size) -> Sequence[Column[Used[TimeGroup]]]:
        """Return the columns of the view; on a wide screen all of them."""
        self._shows_all = size == WIDE
        first, when, validity = _TIME_COLUMNS
        if self._shows_all:
            return (*first, *when, *validity, Column("Text", 7, lambda row: row.group.text, help_key="TEXT"))
        return (*first, *(validity if self.view else when))

    def confirm_columns(self) -> Sequence[Column[Used[TimeGroup]]]:
        """Return name and times, whatever view the list shows."""
        return (*_TIME_COLUMNS[0], *_TIME_COLUMNS[1])

    def groups(self) -> Sequence[Used[TimeGroup]]:
        """Read the groups, and which of them are active."""
        with self.context.opened() as session:
            counts = count_time_group_uses(session)
            groups = TIME_GROUPS.in_order(session)
        return [Used(group, counts.get(group.name, 0), shown_now(self.context, group)) for group in groups]


class GroupRules(WorkWithRules):
    """The rules that name a group."""

    empty_text = "(No rule of the pending policy uses the group)"

    def __init__(self, services: Services, said: str) -> None:
        """Open the list.

        Args:
            services: What panels share.
            said: The group, as rules say it.
        """
        self._said = said
        super().__init__(services, {"EXITPNT": "*ALL"})

    @property
    def title(self) -> str:  # type: ignore[override]  # of this list it is what it was opened for
        """Say which group is meant."""
        return f"Work with Rules That Use {self._said}"

    def _load(self) -> Sequence[Rule]:  # type: ignore[override]
        return [rule for rule in super()._load() if self._said in _groups_of(rule)]


def _groups_of(rule: Rule) -> tuple[str, ...]:
    return rule.local_address, rule.remote_address, rule.time_group


def _address_name(row: Used[AddressGroup]) -> dict[str, str]:
    return {"ADRGRP": row.group.name}


def _time_name(row: Used[TimeGroup]) -> dict[str, str]:
    return {"TIMGRP": row.group.name}


def _count(number: int) -> str:
    return str(min(number, _MOST_RULES_SHOWN)) if number else ""


def _first_members(row: Used[AddressGroup]) -> str:
    return " ".join(row.group.members[:4]) + (" ..." if len(row.group.members) > 4 else "")


def short_days(group: TimeGroup) -> str:
    """Return the days of a group, in one word where there is one."""
    words = {" ".join(days): word for word, days in SEVERAL_DAYS.items()}
    return words.get(group.days, group.days)


def _dates(group: TimeGroup) -> str:
    if UNBOUNDED == group.from_date == group.to_date:
        return "*ALL"
    if group.from_date == UNBOUNDED:
        return f"to {group.to_date}"
    return f"from {group.from_date}" if group.to_date == UNBOUNDED else f"{group.from_date} - {group.to_date}"


_NOW_LOOKS = {"*ACTIVE": Attribute.WHITE}
_TIME_COLUMNS: tuple[tuple[Column[Used[TimeGroup]], ...], ...] = (
    (
        Column("Group", 10, lambda row: row.group.name, help_key="TIMGRP"),
        Column("Now", 9, lambda row: row.now, help_key="NOW", looks=_NOW_LOOKS),
        Column("Rules", 5, lambda row: _count(row.rules), right=True, help_key="RULES"),
    ),
    (
        Column("Days", 19, lambda row: short_days(row.group), help_key="DAYS"),
        Column("Times", 25, lambda row: row.group.times, help_key="TIMES"),
    ),
    (
        Column("Dates", 23, lambda row: _dates(row.group), help_key="DATES"),
        Column("Time zone", 20, lambda row: row.group.time_zone, help_key="TIMZON"),
    ),
)
"""Name and state, when, and where it holds."""
