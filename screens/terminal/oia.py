"""The operator information area: the state of keyboard and cursor in words on the row under the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from console.printable import printable

FIRST_SESSION = "A"
"""The one that there always is: the short form says only that it is another."""


@dataclass(frozen=True, slots=True)
class Indicators:
    """What the area can say."""

    session: str = FIRST_SESSION
    system: str = ""
    inhibited: str = ""
    """``X SYSTEM``, ``X II`` or nothing."""
    code: str = ""
    """Four digits of a keying error."""
    message_waiting: bool = False
    insert: bool = False
    field_exit: bool = False
    """The cursor waits in a field that requires Field Exit."""
    queued: int = 0
    """Keys that wait."""
    prefix: str = ""
    """``ESC-`` or ``^G-`` while the second key of a sequence is awaited."""
    clock: str = ""
    """``HH:MM``, or nothing."""
    row: int = 1
    column: int = 1


_Slot = tuple[int, int, Callable[[Indicators], str]]
"""Column from 1, cells, and the words."""

_FULL: tuple[_Slot, ...] = (
    (2, 1, lambda shown: shown.session),
    (4, 9, lambda shown: printable(shown.system)),
    (14, 9, lambda shown: shown.inhibited),
    (24, 4, lambda shown: shown.code),
    (30, 2, lambda shown: "MW" if shown.message_waiting else ""),
    (34, 2, lambda shown: "IM" if shown.insert else ""),
    (38, 3, lambda shown: "FER" if shown.field_exit else ""),
    (43, 6, lambda shown: f"KB {shown.queued}" if shown.queued else ""),
    (50, 6, lambda shown: shown.prefix),
    (58, 5, lambda shown: shown.clock),
    (72, 6, lambda shown: f"{shown.row:02}/{shown.column:03}"),
)

_SHORT: tuple[_Slot, ...] = (
    (1, 8, lambda shown: shown.inhibited),
    (10, 4, lambda shown: shown.code),
    (15, 2, lambda shown: "MW" if shown.message_waiting else ""),
    (18, 2, lambda shown: "IM" if shown.insert else ""),
    (25, 1, lambda shown: "" if shown.session == FIRST_SESSION else shown.session),
    (21, 5, lambda shown: f"KB{shown.queued}" if shown.queued else "FER" if shown.field_exit else ""),
    (27, 5, lambda shown: shown.prefix or shown.clock),
    (34, 6, lambda shown: f"{shown.row:02}/{shown.column:03}"),
)

SHORT_COLUMNS = 40
"""Cells of the short form, which shares the message row on terminals without a row to spare."""


def full(shown: Indicators, columns: int) -> str:
    """Return the area as a row of its own."""
    return _lay_out(_FULL, shown, columns)


def short(shown: Indicators) -> str:
    """Return the area for the right of a message row without a message."""
    return _lay_out(_SHORT, shown, SHORT_COLUMNS)


def _lay_out(slots: tuple[_Slot, ...], shown: Indicators, columns: int) -> str:
    cells = [" "] * columns
    for column, length, words in slots:
        text = words(shown)[:length]
        cells[column - 1 : column - 1 + len(text)] = text
    return "".join(cells)
