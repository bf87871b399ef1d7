"""The keyboard: its states, the keys that wait while the system works, and the keying error that locks it."""

from __future__ import annotations

from collections import deque
from enum import Enum

from screens.terminal.buffer import Buffer
from screens.terminal.editor import USUAL, Editor, Habits
from screens.terminal.fields import KeyingError
from screens.terminal.keys import AIDS, BYPASS, HELP, Function, Pasted, Press, Typed

QUEUE_LIMIT = 256
"""Keys that may wait. Source: the type-ahead buffer of Reflection's 5250 session."""

_OVERRUN = "KBD0001"
_PASTE_CUT = "KBD0028"


class State(Enum):
    """Whether the keyboard takes keys."""

    UNLOCKED = "unlocked"
    SYSTEM = "an AID key was sent, the reply is pending"
    ERROR = "keying error, before Help"
    HELPED = "keying error, Help was pressed: its page is on the way"


class Keyboard:
    """Takes key presses one at a time and says which of them end the operator's turn."""

    def __init__(self, buffer: Buffer, habits: Habits = USUAL) -> None:
        self.editor = Editor(buffer, habits)
        self.state = State.UNLOCKED
        self.error: KeyingError | None = None
        """The keying error, in the states ERROR and HELPED."""
        self.rings = False
        """The terminal's bell is due; whoever rings it sets this back."""
        self._habits = habits
        self._queue: deque[Press] = deque()
        self._overrun = False

    @property
    def is_busy(self) -> bool:
        """Whether a reply is pending, so that keys wait."""
        return self.state in (State.SYSTEM, State.HELPED)

    @property
    def queued(self) -> int:
        """How many presses wait."""
        return len(self._queue)

    def press(self, press: Press) -> Function | None:
        """Take a key.

        In the strict mode only Reset and Help leave an error; otherwise every key resets the error first.

        Returns:
            The key, if it ends the operator's turn or is not the page's (`BYPASS`); an AID key has locked the keyboard.
        """
        if press in BYPASS:
            return press if isinstance(press, Function) else None
        if self.is_busy:
            self._wait(press)
            return None
        if self.state is State.ERROR:
            return self._press_in_error(press)
        return self._press_unlocked(press)

    def unlock(self) -> None:
        """Take keys again: the reply to the last AID key, or the help on an error, is on the page."""
        if self.is_busy:
            self.error = None
            self.state = State.UNLOCKED

    def replay(self) -> Function | None:
        """Play waiting keys until one of them ends the turn again.

        When more keys came than can wait, none is played: what they say without their end, nobody meant.

        Returns:
            As `press`; None when none waits any more.
        """
        if self._overrun and self.state is State.UNLOCKED:
            self.fail(KeyingError(_OVERRUN))
        while self._queue and self.state is State.UNLOCKED:
            result = self._press_unlocked(self._queue.popleft())
            if result:
                return result
        return None

    def discard(self) -> None:
        """Throw waiting keys away: what they were meant for did not come."""
        self._queue.clear()
        self._overrun = False

    def use(self, habits: Habits) -> None:
        """Go on with other habits of the operator."""
        self._habits = habits
        self.editor.habits = habits

    def show(self, buffer: Buffer) -> None:
        """Work on another buffer; insert mode ends."""
        self.editor = Editor(buffer, self._habits)

    def reset(self) -> None:
        """Clear a keying error and leave insert mode."""
        self.editor.insert = False
        if self.state is State.ERROR:
            self.error = None
            self.state = State.UNLOCKED

    def hold(self) -> None:
        """Lock for a turn that no key began."""
        self.error = None
        self.state = State.SYSTEM

    def is_ready(self) -> bool:
        """Say whether the cursor may be moved; as any key would, this resets an error unless the mode is strict."""
        if self.state is State.ERROR and not self._habits.strict:
            self.reset()
        return self.state is State.UNLOCKED

    def fail(self, error: KeyingError) -> None:
        """Lock for a keying error; waiting keys are lost, as they were typed for something else."""
        self.error = error
        self.state = State.ERROR
        self.rings = True
        self.discard()

    def _wait(self, press: Press) -> None:
        if press is Function.RESET:
            self.discard()
        elif len(self._queue) >= QUEUE_LIMIT:
            self.rings = self._overrun = True
        else:
            self._queue.append(press)

    def _press_in_error(self, press: Press) -> Function | None:
        if press is HELP:
            self.state = State.HELPED
            return HELP
        if press is Function.RESET:
            self.reset()
            return None
        if self._habits.strict:
            self.rings = True
            return None
        self.error = None
        self.state = State.UNLOCKED
        return self._press_unlocked(press)

    def _press_unlocked(self, press: Press) -> Function | None:
        if press is Function.RESET:
            self.reset()
            return None
        try:
            return self._act(press)
        except KeyingError as error:
            self.fail(error)
            return None

    def _act(self, press: Press) -> Function | None:
        if isinstance(press, Typed):
            return self._lock(Function.ENTER) if self.editor.type(press) else None
        if isinstance(press, Pasted):
            if not self.editor.paste(press.text):
                raise KeyingError(_PASTE_CUT)
            return None
        if press in AIDS:
            return self._lock(press)
        if press is Function.HOME and self._habits.strict and self.editor.is_home:
            return self._lock(Function.RECORD_BACKSPACE)
        return self._lock(Function.ENTER) if self.editor.press(press) else None

    def _lock(self, key: Function) -> Function:
        """End the turn; Enter waits until the fields allow it."""
        if key is Function.ENTER:
            self.editor.check_enter()
        self.editor.insert = False
        self.state = State.SYSTEM
        return key
