"""Display Program Messages: what a command asks before it goes on, with a line for the reply."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from console.messages import Message, message
from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Stay, Submission
from screens.panels.help_texts import panel_help
from screens.panels.inquiries import CANCEL
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import Page, Size

_FIRST_ROW = 4
_REPLY = "REPLY"
_MESSAGE = "MESSAGE"
_REPLY_COLUMN = 20
_REPLY_LENGTH = 10
_NO_REPLY = "GWL0774"


class DisplayProgramMessages(Panel):
    """Shows an inquiry; the reply C, no reply, F3 and F12 leave things as they are."""

    name = "DSPPGMMSG"
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))
    keeps_prompt = True
    """A prompter stays beneath: what is typed in it is there again when the answer was no."""

    def __init__(
        self, services: Services, asked: Message, refusal: Message, *, reply: str, go_on: Callable[[], Reply]
    ) -> None:
        """Ask.

        Args:
            services: What panels share.
            asked: The inquiry.
            refusal: What the command says when it does not go on.
            reply: The letter to go on with.
            go_on: Runs the command all the same.
        """
        self._services = services
        self._asked = asked
        self._refusal = refusal
        self._reply = reply
        self._go_on = go_on

    def page(self, size: Size) -> Page:
        """Show the message, what replies there are, and the line for the reply."""
        page = Page(size)
        page.title("Display Program Messages")
        page.system(self._services.system)
        room = size.columns - 2
        text = textwrap.wrap(self._asked.text, room)
        replies = textwrap.wrap(self._asked.recovery, room - 2)
        for row, line in enumerate(text, _FIRST_ROW):
            page.text(row, 2, line, Attribute.WHITE)
        for row, line in enumerate(replies, _FIRST_ROW + len(text) + 1):
            page.text(row, 4, line)
        page.region(_FIRST_ROW, 2, len(text) + 1 + len(replies), room, _MESSAGE)
        last = size.rows - 5
        page.instruction(last, "Type reply, press Enter.")
        page.text(last + 1, 4, "Reply . . . . .", help_key=_REPLY)
        page.field(_REPLY, last + 1, _REPLY_COLUMN, _REPLY_LENGTH, format=UPPER)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Take the reply."""
        match submission.key:
            case "F3":
                return Exit((self._refusal,))
            case "ENTER":
                return self._take(submission.values[_REPLY].strip())
            case "F12":
                return self._cancel()
            case _:
                return Stay()

    def help(self, key: str) -> Help | None:
        """Return the second level of the message, or help on the panel."""
        if key == _MESSAGE:
            return Help(
                f"Message {self._asked.message_id}",
                f"{self._asked.text}\n\nCause: {self._asked.cause}\n\nPossible replies: {self._asked.recovery}",
            )
        return panel_help("display_program_messages", key, self.function_keys)

    def _take(self, reply: str) -> Reply:
        if reply == self._reply:
            return self._go_on()
        if reply in ("", CANCEL):
            return self._cancel()
        allowed = ", ".join(sorted((CANCEL, self._reply)))
        return Stay((message(_NO_REPLY, reply=reply, allowed=allowed),), errors=(_REPLY,))

    def _cancel(self) -> Reply:
        return Return(messages=(self._refusal,))
