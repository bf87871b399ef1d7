"""More values for a list parameter: a field for each, behind ``+`` in the prompter."""

from __future__ import annotations

from collections.abc import Sequence

from console.commands.definition import Parameter
from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Stay, Submission
from screens.panels.help_texts import panel_help
from screens.panels.replies import roll
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import PLAIN, UPPER
from screens.terminal.page import Page, Size

_FIRST_ROW = 7
_ROWS_BELOW = 5
_FIELD_COLUMN = 6
_LONGEST = 70
_INSERT, _DELETE = ">", "<"


class MoreValues(Panel):
    """Asks for the values of a list; returns them as a tuple."""

    name = "MORVAL"
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(5, "Refresh"), FunctionKey(12, "Cancel"))

    def __init__(self, title: str, parameter: Parameter, values: Sequence[str]) -> None:
        """Begin with the values there are.

        Args:
            title: Of the prompter.
            parameter: Whose values they are.
            values: As typed so far.
        """
        self._title = title
        self._parameter = parameter
        self._first = tuple(values)
        self._values = list(values)
        self._top = 0
        self._rows = 1

    def page(self, size: Size) -> Page:
        """Show a page of fields; there are always more to be had."""
        page = Page(size)
        page.title(f"Specify More Values for Parameter {self._parameter.keyword}")
        page.text(3, 2, self._title, Attribute.GREEN)
        page.instruction(4, "Type choices, press Enter.")
        choices = self._parameter.choices or ", ".join(self._parameter.special)
        page.text(5, 2, f"{self._parameter.prompt}:  {choices}"[: size.columns - 2], help_key=self._parameter.keyword)
        self._rows = size.rows - _ROWS_BELOW - _FIRST_ROW + 1
        length = min(self._parameter.length, _LONGEST)
        shape = UPPER if self._parameter.monocase else PLAIN
        for row in range(self._rows):
            place = self._top + row
            value = self._values[place] if place < len(self._values) else ""
            page.field(f"VALUE.{place}", _FIRST_ROW + row, _FIELD_COLUMN, length, value, format=shape, help_key="VALUE")
        page.more(size.rows - _ROWS_BELOW + 1, more=True)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Return the values, show further fields, or make and take away places."""
        match submission.key:
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "F5":
                self._values = list(self._first)
                return Stay(redraw=True)
            case "ROLLDOWN" as key:
                self._remember(submission)
                self._top, messages = roll(key, self._top, self._rows, len(self._values))
                return Stay(messages, redraw=True)
            case "ROLLUP":
                self._remember(submission)
                self._top += self._rows
                return Stay(redraw=True)
            case _:
                self._remember(submission)
                return self._enter()

    def help(self, key: str) -> Help | None:
        """Explain the fields."""
        return panel_help("more_values", "VALUE" if key == self._parameter.keyword else key, self.function_keys)

    def _remember(self, submission: Submission) -> None:
        for name, text in submission.values.items():
            place = int(name.removeprefix("VALUE."))
            self._values += [""] * (place + 1 - len(self._values))
            self._values[place] = text.strip()

    def _enter(self) -> Reply:
        if not any(value in (_INSERT, _DELETE) for value in self._values):
            return Return(tuple(value for value in self._values if value))
        changed: list[str] = []
        for value in self._values:
            changed += [] if value == _DELETE else [""] if value == _INSERT else [value]
        self._values = changed
        return Stay(redraw=True)
