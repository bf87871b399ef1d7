"""Display Messages: a message queue, newest first; showing it marks it as read."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from console.messages import message
from console.model.messages import QueueMessage
from console.printable import printable
from console.store.messages import list_messages, mark_read
from console.store.session import transaction
from screens.mail import second_level
from screens.message_information import AdditionalMessageInformation
from screens.panel import Exit, FunctionKey, Help, Panel, Push, Reply, Return, Stay, Submission
from screens.panels.help_texts import file_help, panel_help, read_help
from screens.panels.replies import DONE, roll
from screens.panels.running import command_text, run
from screens.panels.services import Services
from screens.panels.work_with import READ, read_text
from screens.terminal.attributes import Attribute
from screens.terminal.page import Page, Size

_FIRST_ROW = 7
_KEY = "MSG."
"""Before the number of a message, in the help key of its rows."""
_MOST = 1000
_SEVERE = 40
_NOT_ON_A_MESSAGE = "GWL0971"
_DATE_WIDTH = 14
_TEXT_COLUMN = 2 + _DATE_WIDTH + 5


class _Line(NamedTuple):
    """A row of the list."""

    each: QueueMessage
    is_first: bool
    text: str


class DisplayMessages(Panel):
    """Shows the messages of a queue."""

    name = "DSPMSG"
    module = "display_messages"
    is_wide = True
    function_keys = (
        FunctionKey(3, "Exit"),
        FunctionKey(5, "Refresh"),
        FunctionKey(11, "Remove a message"),
        FunctionKey(12, "Cancel"),
        FunctionKey(13, "Remove all"),
    )

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Read the queue.

        Args:
            services: What panels share.
            arguments: MSGQ and SEV.

        Raises:
            StoreError: It cannot be read.
        """
        self.services = services
        self._queue = arguments["MSGQ"]
        self._severity = int(arguments["SEV"])
        self._top = 0
        self._rows = 1
        self._lines: list[_Line] = []
        self._found: Sequence[QueueMessage] = ()
        self._read()

    def page(self, size: Size) -> Page:
        """Show a page of the messages; a long one takes several rows."""
        page = Page(size)
        page.title("Display Messages")
        page.system(self.services.system)
        page.label(3, 2, "Queue", 17, colon=True)
        page.text(3, 22, self._queue)
        page.label(3, 46, "Severity", 17, colon=True)
        page.text(3, 66, f"{self._severity:02}")
        page.instruction(5, "Press Enter to continue, or with the cursor on a message for all of it.")
        page.text(6, 2, f"{'Date and time':{_DATE_WIDTH}}  Sv  Message", Attribute.WHITE)
        last = size.rows - 4
        self._rows = last - _FIRST_ROW
        self._lines = [part for each in self._found for part in _parts(each, size.columns - _TEXT_COLUMN - 1)]
        self._top = min(self._top, max(0, len(self._lines) - 1))
        shown = self._lines[self._top : self._top + self._rows]
        if not shown:
            page.text(_FIRST_ROW, 2, "(No messages)")
        for row, line in enumerate(shown, _FIRST_ROW):
            _draw(page, row, line)
        page.text(last, 2, read_text(self._read_at), help_key=READ)
        page.more(last, more=self._top + self._rows < len(self._lines))
        return page

    def handle(self, submission: Submission) -> Reply:
        """Answer a key."""
        match submission.key:
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "F5":
                self._read()
                return Stay(redraw=True)
            case "F11":
                return self._remove(submission)
            case "F13":
                return self._remove_all()
            case "ROLLUP" | "ROLLDOWN" as key:
                self._top, messages = roll(key, self._top, self._rows, len(self._lines))
                return Stay(messages, redraw=True)
            case _:
                return self._enter(submission)

    def resume(self, value: object) -> Reply:
        """Show the page as it was left."""
        del value
        return Stay()

    def help(self, key: str) -> Help | None:
        """Return a message in full for one under the cursor, else help on the panel."""
        each = self._named(key)
        if key == READ:
            return file_help(read_help("live_list"), READ)
        if each is None:
            return panel_help(self.module, key, self.function_keys)
        shown = second_level(each)
        parts = (shown.text, shown.cause and f"Cause: {shown.cause}", shown.recovery and f"Recovery: {shown.recovery}")
        return Help(shown.message_id or "Message", "\n\n".join(filter(None, parts)))

    def _read(self) -> None:
        """Read the queue, and mark what is shown as read."""
        context = self.services.context
        self._read_at = context.clock()
        with transaction(context.store) as session:
            self._found = list_messages(session, self._queue, severity=self._severity, limit=_MOST)
            if self._found:
                mark_read(session, context.user, self._found[0].id or 0, self._queue)

    def _enter(self, submission: Submission) -> Reply:
        each = self._named(submission.cursor.help_key)
        if each is None:
            return Return(DONE)
        return Push(AdditionalMessageInformation(second_level(each), each.sent_at.astimezone()))

    def _named(self, key: str) -> QueueMessage | None:
        return next((each for each in self._found if key == f"{_KEY}{each.id}"), None)

    def _remove(self, submission: Submission) -> Reply:
        each = self._named(submission.cursor.help_key)
        if each is None:
            return Stay((message(_NOT_ON_A_MESSAGE),))
        return self._run("RMVMSG", {"MSGQ": self._queue, "MSGNBR": str(each.id)})

    def _remove_all(self) -> Reply:
        """Remove what is shown here, and nothing that came since."""
        if self._severity == 0 and len(self._found) < _MOST:
            newest = self._found[0].id if self._found else 0
            with transaction(self.services.context.store) as session:
                is_same = [each.id for each in list_messages(session, self._queue, limit=1)] in ([], [newest])
            if is_same:
                return self._run("CLRMSGQ", {"MSGQ": self._queue})
            self._read()
            return Stay((message("GWL0972"),), redraw=True)
        numbers = " ".join(str(each.id) for each in self._found[:100])
        return self._run("RMVMSG", {"MSGQ": self._queue, "MSGNBR": numbers}) if numbers else Stay()

    def _run(self, name: str, values: Mapping[str, str]) -> Reply:
        ran = run(self.services, command_text(self.services.commands[name], values), keyed=False)
        self._read()
        return Stay(ran.messages, redraw=True)


def _parts(each: QueueMessage, width: int) -> list[_Line]:
    times = f" ({each.count} times)" if each.count > 1 else ""
    sender = f"From {each.sender}: " if each.sender else ""
    rows = textwrap.wrap(printable(f"{sender}{each.text}{times}"), width) or [""]
    return [_Line(each, index == 0, row) for index, row in enumerate(rows)]


def _draw(page: Page, row: int, line: _Line) -> None:
    each = line.each
    look = Attribute.WHITE if each.severity >= _SEVERE else Attribute.GREEN
    if line.is_first:
        page.text(row, 2, f"{each.sent_at.astimezone():%m-%d %H:%M:%S}".ljust(_DATE_WIDTH), look)
        page.text(row, 2 + _DATE_WIDTH + 1, f"{each.severity:02}", look)
    page.text(row, _TEXT_COLUMN, line.text, look)
    page.region(row, 2, 1, page.size.columns - 2, f"{_KEY}{each.id}")
