"""Work with System Values: what is audited, and what each value holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.commands.system_value_kinds import KINDS
from console.commands.system_values import TYPE, matching
from console.store.system_values import get_values
from screens.panel import FunctionKey
from screens.panels.columns import Column
from screens.panels.held_list import WorkWithHeld, view_key
from screens.panels.options import Option, Way
from screens.panels.work_with import LIST_KEYS
from screens.terminal.page import WIDE, Page, Size

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


class WorkWithSystemValues(WorkWithHeld[ValueRow]):
    """The system values: change, display."""

    name = "WRKSYSVAL"
    title = "Work with System Values"
    module = "work_with_system_values"
    subject = "System Values"
    view_count = len(_VIEWS)
    options_row = 5
    gap = 2
    empty_text = "(No system values)"
    command_label = "Parameters for option 2 or command"

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
        return (*LIST_KEYS, view_key(_VIEWS, self.view), FunctionKey(17, "Position to"))

    def columns(self, size: Size) -> Sequence[Column[ValueRow]]:
        """Return the columns of the view; on a wide screen all of them."""
        if size == WIDE:
            return (_NAME, _TYPE, _TEXT, _value(74))
        return (_NAME, _value(60)) if self.view else (_NAME, _TYPE, _TEXT)

    def confirm_columns(self) -> Sequence[Column[ValueRow]]:
        """Return name and description."""
        return (_NAME, _TEXT)

    def draw_header(self, page: Page) -> None:
        """Show position-to."""
        self.draw_position(page, 3, "Position to")
        page.text(3, 38, "Starting characters of system value")

    def row_id(self, row: ValueRow) -> str:
        """Return its name."""
        return row.name

    def load(self) -> Sequence[ValueRow]:
        """Read the values."""
        with self.context.opened() as session:
            held = get_values(session)
        return [ValueRow(name, held[name]) for name in matching(self.arguments["SYSVAL"])]


def _given(row: ValueRow) -> dict[str, str]:
    return {"SYSVAL": row.name}


def _value(width: int) -> Column[ValueRow]:
    return Column("Value", width, lambda row: row.value, help_key="VALUE")


_NAME: Column[ValueRow] = Column("System value", 12, lambda row: row.name, help_key="SYSVAL")
_TYPE: Column[ValueRow] = Column("Type", 6, lambda _row: TYPE, help_key="TYPE")
_TEXT: Column[ValueRow] = Column("Description", 36, lambda row: row.text, help_key="TEXT")
