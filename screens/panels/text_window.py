"""A text in a window: a command string, a value in full."""

from __future__ import annotations

from screens.help_window import fill
from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Stay, Submission, Window
from screens.panels.help_texts import panel_help
from screens.panels.replies import roll
from screens.terminal.attributes import Attribute
from screens.terminal.page import Page, Size

_WINDOW = Window(rows=10, columns=70)
_FIRST_ROW = 3


class TextWindow(Panel):
    """Shows a text; Enter and F12 go back."""

    name = "DSPTXT"
    window = _WINDOW
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))

    def __init__(self, title: str, text: str) -> None:
        """Show a text.

        Args:
            title: What it is.
            text: Filled to the window; words longer than a row are broken.
        """
        self._title = title
        self._lines = fill(text, _WINDOW.columns - 3)
        self._rows = _WINDOW.rows - _FIRST_ROW - 1
        self._top = 0

    def page(self, size: Size) -> Page:
        """Show as many rows as fit."""
        page = Page(size)
        page.text(1, 2, self._title, Attribute.WHITE)
        for index, line in enumerate(self._lines[self._top : self._top + self._rows]):
            page.text(_FIRST_ROW + index, 2, line)
        page.more(size.rows - 1, more=self._top + self._rows < len(self._lines))
        page.legend(size.rows, rows=1)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Roll, or go back."""
        if submission.key in ("ROLLUP", "ROLLDOWN"):
            self._top, messages = roll(submission.key, self._top, self._rows, len(self._lines), "text")
            return Stay(messages, redraw=True)
        return Exit() if submission.key == "F3" else Return()

    def help(self, key: str) -> Help | None:
        """Say what the window is."""
        return panel_help("text_window", key, self.function_keys)
