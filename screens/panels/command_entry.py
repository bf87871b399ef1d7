"""Command Entry: the commands of this console with their messages, and a command line of several rows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from console.errors import ConsoleError
from console.messages import Message, describe
from console.printable import printable
from screens.command_log import Logged
from screens.panel import FunctionKey, Help, Reply, Stay, Submission
from screens.panels.command_panel import COMMAND_KEYS, CommandPanel
from screens.panels.help_texts import panel_help
from screens.panels.replies import roll
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.page import COMMAND, Page, Size

_FIRST_ROW = 4
_LINE_ROWS = 3
_ROWS_BELOW = 7
"""From ``More...`` to the bottom: label, three rows of the line, two of the legend, the message row."""
_REQUEST = "REQUEST"
_MESSAGE = "MESSAGE"
_ERROR_SEVERITY = 20
_DETAILED_KEY = 10


@dataclass(frozen=True, slots=True)
class _Row:
    text: str
    attribute: Attribute
    help_key: str


class CommandEntry(CommandPanel):
    """Runs one command after the other; what each answered stays."""

    name = "QCMD"
    is_wide = True
    is_task_entry = True

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Begin at the latest command."""
        del arguments
        super().__init__(services)
        self._is_detailed = False
        self._top: int | None = None
        """First row of the log that shows; None for its end."""
        self._first = 0
        self._room = 1
        self._count = 0
        self._entries: Sequence[Logged] = ()
        """The log as it shows."""

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys of a command line; F10 names what it does next."""
        label = "Exclude detailed messages" if self._is_detailed else "Include detailed messages"
        return (*COMMAND_KEYS, FunctionKey(_DETAILED_KEY, label))

    def page(self, size: Size) -> Page:
        """Show the end of the log, or where the operator rolled to, and the line."""
        page = self.start_page(size, "Command Entry")
        page.text(_FIRST_ROW - 1, 2, "Previous commands and messages:")
        last = size.rows - _ROWS_BELOW
        rows = list(self._rows(size.columns - 4))
        self._room, self._count = last - _FIRST_ROW, len(rows)
        end = max(0, len(rows) - self._room)
        self._first = end if self._top is None else min(self._top, end)
        for index, row in enumerate(rows[self._first : self._first + self._room]):
            page.text(_FIRST_ROW + index, 3, row.text, row.attribute, row.help_key)
        if not rows:
            page.text(_FIRST_ROW, 3, "(No previous commands)")
        page.more(last, more=self._first + self._room < len(rows))
        page.command_line(size.rows - 5, self.line.text, label="Type command, press Enter.", rows=_LINE_ROWS)
        page.cursor = COMMAND
        return page

    def handle(self, submission: Submission) -> Reply:
        """Run, prompt or retrieve a command, or roll the log."""
        self.line.remember(submission)
        match submission.key:
            case "F9":
                return self._retrieve(submission.cursor.help_key)
            case "F10":
                self._is_detailed, self._top = not self._is_detailed, None
                return Stay(redraw=True)
            case "ROLLUP" | "ROLLDOWN" as key:
                self._top, messages = roll(key, self._first, self._room, self._count, "log")
                return Stay(messages, redraw=True)
            case "ENTER" if self.line.text:
                return self._enter()
            case _:
                return super().handle(submission)

    def resume(self, value: object) -> Reply:
        """Show the end of the log, with an empty line once its command has been carried out."""
        self._top = None
        return super().resume(value)

    def help(self, key: str) -> Help | None:
        """Return the second level of a message of the log, or help on the panel."""
        kind, _, place = key.partition(".")
        if kind == _MESSAGE and place:
            entry, at = place.split(".")
            return _told(self._entries[int(entry)].messages[int(at)])
        return panel_help("command_entry", kind if place else key, self.function_keys)

    def _enter(self) -> Reply:
        """Run what is typed; what went well is said in the log alone."""
        self._top = None
        try:
            reply = self.line.enter()
        except ConsoleError as error:
            return Stay((describe(error),), redraw=True, cursor=COMMAND)
        if isinstance(reply, Stay):
            wrong = tuple(each for each in reply.messages if each.severity >= _ERROR_SEVERITY)
            return Stay(wrong, redraw=True, cursor=COMMAND)
        return reply

    def _retrieve(self, help_key: str) -> Reply:
        """Put the command that the cursor is on in the log on the line, else the one before."""
        kind, _, place = help_key.partition(".")
        if kind != _REQUEST:
            return self.line.retrieve()
        self.line.text = self._entries[int(place)].command
        return Stay(redraw=True, cursor=COMMAND)

    def _rows(self, columns: int) -> Iterator[_Row]:
        """Yield the log: each command, its messages under it."""
        self._entries = self.services.log.entries(is_detailed=self._is_detailed)
        for number, entry in enumerate(self._entries):
            yield from _wrapped("> ", entry.command, columns, Attribute.GREEN, f"{_REQUEST}.{number}")
            for at, each in enumerate(entry.messages):
                text = f"{each.message_id}  {each.text}" if self._is_detailed else each.text
                yield from _wrapped("    ", text, columns, Attribute.WHITE, f"{_MESSAGE}.{number}.{at}")


def _wrapped(mark: str, text: str, columns: int, attribute: Attribute, help_key: str) -> Iterator[_Row]:
    indent = " " * len(mark)
    for line in textwrap.wrap(printable(text), columns, initial_indent=mark, subsequent_indent=indent):
        yield _Row(line, attribute, help_key)


def _told(shown: Message) -> Help:
    """Return a message in full."""
    parts = (shown.text, shown.cause and f"Cause: {shown.cause}", shown.recovery and f"Recovery: {shown.recovery}")
    return Help(f"Message {shown.message_id}", "\n\n".join(part for part in parts if part))
