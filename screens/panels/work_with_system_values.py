"""Work with System Values: what is audited, and what each value holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.commands.system_value_kinds import KINDS, TYPES
from console.commands.system_values import ALL, matching
from console.messages import message
from console.store.system_values import get_values
from screens.panel import FunctionKey, Panel, Push, Reply, Stay, Submission
from screens.panels.change_system_value import ChangeSystemValueWords
from screens.panels.columns import Column
from screens.panels.held_list import WorkWithHeld, view_key
from screens.panels.options import Option, Way
from screens.panels.selection import SelectionWindow
from screens.panels.work_with import LIST_KEYS
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import WIDE, Page, Size

_SUBSET = "SUBSET"
"""Name of the field that shows only some."""
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
    _lists_types = False
    command_label = "Parameters for option 2 or command"

    @property
    def options(self) -> Sequence[Option[ValueRow]]:
        """What can be done with a system value."""
        return (
            Option(2, "Change", "CHGSYSVAL", _given, asks=self._words_panel),
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
        page.label(4, 2, "Subset by type", 22)
        page.field(_SUBSET, 4, 25, 10, self.fields.get(_SUBSET, self.arguments["SYSVAL"]), format=UPPER)
        page.text(4, 38, "F4 for list", Attribute.BLUE)

    def enter_header(self, submission: Submission) -> Reply | None:
        """Show another subset, or go to a system value."""
        wanted = self.fields.pop(_SUBSET, self.arguments["SYSVAL"]) or ALL
        if wanted == self.arguments["SYSVAL"]:
            return super().enter_header(submission)
        if not list(matching(wanted)):
            self.fields[_SUBSET] = wanted
            return Stay((message("GWL0770", value=wanted, allowed=", ".join((ALL, *TYPES))),), errors=(_SUBSET,))
        self.arguments["SYSVAL"] = wanted
        return self.again()

    def list_values(self, name: str) -> Reply:
        """Show the types, in the field of the subset."""
        if name != _SUBSET:
            return super().list_values(name)
        self._lists_types = True
        return Push(SelectionWindow("Subset by type", [(ALL, "All system values"), *TYPES.items()]))

    def resume(self, value: object) -> Reply:
        """Take the type that was chosen; else go on as any list."""
        lists_types, self._lists_types = self._lists_types, False
        if not lists_types:
            return super().resume(value)
        if isinstance(value, str):
            self.fields[_SUBSET] = value
        return Stay(redraw=True, cursor=_SUBSET)

    def _words_panel(self, row: ValueRow) -> Panel | None:
        return ChangeSystemValueWords(self.services, row.name) if KINDS[row.name].is_list else None

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
_TYPE: Column[ValueRow] = Column("Type", 7, lambda row: KINDS[row.name].type, help_key="TYPE")
_TEXT: Column[ValueRow] = Column("Description", 36, lambda row: row.text, help_key="TEXT")
