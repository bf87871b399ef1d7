"""The whole terminal but for drawing: a frame, the keyboard, message row and status row, and the keys that are its own.

It answers by itself: keys that the panel does not have, F24 for more keys, and the rolling of messages. Every other AID
key it hands out, and is locked until it is shown what came of it.
"""

from __future__ import annotations

from console.messages import Message, describe, message
from console.printable import printable
from screens.terminal import oia
from screens.terminal.attributes import Attribute
from screens.terminal.buffer import Cell
from screens.terminal.editor import USUAL, Habits
from screens.terminal.fields import KeyingError
from screens.terminal.frame import Frame
from screens.terminal.keyboard import Keyboard, State
from screens.terminal.keys import HELP, Function, Press
from screens.terminal.message_line import MessageLine
from screens.terminal.page import HELP_MESSAGE, NORMAL, Page, Size
from screens.terminal.safe import safe_row

_NOT_ALLOWED = "KBD0101"
_KEY_NOT_HERE = "KBD0102"
_MORE_KEYS = Function.F24
_BANNER_ROW = 2
_BANNER_COLUMN = 2
_CUT = "..."
"""Ends a banner that has no room for all it says."""
_EDGE_KEYS = {Function.TOP: (17, "Top"), Function.BOTTOM: (18, "Bottom")}
"""Keys that stand for a function key, on panels that give that key this label."""
_UNUSED = frozenset({Function.CLEAR, Function.RECORD_BACKSPACE})
"""AID keys that no panel answers."""
_INHIBITED = {State.SYSTEM: "X SYSTEM", State.HELPED: "X SYSTEM", State.ERROR: "X II"}
_LOOKS_AT = ((5, "Display"), (1, "Select"))
"""Options that change nothing, in every list that has them."""
_PREFIX_HINT = "1-9 0 - = for F1-F12, x Field Exit, r Reset, g Find, p Print"
_ONCE, _TWICE = "^G-", "^G^G-"
_HINTS = {
    _ONCE: "1-9 0 - = for F1-F12, Ctrl+G again for F13-F24, x Field Exit, r Reset",
    _TWICE: "1-9 0 - = for F13-F24",
}


