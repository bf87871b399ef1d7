"""The keys of a 5250 keyboard by what they do, and what one key press may be. Knows no terminal's key names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Function(StrEnum):
    """A key's function; for AID keys the value is the name a panel gets."""

    UP = "UP"
    DOWN = "DOWN"
    LEFT = "LEFT"
    RIGHT = "RIGHT"
    TAB = "TAB"
    BACKTAB = "BACKTAB"
    HOME = "HOME"
    END = "END"
    NEW_LINE = "NEWLINE"
    FIELD_EXIT = "FIELDEXIT"
    FIELD_PLUS = "FIELDPLUS"
    FIELD_MINUS = "FIELDMINUS"
    ERASE_EOF = "ERASEEOF"
    ERASE_INPUT = "ERASEINPUT"
    DELETE = "DELETE"
    BACKSPACE = "BACKSPACE"
    INSERT = "INSERT"
    DUP = "DUP"
    RESET = "RESET"
    REDRAW = "REDRAW"
    ATTN = "ATTN"
    SYSREQ = "SYSREQ"
    PRINT = "PRINT"
    CLEAR = "CLEAR"
    RECORD_BACKSPACE = "RECORDBACKSPACE"
    """Home with the cursor at home, on the real display; no key of its own."""
    PALETTE = "PALETTE"
    """Everything that can be done from here, to choose from; no key of a 5250."""
    ENTER = "ENTER"
    ROLLUP = "ROLLUP"
    """Page Down: shows later rows. The name describes the data, not the key."""
    ROLLDOWN = "ROLLDOWN"
    TOP = "TOP"
    BOTTOM = "BOTTOM"
    F1 = "F1"
    F2 = "F2"
    F3 = "F3"
    F4 = "F4"
    F5 = "F5"
    F6 = "F6"
    F7 = "F7"
    F8 = "F8"
    F9 = "F9"
    F10 = "F10"
    F11 = "F11"
    F12 = "F12"
    F13 = "F13"
    F14 = "F14"
    F15 = "F15"
    F16 = "F16"
    F17 = "F17"
    F18 = "F18"
    F19 = "F19"
    F20 = "F20"
    F21 = "F21"
    F22 = "F22"
    F23 = "F23"
    F24 = "F24"

    @property
    def number(self) -> int:
        """Number of a function key; 0 for any other key."""
        return int(self.value[1:]) if self.value[1:].isdecimal() else 0


HELP = Function.F1
"""The Help key and F1 are one."""

AIDS = frozenset(
    {
        Function.ENTER,
        Function.ROLLUP,
        Function.ROLLDOWN,
        Function.TOP,
        Function.BOTTOM,
        Function.CLEAR,
        Function.PALETTE,
    }
    | {key for key in Function if key.number}
)
"""Keys that end the operator's turn."""

BYPASS = frozenset({Function.ATTN, Function.SYSREQ, Function.PRINT, Function.REDRAW})
"""Keys that work in every state of the keyboard and change nothing on the page."""


@dataclass(frozen=True, slots=True)
class Typed:
    """One character."""

    character: str


@dataclass(frozen=True, slots=True)
class Pasted:
    """Text from the clipboard; only its first line is used."""

    text: str


Press = Function | Typed | Pasted
