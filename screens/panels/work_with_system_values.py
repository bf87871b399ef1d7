"""Work with System Values: what is audited, and what each value holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.commands.audit_values import KINDS
from console.commands.system_values import TYPE, matching
from console.messages import message
from console.store.system_values import get_values
from screens.panel import FunctionKey, Reply, Stay, Submission
from screens.panels.columns import Column
from screens.panels.options import Option, Way
from screens.panels.pager import HeldList
from screens.panels.services import Services
from screens.panels.work_with import LIST_KEYS, WorkWithList
from screens.terminal.field_format import UPPER
from screens.terminal.page import WIDE, Page, Size

_POSITION = "POSTO"
_NOT_THERE = "GWL0717"
_VIEWS = ("Display values", "Display descriptions")
"""What F11 shows next, by the view that shows now."""


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One system value."""

    name: str
    value: str

    @property
    def text(self) -> str:
        """What it is."""
        return KINDS[self.name].text


class WorkWithSystemValues(WorkWithList[ValueRow]):
    """The system values: change, display."""

    name = "WRKSYSVAL"
    title = "Work with System Values"
    module = "work_with_system_values"
    subject = "System Values"
    options_row = 5
    gap = 2
    empty_text = "(No system values)"
    command_label = "Parameters for option 2 or command"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Open the list.

        Args:
            services: What panels share.
            arguments: The values of WRKSYSVAL.
        """
        self._context = services.context
        self._pattern = arguments["SYSVAL"]
        self._view = 0
        self._list = HeldList(self._load, lambda row: row.name)
        super().__init__(services, self._list)

    @property
    def options(self) -> Sequence[Option[ValueRow]]:
        """What can be done with a system value."""
        return (
            Option(2, "Change", "CHGSYSVAL", _given),
            Option(5, "Display", "DSPSYSVAL", _given, Way.RUN),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F11 names the view that comes next."""
        return (*LIST_KEYS, FunctionKey(11, _VIEWS[self._view]), FunctionKey(17, "Position to"))

    def columns(self, size: Size) -> Sequence[Column[ValueRow]]:
        """Return the columns of the view; on a wide screen all of them."""
        if size == WIDE:
            return (_NAME, _TYPE, _TEXT, _value(74))
        return (_NAME, _value(60)) if self._view else (_NAME, _TYPE, _TEXT)

    def confirm_columns(self) -> Sequence[Column[ValueRow]]:
        """Return name and description."""
        return (_NAME, _TEXT)

    def draw_header(self, page: Page) -> None:
        """Show position-to."""
        page.label(3, 2, "Position to", 22)
        page.field(_POSITION, 3, 25, 10, self.fields.get(_POSITION, ""), format=UPPER)
        page.text(3, 38, "Starting characters of system value")

    def enter_header(self, submission: Submission) -> Reply | None:
        """Go to the first system value whose name begins so, or comes after."""
        del submission
        wanted = self.fields.pop(_POSITION, "")
        if not wanted:
            return None
        if wanted in ("*TOP", "*BOT"):
            self._list.edge(wanted)
        elif any(row.name.startswith(wanted) for row in self._list.all):
            self._list.position(lambda row: row.name.startswith(wanted))
        else:
            self.fields[_POSITION] = wanted
            return Stay((message(_NOT_THERE, value=wanted),), errors=(_POSITION,))
        return Stay(redraw=True)

    def answer_key(self, submission: Submission) -> Reply:
        """Change the view, or go to the position field."""
        if submission.key == "F11":
            self._view = (self._view + 1) % len(_VIEWS)
            return Stay(redraw=True)
        return Stay(cursor=_POSITION)

    def _load(self) -> list[ValueRow]:
        with self._context.opened() as session:
            held = get_values(session)
        return [ValueRow(name, held[name]) for name in matching(self._pattern)]


def _given(row: ValueRow) -> dict[str, str]:
    return {"SYSVAL": row.name}


def _value(width: int) -> Column[ValueRow]:
    return Column("Value", width, lambda row: row.value, help_key="VALUE")


_NAME: Column[ValueRow] = Column("System value", 12, lambda row: row.name, help_key="SYSVAL")
_TYPE: Column[ValueRow] = Column("Type", 6, lambda _row: TYPE, help_key="TYPE")
_TEXT: Column[ValueRow] = Column("Description", 36, lambda row: row.text, help_key="TEXT")
