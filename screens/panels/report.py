"""Moving about in a report: what the Control field of its display takes, and where a text is found. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from console.errors import CommandError

_NOT_CONTROL = "GWL0738"
_NOT_FOUND = "GWL0739"
_CONTROL = re.compile(r"(?P<unit>[WP]?)(?P<sign>[+-]?)(?P<count>[0-9]{1,7})")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is, and how much of it shows."""

    lines: int
    """Lines of the body."""
    columns: int
    """Columns of the longest line."""
    page_lines: int
    page_columns: int


@dataclass(frozen=True, slots=True)
class Place:
    """What shows at the top left, counted from 0."""

    line: int
    column: int


def go(control: str, place: Place, extent: Extent) -> Place:
    """Return the place that Control leads to.

    ``T`` and ``B`` are top and bottom, ``W+n`` and ``W-n`` columns to the right and left, ``P+n`` and ``P-n`` pages on
    and back, ``+n`` and ``-n`` lines; ``Wn``, ``Pn`` and ``n`` alone are the column, page and line itself, from 1.

    Args:
        control: What is typed, in upper case.
        place: Where the display is.
        extent: Of the report.

    Raises:
        CommandError: It is none of these.
    """
    last = max(0, extent.lines - extent.page_lines)
    if control in ("T", "TOP"):
        return Place(0, place.column)
    if control in ("B", "BOT"):
        return Place(last, place.column)
    found = _CONTROL.fullmatch(control)
    if found is None:
        raise CommandError(_NOT_CONTROL, value=control)
    count = int(found["count"])
    if found["unit"] == "W":
        widest = max(0, extent.columns - extent.page_columns)
        return Place(place.line, _moved(place.column, found["sign"], count, 1, widest))
    step = extent.page_lines if found["unit"] else 1
    return Place(_moved(place.line, found["sign"], count, step, max(0, extent.lines - 1)), place.column)


def _moved(now: int, sign: str, count: int, step: int, last: int) -> int:
    """Return where a count leads: from where the display is, or from the beginning where it has no sign."""
    to = {"+": now + count * step, "-": now - count * step}.get(sign, (count - 1) * step)
    return min(max(0, to), last)


def find(text: str, lines: Sequence[str], after: Place) -> Place:
    """Return where a text is next, in capital letters or small.

    Args:
        text: Not empty.
        lines: The body.
        after: The last place that is not looked at; its column may be -1 to begin with its line.

    Raises:
        CommandError: It is not there any more.
    """
    wanted = text.lower()
    for number in range(after.line, len(lines)):
        column = lines[number].lower().find(wanted, after.column + 1 if number == after.line else 0)
        if column >= 0:
            return Place(number, column)
    raise CommandError(_NOT_FOUND, text=text)


def find_wrapped(text: str, rows: Sequence[str], goes_on: Sequence[bool], after: Place) -> Place:
    """Return where a text is next that may go on in the rows under it; as `find` otherwise.

    Args:
        text: Not empty.
        rows: Each as it shows.
        goes_on: Of each row, whether it goes on with the one above.
        after: As of `find`.

    Raises:
        CommandError: It is not there any more.
    """
    wanted = text.lower()
    for number in range(after.line, len(rows)):
        end = next((at for at in range(number + 1, len(rows)) if not goes_on[at]), len(rows))
        parts = [rows[number].rstrip().lower(), *(row.strip().lower() for row in rows[number + 1 : end])]
        first = after.column + 1 if number == after.line else 0
        # A line breaks at a blank, which then shows nowhere, or inside a word too long for a row.
        columns = [joint.join(parts).find(wanted, first) for joint in (" ", "")]
        found = [column for column in columns if 0 <= column < len(parts[0])]
        if found:
            return Place(number, min(found))
    raise CommandError(_NOT_FOUND, text=text)


def ruler(first: int, columns: int) -> str:
    """Return the ruler over the lines: ``*...+....1....+....2``.

    Args:
        first: The column that shows first, from 0.
        columns: How many show.
    """
    return "".join(_mark(number) for number in range(first + 1, first + columns + 1))


def _mark(number: int) -> str:
    if number == 1:
        return "*"
    if number % 10 == 0:
        return str(number // 10 % 10)
    return "+" if number % 5 == 0 else "."
