"""The stack of panels and what a turn does to it. Knows panels and frames; knows neither Textual nor threads.

A session belongs to one turn at a time. The application calls it from a worker thread while the keyboard is locked, so
that nobody types into a frame that a turn is about to replace.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from console.errors import ConsoleError
from console.messages import Message, describe, message
from screens.help_window import HelpWindow
from screens.panel import Cursor, Exit, Panel, Push, Replace, Reply, Return, SignOff, Stay, Submission
from screens.terminal.frame import Frame, windowed
from screens.terminal.page import HELP_PANEL, NORMAL, WIDE, Size

_NO_HELP = "KBD0103"
_ERROR_SEVERITY = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a turn came to."""

    frame: Frame
    messages: tuple[Message, ...] = ()
    errors: tuple[str, ...] = ()
    cursor: str | tuple[int, int] | None = None
    finished: bool = False
    """The console ends."""
    is_layout: bool = False
    """Only the layout changed: messages and errors stay."""

    @property
    def failed(self) -> bool:
        """Whether keys typed ahead must be dropped, because what they were meant for did not come."""
        return bool(self.errors) or any(shown.severity >= _ERROR_SEVERITY for shown in self.messages)


@dataclass(slots=True)
class _Entry:
    panel: Panel
    frame: Frame
    is_help: bool = False
    """Opened by the application, not by the panel beneath, which therefore is not resumed."""
    messages: tuple[Message, ...] = ()
    """What its message row shows; comes back after help."""


class Session:
    """The panels a person has opened, the latest on top."""

    def __init__(self, first: Panel, size: Size = NORMAL) -> None:
        """Open the first panel.

        Args:
            first: The panel that is never left.
            size: The largest page that the terminal can show: 24x80 or 27x132.

        Raises:
            ConsoleError: The panel cannot make its page.
        """
        self._size = size
        self._stack: list[_Entry] = []
        self._stack.append(self._open(first))

    @property
    def size(self) -> Size:
        """The largest page that the terminal can show, as last told."""
        return self._size

    @property
    def frame(self) -> Frame:
        """What shows."""
        return self._stack[-1].frame

    @property
    def panel(self) -> Panel:
        """The panel on top."""
        return self._stack[-1].panel

    def submit(self, key: str, cursor: tuple[int, int], help_key: str) -> Outcome:
        """Hand a key to the panel on top and do what it replies.

        Args:
            key: Name of the AID key.
            cursor: Row and column on the screen.
            help_key: What is under the cursor.
        """
        try:
            outcome = self._apply(self.panel.handle(self._submission(key, cursor, help_key)))
        except ConsoleError as error:
            outcome = Outcome(self.frame, (describe(error),))
        self._stack[-1].messages = outcome.messages
        return outcome

    def push_help(self, panel: Panel) -> Outcome:
        """Show a panel that the one on top did not ask for; that one is told nothing, then or afterwards."""
        try:
            self._stack.append(self._open(panel, is_help=True))
        except ConsoleError as error:
            return Outcome(self.frame, (describe(error),))
        return Outcome(self.frame)

    def help(self, key: str) -> Outcome:
        """Show the panel's help on something in a window."""
        try:
            extended = self.panel.help(HELP_PANEL)
            found = self.panel.help(key) or extended
        except ConsoleError as error:
            return Outcome(self.frame, (describe(error),))
        if found is None:
            return Outcome(self.frame, (message(_NO_HELP),))
        return self.push_help(HelpWindow(found, extended))

    def resize(self, size: Size) -> Outcome:
        """Lay every panel out anew whose page depends on the size; what is typed is carried over."""
        self._size = size
        try:
            frames = self._laid_out()
        except ConsoleError as error:
            return Outcome(self.frame, (describe(error),))
        for entry, frame in zip(self._stack, frames, strict=True):
            entry.frame = frame
        return Outcome(self.frame, is_layout=True)

    def _laid_out(self) -> list[Frame]:
        frames: list[Frame] = []
        for index, entry in enumerate(self._stack):
            frame = entry.frame
            moved = entry.panel.window is not None and frames[-1:] != [self._stack[index - 1].frame]
            if moved or frame.page.size != self._page_size(entry.panel):
                frame = self._frame(entry.panel, frames[-1] if frames else None)
                frame.buffer.take_over(entry.frame.buffer)
            frames.append(frame)
        return frames

    def _submission(self, key: str, cursor: tuple[int, int], help_key: str) -> Submission:
        frame = self.frame
        place = frame.buffer.place_at(*cursor)
        field = place.content.field.name if place else ""
        declared = frame.keys.get(int(key[1:])) if key[1:].isdecimal() else None
        skips_fields = declared is not None and declared.is_attention
        return Submission(
            key,
            {} if skips_fields else frame.buffer.values,
            frozenset() if skips_fields else frame.buffer.modified,
            Cursor(*frame.local(*cursor), field, help_key),
        )

    def _apply(self, reply: Reply) -> Outcome:
        messages: tuple[Message, ...] = ()
        while True:
            messages += () if isinstance(reply, SignOff) else reply.messages
            match reply:
                case SignOff():
                    return Outcome(self.frame, finished=True)
                case Stay():
                    return replace(self._stay(reply), messages=messages)
                case Push(panel=panel):
                    self._stack.append(self._open(panel))
                    return Outcome(self.frame, messages)
                case Replace(panel=panel):
                    self._replace(panel)
                    return Outcome(self.frame, messages)
                case Return() if self._stack[-1].is_help:
                    self._stack.pop()
                    return self._after_help()
                case Return(value=value):
                    if len(self._stack) > 1:
                        self._stack.pop()
                    reply = self.panel.resume(value)
                case Exit(to_first=to_first):
                    self._leave_task(to_first=to_first)
                    reply = self.panel.resume(None)

    def _stay(self, reply: Stay) -> Outcome:
        entry = self._stack[-1]
        if reply.redraw:
            entry.frame = self._frame(entry.panel, self._stack[-2].frame if len(self._stack) > 1 else None)
        return Outcome(entry.frame, (), reply.errors, reply.cursor)

    def _replace(self, panel: Panel) -> None:
        """Open the panel over what the old one lay on; the old one stays if that fails."""
        under = self._stack[-2].frame if len(self._stack) > 1 else None
        self._stack[-1] = _Entry(panel, self._frame(panel, under), self._stack[-1].is_help)

    def _after_help(self) -> Outcome:
        """Show the panel that was helped exactly as it was."""
        entry = self._stack[-1]
        buffer = entry.frame.buffer
        here = entry.frame.local(buffer.row, buffer.column)
        return Outcome(entry.frame, entry.messages, tuple(buffer.errors), here)

    def _leave_task(self, *, to_first: bool) -> None:
        if len(self._stack) > 1:
            self._stack.pop()
        while len(self._stack) > 1 and (to_first or not self.panel.is_task_entry):
            self._stack.pop()

    def _open(self, panel: Panel, *, is_help: bool = False) -> _Entry:
        return _Entry(panel, self._frame(panel, self._stack[-1].frame if self._stack else None), is_help)

    def _frame(self, panel: Panel, under: Frame | None) -> Frame:
        page = panel.page(self._page_size(panel))
        window = panel.window
        if window is None or under is None:
            return Frame(page, panel.function_keys)
        return windowed(page, panel.function_keys, under, window.row, window.column)

    def _page_size(self, panel: Panel) -> Size:
        if panel.window:
            return panel.window.size
        return WIDE if panel.is_wide and self._size == WIDE else NORMAL
