"""What one panel has on the screen: its page, alone or as a window over what was there, with its key legend."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from screens.terminal.attributes import Attribute
from screens.terminal.buffer import Buffer, Cell
from screens.terminal.fields import FieldContent
from screens.terminal.legend import FunctionKey, key_sets
from screens.terminal.page import COMMAND, HELP_KEYS, HELP_OPTIONS, Page, Region, Text

_LEGEND_COLUMN = 2
_LIST_OPTION = re.compile(r"(\d{1,2})=(.+)")
_MENU_OPTION = re.compile(r" ?\d{1,2}\. .")
_BORDER = Attribute.TURQUOISE


class Frame:
    """A page as it is worked on: buffer, legend, and where the page lies on the screen."""

    def __init__(
        self, page: Page, keys: Sequence[FunctionKey], *, whole: Page | None = None, origin: tuple[int, int] = (0, 0)
    ) -> None:
        """Put a page on the screen.

        Args:
            page: The panel's own page.
            keys: The panel's function keys.
            whole: The whole screen when the page is a window; see `windowed`.
            origin: Rows and columns before the page's first cell.
        """
        self.page = page
        self.keys = {key.number: key for key in keys}
        self.buffer = Buffer(whole or page)
        self.origin = origin
        self._sets = key_sets(keys, page.size.columns - _LEGEND_COLUMN, page.legend_rows) if page.legend_rows else ((),)
        self._shown_set = 0
        self._items = self._placed_keys()
        """Row, column and key of what the legend shows."""

    @property
    def has_more_keys(self) -> bool:
        """Whether F24 shows another set of keys."""
        return len(self._sets) > 1

    def show_more_keys(self) -> None:
        """Show the next set of keys, after the last the first."""
        self._shown_set = (self._shown_set + 1) % len(self._sets)
        self._items = self._placed_keys()

    def key_at(self, row: int, column: int) -> FunctionKey | None:
        """Return the key whose words are at a place on the screen."""
        for item_row, item_column, key in self._items:
            if item_row == row and item_column <= column < item_column + len(key.text):
                return key
        return None

    def options(self) -> dict[int, str]:
        """Return what the option legend says, by number."""
        return {number: text for _, number, text in self._option_legend()}

    def option_at(self, row: int, column: int) -> int | None:
        """Return the option whose words in the legend are at a place on the screen."""
        for shown, number, _ in self._option_legend():
            if shown.row == row and shown.column <= column < shown.column + len(shown.text):
                return number
        return None

    def option_field_in(self, row: int) -> FieldContent | None:
        """Return the field of a row of the screen that takes an option of a list."""
        for name in self.buffer.inputs:
            content = self.buffer.contents[name]
            if content.field.row == row and content.field.help_key == HELP_OPTIONS:
                return content
        return None

    def menu_option_at(self, row: int, column: int) -> bool:
        """Say whether an option of a menu is at a place on the screen."""
        return COMMAND in self.buffer.page.fields and any(
            shown.row == row and shown.column <= column < shown.column + len(shown.text)
            for shown in self.buffer.page.texts
            if _MENU_OPTION.match(shown.text)
        )

    def _option_legend(self) -> Iterator[tuple[Text, int, str]]:
        page = self.buffer.page
        for shown in page.texts:
            found = _LIST_OPTION.fullmatch(shown.text)
            if found and page.help_key_at(shown.row, shown.column) == HELP_OPTIONS:
                yield shown, int(found[1]), found[2]

    def cells(self, row: int) -> list[Cell]:
        """Return a row of the screen, from 1, with the legend."""
        shown = self.buffer.cells(row)
        for item_row, column, key in self._items:
            if item_row == row:
                words = key.text[: len(shown) - column + 1]
                shown[column - 1 : column - 1 + len(words)] = [Cell(letter, Attribute.BLUE) for letter in words]
        return shown

    def local(self, row: int, column: int) -> tuple[int, int]:
        """Return a place on the screen as a place on the panel's own page."""
        return row - self.origin[0], column - self.origin[1]

    def on_screen(self, row: int, column: int) -> tuple[int, int]:
        """Return a place on the panel's own page as a place on the screen."""
        return row + self.origin[0], column + self.origin[1]

    def _placed_keys(self) -> list[tuple[int, int, FunctionKey]]:
        row, column = self.on_screen(self.page.legend_row, _LEGEND_COLUMN)
        return [(row + item.row, column + item.column, item.key) for item in self._sets[self._shown_set]]


