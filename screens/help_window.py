"""Help in a window over the panel it explains, or on a screen of its own."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from screens.panel import Cursor, FunctionKey, Help, Panel, Push, Replace, Reply, Return, Stay, Submission, Window
from screens.terminal.attributes import Attribute
from screens.terminal.page import Page, Size

_WINDOW = Window(rows=12, columns=58)
_TEXT_ROW = 3
_LEGEND_ROWS = 2

Search = Callable[[], Panel]
"""Makes the panel that searches all help."""
_HELP_ON_HELP = Help(
    "Help",
    "Page Down and Page Up show the rest of the text.\n\n"
    "F2 shows the help for the whole panel, F10 moves the line with the cursor to the top, F11 searches all help texts "
    "for words, F20 shows the text on a full screen, and F12 goes back to where you were.",
)


def fill(text: str, columns: int) -> list[str]:
    """Break text into rows: paragraphs are filled, lines that begin with a blank stay as they are."""
    rows: list[str] = []
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip() and not line.startswith(" "):
            paragraph.append(line.strip())
            continue
        rows += textwrap.wrap(" ".join(paragraph), columns)
        paragraph.clear()
        rows.append(line[:columns])
    while rows and not rows[-1]:
        rows.pop()
    return rows


class HelpWindow(Panel):
    """Shows one help text; Enter and F12 go back."""

    def __init__(
        self,
        shown: Help,
        extended: Help | None = None,
        *,
        enlarged: bool = False,
        search: Search | None = None,
        suffix: str = " - Help",
    ) -> None:
        """Open at the top of the text.

        Args:
            shown: The text.
            extended: The panel's own help, for F2.
            enlarged: Take the whole screen.
            search: For F11.
            suffix: Behind the title; another one where the text is no help.
        """
        self._suffix = suffix
        self._search = search
        self._shown = shown
        self._extended = extended if extended != shown else None
        self._enlarged = enlarged
        self._top = 0
        self._rows_shown = 1
        self._rows: list[str] = []

    @property
    def window(self) -> Window | None:
        """A window, until F20 enlarges it."""
        return None if self._enlarged else _WINDOW

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """F2 only while there is other help, F11 where it can be searched, F20 only in the window."""
        keys = [FunctionKey(3, "Exit"), FunctionKey(10, "Move to top"), FunctionKey(12, "Cancel")]
        if self._search:
            keys.append(FunctionKey(11, "Search index", attention=True))
        if self._extended:
            keys.append(FunctionKey(2, "Extended help", attention=True))
        if not self._enlarged:
            keys.append(FunctionKey(20, "Enlarge", attention=True))
        return tuple(keys)

    def page(self, size: Size) -> Page:
        """Show as many rows of the text as there is room for."""
        page = Page(size)
        page.legend(size.rows - (1 if self.window else 2), rows=_LEGEND_ROWS)
        page.text(1, 2, f"{self._shown.title}{self._suffix}", Attribute.WHITE)
        self._rows = fill(self._shown.text, size.columns - 3)
        self._rows_shown = page.legend_row - 1 - _TEXT_ROW
        for index, row in enumerate(self._rows[self._top : self._top + self._rows_shown]):
            page.text(_TEXT_ROW + index, 2, row)
        page.more(page.legend_row - 1, more=self._top + self._rows_shown < len(self._rows))
        return page

    def handle(self, submission: Submission) -> Reply:
        """Roll, show other help, or go back."""
        match submission.key:
            case "ROLLUP" if self._top + self._rows_shown < len(self._rows):
                self._top += self._rows_shown
            case "ROLLDOWN":
                self._top = max(0, self._top - self._rows_shown)
            case "ROLLUP":
                return Stay()
            case "F2" if self._extended:
                return Replace(HelpWindow(self._extended, enlarged=self._enlarged, search=self._search))
            case "F10":
                self._top += self._row_of(submission.cursor)
            case "F11" if self._search:
                return Push(self._search())
            case "F20":
                shown, suffix = self._shown, self._suffix
                return Replace(HelpWindow(shown, self._extended, enlarged=True, search=self._search, suffix=suffix))
            case _:
                return Return()
        return Stay(redraw=True)

    def _row_of(self, cursor: Cursor) -> int:
        """Return which row of the text that shows a cursor is on; the first for one that is on none."""
        row = cursor.row - _TEXT_ROW
        return row if 0 <= row < min(self._rows_shown, len(self._rows) - self._top) else 0

    def help(self, key: str) -> Help | None:
        """Explain help itself."""
        del key
        return None if self._shown == _HELP_ON_HELP else _HELP_ON_HELP
