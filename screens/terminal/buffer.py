"""A page on the screen: its cells, what its fields hold, and where the cursor is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from screens.terminal.attributes import Attribute
from screens.terminal.field_format import DUP_MARK, Stretch
from screens.terminal.fields import BLANK, FieldContent
from screens.terminal.page import Page, Size


class Cell(NamedTuple):
    """One place on the screen."""

    character: str
    attribute: Attribute


class Place(NamedTuple):
    """A cell of an input field."""

    content: FieldContent
    position: int
    """From 0, within the field."""


_CELLS_KEPT = 8192


@lru_cache(maxsize=_CELLS_KEPT)
def _cell(character: str, attribute: Attribute) -> Cell:
    """Return a cell; a screen has two thousand of few kinds, and they are compared whenever something is drawn."""
    return Cell(character, attribute)


EMPTY = _cell(BLANK, Attribute.GREEN)
_DUP_SHOWN = "*"


class Buffer:
    """The cells of a page, its fields' contents and the cursor; rows and columns from 1."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.contents = {name: FieldContent(field) for name, field in page.fields.items()}
        self.errors: frozenset[str] = frozenset()
        """Fields shown in reverse image."""
        self._protected = _protected_cells(page)
        self._places = {
            (stretch.row, column): (name, start + column - stretch.column)
            for name, field in page.fields.items()
            for stretch, start in _starts(field.stretches)
            for column in range(stretch.column, stretch.end)
        }
        self._stretches: dict[int, list[tuple[str, Stretch, int]]] = defaultdict(list)
        """Row -> what of fields is on it: name, stretch, and the field position of its first cell."""
        for name, field in page.fields.items():
            for stretch, start in _starts(field.stretches):
                self._stretches[stretch.row].append((name, stretch, start))
        inputs = [field for field in page.fields.values() if not field.format.protected]
        self.inputs = tuple(field.name for field in sorted(inputs, key=lambda field: (field.row, field.column)))
        """Names of the fields that can be typed into, in the order of Tab: by row, then by column."""
        self.row, self.column = self.home

    @property
    def size(self) -> Size:
        """Rows and columns."""
        return self.page.size

    @property
    def home(self) -> tuple[int, int]:
        """Where the cursor starts and Home goes."""
        wanted = self.page.cursor
        if isinstance(wanted, tuple):
            return self._inside(*wanted)
        if wanted in self.page.fields:
            return self.start_of(wanted)
        return self.start_of(self.inputs[0]) if self.inputs else (1, 1)

    def start_of(self, name: str) -> tuple[int, int]:
        """Return the first cell of a field."""
        field = self.page.fields[name]
        return field.row, field.column

    def cell_of(self, name: str, position: int) -> tuple[int, int]:
        """Return where on the screen a position of a field is."""
        for stretch, start in _starts(self.page.fields[name].stretches):
            if position < start + stretch.length:
                return stretch.row, stretch.column + position - start
        last = self.page.fields[name].stretches[-1]
        return last.row, last.end - 1

    def move(self, row: int, column: int) -> None:
        """Put the cursor somewhere; a place outside is brought to the nearest inside."""
        self.row, self.column = self._inside(row, column)

    def _inside(self, row: int, column: int) -> tuple[int, int]:
        return max(1, min(row, self.size.rows)), max(1, min(column, self.size.columns))

    def place_at(self, row: int, column: int) -> Place | None:
        """Return the field cell at a place, protected or not; None outside fields."""
        found = self._places.get((row, column))
        return Place(self.contents[found[0]], found[1]) if found else None

    @property
    def place(self) -> Place | None:
        """The field cell under the cursor."""
        return self.place_at(self.row, self.column)

    @property
    def values(self) -> dict[str, str]:
        """Every field's text by name."""
        return {name: content.value for name, content in self.contents.items()}

    @property
    def modified(self) -> frozenset[str]:
        """Fields with their modified data tag on."""
        return frozenset(name for name, content in self.contents.items() if content.modified)

    def take_over(self, older: Buffer) -> None:
        """Carry typed data, errors and the cursor over from another layout of the same panel, by field name."""
        self.errors = older.errors & self.contents.keys()
        for name in older.modified & self.contents.keys():
            self.contents[name].assign(older.contents[name].value, modified=True)
        place = older.place
        if place and place.content.field.name in self.contents:
            self.move(*self.cell_of(place.content.field.name, place.position))
        else:
            self.move(older.row, older.column)

    def cells(self, row: int) -> list[Cell]:
        """Return a row's cells as they are shown; nondisplay fields show blanks."""
        shown = list(self._protected[row - 1])
        for name, stretch, start in self._stretches.get(row, ()):
            text = self.contents[name].cells[start : start + stretch.length]
            shown[stretch.column - 1 : stretch.end - 1] = self._field_cells(name, text)
        return shown

    def _field_cells(self, name: str, text: str) -> Iterator[Cell]:
        field = self.page.fields[name]
        attribute = field.attribute.reverse_image if name in self.errors else field.attribute
        hidden = field.format.nondisplay or attribute is Attribute.NONDISPLAY
        for character in text:
            shown = BLANK if hidden else _DUP_SHOWN if character == DUP_MARK else character
            yield _cell(shown, attribute)


def _starts(stretches: Iterable[Stretch]) -> Iterator[tuple[Stretch, int]]:
    """Yield each stretch with the field position of its first cell."""
    start = 0
    for stretch in stretches:
        yield stretch, start
        start += stretch.length


def _protected_cells(page: Page) -> list[list[Cell]]:
    rows = [[EMPTY] * page.size.columns for _ in range(page.size.rows)]
    for text in page.texts:
        start = text.column - 1
        words = text.text[: page.size.columns - start]
        shown = BLANK * len(words) if text.attribute is Attribute.NONDISPLAY else words
        rows[text.row - 1][start : start + len(shown)] = [_cell(character, text.attribute) for character in shown]
    return rows
