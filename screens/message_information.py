"""Additional Message Information: the second level of a message, behind F1 on the message row."""

from __future__ import annotations

import textwrap
from datetime import datetime

from console.messages import Message
from screens.panel import FunctionKey, Help, Panel, Reply, Return, Stay, Submission
from screens.terminal.page import Page, Size

_FIRST_ROW = 7
_LAST_ROW = 18
_INDENT = "  "
_KINDS = ((20, "Diagnostic"), (10, "Warning"), (0, "Completion"))
"""Lowest severity of each kind, the most severe first."""


class AdditionalMessageInformation(Panel):
    """Shows a message with id, severity, cause and recovery."""

    name = "DSPMSGDTL"
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))

    def __init__(self, shown: Message, sent: datetime) -> None:
        """Show a message.

        Args:
            shown: The message.
            sent: When it came, in the time zone to show.
        """
        self._shown = shown
        self._sent = sent
        self._top = 0
        self._lines = 0

    def page(self, size: Size) -> Page:
        """Lay out identification above and text below."""
        page = Page(size)
        page.title("Additional Message Information")
        self._identify(page)
        lines = self._body(size.columns - 4)
        self._lines = len(lines)
        for index, line in enumerate(lines[self._top : self._top + self._room]):
            page.text(_FIRST_ROW + index, 2, line)
        page.more(19, more=self._top + self._room < len(lines))
        page.instruction(20, "Press Enter to continue.")
        return page

    def handle(self, submission: Submission) -> Reply:
        """Roll, or go back."""
        if submission.key == "ROLLUP":
            if self._top + self._room >= self._lines:
                return Stay()
            self._top += self._room
        elif submission.key == "ROLLDOWN":
            self._top = max(0, self._top - self._room)
        else:
            return Return()
        return Stay(redraw=True)

    def help(self, key: str) -> Help | None:
        """Explain the parts."""
        del key
        return Help(
            "Additional Message Information",
            "The message in full, why it was sent (Cause) and what can be done (Recovery). Severity 0 is information, "
            "10 a warning, 20 an error, 30 a severe error; from 40 on somebody must act.",
        )

    @property
    def _room(self) -> int:
        return _LAST_ROW - _FIRST_ROW + 1

    def _identify(self, page: Page) -> None:
        page.label(3, 2, "Message ID", 24, colon=True)
        page.text(3, 29, self._shown.message_id)
        page.label(3, 42, "Severity", 24, colon=True)
        page.text(3, 69, f"{self._shown.severity:02}")
        page.label(4, 2, "Message type", 24, colon=True)
        page.text(4, 29, next(kind for lowest, kind in _KINDS if self._shown.severity >= lowest))
        page.label(5, 2, "Date sent", 24, colon=True)
        page.text(5, 29, f"{self._sent:%Y-%m-%d}")
        page.label(5, 42, "Time sent", 24, colon=True)
        page.text(5, 69, f"{self._sent:%H:%M:%S}")

    def _body(self, columns: int) -> list[str]:
        parts = (
            ("Message . . . . :   ", self._shown.text),
            ("Cause . . . . . :   ", self._shown.cause),
            ("Recovery  . . . :   ", self._shown.recovery),
        )
        message, *rest = [
            textwrap.wrap(label + text, columns, subsequent_indent=_INDENT, drop_whitespace=True)
            for label, text in parts
            if text
        ]
        return [*message, "", *(line for block in rest for line in block)]
