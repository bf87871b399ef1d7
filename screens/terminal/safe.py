"""The last gate before a terminal: whatever a page holds, one safe cell goes out for each of its cells.

Pages, messages and the status row make text safe where it comes in, as they measure it. This is where it must be safe
even so: a panel that puts text on its page by another way can at most make that text unreadable.
"""

from __future__ import annotations

from console.printable import printable
from screens.terminal.buffer import Cell
from screens.terminal.fields import BLANK


def safe_row(cells: list[Cell]) -> list[Cell]:
    """Return a row's cells, each with exactly one character that takes one place and does nothing but show.

    Control characters, bidirectional controls and letters that run from right to left, combining, zero-width and wide
    characters become a middle dot (`console.printable`).
    """
    text = "".join([cell.character for cell in cells])
    if len(text) == len(cells) and printable(text) == text:
        return cells
    return [Cell(_safe(cell.character), cell.attribute) for cell in cells]


def _safe(character: str) -> str:
    return printable(character)[:1] or BLANK
