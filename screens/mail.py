"""What an operator has not read in the message queue QSYSOPR: whether MW is lit, and what breaks in."""

from __future__ import annotations

from dataclasses import dataclass

from console.messages import Message, message
from console.model.messages import QueueMessage
from console.printable import printable
from console.store.engine import Store
from console.store.messages import QSYSOPR, news
from console.store.session import reading


@dataclass(frozen=True, slots=True)
class Mail:
    """What is unread."""

    is_waiting: bool = False
    breaking: Message | None = None
    """The newest message that is severe enough to break in."""
    breaking_id: int = 0


NO_MAIL = Mail()
"""Nothing is unread."""


class Mailbox:
    """Asks the store.

    Threads:
        One call at a time.
    """

    def __init__(self, store: Store, reader: str) -> None:
        self._store = store
        self._reader = reader

    def look(self) -> Mail:
        """Return what is unread.

        Raises:
            StoreError: The store cannot be read.
        """
        with reading(self._store) as session:
            found = news(session, self._reader)
        if found.breaking is None:
            return Mail(found.unread > 0)
        return Mail(found.unread > 0, _broken_in(found.breaking), found.breaking.id or 0)


def second_level(each: QueueMessage) -> Message:
    """Return a message of a queue as messages are shown, with cause and recovery."""
    cause, _, recovery = each.detail.partition("\n")
    return Message(each.message_id, each.severity, printable(each.text), printable(cause), printable(recovery))


def _broken_in(each: QueueMessage) -> Message:
    shown = second_level(each)
    text = message("GWL0970", queue=QSYSOPR, text=shown.text).text
    return Message(shown.message_id or "GWL0970", shown.severity, text, shown.cause, shown.recovery)
