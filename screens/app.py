"""The console as a Textual application: one surface, one session, and a worker thread for each turn.

The application locks the keyboard, hands the turn to a thread, and shows what comes back; then it plays the keys that
were typed meanwhile. It knows no panel but the two that it opens itself, help and message information.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from traceback import format_exc

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message as Event

from console.clock import Clock, system_clock
from console.errors import ConsoleError
from console.messages import Message, describe, message
from console.printable import printable
from screens import keys_shim
from screens.mail import NO_MAIL, Mail
from screens.message_information import AdditionalMessageInformation
from screens.panel import Panel
from screens.print_screen import print_screen
from screens.progress import Progress
from screens.session import Outcome, Session
from screens.surface import Surface
from screens.terminal.editor import Habits
from screens.terminal.keys import HELP, Function
from screens.terminal.page import HELP_MESSAGE, NORMAL, WIDE
from screens.terminal.terminal import Terminal
from screens.themes import has_colours

_ANSWERS = {Function.ATTN: "KBD0105", Function.SYSREQ: "KBD0104"}
_RESET_HINT = "Ctrl+R resets."
_STATUS_ROWS = 1


def _no_banner() -> str:
    return ""


def _no_mail() -> Mail:
    return NO_MAIL


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """How the console looks and what it is told from outside."""

    system_name: str = ""
    state_directory: Path = Path()
    """Where printed screens go."""
    clock: Clock = system_clock
    status: Callable[[], str] = _no_banner
    """Returns a standing warning for row 2, or nothing. Called in a thread of its own, one call at a time."""
    mail: Callable[[], Mail] = _no_mail
    """Returns what the operator has not read, likewise."""
    progress: Progress = field(default_factory=Progress)
    """What long turns say of themselves; `status` shows it."""
    poll_s: float | None = 1.0
    """Seconds between calls of `status`; None calls it once."""
    theme: str = "green"
    """A key of `themes.THEMES`; a terminal with NO_COLOR set gets ``mono``."""
    strict: bool = False
    """Keying errors last until Reset."""
    trim: bool = False
    """The first character typed over a value clears the rest of it."""
    underscores: bool = False
    """Draw underscores in blank input cells."""
    mouse: bool = True
    """Without the mouse, the terminal's own selection works and slow lines are quieter."""


