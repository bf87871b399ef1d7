"""A window that asks for one thing and returns it; what it asks, subclasses say."""

from __future__ import annotations

from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Submission
from screens.panels.help_texts import panel_help
from screens.terminal.attributes import Attribute
from screens.terminal.page import Page, Size


class AskWindow(Panel):
    """Returns what is typed in its field; nothing when that is nothing, and after F12."""

    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))
    title: str
    instruction: str
    module: str
    """Name of the help file."""
    field: str
    """Name of the field; a page of the subclass puts it on row 4."""

    def start_page(self, size: Size) -> Page:
        """Begin a page with its title, what to do, and where the keys go."""
        page = Page(size)
        page.text(1, (size.columns - len(self.title)) // 2 + 1, self.title, Attribute.WHITE)
        page.instruction(2, self.instruction)
        page.legend(size.rows, rows=1)
        return page

    def answer(self, text: str) -> object:
        """Return what the panel beneath is told of what was typed."""
        return text

    def handle(self, submission: Submission) -> Reply:
        """Return what is typed."""
        if submission.key == "F3":
            return Exit()
        wanted = submission.values.get(self.field, "").strip()
        return Return(self.answer(wanted) if submission.key == "ENTER" and wanted else None)

    def help(self, key: str) -> Help | None:
        """Explain the window or its field."""
        return panel_help(self.module, key, self.function_keys)
