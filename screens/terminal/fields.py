"""Editing inside one field, exactly as a 5250 does it. Positions count from 0 within the field, over all its rows."""

from __future__ import annotations

from console.errors import ConsoleError
from console.printable import printable
from screens.terminal.check_digit import proves
from screens.terminal.field_format import DUP_MARK, Adjust, Field, SelfCheck, Shift

BLANK = " "
_LETTER_MARKS = frozenset(" ,.-")
_NUMERIC = frozenset("0123456789+-., ")
_DIGITS = frozenset("0123456789")

_PROTECTED = "KBD0005"
_NOT_SHOWABLE = "KBD0004"
_SIGN_POSITION = "KBD0011"
_NO_ROOM = "KBD0012"
_NOT_FILLED = "KBD0014"
_CHECK_DIGIT = "KBD0015"
_FIELD_MINUS = "KBD0016"
_DUP = "KBD0019"
_LEFT_EMPTY = "KBD0021"
_LAST_DIGIT = "KBD0026"
_MINUS = "-"

_REFUSALS: dict[Shift, str] = {
    Shift.LETTERS: "KBD0008",
    Shift.NUMERIC: "KBD0009",
    Shift.DIGITS: "KBD0010",
    Shift.SIGNED: "KBD0010",
    Shift.DEVICE: _NOT_SHOWABLE,
}


class KeyingError(ConsoleError):
    """A key that makes no sense where it was pressed; it locks the keyboard until Reset."""

    @property
    def code(self) -> str:
        """The four digits for the status row."""
        return self.message_id[-4:]


