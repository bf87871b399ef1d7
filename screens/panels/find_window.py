"""A window that asks what to look for in a long display."""

from __future__ import annotations

from dataclasses import dataclass

from screens.panel import Window
from screens.panels.ask_window import AskWindow
from screens.terminal.page import Page, Size


@dataclass(frozen=True, slots=True)
class Sought:
    """What is to be looked for."""

    text: str


class FindWindow(AskWindow):
    """Asks for a text, always another one; returns it as `Sought`. F16 looks for the same again."""

    name = "FIND"
    title = "Find"
    instruction = "Type a text, press Enter."
    module = "find_window"
    field = "FIND"
    window = Window(rows=6, columns=60)

    def page(self, size: Size) -> Page:
        """Ask."""
        page = self.start_page(size)
        page.label(4, 2, "Text", 14)
        page.field(self.field, 4, 17, 40)
        return page

    def answer(self, text: str) -> Sought:
        """Return the text as what is sought."""
        return Sought(text)
