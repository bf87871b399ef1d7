"""A window that asks where in the journal to go."""

from __future__ import annotations

from screens.panel import Window
from screens.panels.ask_window import AskWindow
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import Page, Size

_EXAMPLES = (
    "1201                  a sequence number",
    "14:30                 the last time it was so late",
    "2026-03-01 14:30      a day, and a time on it",
    "*YESTERDAY, *WEEK     its beginning; *LAST 30 *MINUTES",
    "*FIRST, *LAST         the oldest, the newest entry",
)


class PositionWindow(AskWindow):
    """Asks for a sequence number or a time; returns what was typed."""

    name = "POSTO"
    title = "Position to"
    instruction = "Type a place, press Enter."
    module = "position_window"
    field = "POSITION"
    window = Window(rows=11, columns=60)

    def page(self, size: Size) -> Page:
        """Ask, with an example of each form."""
        page = self.start_page(size)
        page.label(4, 2, "Sequence number or time", 28)
        page.field(self.field, 4, 31, 26, format=UPPER)
        for index, example in enumerate(_EXAMPLES):
            page.text(5 + index, 4, example, Attribute.BLUE)
        return page
