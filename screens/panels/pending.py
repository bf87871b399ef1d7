"""How many changes wait for activation, on the panels that make such changes."""

from __future__ import annotations

from screens.terminal.attributes import Attribute
from screens.terminal.page import Page

_LABEL_COLUMN = 40
_COLUMN = 62


def draw_pending(page: Page, row: int, changes: int) -> None:
    """Show how many rules and modes differ from the active revision, and which key activates them."""
    page.label(row, _LABEL_COLUMN, "Pending changes", 20, colon=True)
    shown = f"{changes}   F10 activates" if changes else "0"
    page.text(row, _COLUMN, shown, Attribute.YELLOW if changes else Attribute.GREEN, "PENDING")
    page.region(row, _LABEL_COLUMN, 1, page.size.columns - _LABEL_COLUMN, "PENDING")
