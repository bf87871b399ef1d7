"""Columns of lists: headings over cells, numbers at the right, values that do not fit marked with ``>``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from console.printable import printable
from screens.terminal.attributes import Attribute
from screens.terminal.page import CUT, Page

RowT = TypeVar("RowT")
"""What a list has a row of."""

GAP = 2
"""Blanks between columns; lists that need the room take one."""


@dataclass(frozen=True, slots=True)
class Column(Generic[RowT]):
    """One column."""

    heading: str
    """Words over it; a newline between rows of the heading."""
    width: int
    cell: Callable[[RowT], str]
    right: bool = False
    """Whether cells stand at the right edge, as numbers do."""
    help_key: str = ""
    """What F1 asks for on the heading and on the cells."""
    looks: Mapping[str, Attribute] = field(default_factory=dict)
    """Words that stand out -> how; the word itself must say enough without it."""


def cut(text: str, width: int) -> str:
    """Return the text as it fits; the last cell is ``>`` when some of it is missing."""
    safe = printable(text)
    return safe if len(safe) <= width else safe[: width - 1] + CUT


def placed(columns: Sequence[Column[RowT]], start: int, gap: int = GAP) -> list[tuple[int, Column[RowT]]]:
    """Return each column with the screen column it begins in."""
    found = []
    for column in columns:
        found.append((start, column))
        start += column.width + gap
    return found


def draw_headings(
    page: Page, last_row: int, start: int, columns: Sequence[Column[RowT]], *, rows: int, gap: int = GAP
) -> None:
    """Show the headings, white, ending in a row; the columns under them get their help.

    Args:
        page: Where.
        last_row: Last row of the headings.
        start: Screen column of the first column.
        columns: The columns.
        rows: Rows of the list below, for help on the cells.
        gap: Blanks between columns.
    """
    for at, column in placed(columns, start, gap):
        words = column.heading.split("\n")
        for index, word in enumerate(words):
            shown = word.rjust(column.width) if column.right else word
            page.text(last_row - len(words) + 1 + index, at, shown, Attribute.WHITE, column.help_key)
        if column.help_key:
            page.region(last_row, at, rows + 1, column.width, column.help_key)


def draw_row(page: Page, row: int, start: int, columns: Sequence[Column[RowT]], shown: RowT, *, gap: int = GAP) -> None:
    """Show one row of the list."""
    for at, column in placed(columns, start, gap):
        whole = column.cell(shown)
        text = cut(whole, column.width)
        if text != printable(whole):
            page.cut(row, at, column.width, " ".join(column.heading.split()), whole)
        look = column.looks.get(text, Attribute.GREEN)
        page.text(row, at, text.rjust(column.width) if column.right else text, look)