class FieldContent:
    """What is in an input field, and the edits it takes."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.modified = field.modified
        """The modified data tag: set by the first change, kept when the change is undone."""
        self.waits_for_adjustment = False
        """Something was typed that only Field Exit, Field+ and Field- bring to its place at the right."""
        self._cells = list(field.value.ljust(field.length))

    def __len__(self) -> int:
        return len(self._cells)

    @property
    def cells(self) -> str:
        """Every cell, blanks too."""
        return "".join(self._cells)

    @property
    def value(self) -> str:
        """The text as a panel gets it, without trailing blanks."""
        return self.cells.rstrip(BLANK)

    @property
    def data_length(self) -> int:
        """Cells that can be typed into: all, but not the sign position of a signed number."""
        return len(self._cells) - (self.field.format.shift is Shift.SIGNED)

    @property
    def end(self) -> int:
        """Position after the last cell that is not blank, at most the last cell."""
        return min(len(self.value), len(self._cells) - 1)

    def assign(self, value: str, *, modified: bool) -> None:
        """Replace the whole content, as when typed data is carried over to another size of the page."""
        self._cells = list(printable(value)[: len(self)].ljust(len(self)))
        self.modified = modified

    def type(self, position: int, character: str, *, insert: bool = False) -> None:
        """Type a character over the one at a position, or in front of it in insert mode.

        Raises:
            KeyingError: The field does not take the character there, or there is no room to insert; nothing changed.
        """
        cell = self._accepted(position, character)
        if insert:
            last = self.data_length - 1
            if self._cells[last] != BLANK:
                raise KeyingError(_NO_ROOM)
            del self._cells[last]
            self._cells.insert(position, cell)
        else:
            self._cells[position] = cell
        self.modified = True
        self.waits_for_adjustment = self._fill is not None

    def _accepted(self, position: int, character: str) -> str:
        shape = self.field.format
        if shape.protected:
            raise KeyingError(_PROTECTED)
        if len(character) != 1 or printable(character) != character:
            raise KeyingError(_NOT_SHOWABLE)
        if position >= self.data_length:
            raise KeyingError(_SIGN_POSITION)
        if not _belongs(character, shape.shift):
            raise KeyingError(_REFUSALS[shape.shift])
        if not shape.monocase:
            return character
        upper = character.upper()
        return upper if len(upper) == 1 else character

    def delete(self, position: int) -> None:
        """Delete a character; those behind it move up."""
        self._check_input()
        if position < self.data_length:
            del self._cells[position]
            self._cells.insert(self.data_length, BLANK)  # before the sign, else at the end
        self.modified = True

    def erase_from(self, position: int) -> None:
        """Blank everything from a position to the end of the field."""
        self._check_input()
        self._cells[position:] = [BLANK] * (len(self) - position)
        self.modified = True

    def dup(self, position: int) -> None:
        """Fill the rest of the field with dup marks.

        Raises:
            KeyingError: The field does not take Dup.
        """
        self._check_input()
        if not self.field.format.dup:
            raise KeyingError(_DUP)
        self._cells[position:] = [DUP_MARK] * (len(self) - position)
        self.modified = True

    def leave(self, position: int, *, minus: bool = False) -> None:
        """Do what Field Exit, Field+ and Field- do: erase the rest, then adjust.

        Args:
            position: The first cell to erase; the field's length erases nothing.
            minus: Field-: the number is negative.

        Raises:
            KeyingError: Field- in a field that holds no number, a part-filled field that must be filled, an empty one
                that must not be, or a number that its check digit does not prove; nothing changed.
        """
        self._check_input()
        kept = "".join(self._cells[:position]).strip(BLANK)
        if minus:
            self._check_minus(kept)
        if self.field.format.mandatory_enter and not kept:
            raise KeyingError(_LEFT_EMPTY)
        self.check_filled(upto=position)
        self._check_digit(kept)
        self.erase_from(position)
        self.adjust(minus=minus)

    def _check_minus(self, kept: str) -> None:
        shift = self.field.format.shift
        if shift not in (Shift.SIGNED, Shift.NUMERIC):
            raise KeyingError(_FIELD_MINUS)
        if shift is Shift.NUMERIC and kept[-1:] not in _DIGITS:
            raise KeyingError(_LAST_DIGIT)
        if shift is Shift.NUMERIC and len(kept) == len(self):
            raise KeyingError(_NO_ROOM)

    def check_value(self) -> None:
        """Refuse what Enter must not send.

        Raises:
            KeyingError: It is filled in part and must be filled, or its check digit is wrong.
        """
        self.check_filled()
        self._check_digit(self.cells[: self.data_length].strip(BLANK))

    def _check_digit(self, digits: str) -> None:
        kind = self.field.format.check
        if kind is not SelfCheck.NONE and digits and not proves(digits, kind):
            raise KeyingError(_CHECK_DIGIT)

    def check_filled(self, upto: int | None = None) -> None:
        """Refuse to leave a field that wants all its cells or none.

        Args:
            upto: Look only at the cells before this position.

        Raises:
            KeyingError: It is filled in part.
        """
        if not self.field.format.mandatory_fill:
            return
        kept = self._cells[: len(self) if upto is None else upto]
        filled = sum(cell != BLANK for cell in kept)
        if 0 < filled < len(self):
            raise KeyingError(_NOT_FILLED)

    def adjust(self, *, minus: bool = False) -> None:
        """Bring what is there to the right if the field wants it so, and give a number its sign.

        A negative number in a field without a sign position gets its minus behind it, as listings show it.
        """
        signed = self._is_signed
        sign = _MINUS if minus and not signed else ""
        digits = "".join(self._cells[: self.data_length]).strip(BLANK) + sign
        if self._fill is not None and digits != sign:
            self._cells[: self.data_length] = digits.rjust(self.data_length, self._fill)
        elif sign:
            self._cells[: self.data_length] = digits.ljust(self.data_length)
        if signed:
            self._cells[-1] = _MINUS if minus else BLANK
        self.waits_for_adjustment = False

    @property
    def _fill(self) -> str | None:
        """What stands before a number that is moved to the right; None where nothing is moved."""
        fill = {Adjust.RIGHT_ZERO: "0", Adjust.RIGHT_BLANK: BLANK}.get(self.field.format.adjust)
        return BLANK if fill is None and self._is_signed else fill

    @property
    def _is_signed(self) -> bool:
        return self.field.format.shift is Shift.SIGNED

    def _check_input(self) -> None:
        if self.field.format.protected:
            raise KeyingError(_PROTECTED)


def _belongs(character: str, shift: Shift) -> bool:
    """Say whether a field of that shift takes the character."""
    if shift is Shift.LETTERS:
        return character.isalpha() or character in _LETTER_MARKS
    if shift is Shift.NUMERIC:
        return character in _NUMERIC
    if shift in (Shift.DIGITS, Shift.SIGNED):
        return character in _DIGITS
    return shift is not Shift.DEVICE
