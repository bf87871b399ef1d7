"""The stack of panels and what a turn does to it. Knows panels and frames; knows neither Textual nor threads.

A session belongs to one turn at a time. The application calls it from a worker thread while the keyboard is locked, so
that nobody types into a frame that a turn is about to replace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from console.errors import ConsoleError
from console.messages import Message, describe, message
from screens.help_window import HelpWindow, Search
from screens.panel import (
    Ask,
    Chosen,
    Cursor,
    Exit,
    FunctionKey,
    Help,
    Panel,
    Push,
    Replace,
    Reply,
    Request,
    Return,
    SignOff,
    Stay,
    Submission,
)
from screens.terminal.frame import Frame, windowed
from screens.terminal.page import COMMAND, HELP_KEYS, HELP_PANEL, NORMAL, WIDE, Page, Size
from screens.terminal.room import keep_apart

CommandWindow = Callable[[Panel], Panel | None]
"""Makes a command line window for a session, given its first panel; None where there is none to have."""

_NO_HELP = "KBD0103"
_COMMAND_KEYS = (21, 9)
"""What opens a command line window; the first that the panel does not use."""
_COMMAND_LABEL = "Command line"
_ENTIRE_KEY = FunctionKey(22, "Display entire field")
_NOTHING_CUT = "GWL0737"
_OWN_KEYS = {
    _COMMAND_LABEL: "Opens a window to type a command in, on top of what shows.",
    _ENTIRE_KEY.label: "Shows the value that the cursor is on whole, where it ends in > because it was cut off.",
}
"""What the session's own keys do; the panel's help knows nothing of them."""
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
    asked: Request | None = None
    """What the console is to do."""
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
    is_told: bool = False
    """Whether the panel beneath is resumed all the same, as something may have changed what it shows."""


class Session:
    """The panels a person has opened, the latest on top."""

    def __init__(
        self,
        first: Panel,
        size: Size = NORMAL,
        *,
        under: Frame | None = None,
        command_window: CommandWindow | None = None,
        search: Search | None = None,
    ) -> None:
        """Open the first panel.

        Args:
            first: The panel that is never left.
            size: The largest page that the terminal can show: 24x80 or 27x132.
            under: What the first panel covers in part, if it is a window.
            command_window: Makes what panels without a command line offer instead.
            search: Makes what searches all help.

        Raises:
            ConsoleError: The panel cannot make its page.
        """
        self._size = size
        self._under = under
        self._command_window = command_window
        self._search = search
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

    @property
    def first(self) -> Panel:
        """The panel that is never left."""
        return self._stack[0].panel

    @property
    def titles(self) -> tuple[str, ...]:
        """What the panels that are open say on their first row, the first one first."""
        rows = ("".join(cell.character for cell in entry.frame.cells(1)) for entry in self._stack)
        return tuple(" ".join(row.split()) for row in rows)

    @property
    def is_in_use(self) -> bool:
        """Whether something would be lost with it: panels that are open, or what is typed."""
        return len(self._stack) > 1 or bool(self.frame.buffer.modified)

    def submit(self, key: str, cursor: tuple[int, int], help_key: str) -> Outcome:
        """Hand a key to the panel on top and do what it replies.

        Args:
            key: Name of the AID key.
            cursor: Row and column on the screen.
            help_key: What is under the cursor.
        """
        window = self._asked_window(key)
        if window is not None:
            return self.push_help(window)
        if self._is_own(key, _ENTIRE_KEY):
            return self._show_entire(cursor)
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
        if key == HELP_KEYS:
            found = self._with_command_key(found)
        return self.push_help(HelpWindow(found, extended, search=self._search))

    def _with_command_key(self, found: Help) -> Help:
        """Add the keys that the session, not the panel, has given the legend."""
        told = [
            f"{key.text}: {_OWN_KEYS[key.label]}"
            for key in self.frame.keys.values()
            if key.label in _OWN_KEYS and key not in self.panel.function_keys
        ]
        return replace(found, text="\n\n".join([*told, found.text]))

    def see(self, key: str, function: str) -> Outcome:
        """Tell the panel on top of a key that does nothing."""
        try:
            return self._apply(self.panel.see(key, function))
        except ConsoleError as error:
            return Outcome(self.frame, (describe(error),))

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
                case SignOff() | Ask():
                    asked = reply.request if isinstance(reply, Ask) else None
                    return Outcome(self.frame, messages, finished=asked is None, asked=asked)
                case Stay():
                    return replace(self._stay(reply), messages=messages)
                case Push() | Replace():
                    self._put(reply)
                    errors = reply.errors if isinstance(reply, Push) else ()
                    return Outcome(self.frame, messages, errors)
                case Return() if self._stack[-1].is_help:
                    found = self._leave_help(reply)
                    if isinstance(found, Outcome):
                        return found
                    reply = found
                case Return(value=value):
                    if len(self._stack) > 1:
                        self._stack.pop()
                    reply = self.panel.resume(value)
                case Exit(to_first=to_first):
                    self._leave_task(to_first=to_first)
                    reply = self.panel.resume(None)

    def _leave_help(self, reply: Return) -> Reply | Outcome:
        """Go back to the panel that a window of the application's own lay on, and do there what was chosen in it."""
        is_told = self._stack.pop().is_told
        chosen = reply.value
        if isinstance(chosen, Chosen):
            return self._press(chosen.key) if chosen.key else self._type_option(chosen.option)
        return self.panel.resume(None) if is_told or reply.messages else self._after_help()

    def _press(self, key: str) -> Reply:
        """Press a key on the panel on top, with the cursor where it is."""
        buffer = self.frame.buffer
        here = buffer.row, buffer.column
        window = self._asked_window(key)
        if window is not None:
            return Push(window)
        return self.panel.handle(self._submission(key, here, buffer.page.help_key_at(*here)))

    def _type_option(self, option: int) -> Outcome:
        content = self.frame.option_field_in(self.frame.buffer.row)
        if content is not None:
            content.assign(str(option), modified=True)
            return Outcome(self.frame, cursor=content.field.name)
        return self._after_help()

    def _stay(self, reply: Stay) -> Outcome:
        entry = self._stack[-1]
        if reply.redraw:
            entry.frame = self._frame(entry.panel, self._stack[-2].frame if len(self._stack) > 1 else None)
        return Outcome(entry.frame, (), reply.errors, reply.cursor)

    def _put(self, reply: Push | Replace) -> None:
        if isinstance(reply, Push):
            self._stack.append(self._open(reply.panel))
        else:
            self._replace(reply.panel)

    def _replace(self, panel: Panel) -> None:
        """Open the panel over what the old one lay on; the old one stays if that fails."""
        under = self._stack[-2].frame if len(self._stack) > 1 else None
        old = self._stack[-1]
        is_told = old.is_help and old.panel.tells_beneath
        self._stack[-1] = _Entry(panel, self._frame(panel, under), old.is_help, is_told=is_told)

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
        keep_apart(page)
        window = panel.window
        under = under or self._under
        if window is None or under is None:
            return Frame(page, (*panel.function_keys, *self._command_key(panel, page), *self._entire_key(panel, page)))
        return windowed(page, panel.function_keys, under, window.row, window.column, has_border=window.has_border)

    def _command_key(self, panel: Panel, page: Page) -> Sequence[FunctionKey]:
        """Return the key that opens a command line window, for whole panels that have no command line of their own."""
        if (
            not self._stack
            or panel.watches_keys
            or COMMAND in page.fields
            or not page.legend_rows
            or self._new_command_window() is None
        ):
            return ()
        used = {key.number for key in panel.function_keys}
        free = [number for number in _COMMAND_KEYS if number not in used]
        return [FunctionKey(number, _COMMAND_LABEL) for number in free[:1]]

    def _entire_key(self, panel: Panel, page: Page) -> Sequence[FunctionKey]:
        """Return the key that shows a value whole, for panels that show one in part and have no such key."""
        used = {key.number for key in panel.function_keys}
        return [_ENTIRE_KEY] if page.cuts and self._command_window and _ENTIRE_KEY.number not in used else ()

    def _is_own(self, key: str, own: FunctionKey) -> bool:
        """Say whether a key is one that the session, not the panel, has given the legend."""
        return key == f"F{own.number}" and self.frame.keys.get(own.number) is own

    def _show_entire(self, cursor: tuple[int, int]) -> Outcome:
        """Show the value under the cursor whole, in a window."""
        cut = self.frame.page.cut_at(*self.frame.local(*cursor))
        if cut is None:
            return Outcome(self.frame, (message(_NOTHING_CUT),))
        return self.push_help(HelpWindow(Help(cut.label, cut.text), suffix=""))

    def _asked_window(self, key: str) -> Panel | None:
        """Return a command line window, if that is what a key asks for."""
        number = int(key[1:]) if key[1:].isdecimal() else 0
        declared = self.frame.keys.get(number)
        if declared is None or declared in self.panel.function_keys or declared.label != _COMMAND_LABEL:
            return None
        return self._new_command_window()

    def _new_command_window(self) -> Panel | None:
        return self._command_window(self.first) if self._command_window else None

    def _page_size(self, panel: Panel) -> Size:
        if panel.window:
            return panel.window.size
        return WIDE if panel.is_wide and self._size == WIDE else NORMAL
