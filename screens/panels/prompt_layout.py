"""Where a prompter puts its parameters: pages of rows, long fields continued, choices beside them."""

from __future__ import annotations

from collections.abc import Sequence
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
"""From there to the column before the marker."""
_CUT = "..."


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


def lay_out(
    parameters: Sequence[Parameter], additional: Sequence[Parameter], *, last_row: int, columns: int
) -> tuple[PromptPage, ...]:
    """Place parameters on as many pages as they need.

    Args:
        parameters: Those shown at first.
        additional: Those under the heading of their own.
        last_row: Last row of a page that may be used.
        columns: Width of the page.
    """
    pages: list[PromptPage] = []
    here: list[Placed] = []
    row, heading_row = FIRST_ROW, 0
    for parameter in [*parameters, *additional]:
        if additional and parameter is additional[0]:
            heading = row if row == FIRST_ROW else row + 1
            if heading + 1 + _rows(parameter, columns) <= last_row:
                heading_row, row = heading, heading + 2
            else:
                pages.append(PromptPage(tuple(here), heading_row))
                here, heading_row, row = [], FIRST_ROW, FIRST_ROW + 2
        elif row + _rows(parameter, columns) - 1 > last_row:
            pages.append(PromptPage(tuple(here), heading_row))
            here, heading_row, row = [], 0, FIRST_ROW
        placed = place(parameter, row, columns)
        here.append(placed)
        row += placed.rows
    return (*pages, PromptPage(tuple(here), heading_row))


def place(parameter: Parameter, row: int, columns: int) -> Placed:
    """Return where the parts of a parameter go that begins in a row."""
    stretches = _stretches(parameter.length, row, columns)
    choices = parameter.choices or ", ".join(parameter.special)
    start = max(_CHOICES_COLUMN, stretches[0].end + 1)
    room = columns - start
    if parameter.length <= _SHORT or (len(choices) <= room and start <= _LAST_CHOICES_COLUMN):
        return Placed(parameter, row, stretches, _fit(choices, room), (row, start))
    return Placed(parameter, row, stretches, _fit(choices, _BELOW_ROOM), (row + 1, _BELOW_COLUMN))


def _rows(parameter: Parameter, columns: int) -> int:
    return place(parameter, FIRST_ROW, columns).rows


def _stretches(length: int, row: int, columns: int) -> tuple[Stretch, ...]:
    """Return the rows of a field; each but the last reaches to the column before the edge."""
    widest = columns - _FIELD_COLUMN
    found = []
    while length > 0:
        found.append(Stretch(row, _FIELD_COLUMN, min(length, widest)))
        length -= widest
        row += 1
    return tuple(found)


def _fit(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - len(_CUT)] + _CUT
