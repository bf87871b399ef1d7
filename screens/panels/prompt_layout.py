"""Where a prompter puts its parameters: pages of rows, long fields continued, choices beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.commands.definition import Parameter
from screens.terminal.field_format import Stretch

FIRST_ROW = 5
_FIELD_COLUMN = 37
_CHOICES_COLUMN = 51
_LAST_CHOICES_COLUMN = 55
"""Choices that would begin further right go under the label, where the eye finds them again."""
_SHORT = 13
"""Fields up to here leave room at the right for choices in their usual column."""
_BELOW_COLUMN = 3
_BELOW_ROOM = 33
"""From there to the column before the marker, beside a field that goes on there."""
_CUT = "..."
_MORE_VALUES = "  + for more"
_USUAL_ROWS = 3
"""Of a field that is longer than a page at the right of the labels: ``&`` shows more of it."""
_NARROW_ROWS = 12
"""Most rows of a field that stays at the right of the labels."""
_WIDE_ROWS = 11
"""Rows of a longer field that go on over the whole width."""
_WIDE_COLUMN = 2


@dataclass(frozen=True, slots=True)
class Placed:
    """One parameter on a page."""

    parameter: Parameter
    row: int
    stretches: tuple[Stretch, ...]
    choices: str
    choices_at: tuple[int, int]

    @property
    def rows(self) -> int:
        """How many rows it takes."""
        return max(self.stretches[-1].row, self.choices_at[0] if self.choices else 0) - self.row + 1


@dataclass(frozen=True, slots=True)
class PromptPage:
    """One page of a prompter."""

    parameters: tuple[Placed, ...]
    heading_row: int = 0
    """Where ``Additional Parameters`` stands; 0 for not on this page."""


@dataclass(frozen=True, slots=True)
class Room:
    """What there is to lay out on."""

    last_row: int
    """Last row of a page that may be used."""
    columns: int
    needed: Mapping[str, int]
    """Keyword -> cells that its field must have at least, for a long value or because ``&`` asks for more."""


def lay_out(parameters: Sequence[Parameter], additional: Sequence[Parameter], room: Room) -> tuple[PromptPage, ...]:
    """Place parameters on as many pages as they need.

    Args:
        parameters: Those shown at first.
        additional: Those under the heading of their own.
        room: What there is to lay out on.
    """
    pages: list[PromptPage] = []
    here: list[Placed] = []
    row, heading_row = FIRST_ROW, 0
    for parameter in [*parameters, *additional]:
        if additional and parameter is additional[0]:
            heading = row if row == FIRST_ROW else row + 1
            if heading + 1 + _rows(parameter, room) <= room.last_row:
                heading_row, row = heading, heading + 2
            else:
                pages.append(PromptPage(tuple(here), heading_row))
                here, heading_row, row = [], FIRST_ROW, FIRST_ROW + 2
        elif row + _rows(parameter, room) - 1 > room.last_row:
            pages.append(PromptPage(tuple(here), heading_row))
            here, heading_row, row = [], 0, FIRST_ROW
        placed = place(parameter, row, room)
        here.append(placed)
        row += placed.rows
    return (*pages, PromptPage(tuple(here), heading_row))


def place(parameter: Parameter, row: int, room: Room) -> Placed:
    """Return where the parts of a parameter go that begins in a row."""
    columns = room.columns
    stretches = _stretches(parameter.length, room.needed.get(parameter.keyword, 0), row, columns)
    choices = parameter.choices or ", ".join(parameter.special)
    if stretches[-1].column == _WIDE_COLUMN:
        below = stretches[-1].row + 1
        return Placed(parameter, row, stretches, _fit(parameter, choices, columns - 3), (below, _BELOW_COLUMN))
    start = max(_CHOICES_COLUMN, stretches[0].end + 1)
    cells = columns - start
    if parameter.length <= _SHORT or (len(choices) <= cells and start <= _LAST_CHOICES_COLUMN):
        return Placed(parameter, row, stretches, _fit(parameter, choices, cells), (row, start))
    below = columns - _BELOW_COLUMN if len(stretches) == 1 else _BELOW_ROOM
    return Placed(parameter, row, stretches, _fit(parameter, choices, below), (row + 1, _BELOW_COLUMN))


def longest_shown(columns: int) -> int:
    """Return how many cells a field can have at most; what is longer can be typed on command lines and in files."""
    return columns - _FIELD_COLUMN + _WIDE_ROWS * (columns - _WIDE_COLUMN)


def _rows(parameter: Parameter, room: Room) -> int:
    return place(parameter, FIRST_ROW, room).rows


def _stretches(length: int, needed: int, row: int, columns: int) -> tuple[Stretch, ...]:
    """Return the rows of a field; each but the last reaches to the column before the edge."""
    narrow, wide = columns - _FIELD_COLUMN, columns - _WIDE_COLUMN
    if length > longest_shown(columns):
        length = min(length, max(needed, _USUAL_ROWS * narrow), longest_shown(columns))
    is_wide = length > _NARROW_ROWS * narrow
    found, column, most = [], _FIELD_COLUMN, narrow
    while length > 0:
        found.append(Stretch(row, column, min(length, most)))
        length -= most
        row += 1
        if is_wide:
            column, most = _WIDE_COLUMN, wide
    return tuple(found)


def _fit(parameter: Parameter, text: str, room: int) -> str:
    """Return the choices as far as they fit, with a word on lists where there is room for it."""
    if parameter.many and not parameter.is_phrase and len(text) + len(_MORE_VALUES) <= room:
        text += _MORE_VALUES
    return text if len(text) <= room else text[: room - len(_CUT)] + _CUT
