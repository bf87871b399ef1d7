"""Lists that are read whole: what those have in common that show things by name, of which some change by themselves."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from console.commands.language import ParsedCommand
from console.messages import message
from screens.panel import FunctionKey, Push, Reply, Stay, Submission
from screens.panels.columns import RowT
from screens.panels.pager import HeldList
from screens.panels.prompter import Prompter
from screens.panels.services import Services
from screens.panels.work_with import WorkWithList
from screens.terminal.field_format import UPPER
from screens.terminal.page import Page

POSITION = "POSTO"
"""Name of the position field."""
_NOT_THERE = "GWL0750"
_SUBSET_COLUMN = 40


class WorkWithHeld(WorkWithList[RowT]):
    """A list that is read whole. Subclasses say how it is read; F6, F11, F17 and F18 work where they are declared."""

    add_command: ClassVar[str] = ""
    """What F6 prompts."""
    subset_command: ClassVar[str] = ""
    """What F18 prompts, with the values of the subset that shows."""
    view_count: int = 1
    """How many views F11 goes through."""
    not_there: ClassVar[str] = _NOT_THERE
    """Id of the message about a position that no row has; its blank is ``value``."""

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Open the list.

        Args:
            services: What panels share.
            arguments: The values of the command that opens it.
        """
        self.context = services.context
        self.arguments = dict(arguments)
        self.view = 0
        self.held = HeldList(self.load, self.row_id)
        super().__init__(services, self.held)

    @abstractmethod
    def load(self) -> Sequence[RowT]:
        """Read the rows.

        Raises:
            ConsoleError: They cannot be read.
        """

    @abstractmethod
    def row_id(self, row: RowT) -> str:
        """Return a row's id, unique and lasting."""

    def is_at(self, row: RowT, wanted: str) -> bool:
        """Say whether a row is what the position field names; by the beginning of its id unless said otherwise."""
        return self.row_id(row).startswith(wanted)

    def subset_text(self) -> str:
        """Return what of the list shows, for the row above it."""
        return "*ALL"

    def draw_position(self, page: Page, row: int, label: str, length: int = 10) -> None:
        """Show the position field."""
        page.label(row, 2, label, 22)
        page.field(POSITION, row, 25, length, self.fields.get(POSITION, ""), format=UPPER)

    def draw_subset(self, page: Page, row: int) -> None:
        """Show which rows are listed."""
        page.label(row, _SUBSET_COLUMN, "Subset", 14, colon=True)
        page.text(row, _SUBSET_COLUMN + 16, self.subset_text(), help_key="SUBSET")

    def enter_header(self, submission: Submission) -> Reply | None:
        """Go to the row that the position field names; options typed stay typed."""
        del submission
        wanted = self.fields.pop(POSITION, "")
        if not wanted:
            return None
        if wanted in ("*TOP", "*BOT"):
            self.held.edge(wanted)
            return Stay(redraw=True)
        if not any(self.is_at(row, wanted) for row in self.held.all):
            self.fields[POSITION] = wanted
            return Stay((message(self.not_there, value=wanted),), errors=(POSITION,))
        self.held.position(lambda row: self.is_at(row, wanted))
        return Stay(redraw=True)

    def answer_key(self, submission: Submission) -> Reply:
        """Add, show the next view, go to the position field, or show a subset."""
        match submission.key:
            case "F6":
                return Push(Prompter(self.services, self.services.commands[self.add_command], {}))
            case "F11":
                self.view = (self.view + 1) % self.view_count
                return Stay(redraw=True)
            case "F18":
                command = self.services.commands[self.subset_command]
                return Push(Prompter(self.services, command, self.arguments, runs=False))
            case _:
                return Stay(cursor=POSITION)

    def resume(self, value: object) -> Reply:
        """Take another subset; else go on as any list."""
        is_subset = isinstance(value, ParsedCommand) and value.cls.name == self.subset_command
        if isinstance(value, ParsedCommand) and is_subset and not self.is_carrying_out:
            self.arguments = dict(value.values)
            return self.again()
        return super().resume(value)

    def again(self) -> Reply:
        """Show another subset from its beginning, with no options typed."""
        self.typed.clear()
        self.reload()
        self.held.edge("*TOP")
        return Stay(redraw=True)


def view_key(names: Sequence[str], view: int) -> FunctionKey:
    """Return F11, labelled with what it shows next.

    Args:
        names: What it shows next, by the view that shows now.
        view: The view that shows now.
    """
    return FunctionKey(11, names[view % len(names)])
