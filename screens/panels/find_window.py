"""A window that asks what to look for in a long display."""

from __future__ import annotations

from dataclasses import dataclass

from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Submission, Window
from screens.panels.help_texts import panel_help
from screens.terminal.attributes import Attribute
from screens.terminal.page import Page, Size

_FIELD = "FIND"
_TITLE = "Find"


@dataclass(frozen=True, slots=True)
class Sought:
    """What is to be looked for."""

    text: str


class FindWindow(Panel):
    """Asks for a text; returns it as `Sought`."""

    name = "FIND"
    window = Window(rows=6, columns=60)
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))

    def __init__(self, text: str) -> None:
        """Ask.

        Args:
            text: What was looked for before.
        """
        self._text = text

    def page(self, size: Size) -> Page:
        """Ask."""
        page = Page(size)
        page.text(1, (size.columns - len(_TITLE)) // 2 + 1, _TITLE, Attribute.WHITE)
        page.instruction(2, "Type a text, press Enter.")
        page.label(4, 2, "Text", 14)
        page.field(_FIELD, 4, 17, 40, self._text)
        page.legend(size.rows, rows=1)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Return the text."""
        if submission.key == "F3":
            return Exit()
        wanted = submission.values.get(_FIELD, "").strip()
        return Return(Sought(wanted) if submission.key == "ENTER" and wanted else None)

    def help(self, key: str) -> Help | None:
        """Explain the field."""
        return panel_help("find_window", key, self.function_keys)
