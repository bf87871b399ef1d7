"""Display panels: labels and values, output only; Enter goes on, F12 goes back, F17 finds words on further pages."""

from __future__ import annotations

import textwrap
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from console.errors import CommandError
from console.messages import describe
from console.printable import printable
from screens.panel import Exit, FunctionKey, Help, Panel, Push, Reply, Return, Stay, Submission
from screens.panels.columns import RowT
from screens.panels.find_window import FindWindow, Sought
from screens.panels.help_texts import panel_help
from screens.panels.replies import DONE, roll
from screens.panels.report import Place, find_wrapped
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.page import Page, Size, leader

_FIRST_ROW = 3
_LABEL_WIDTH = 32
_VALUE_COLUMN = 37
_FIND_KEYS = (FunctionKey(16, "Repeat find"), FunctionKey(17, "Find"))


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a display: a label with its value, or text alone."""

    label: str = ""
    value: str = ""
    help_key: str = ""
    text: str = ""
    is_heading: bool = False
    goes_on: bool = False
    """Whether it goes on with the row above, which was too long."""

    @classmethod
    def heading(cls, text: str) -> Line:
        """Return a line of text that stands out."""
        return cls(text=text, is_heading=True)


class Display(Panel):
    """Shows lines; subclasses say which."""

    title: str
    module: str
    """Name of the help file."""
    prompt_rows: Sequence[str] = ("Press Enter to continue.",)
    """What to press, under the lines."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.top = 0
        self._rows = 1
        self._texts: Sequence[str] = ()
        """Every row, as it shows from column 2 on."""
        self._wanted = ""
        self._goes_on: Sequence[bool] = ()
        """Of every row, whether it goes on with the one above."""
        self._found: Place | None = None
        self._is_at_end = False
        """Whether what is looked for was not found any more: F16 then begins at the top."""

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """Only the ways back, and to what is on further pages."""
        return (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"), *self.find_keys)

    @property
    def find_keys(self) -> tuple[FunctionKey, ...]:
        """What looks for a text, where there is more than one page of it."""
        return _FIND_KEYS if len(self._texts) > self._rows else ()

    @abstractmethod
    def lines(self) -> Sequence[Line]:
        """Return what is shown.

        Raises:
            ConsoleError: It cannot be read.
        """

    def page(self, size: Size) -> Page:
        """Show a page of the lines; long values go on under themselves."""
        page = Page(size)
        page.title(self.title)
        page.system(self.services.system)
        shown = [part for line in self.lines() for part in _parts(line, size.columns)]
        self._texts = [_whole(line) for line in shown]
        self._goes_on = [line.goes_on for line in shown]
        last = size.rows - 4 - len(self.prompt_rows)
        self._rows = last - _FIRST_ROW
        for index, line in enumerate(shown[self.top : self.top + self._rows]):
            _draw(page, _FIRST_ROW + index, line)
        self._draw_found(page)
        page.more(last, more=self.top + self._rows < len(shown))
        for index, words in enumerate(self.prompt_rows):
            page.instruction(last + 1 + index, words)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Roll, or go back."""
        match submission.key:
            case "ENTER":
                return Return(DONE)
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "ROLLUP" | "ROLLDOWN" as key:
                self._found, self._is_at_end = None, False
                self.top, messages = roll(key, self.top, self._rows, len(self._texts), "display")
                return Stay(messages, redraw=True)
            case "F16" if self._wanted:
                return self._find(Place(0, -1) if self._is_at_end else self._found or Place(self.top, -1))
            case "F16" | "F17":
                return Push(FindWindow())
            case _:
                return self.answer_key(submission)

    def resume(self, value: object) -> Reply:
        """Show what was looked for."""
        if not isinstance(value, Sought):
            return super().resume(value)
        self._wanted = value.text
        return self._find(Place(self.top, -1))

    def answer_key(self, submission: Submission) -> Reply:
        """Answer a function key of the subclass."""
        del submission
        return Stay()

    def help(self, key: str) -> Help | None:
        """Return help on the panel, a value or the keys."""
        return panel_help(self.module, key, self.function_keys)

    def _find(self, after: Place) -> Reply:
        """Bring the next row that has the text to the top."""
        try:
            self._found = find_wrapped(self._wanted, self._texts, self._goes_on, after)
        except CommandError as error:
            self._is_at_end = True
            return Stay((describe(error),))
        self._is_at_end = False
        self.top = self._found.line
        return Stay(redraw=True)

    def _draw_found(self, page: Page) -> None:
        """Let the text that was found stand out."""
        if self._found is None or self._found.line != self.top:
            return
        left, column = self._wanted.lower(), self._found.column
        for row in range(self.top, min(self.top + self._rows, len(self._texts))):
            shown = self._texts[row][column : column + len(left)]
            if not shown or not left.startswith(shown.lower()):
                return
            page.text(_FIRST_ROW + row - self.top, 2 + column, shown, Attribute.WHITE_REVERSE, is_over=True)
            left = left[len(shown) :].lstrip()
            if not left or row + 1 >= len(self._texts):
                return
            column = len(self._texts[row + 1]) - len(self._texts[row + 1].lstrip())


class DisplayRow(Display, Generic[RowT]):
    """Shows all that is known of one row of a list."""

    def __init__(self, services: Services, row: RowT) -> None:
        """Show a row as the list had it."""
        super().__init__(services)
        self.row = row


def _parts(line: Line, columns: int) -> list[Line]:
    """Break a line longer than the screen; made safe first, as breaking would turn tabs and line ends into blanks."""
    if not line.label:
        room, text = columns - 3, printable(line.text)
        if len(text) <= room:
            return [line]
        indent = " " * (len(text) - len(text.lstrip()))
        wrapped = textwrap.wrap(text, room, subsequent_indent=indent)
        return [Line(text=part, goes_on=index > 0) for index, part in enumerate(wrapped)]
    room = columns - _VALUE_COLUMN
    parts = textwrap.wrap(printable(line.value), room) or [""]
    return [
        Line(line.label, parts[0], line.help_key),
        *(Line(value=part, help_key=line.help_key, goes_on=True) for part in parts[1:]),
    ]


def _draw(page: Page, row: int, line: Line) -> None:
    if line.label:
        page.label(row, 2, line.label, _LABEL_WIDTH, colon=True)
    page.text(row, 2, line.text, Attribute.WHITE if line.is_heading else Attribute.GREEN)
    page.text(row, _VALUE_COLUMN, line.value)
    if line.help_key:
        page.region(row, 2, 1, page.size.columns - 2, line.help_key)


def _whole(line: Line) -> str:
    """Return a row as it shows from column 2 on."""
    if line.text:
        return printable(line.text)
    label = leader(line.label, _LABEL_WIDTH, colon=True) if line.label else ""
    return (label.ljust(_VALUE_COLUMN - 2) + line.value).rstrip()