class ConsoleApp(App[None], inherit_bindings=False):
    """The console. Nothing of Textual's own bindings is left: Ctrl+Q must not quit, Ctrl+C is System Request."""

    ENABLE_COMMAND_PALETTE = False

    class TurnEnded(Event):
        """A turn's thread has its outcome."""

        def __init__(self, outcome: Outcome | ConsoleError) -> None:
            super().__init__()
            self.outcome = outcome
            """An error only when the first panel cannot be shown."""

    class StatusRead(Event):
        """The banner and the message queue were asked for."""

        def __init__(self, banner: str, mail: Mail) -> None:
            super().__init__()
            self.banner = banner
            self.mail = mail

    def __init__(self, first_panel: Callable[[], Panel], options: ConsoleOptions) -> None:
        """Make the application; the first panel is made in a thread, so its maker may use the store.

        Args:
            first_panel: Makes the panel that is never left.
            options: Everything else.
        """
        super().__init__()
        self.failure: ConsoleError | None = None
        """Why the first panel could not be shown."""
        self._first_panel = first_panel
        self._options = options
        self._terminal = Terminal(
            system=options.system_name, habits=Habits(strict=options.strict, trim=options.trim), reset_hint=_RESET_HINT
        )
        theme = "mono" if self.no_color else options.theme
        self.surface = Surface(self._terminal, theme=theme, underscores=options.underscores)
        """The one widget. Held here, as an answer from a thread may come when Textual has already taken it away."""
        self._session: Session | None = None
        self._largest = NORMAL
        self._height = 0
        """Rows of the terminal; the application's own `size` lags behind while a resize is handled."""
        self._status_is_running = False
        self._broken_in = 0
        """Id of the last message that broke in."""

    def compose(self) -> ComposeResult:
        """Yield the one widget."""
        yield self.surface

    @property
    def is_idle(self) -> bool:
        """Whether no turn runs: the moment for a test to look at the screen."""
        return self._session is not None and not self._terminal.keyboard.is_busy

    def on_mount(self) -> None:
        """Begin the first turn, and ask for the banner."""
        self.surface.focus()
        self._terminal.hold()
        self._begin(self._open_session)
        self._poll()
        if self._options.poll_s is not None:
            self.set_interval(self._options.poll_s, self._poll)

    def on_resize(self, event: events.Resize) -> None:
        """Take or give up the status row, and lay the panels out anew when another page size fits."""
        is_large = event.size.width >= WIDE.columns and event.size.height >= WIDE.rows + _STATUS_ROWS
        self._largest = WIDE if is_large else NORMAL
        self._height = event.size.height
        self._lay_out()
        self._fit()
        self.surface.repaint_all()

    def on_surface_pressed(self, event: Surface.Pressed) -> None:
        """Answer a key."""
        self._answer(event.key)

    def on_console_app_turn_ended(self, event: TurnEnded) -> None:
        """Show an outcome and play the keys that waited."""
        outcome = event.outcome
        if isinstance(outcome, ConsoleError):
            self.failure = outcome
            self.exit(return_code=1)
        elif outcome.finished:
            self.exit()
        else:
            self._show(outcome)
            if self._options.progress.take_end():
                self._poll()

    def on_console_app_status_read(self, event: StatusRead) -> None:
        """Show the banner and the time."""
        self._status_is_running = False
        self._terminal.banner = event.banner
        self._terminal.message_waiting = event.mail.is_waiting
        self._break_in(event.mail)
        self._terminal.clock = f"{self._now():%H:%M}"
        self.surface.repaint()

    def _break_in(self, mail: Mail) -> None:
        """Show the newest severe message once, on the message row: what is typed stays as it is."""
        if mail.breaking is not None and mail.breaking_id > self._broken_in and self._terminal.interrupt(mail.breaking):
            self._broken_in = mail.breaking_id

    def _show(self, outcome: Outcome) -> None:
        terminal = self._terminal
        if outcome.is_layout:
            terminal.swap(outcome.frame)
        else:
            terminal.show(outcome.frame, outcome.messages, outcome.errors, outcome.cursor)
        if outcome.failed:
            terminal.keyboard.discard()
        terminal.clock = f"{self._now():%H:%M}"
        terminal.keyboard.unlock()
        self._fit()
        self._lay_out()
        key = terminal.resume() if not terminal.keyboard.is_busy else None
        self.surface.repaint()
        if key is not None:
            self._answer(key)

    def _fit(self) -> None:
        """Use the row under the page for status if there is one."""
        self._terminal.has_status_row = self._height > self._terminal.size.rows

    def _lay_out(self) -> None:
        """Begin a turn that changes the page size, if another is due and no turn runs; the end of a turn asks again."""
        session = self._session
        if session and session.size != self._largest and self._terminal.hold():
            self._begin(partial(session.resize, self._largest))

    def _answer(self, key: Function) -> None:
        """Do what a key asks for: here, or in a turn."""
        if key is Function.PRINT:
            self._say(print_screen(self.surface.text(), self._options.state_directory, self._now()))
        elif key is Function.REDRAW:
            self.surface.repaint_all()
        elif key in _ANSWERS:
            self._say(message(_ANSWERS[key]))
        elif self._session is not None:
            self._begin(self._help(self._session) if key is HELP else self._submit(self._session, key))

    def _say(self, shown: Message) -> None:
        self._terminal.say(shown)
        self.surface.repaint()

    def _submit(self, session: Session, key: Function) -> Callable[[], Outcome]:
        return partial(session.submit, key.value, self._terminal.cursor, self._terminal.help_key)

    def _help(self, session: Session) -> Callable[[], Outcome]:
        """Choose what F1 shows: the keying error, the message under the cursor, or the panel's help."""
        terminal = self._terminal
        shown = terminal.message_line.current
        if terminal.keyboard.error:
            shown = describe(terminal.keyboard.error)
        elif terminal.help_key != HELP_MESSAGE:
            shown = None
        if shown is None:
            return partial(session.help, terminal.help_key)
        return partial(session.push_help, AdditionalMessageInformation(shown, self._now()))

    def _begin(self, action: Callable[[], Outcome | ConsoleError]) -> None:
        """Run a turn in a thread. The keyboard is locked, so no second one can begin before it ends."""
        self.run_worker(lambda: self._run(action), thread=True, group="turn")

    def _run(self, action: Callable[[], Outcome | ConsoleError]) -> None:
        """Run a turn; in the turn's thread, as posting is safe from any."""
        self.post_message(self.TurnEnded(action()))

    def _open_session(self) -> Outcome | ConsoleError:
        try:
            self._session = Session(self._first_panel(), self._largest)
        except ConsoleError as error:
            return error
        return Outcome(self._session.frame)

    def _poll(self) -> None:
        """Ask for the banner, unless the last question has not been answered yet."""
        if not self._status_is_running:
            self._status_is_running = True
            self.run_worker(self._read_status, thread=True, group="status")

    def _read_status(self) -> None:
        mail = NO_MAIL
        try:
            banner = self._options.status()
            mail = self._options.mail()
        except ConsoleError as error:
            banner = describe(error).text
        self.post_message(self.StatusRead(banner, mail))

    def _fatal_error(self) -> None:
        """End after a bug, saying where it is; Textual would list the local variables, and with them what is secret."""
        self.panic(Text("\n".join(printable(text) for text in format_exc().splitlines())))

    def _now(self) -> datetime:
        """Return the time in the operator's time zone."""
        return self._options.clock().astimezone()


def run_console(first_panel: Callable[[], Panel], options: ConsoleOptions) -> None:
    """Run the console until the operator signs off.

    Args:
        first_panel: Makes the panel that is never left.
        options: Looks, and what the console is told from outside.

    Raises:
        ConsoleError: The first panel could not be shown.
        SystemExit: A bug ended the console.
    """
    keys_shim.install()
    if not has_colours():
        # Textual asks no database, and sends every terminal colours unless this says not to (no-color.org).
        os.environ["NO_COLOR"] = "1"
    app = ConsoleApp(first_panel, options)
    app.run(mouse=options.mouse)
    if app.failure is not None:
        raise app.failure
    if app.return_code:
        # A bug; Textual has shown where. Whoever started us must not take it for a sign-off.
        sys.exit(app.return_code)
