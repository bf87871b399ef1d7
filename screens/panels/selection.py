"""The selection window: a list of values, one of which goes back to the panel beneath."""

from __future__ import annotations

from collections.abc import Sequence

from console.messages import message
from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Stay, Submission, Window
from screens.panels.columns import cut
from screens.panels.help_texts import panel_help
from screens.panels.replies import at_bottom, roll
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import HELP_OPTIONS, Page, Size

_COLUMNS = 60
_MOST_ROWS = 9
_TEXT_GAP = 3
_POSITION = "POSTO"
_BAD_OPTION = "GWL0703"
_ONE_ONLY = "GWL0705"


class SelectionWindow(Panel):
    """Shows the values that a field may have; returns the one chosen."""

    name = "SLTVAL"

    def __init__(self, title: str, choices: Sequence[tuple[str, str]], *, chosen: Sequence[str] | None = None) -> None:
        """Offer values.

        Args:
            title: What is chosen.
            choices: Value and text, at least one.
            chosen: Given where several may be chosen: those that are already. A tuple of values is then returned.
        """
        self._title = title
        self._choices = choices
        self._top = 0
        self._rows = min(len(choices), _MOST_ROWS)
        self._is_long = len(choices) > _MOST_ROWS
        self._chooses_many = chosen is not None
        had = set(chosen or ())
        self._options: dict[int, str] = {place: "1" for place, (value, _) in enumerate(choices) if value in had}

    @property
    def window(self) -> Window:
        """As high as the list, up to nine rows."""
        return Window(rows=self._rows + (7 if self._is_long else 6), columns=_COLUMNS)

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """A way back; F21 where several values may be chosen."""
        keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))
        return (*keys, FunctionKey(21, "Select all")) if self._chooses_many else keys

    def page(self, size: Size) -> Page:
        """Show a page of the values."""
        page = Page(size)
        page.text(1, (size.columns - len(self._title)) // 2 + 1, self._title, Attribute.WHITE)
        row = 2
        if self._is_long:
            page.label(row, 2, "Position to", 20)
            page.field(_POSITION, row, 23, 20, format=UPPER)
            row += 1
        page.instruction(row, "Type option, press Enter.")
        page.option_legend(row + 1, ((1, "Select"),))
        first = row + 2
        width = max(len(value) for value, _ in self._choices)
        for index, (value, text) in enumerate(self._visible()):
            place = self._top + index
            page.field(
                f"OPT.{place}", first + index, 3, 1, self._options.get(place, ""), format=UPPER, help_key=HELP_OPTIONS
            )
            page.text(first + index, 6, cut(value, _COLUMNS - 8))
            room = _COLUMNS - 6 - width - _TEXT_GAP
            if room > 0 and text:
                page.text(first + index, 6 + width + _TEXT_GAP, cut(text, room))
        page.more(first + self._rows, more=self._top + self._rows < len(self._choices))
        page.legend(size.rows, rows=1)
        page.cursor = f"OPT.{self._top}"
        return page

    def handle(self, submission: Submission) -> Reply:
        """Return the value chosen, or show others."""
        match submission.key:
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "ROLLUP" | "ROLLDOWN" as key:
                self._remember(submission)
                self._top, messages = roll(key, self._top, self._rows, len(self._choices))
                return Stay(messages, redraw=True)
            case "F21":
                self._options = {place: "1" for place, (value, _) in enumerate(self._choices) if value[:1] != "*"}
                return Stay(redraw=True)
            case _:
                return self._enter(submission)

    def help(self, key: str) -> Help | None:
        """Explain selecting."""
        return panel_help("selection_window", key, self.function_keys)

    def _visible(self) -> Sequence[tuple[str, str]]:
        return self._choices[self._top : self._top + self._rows]

    def _remember(self, submission: Submission) -> None:
        for name, text in submission.values.items():
            if name.startswith("OPT."):
                self._options[int(name[4:])] = text.strip()

    def _enter(self, submission: Submission) -> Reply:
        self._remember(submission)
        wanted = submission.values.get(_POSITION, "").strip()
        if wanted:
            return self._position(wanted)
        typed = {place: text for place, text in sorted(self._options.items()) if text}
        wrong = next((place for place, text in typed.items() if text != "1"), None)
        if wrong is not None:
            shown = message(_BAD_OPTION, option=typed[wrong], allowed="1")
            return Stay((shown,), errors=(f"OPT.{wrong}",))
        if self._chooses_many and typed:
            return Return(tuple(self._choices[place][0] for place in typed))
        if len(typed) > 1:
            return Stay((message(_ONE_ONLY),), errors=tuple(f"OPT.{place}" for place in typed))
        if typed:
            return Return(self._choices[next(iter(typed))][0])
        return self._at_cursor(submission)

    def _at_cursor(self, submission: Submission) -> Reply:
        """Take the row that the cursor is on, unless it is still where it was put at first."""
        place = submission.cursor.row - self._first_row + self._top
        on_text = not submission.cursor.field and self._first_row <= submission.cursor.row
        if on_text and self._top <= place < min(self._top + self._rows, len(self._choices)):
            return Return(self._choices[place][0])
        return Return()

    @property
    def _first_row(self) -> int:
        return 5 if self._is_long else 4

    def _position(self, wanted: str) -> Reply:
        """Go to the first value that begins so, or else to the first behind it."""
        place = next((i for i, (value, _) in enumerate(self._choices) if value.upper().startswith(wanted)), None)
        if place is None:
            place = next((i for i, (value, _) in enumerate(self._choices) if value.upper() >= wanted), None)
        if place is None:
            return Stay((at_bottom(),))
        self._top = place
        return Stay(redraw=True)
