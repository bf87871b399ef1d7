"""What each local key does to the page: cursor movement and editing. Local keys never end the operator's turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from screens.terminal.buffer import Buffer, Place
from screens.terminal.field_format import Shift
from screens.terminal.fields import KeyingError
from screens.terminal.keys import Function, Typed

_PROTECTED = "KBD0005"
_EMPTY = "KBD0007"
_INSERTS = "KBD0013"
_LEAVE_FIRST = "KBD0018"
_EXIT_FIRST = "KBD0020"
_SIGNS = {"+": False, "-": True}
"""What Field+ and Field- are on a keyboard without them, in signed numbers; whether it is the minus."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What the operator wants to be different; as they are here for nearly everybody."""

    strict: bool = False
    """As on the real display: a keying error lasts until Reset, a field cannot be left in insert mode, and Enter does
    not move a number to the right that Field Exit should."""
    trim: bool = False
    """The first character typed over a value in the field's first cell clears the rest of it."""


USUAL = Habits()


class Editor:
    """Edits one buffer. Keys that make no sense raise `KeyingError` and change nothing."""

    def __init__(self, buffer: Buffer, habits: Habits = USUAL) -> None:
        self.buffer = buffer
        self.habits = habits
        self.insert = False
        """Insert mode: characters push those behind them."""
        self.waits_for_exit = False
        """The last cell of a field that requires Field Exit was typed; the cursor stands on it."""
        self._keys: dict[Function, Callable[[], bool | None]] = {
            Function.UP: lambda: self._step(-1, 0),
            Function.DOWN: lambda: self._step(1, 0),
            Function.LEFT: lambda: self._step(0, -1),
            Function.RIGHT: lambda: self._step(0, 1),
            Function.TAB: lambda: self._tab(1),
            Function.BACKTAB: self._backtab,
            Function.HOME: lambda: self._goto(*self.buffer.home),
            Function.END: self._end,
            Function.NEW_LINE: self._new_line,
            Function.FIELD_EXIT: self._field_exit,
            Function.FIELD_PLUS: self._field_exit,
            Function.FIELD_MINUS: lambda: self._field_exit(minus=True),
            Function.ERASE_EOF: self._erase_eof,
            Function.ERASE_INPUT: self._erase_input,
            Function.DELETE: self._delete,
            Function.BACKSPACE: self._backspace,
            Function.INSERT: self._toggle_insert,
            Function.DUP: self._dup,
        }

    def press(self, key: Function) -> bool:
        """Do what a local key does.

        Returns:
            Whether the key acts as Enter, because a field asks for it.

        Raises:
            KeyingError: The key makes no sense here.
        """
        action = self._keys.get(key)
        return bool(action()) if action else False

    def type(self, typed: Typed) -> bool:
        """Type a character and move on.

        Returns:
            Whether filling the field acts as Enter.

        Raises:
            KeyingError: The place is protected, or does not take the character.
        """
        place = self._input_place()
        if place.content.field.format.shift is Shift.SIGNED and typed.character in _SIGNS:
            return self._field_exit(minus=_SIGNS[typed.character])
        if self.waits_for_exit:
            raise KeyingError(_LEAVE_FIRST)
        trims = self.habits.trim and not place.position and not self.insert and not place.content.modified
        place.content.type(place.position, typed.character, insert=self.insert)
        if trims:
            place.content.erase_from(1)
        return self._advance(place)

    def paste(self, text: str) -> bool:
        """Type a text's first line, no further than the end of the field.

        Returns:
            Whether all of the text went in.

        Raises:
            KeyingError: The place is protected, or does not take a character; what went in before stays.
        """
        place = self._input_place()
        whole = text.rstrip("\r\n")
        first = next(iter(whole.splitlines()), "")
        room = place.content.data_length - place.position
        name, position = place.content.field.name, place.position
        for character in first[:room]:
            place.content.type(position, character, insert=self.insert)
            position += 1
            self._goto(*self.buffer.cell_of(name, min(position, len(place.content) - 1)))
        return len(first) <= room and first == whole

    def place_cursor(self, row: int, column: int) -> None:
        """Put the cursor somewhere, as a mouse does."""
        self._goto(row, column)

    def check_enter(self) -> None:
        """Look for what must be mended before Enter; put the cursor there.

        Raises:
            KeyingError: A mandatory field is empty, one that must be filled is not, a check digit is wrong, or (strict)
                a number under the cursor was not brought to its place by Field Exit.
        """
        self._check_adjusted()
        for name in self.buffer.inputs:
            content = self.buffer.contents[name]
            if content.field.format.mandatory_enter and not content.value:
                self._goto(*self.buffer.start_of(name))
                raise KeyingError(_EMPTY)
            if content.modified:
                try:
                    content.check_value()
                except KeyingError:
                    self._goto(*self.buffer.start_of(name))
                    raise

    @property
    def is_home(self) -> bool:
        """Whether the cursor is where Home goes."""
        return (self.buffer.row, self.buffer.column) == self.buffer.home

    def _check_adjusted(self) -> None:
        content = self.buffer.place.content if self.buffer.place else None
        if content is None or not content.waits_for_adjustment:
            return
        if self.habits.strict:
            raise KeyingError(_EXIT_FIRST)
        content.adjust()

    def _check_leaves(self) -> None:
        if self.habits.strict and self.insert:
            raise KeyingError(_INSERTS)

    def _input_place(self) -> Place:
        place = self.buffer.place
        if place is None or place.content.field.format.protected:
            raise KeyingError(_PROTECTED)
        return place

    def _goto(self, row: int, column: int) -> None:
        self.buffer.move(row, column)
        self.waits_for_exit = False

    def _step(self, rows: int, columns: int) -> None:
        """Move one cell, protected or not, wrapping at the edges; left and right wrap into the next row."""
        size = self.buffer.size
        cell = (self.buffer.row - 1 + rows) * size.columns + self.buffer.column - 1 + columns
        cell %= size.rows * size.columns
        self._goto(cell // size.columns + 1, cell % size.columns + 1)

    def _advance(self, place: Place) -> bool:
        content = place.content
        shape = content.field.format
        if place.position + 1 < content.data_length:
            self._goto(*self.buffer.cell_of(content.field.name, place.position + 1))
            return False
        if shape.field_exit_required or content.data_length < len(content):
            self.waits_for_exit = True
            return False
        if shape.auto_enter:
            return True
        self._tab(1)
        return False

    def _tab(self, direction: int) -> None:
        """Go to the start of the next or previous field, by row and column, around the page's end."""
        if not self.buffer.inputs:
            self._goto(*self.buffer.home)
            return
        starts = [self.buffer.start_of(name) for name in self.buffer.inputs]
        here = (self.buffer.row, self.buffer.column)
        if direction > 0:
            self._goto(*next((start for start in starts if start > here), starts[0]))
        else:
            self._goto(*next((start for start in reversed(starts) if start < here), starts[-1]))

    def _backtab(self) -> None:
        place = self.buffer.place
        if place and place.position and not place.content.field.format.protected:
            self._goto(*self.buffer.start_of(place.content.field.name))
        else:
            self._tab(-1)

    def _end(self) -> None:
        place = self.buffer.place
        if place:
            self._goto(*self.buffer.cell_of(place.content.field.name, place.content.end))

    def _new_line(self) -> None:
        starts = [self.buffer.start_of(name) for name in self.buffer.inputs]
        if starts:
            self._goto(*next((start for start in starts if start[0] > self.buffer.row), starts[0]))

    def _field_exit(self, *, minus: bool = False) -> bool:
        place = self._input_place()
        self._check_leaves()
        position = place.position + 1 if self.waits_for_exit else place.position
        place.content.leave(position, minus=minus)
        if place.content.field.format.auto_enter:
            return True
        self._goto(*self.buffer.cell_of(place.content.field.name, len(place.content) - 1))
        self._tab(1)
        return False

    def _erase_eof(self) -> None:
        place = self._input_place()
        place.content.erase_from(place.position)

    def _erase_input(self) -> None:
        for name in self.buffer.inputs:
            self.buffer.contents[name].erase_from(0)
        self._goto(*self.buffer.home)

    def _delete(self) -> None:
        place = self._input_place()
        place.content.delete(place.position)

    def _backspace(self) -> None:
        """Delete to the left within a field; at its start and outside fields, only move left."""
        place = self.buffer.place
        if place is None or not place.position or place.content.field.format.protected:
            self._step(0, -1)
            return
        position = place.position if self.waits_for_exit else place.position - 1
        place.content.delete(position)
        self._goto(*self.buffer.cell_of(place.content.field.name, position))

    def _toggle_insert(self) -> None:
        self.insert = not self.insert

    def _dup(self) -> bool:
        place = self._input_place()
        self._check_leaves()
        place.content.dup(place.position)
        if place.content.field.format.auto_enter:
            return True
        self._goto(*self.buffer.cell_of(place.content.field.name, len(place.content) - 1))
        self._tab(1)
        return False
