"""What a field is: where it lies and what may be typed into it. Editing is in `fields`; this file only describes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from screens.terminal.attributes import Attribute


class Shift(Enum):
    """Which characters a field takes; the shift specification of the field format word."""

    ANY = "alphabetic shift"
    LETTERS = "alphabetic only"
    NUMERIC_SHIFT = "numeric shift"
    NUMERIC = "numeric only"
    DIGITS = "digits only"
    SIGNED = "signed numeric"
    DEVICE = "input and output"
    """Filled by a device such as a card reader, never by keys."""


class Adjust(Enum):
    """What Field Exit does to what was typed."""

    NONE = "none"
    RIGHT_ZERO = "right adjust, zero fill"
    RIGHT_BLANK = "right adjust, blank fill"


class SelfCheck(Enum):
    """Whether the last digit of a number proves the others, as account numbers have it."""

    NONE = "no check digit"
    MODULUS_10 = "modulus 10"
    MODULUS_11 = "modulus 11"


@dataclass(frozen=True, slots=True)
class FieldFormat:
    """The rules of a field; the other flags of the field format word."""

    shift: Shift = Shift.ANY
    """Characters outside it are a keying error."""
    monocase: bool = False
    """Letters become upper case as they are typed."""
    nondisplay: bool = False
    """Nothing typed is shown, copied or printed: passwords."""
    protected: bool = False
    """No typing; the value still goes to the panel with the others."""
    auto_enter: bool = False
    """Filling the last cell, or Field Exit, acts as Enter."""
    field_exit_required: bool = False
    """After the last cell the cursor stays until a key leaves the field."""
    mandatory_enter: bool = False
    """Enter is refused until something was typed into it."""
    mandatory_fill: bool = False
    """All cells or none."""
    dup: bool = False
    """The Dup key may be used; the value then holds `DUP_MARK` characters."""
    adjust: Adjust = Adjust.NONE
    check: SelfCheck = SelfCheck.NONE


DUP_MARK = "\x1c"
"""Stands in a value for each cell that Dup filled; drawn as an asterisk. Source: 5250 data stream, DUP X'1C'."""

PLAIN = FieldFormat()
"""Text and command lines: any character, as typed."""
UPPER = FieldFormat(monocase=True)
"""Names, special values, options: any character, in upper case."""
DIGITS = FieldFormat(shift=Shift.DIGITS)
"""Unsigned numbers, where a special value such as \\*ANY makes no sense."""
SECRET = FieldFormat(nondisplay=True)
"""Passwords."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One row's part of a field. Rows and columns count from 1."""

    row: int
    column: int
    length: int

    @property
    def end(self) -> int:
        """Column after the last cell."""
        return self.column + self.length


@dataclass(frozen=True, slots=True)
class Field:
    """An input field as a page describes it."""

    name: str
    stretches: tuple[Stretch, ...]
    """In the order in which they are filled; more than one only for a continued field."""
    value: str = ""
    attribute: Attribute = Attribute.GREEN_UNDERLINE
    format: FieldFormat = PLAIN
    help_key: str = ""
    modified: bool = False
    """The panel has set its modified data tag: it is sent as if it had been typed."""

    @property
    def length(self) -> int:
        """Cells in all stretches."""
        return sum(stretch.length for stretch in self.stretches)

    @property
    def row(self) -> int:
        """Row of the first cell."""
        return self.stretches[0].row

    @property
    def column(self) -> int:
        """Column of the first cell."""
        return self.stretches[0].column
