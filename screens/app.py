"""The console as a Textual application: one surface, one session, and a worker thread for each turn.

The application locks the keyboard, hands the turn to a thread, and shows what comes back; then it plays the keys that
were typed meanwhile. Which session shows is known to `screens.sessions`. It knows no panel; those that it opens itself
it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from traceback import format_exc

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message as Event

from console.errors import ConsoleError, UsageError
from console.messages import Message, describe, message
from console.printable import printable
from screens.console_options import ConsoleOptions
from screens.interactive_job import InteractiveJob, Turn
from screens.looks import Looks, Outfit, outfit
from screens.mail import NO_MAIL, Mail
from screens.panel import Panel, Request
from screens.print_screen import print_screen
from screens.session import Outcome, Session
from screens.sessions import Sessions
from screens.surface import Surface
from screens.terminal.editor import Habits
from screens.terminal.keys import Function
from screens.terminal.page import NORMAL, WIDE
from screens.terminal.terminal import Terminal

_NOTHING_IN_FRONT = {Function.ATTN: "KBD0105", Function.SYSREQ: "KBD0104"}
_IS_ASKED = "GWL0732"
_NOTHING_RUNS = "GWL0733"
_OTHER_IS_OPEN = "GWL0734"
_MAY_SIGN_OFF = (Function.ENTER, Function.F3)
"""Keys that sign off, on menus and command lines; any other takes the answer to a first one back."""
_NO_PALETTE = "KBD0102"
_NOT_PRINTED = "GWL100C"
_STATUS_ROWS = 1


class ConsoleApp(App[None], inherit_bindings=False):
    """The console. Nothing of Textual's own bindings is left: Ctrl+Q must not quit, Ctrl+C is System Request."""

    ENABLE_COMMAND_PALETTE = False

    class TurnEnded(Event):
        """A turn's thread has its outcome."""

        def __init__(self, job: InteractiveJob, outcome: Outcome | ConsoleError) -> None:
            super().__init__()
            self.job = job
            self.outcome = outcome
            """An error only when the first panel cannot be shown."""

    class StatusRead(Event):
        """The banner and the message queue were asked for."""

        def __init__(self, banner: str, mail: Mail, idle_minutes: int = 0) -> None:
            super().__init__()
            self.banner = banner
            self.mail = mail
            self.idle_minutes = idle_minutes

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
        self._looks: Looks | None = None
        self._outfit = Outfit()
        self._watched: list[Surface.Watched] = []
        """Keys to be told of that came while a turn ran."""
        self._sessions = Sessions(self._new_terminal)
        self._is_leaving = False
        """Whether a sign-off was answered with what it would end."""
        theme = "mono" if self.no_color else options.theme or self._outfit.theme
        self.surface = Surface(
            self._sessions.front.terminal, theme=theme, underscores=options.underscores, rings=options.bell
        )
        """The one widget. Held here, as an answer from a thread may come when Textual has already taken it away."""
        self._largest = NORMAL
        self._height = 0
        """Rows of the terminal; the application's own `size` lags behind while a resize is handled."""
        self._status_is_running = False
        self._has_shown = False
        self._last_input = options.clock()

    def compose(self) -> ComposeResult:
        """Yield the one widget."""
        yield self.surface

    @property
    def is_idle(self) -> bool:
        """Whether no turn runs: the moment for a test to look at the screen."""
        return self._sessions.front.is_idle

    async def on_event(self, event: events.Event) -> None:
        """Remember when the operator last did something."""
        if isinstance(event, events.InputEvent):
            self._last_input = self._options.clock()
        await super().on_event(event)

    def on_mount(self) -> None:
        """Begin the first turn; when its panel shows, the banner is asked for."""
        self.surface.focus()
        self._open(self._sessions.shown)
        if self._options.poll_s is not None:
            self.set_interval(self._options.poll_s, self._poll)

    def on_resize(self, event: events.Resize) -> None:
        """Take or give up the status row, and lay the panels out anew when another page size fits."""
        is_large = event.size.width >= WIDE.columns and event.size.height >= WIDE.rows + _STATUS_ROWS
        self._largest = WIDE if is_large else NORMAL
        self._height = event.size.height
        self._lay_out()
        self._sessions.fit(self._height)
        self.surface.repaint_all()

    def on_surface_pressed(self, event: Surface.Pressed) -> None:
        """Answer a key."""
        self._answer(self._sessions.front, event.key)

    def on_surface_watched(self, event: Surface.Watched) -> None:
        """Tell the panel that watches keys of one; those that come while it is told wait."""
        self._watched.append(event)
        self._tell_of_keys()

    def _tell_of_keys(self) -> None:
        job = self._sessions.front
        if self._watched and job.session and self.surface.watches and job.terminal.hold():
            event = self._watched.pop(0)
            self._begin(job, partial(job.session.see, event.key, event.function))
        elif not self.surface.watches:
            self._watched.clear()

    def on_console_app_turn_ended(self, event: TurnEnded) -> None:
        """Show an outcome and play the keys that waited; or do what it asks of the console."""
        job, outcome = event.job, event.outcome
        if isinstance(outcome, ConsoleError):
            self._give_up(job, outcome)
        elif outcome.finished:
            self._sign_off(job)
        elif outcome.asked is not None:
            self._grant(outcome.asked)
        else:
            self._show(job, outcome)
            if self._options.progress.take_end():
                self._poll()

    def on_console_app_status_read(self, event: StatusRead) -> None:
        """Show the banner and the time."""
        self._status_is_running = False
        if event.idle_minutes and self._options.clock() - self._last_input >= timedelta(minutes=event.idle_minutes):
            self.exit()
            return
        self._sessions.tell(event.banner, event.mail, f"{self._now():%H:%M}")
        self.surface.repaint()

    def _new_terminal(self) -> Terminal:
        terminal = Terminal(system=self._options.system_name)
        terminal.use(self._habits, self._outfit.reset_hint)
        return terminal

    @property
    def _habits(self) -> Habits:
        return Habits(strict=self._options.strict or self._outfit.layout.strict, trim=self._options.trim)

    def _wear(self, job: InteractiveJob) -> None:
        """Take on what the operator of a session has chosen, if that is another than before."""
        if job.session is None:
            return
        self.surface.watches = (
            self._sessions.front.session is not None and self._sessions.front.session.panel.watches_keys
        )
        options = self._options
        looks = Looks(options.theme, options.keymap).over(options.looks(job.session.first))
        if looks == self._looks:
            return
        self._looks = looks
        try:
            self._outfit = outfit(looks, options.state_directory)
        except UsageError as error:
            job.terminal.say(describe(error))
        self.surface.use("mono" if self.no_color else self._outfit.theme, self._outfit.layout)
        for each in self._sessions.every:
            each.terminal.use(self._habits, self._outfit.reset_hint)

    def _open(self, job: InteractiveJob) -> None:
        """Begin the turn that shows a session's first panel."""
        job.terminal.hold()
        make, window, search = self._first_panel, self._options.command_window, self._options.search
        self._begin(job, job.opening(lambda: Session(make(), self._largest, command_window=window, search=search)))

    def _give_up(self, job: InteractiveJob, error: ConsoleError) -> None:
        """End without a first panel; a second session only goes away, with its reason told in the other."""
        if job is not self._sessions.first:
            self._sessions.drop(job)
            self._bring(self._sessions.first)
            self._say(describe(error))
            return
        self.failure = error
        self.exit(return_code=1)

    def _show(self, job: InteractiveJob, outcome: Outcome) -> None:
        terminal = job.terminal
        job.show(outcome)
        terminal.clock = f"{self._now():%H:%M}"
        terminal.keyboard.unlock()
        self._wear(job)
        self._sessions.fit(self._height)
        self._lay_out()
        key = terminal.resume() if not terminal.keyboard.is_busy else None
        self.surface.repaint()
        if key is not None:
            self._answer(job, key)
        self._tell_of_keys()
        if not self._has_shown:
            self._has_shown = True
            self.call_after_refresh(self._poll)
            self.call_after_refresh(self.run_worker, self._options.once_shown, thread=True, group="once")

    def _lay_out(self) -> None:
        """Begin the turns that change the page size, where another is due and no turn runs; its end asks again."""
        for job in self._sessions.every:
            turn = job.layout(self._largest)
            if turn is not None:
                self._begin(job, turn)

    def _answer(self, job: InteractiveJob, key: Function) -> None:
        """Do what a key asks for: here, or in a turn."""
        if key is Function.PRINT:
            self._say(self._print_shown(job))
        elif key is Function.REDRAW:
            self.surface.repaint_all()
        elif key in _NOTHING_IN_FRONT:
            self._put_in_front(key)
        elif key is Function.PALETTE:
            self._begin(job, partial(self._open_palette, job))
        else:
            self._is_leaving = self._is_leaving and key in _MAY_SIGN_OFF
            turn = job.turn(key, self._now())
            if turn is not None:
                self._begin(job, turn)

    def _open_palette(self, job: InteractiveJob) -> Outcome:
        """Show everything that can be done from here; in a turn, as it asks what the operator may do."""
        session = job.session
        panel = None
        if session is not None and session.panel.has_palette:
            panel = self._options.palette(session.first, session.frame)
        if session is None or panel is None:
            return Outcome(job.terminal.frame, (message(_NO_PALETTE),))
        return session.push_help(panel)

    def _print_shown(self, job: InteractiveJob) -> Message:
        """Write the screen to a file, unless it shows what must not be kept."""
        if any(each.session is not None and each.session.panel.is_secret for each in (job, self._sessions.shown)):
            return message(_NOT_PRINTED)
        return print_screen(self.surface.text(), self._options.state_directory, self._now())

    def _put_in_front(self, key: Function) -> None:
        """Show System Request or the Attention menu in front of the session; pressed again, take it away."""
        shown = self._sessions.shown
        session = shown.session
        if self._sessions.front is not shown:
            self._bring(shown)
            return
        make = self._options.in_front.get(key)
        panel = make(self._sessions.told(session)) if make and session else None
        if panel is None:
            self._say(message(_NOTHING_IN_FRONT[key]))
            return
        search = self._options.search
        self._bring(self._sessions.in_front(lambda under: Session(panel, self._largest, under=under, search=search)))

    def _bring(self, job: InteractiveJob) -> None:
        """Show a session, or what is in front of it."""
        self._sessions.bring(job)
        self.surface.terminal = job.terminal
        self._sessions.fit(self._height)
        self.surface.repaint_all()

    def _grant(self, request: Request) -> None:
        """Do what System Request or the Attention menu was asked for."""
        self._bring(self._sessions.shown)
        if request is Request.OTHER_SESSION:
            self._switch()
        elif request is Request.END_REQUEST:
            self._say(message(_IS_ASKED if self._sessions.shown.end_request() else _NOTHING_RUNS))

    def _switch(self) -> None:
        job, is_new = self._sessions.other()
        self._bring(job)
        if is_new:
            self._open(job)

    def _sign_off(self, job: InteractiveJob) -> None:
        """End the console; the first time, say so where that would end something in the other session."""
        other = self._sessions.other_in_use
        if other is None or self._is_leaving:
            for each in self._sessions.every:
                each.end_request()
            self.exit()
            return
        self._is_leaving = True
        job.terminal.keyboard.discard()
        job.terminal.keyboard.unlock()
        job.terminal.say(message(_OTHER_IS_OPEN, letter=other.letter))
        self.surface.repaint()

    def _say(self, shown: Message) -> None:
        self._sessions.front.terminal.say(shown)
        self.surface.repaint()

    def _begin(self, job: InteractiveJob, turn: Turn) -> None:
        """Run a turn in a thread. The keyboard is locked, so the session begins no second one before it ends."""
        begun = job.begin(turn)
        self.run_worker(lambda: self._run(job, begun), thread=True, group="turn")

    def _run(self, job: InteractiveJob, turn: Turn) -> None:
        """Run a turn; in the turn's thread, as posting is safe from any."""
        self.post_message(self.TurnEnded(job, turn()))

    def _poll(self) -> None:
        """Ask for the banner, unless the last question has not been answered yet."""
        if self._options.has_hung_up():
            self.exit()
        elif not self._status_is_running:
            self._status_is_running = True
            self.run_worker(self._read_status, thread=True, group="status")

    def _read_status(self) -> None:
        mail, idle_minutes = NO_MAIL, 0
        try:
            idle_minutes = self._options.idle_minutes()
            banner = self._options.status()
            mail = self._options.mail()
        except ConsoleError as error:
            banner = describe(error).text
        self.post_message(self.StatusRead(banner, mail, idle_minutes))

    def _fatal_error(self) -> None:
        """End after a bug, saying where it is; Textual would list the local variables, and with them what is secret."""
        self.panic(Text("\n".join(printable(text) for text in format_exc().splitlines())))

    def _now(self) -> datetime:
        """Return the time in the operator's time zone."""
        return self._options.clock().astimezone()
