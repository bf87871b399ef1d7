"""The message row: first-level text of the messages a reply brought, rolled one at a time."""

from __future__ import annotations

from console.messages import Message

_MORE = "+"
_CUT = "..."
_COLUMN = 2


class MessageLine:
    """Messages on the last row of the page. Empty shows nothing."""

    def __init__(self, messages: tuple[Message, ...] = ()) -> None:
        self._messages = messages
        self._index = 0

    @property
    def current(self) -> Message | None:
        """The message that shows."""
        return self._messages[self._index] if self._messages else None

    @property
    def can_roll(self) -> bool:
        """Whether there is more than one."""
        return len(self._messages) > 1

    def interrupted_by(self, shown: Message) -> MessageLine:
        """Return a row that shows another message, with those that were there behind it."""
        return MessageLine((shown, *self._messages))

    def roll(self, count: int) -> None:
        """Show a later message, or with a negative count an earlier one; stops at either end."""
        self._index = max(0, min(self._index + count, len(self._messages) - 1))

    def line(self, columns: int) -> str:
        """Return the row: the text from column 2, and a plus in the last column when there is more than one message.

        A text that is too long ends in three dots; F1 shows it whole.
        """
        if self.current is None:
            return " " * columns
        text, room = self.current.text, columns - _COLUMN - 1
        shown = text if len(text) <= room else text[: room - len(_CUT)] + _CUT
        return (" " * (_COLUMN - 1) + shown).ljust(columns - 1) + (_MORE if self.can_roll else " ")
