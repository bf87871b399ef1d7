"""A window that asks where in the journal to go."""

from __future__ import annotations

from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Submission, Window
from screens.panels.help_texts import panel_help
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import Page, Size

_FIELD = "POSITION"
_EXAMPLES = (
    "1201                  a sequence number",
    "14:30                 the last time it was so late",
    "2026-03-01 14:30      a day, and a time on it",
    "*YESTERDAY, *WEEK     its beginning; *LAST 30 *MINUTES",
    "*FIRST, *LAST         the oldest, the newest entry",
)


class PositionWindow(Panel):
    """Asks for a sequence number or a time; returns what was typed."""

    name = "POSTO"
    window = Window(rows=11, columns=60)
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))

    def page(self, size: Size) -> Page:
        """Ask, with an example of each form."""
        page = Page(size)
        page.text(1, (size.columns - 11) // 2 + 1, "Position to", Attribute.WHITE)
        page.instruction(2, "Type a place, press Enter.")
        page.label(4, 2, "Sequence number or time", 28)
        page.field(_FIELD, 4, 31, 26, format=UPPER)
        for index, example in enumerate(_EXAMPLES):
            page.text(5 + index, 4, example, Attribute.BLUE)
        page.legend(size.rows, rows=1)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Return the text."""
        if submission.key == "F3":
            return Exit()
        wanted = submission.values.get(_FIELD, "").strip()
        return Return(wanted if submission.key == "ENTER" and wanted else None)

    def help(self, key: str) -> Help | None:
        """Explain the forms."""
        return panel_help("position_window", key, self.function_keys)
