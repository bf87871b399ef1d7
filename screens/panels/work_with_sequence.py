"""Work-with lists whose rows have sequence numbers: rules and SOCKS entries of the pending policy."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from console.messages import message
from screens.panel import FunctionKey, Push, Reply, Stay, Submission
from screens.panels.columns import RowT
from screens.panels.pager import HeldList
from screens.panels.prompter import Prompter
from screens.panels.work_with import LIST_KEYS, WorkWithList
from screens.terminal.field_format import UPPER
from screens.terminal.page import Page

_POSITION = "POSTO"
_NEW = "SEQNBR"
_BAD_POSITION = "GWL0712"


class WorkWithSequence(WorkWithList[RowT]):
    """A list in ascending sequence: position-to above it, a field for a new number, F6, F10, F11 and F17."""

    is_wide = True
    heading_rows = 1
    gap = 1
    command_label = "Parameters for options 1, 2, 3, 8 or command"
    add_command: ClassVar[str]
    edges: ClassVar[tuple[str, ...]] = ("*TOP", "*BOT")
    """Special values of the position field."""
    views: ClassVar[int] = 1
    """How many views F11 goes through on a screen that is not wide."""
    number_width: ClassVar[int] = 8
    """Cells of the first column, which the field for a new number lies under."""
    has_position: ClassVar[bool] = True

    add_fields = (_NEW,)
    _list: HeldList[RowT]
    _view: int = 0
    _shows_all: bool = False

    @abstractmethod
    def sequence(self, row: RowT) -> int:
        """Return the sequence number of a row."""

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F11 only where not all columns show."""
        return (
            *LIST_KEYS,
            FunctionKey(6, "Add"),
            FunctionKey(10, "Activate"),
            *(() if self._shows_all or self.views == 1 else (FunctionKey(11, "Alternate view"),)),
            *((FunctionKey(17, "Position to"),) if self.has_position else ()),
        )

    def draw_position(self, page: Page) -> None:
        """Show the position field."""
        page.label(3, 2, "Position to sequence", 26)
        page.field(_POSITION, 3, 29, 5, self.fields.get(_POSITION, ""), format=UPPER)

    def draw_add_row(self, page: Page, row: int) -> None:
        """Show the field for a new sequence number, at the right edge of its column."""
        page.field(_NEW, row, 7 + self.number_width - 5, 5, self.fields.get(_NEW, ""), format=UPPER)

    def given_on_add_row(self) -> Mapping[str, str]:
        """Return the number typed, and what is given anyhow."""
        number = self.fields.get(_NEW, "")
        return {**self.given_to_add(), **({_NEW: number} if number else {})}

    def given_to_add(self) -> Mapping[str, str]:
        """Return the parameters of the command that adds a row, as far as the list knows them."""
        return {}

    def enter_header(self, submission: Submission) -> Reply | None:
        """Go to a sequence number; options typed stay typed."""
        del submission
        position = self.fields.pop(_POSITION, "")
        return self._go_to(position) if position else None

    def answer_key(self, submission: Submission) -> Reply:
        """Add, activate, change the view, or go to the position field."""
        match submission.key:
            case "F6":
                return Push(Prompter(self.services, self.services.commands[self.add_command], self.given_to_add()))
            case "F10":
                return Push(self.services.open("ConfirmActivation", {}))
            case "F11":
                self._view = (self._view + 1) % self.views
                return Stay(redraw=True)
            case _:
                return Stay(cursor=_POSITION)

    def _go_to(self, text: str) -> Reply:
        if text in self.edges:
            self._list.edge(text)
        elif text.isascii() and text.isdecimal():
            self._list.position(lambda row: self.sequence(row) >= int(text))
        else:
            return Stay((message(_BAD_POSITION, value=text),), errors=(_POSITION,))
        return Stay(redraw=True)