def windowed(
    page: Page,
    keys: Sequence[FunctionKey],
    under: Frame,
    row: int = 0,
    column: int = 0,
    *,
    has_border: bool = True,
) -> Frame:
    """Put a page over another frame, with a border of dots and colons around it.

    Args:
        page: The window's inside.
        keys: The window's function keys.
        under: What it covers in part; its fields become plain text.
        row: Screen row of the page's first row; 0 for a place that leaves the row of the cursor free, negative from
            the bottom.
        column: Screen column of the page's first column; 0 to centre it.
        has_border: Whether there is a border.
    """
    size = under.buffer.size
    top = (size.rows + 1 + row if row < 0 else row) or _free_row(page.size.rows, size.rows, under.buffer.row)
    left = column or (size.columns - page.size.columns) // 2 + 1
    origin = (top - 1, left - 1)
    whole = Page(size)
    for screen_row in range(1, size.rows + 1):
        _copy_row(whole, screen_row, under.cells(screen_row))
    if has_border:
        _draw_border(whole, top, left, page)
    else:
        _clear(whole, top, left, page)
    _place(whole, page, origin)
    return Frame(page, keys, whole=whole, origin=origin)


def _free_row(rows: int, screen_rows: int, cursor_row: int) -> int:
    """Choose the first inside row: below the cursor, else above it, off the message row if that is possible."""
    below = cursor_row + 3
    if below + rows < screen_rows:
        return below
    above = cursor_row - rows - 1
    if above >= 2:
        return above
    return max(2, min(cursor_row + 2, screen_rows - rows - 1))


def _copy_row(whole: Page, row: int, cells: list[Cell]) -> None:
    column = 1
    for attribute, run in groupby(cells, key=lambda cell: cell.attribute):
        text = "".join(cell.character for cell in run)
        whole.texts.append(Text(row, column, text, attribute))
        column += len(text)


def _draw_border(whole: Page, top: int, left: int, page: Page) -> None:
    rows, columns = page.size.rows, page.size.columns
    whole.text(top - 1, left - 1, "." * (columns + 2), _BORDER)
    for row in range(top, top + rows):
        whole.text(row, left - 1, ":" + " " * columns + ":", _BORDER)
    whole.text(top + rows, left - 1, ":" + "." * columns + ":", _BORDER)


def _clear(whole: Page, top: int, left: int, page: Page) -> None:
    for row in range(top, top + page.size.rows):
        whole.text(row, left, " " * page.size.columns)


def _place(whole: Page, page: Page, origin: tuple[int, int]) -> None:
    """Copy a page's parts to their places on the whole screen."""
    down, right = origin
    whole.texts += [replace(text, row=text.row + down, column=text.column + right) for text in page.texts]
    for name, field in page.fields.items():
        stretches = tuple(replace(one, row=one.row + down, column=one.column + right) for one in field.stretches)
        whole.fields[name] = replace(field, stretches=stretches)
    whole.regions += [replace(region, row=region.row + down, column=region.column + right) for region in page.regions]
    if page.legend_rows:
        whole.regions.append(Region(page.legend_row + down, right + 1, page.legend_rows, page.size.columns, HELP_KEYS))
    whole.legend(0, 0)
    cursor = page.cursor
    whole.cursor = (cursor[0] + down, cursor[1] + right) if isinstance(cursor, tuple) else cursor
    if cursor is None and not page.fields:
        whole.cursor = (1 + down, 2 + right)