class Terminal:
    """State of the screen; rows and columns from 1."""

    def __init__(self, *, system: str = "", habits: Habits = USUAL, reset_hint: str = "") -> None:
        """Start with an empty page.

        Args:
            system: Name for the status row.
            habits: What the operator wants to be different.
            reset_hint: How Reset is pressed, said with each error when strict.
        """
        self.frame = Frame(Page(NORMAL), ())
        self.keyboard = Keyboard(self.frame.buffer, habits)
        self.message_line = MessageLine()
        self.banner = ""
        """A standing warning for the free left part of row 2."""
        self.message_waiting = False
        """Whether there are messages that the operator has not read."""
        self.prefix = ""
        self.clock = ""
        self.has_status_row = True
        """Whether there is a row under the page; without one the message row is shared."""
        self.letter = "A"
        """Of the session, for the status row."""
        self._system = system
        self._reset_hint = reset_hint if habits.strict else ""

    def use(self, habits: Habits, reset_hint: str) -> None:
        """Go on with other habits of the operator, and say with each error how Reset is pressed if they are strict."""
        self.keyboard.use(habits)
        self._reset_hint = reset_hint if habits.strict else ""

    @property
    def size(self) -> Size:
        """Size of the page that shows."""
        return self.frame.buffer.size

    @property
    def cursor(self) -> tuple[int, int]:
        """Row and column of the cursor."""
        return self.frame.buffer.row, self.frame.buffer.column

    @property
    def help_key(self) -> str:
        """The help key under the cursor."""
        row, column = self.cursor
        if row == self.size.rows and self.message_line.current:
            return HELP_MESSAGE
        return self.frame.buffer.page.help_key_at(row, column)

    def show(
        self,
        frame: Frame,
        messages: tuple[Message, ...] = (),
        errors: tuple[str, ...] = (),
        cursor: str | tuple[int, int] | None = None,
    ) -> None:
        """Show the outcome of a turn; the keyboard stays locked until `resume`.

        Args:
            frame: What to show; the frame that shows already keeps what is typed in it.
            messages: For the message row.
            errors: Fields to show in reverse image; the cursor goes to the first unless told otherwise.
            cursor: A field's name, or row and column on the panel's own page.
        """
        if frame is not self.frame:
            self.frame = frame
            self.keyboard.show(frame.buffer)
        self.message_line = MessageLine(messages)
        buffer = frame.buffer
        buffer.errors = frozenset(errors)
        wanted = cursor or next(iter(errors), None)
        if isinstance(wanted, tuple):
            buffer.move(*frame.on_screen(*wanted))
        elif wanted in buffer.contents:
            buffer.move(*buffer.start_of(wanted))

    def say(self, shown: Message) -> None:
        """Show a message of the terminal's own."""
        self.message_line = MessageLine((shown,))

    def interrupt(self, shown: Message) -> bool:
        """Show a message that comes of itself; what is typed, the cursor and the messages there stay.

        Returns:
            False while a reply is pending, which would take it away unseen.
        """
        if self.keyboard.is_busy:
            return False
        self.message_line = self.message_line.interrupted_by(shown)
        return True

    def press(self, press: Press) -> Function | None:
        """Take a key press; return a key that is not the terminal's own."""
        return self._own(self.keyboard.press(press))

    def resume(self, *, discard: bool = False) -> Function | None:
        """Unlock, and play the keys that waited; return as `press`.

        Args:
            discard: Throw the waiting keys away instead: the turn failed.
        """
        if discard:
            self.keyboard.discard()
        self.keyboard.unlock()
        return self._own(self.keyboard.replay())

    def hold(self) -> bool:
        """Lock for a turn that no key began; return whether it could be locked, as no other turn runs."""
        if self.keyboard.is_busy:
            return False
        self.keyboard.hold()
        return True

    def swap(self, frame: Frame) -> None:
        """Show the same panel in another layout, with its messages and errors."""
        self.frame = frame
        self.keyboard.show(frame.buffer)

    def refuse(self, error: KeyingError) -> None:
        """Lock the keyboard for a key that could not be understood; while a reply is pending only ring."""
        if self.keyboard.is_busy:
            self.keyboard.rings = True
        else:
            self.keyboard.fail(error)

    def click(self, row: int, column: int) -> Function | None:
        """Take a mouse click.

        Returns:
            The function key whose legend was hit, for the caller to press; None when the click moved the cursor, or
            did nothing because a reply is pending or an error waits for Reset.
        """
        key = self.frame.key_at(row, column)
        if key is not None:
            return Function(f"F{key.number}")
        is_inside = row <= self.size.rows and column <= self.size.columns
        if self.keyboard.is_ready() and is_inside and not self._take_option(row, column):
            self.keyboard.editor.place_cursor(row, column)
        return None

    def double_click(self, row: int, column: int) -> Function | None:
        """Take the second click on a place: what the place is there for.

        Returns:
            Enter, for the caller to press, on a menu's option and on a row of a list that takes option 5, which is
            typed beside it; None anywhere else: nothing that a panel asks for is confirmed by clicking beside it.
        """
        if self.frame.key_at(row, column) is not None or not self.keyboard.is_ready():
            return None
        if self.frame.menu_option_at(row, column):
            self.keyboard.editor.place_cursor(row, column)
            return Function.ENTER
        content = self.frame.option_field_in(row)
        options = self.frame.options()
        looks_at = next((option for option in _LOOKS_AT if option in options.items()), None)
        if content is None or content.value or looks_at is None:
            return None
        content.assign(str(looks_at[0]), modified=True)
        return Function.ENTER

    def choose(self, option: int) -> bool:
        """Type an option beside the row of the cursor; return whether the row takes one."""
        content = self.frame.option_field_in(self.frame.buffer.row)
        if content is None or not self.keyboard.is_ready():
            return False
        content.assign(str(option), modified=True)
        self.keyboard.editor.place_cursor(*self.frame.buffer.start_of(content.field.name))
        return True

    def _take_option(self, row: int, column: int) -> bool:
        """Type the option whose words in the legend were clicked beside the row of the cursor."""
        option = self.frame.option_at(row, column)
        return option is not None and self.choose(option)

    def _own(self, key: Function | None) -> Function | None:
        """Answer the keys that are the terminal's; return the first that is not."""
        while key is not None:
            key = self._translate(key)
            if not self._answer(key):
                return key
            self.keyboard.unlock()
            key = self.keyboard.replay()
        return None

    def _translate(self, key: Function) -> Function:
        number, label = _EDGE_KEYS.get(key, (0, ""))
        found = self.frame.keys.get(number)
        return Function(f"F{number}") if found and found.label == label else key

    def _answer(self, key: Function) -> bool:
        """Do what a key does if it is the terminal's own."""
        if key is _MORE_KEYS and self.frame.has_more_keys:
            self.frame.show_more_keys()
        elif key.number and key is not HELP and key.number not in self.frame.keys:
            self.say(message(_NOT_ALLOWED, key=key.value))
        elif key in _EDGE_KEYS or key in _UNUSED:
            self.say(message(_KEY_NOT_HERE))
        elif key in (Function.ROLLUP, Function.ROLLDOWN) and self._is_on_messages():
            self.message_line.roll(1 if key is Function.ROLLUP else -1)
        else:
            return False
        return True

    def _is_on_messages(self) -> bool:
        return self.message_line.can_roll and self.frame.buffer.row == self.size.rows

    @property
    def indicators(self) -> oia.Indicators:
        """What the status row says."""
        keyboard = self.keyboard
        row, column = self.cursor
        return oia.Indicators(
            session=self.letter,
            system=self._system,
            inhibited=_INHIBITED.get(keyboard.state, ""),
            code=keyboard.error.code if keyboard.error else "",
            message_waiting=self.message_waiting,
            insert=keyboard.editor.insert,
            field_exit=keyboard.editor.waits_for_exit,
            queued=keyboard.queued,
            prefix=self.prefix,
            clock=self.clock,
            row=row,
            column=column,
        )

    def rows(self) -> list[list[Cell]]:
        """Return every row as it is shown, the status row last if there is one."""
        shown = [self.frame.cells(row) for row in range(1, self.size.rows + 1)]
        self._draw_banner(shown[_BANNER_ROW - 1])
        line = self._bottom_line()
        if line is not None:
            shown[-1] = [Cell(character, Attribute.WHITE) for character in line]
        if self.has_status_row:
            status = oia.full(self.indicators, self.size.columns)
            shown.append([Cell(character, Attribute.TURQUOISE) for character in status])
        elif line is None:
            area = [Cell(character, Attribute.TURQUOISE) for character in oia.short(self.indicators)]
            shown[-1][-len(area) :] = area
        return [safe_row(row) for row in shown]

    def text(self) -> list[str]:
        """Return every row as text."""
        return ["".join(cell.character for cell in row) for row in self.rows()]

    def _bottom_line(self) -> str | None:
        """Return what lies over the page's last row: an error, else a hint, else messages, else nothing."""
        columns = self.size.columns
        error = self.keyboard.error
        if error:
            words = f" {error.code}  {describe(error).text}"
            return f"{words}  {self._reset_hint}".rstrip()[:columns].ljust(columns)
        if self.prefix:
            hint = _HINTS.get(self.prefix, _PREFIX_HINT)
            return f" {self.prefix}  {hint}"[:columns].ljust(columns)
        return self.message_line.line(columns) if self.message_line.current else None

    def _draw_banner(self, row: list[Cell]) -> None:
        """Write the banner over the blank left part of the row; it moves nothing and covers nothing."""
        start = _BANNER_COLUMN - 1
        if not self.banner:
            return
        end = start
        while end < len(row) and row[end].character == " " and not self._is_field(_BANNER_ROW, end + 1):
            end += 1
        room = end - start if end == len(row) else end - start - 1
        words = printable(self.banner)
        if len(words) > room:
            words = words[: max(room - len(_CUT), 0)] + _CUT[: max(room, 0)]
        row[start : start + len(words)] = [Cell(character, Attribute.YELLOW) for character in words]

    def _is_field(self, row: int, column: int) -> bool:
        return self.frame.buffer.place_at(row, column) is not None
