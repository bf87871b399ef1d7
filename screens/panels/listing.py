"""A list as commands print it, on the screen: for commands that have no panel of their own."""

from __future__ import annotations

from collections.abc import Sequence

from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Stay, Submission
from screens.panels.help_texts import panel_help
from screens.panels.replies import DONE, roll
from screens.panels.services import Services
from screens.terminal.page import Page, Size

_FIRST_ROW = 3
_SHIFT = 40
"""Columns that F19 and F20 move: half a screen, so that the eye keeps its place."""


class DisplayListing(Panel):
    """Shows lines; the operator rolls and shifts."""

    name = "DSPLST"
    is_wide = True

    is_secret = False

    def __init__(self, services: Services, title: str, lines: Sequence[str], *, is_secret: bool = False) -> None:
        """Show lines.

        Args:
            services: What panels share.
            title: Title of the panel.
            lines: The list, each line safe to show.
            is_secret: Whether they must not be printed to a file.
        """
        self.is_secret = is_secret
        self._services = services
        self._title = title
        self._lines = lines
        self._top = 0
        self._left = 0
        self._rows = 1
        self._columns = 80

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """Left and right only where lines are longer than the screen."""
        keys = [FunctionKey(3, "Exit"), FunctionKey(12, "Cancel")]
        if max(map(len, self._lines), default=0) > self._columns - 2:
            keys += [FunctionKey(19, "Left", attention=True), FunctionKey(20, "Right", attention=True)]
        return tuple(keys)

    def page(self, size: Size) -> Page:
        """Show as many lines as fit, the heading always first."""
        page = Page(size)
        self._columns = size.columns
        page.title(self._title)
        page.system(self._services.system)
        self._rows = size.rows - 5 - _FIRST_ROW
        heading, body = self._lines[:1], self._lines[1:]
        for index, line in enumerate([*heading, *body[self._top : self._top + self._rows - 1]]):
            page.text(_FIRST_ROW + index, 2, line[self._left : self._left + size.columns - 2])
        page.more(size.rows - 5, more=self._top + self._rows - 1 < len(body))
        page.instruction(size.rows - 4, "Press Enter to continue.")
        return page

    def handle(self, submission: Submission) -> Reply:
        """Roll, shift, or go back."""
        match submission.key:
            case "ROLLUP" | "ROLLDOWN" as key:
                self._top, messages = roll(key, self._top, self._rows - 1, len(self._lines) - 1)
                return Stay(messages, redraw=True)
            case "F19":
                self._left = max(0, self._left - _SHIFT)
            case "F20":
                longest = max(map(len, self._lines))
                self._left = min(self._left + _SHIFT, max(0, longest - self._columns + 2))
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case _:
                return Return(DONE)
        return Stay(redraw=True)

    def help(self, key: str) -> Help | None:
        """Return the panel's help."""
        return panel_help("display_listing", key, self.function_keys)
