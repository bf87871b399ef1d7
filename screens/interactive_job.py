"""One of the console's sessions with the terminal that belongs to it: what a person has before them, and its turns.

The console has one or two of these, A and B, and a third while System Request shows. Each has its own panels, messages,
keyboard and keys typed ahead; only one shows. Knows neither Textual nor threads.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from console.errors import ConsoleError
from console.messages import describe
from console.request_end import EndWish, endable
from screens.message_information import AdditionalMessageInformation
from screens.session import Outcome, Session
from screens.terminal.keys import HELP, Function
from screens.terminal.page import HELP_MESSAGE, Size
from screens.terminal.terminal import Terminal

Turn = Callable[[], Outcome | ConsoleError]
"""What runs in a thread while the keyboard is locked; an error only where there is no panel to show it."""


class InteractiveJob:
    """A session and its terminal.

    Threads:
        Turns run in threads of their own, one at a time, with the keyboard locked; all else is the application's.
    """

    def __init__(self, letter: str, terminal: Terminal) -> None:
        """Begin without a panel; `opening` makes the first.

        Args:
            letter: ``A`` or ``B``.
            terminal: With nothing on it, its keyboard locked.
        """
        self.letter = letter
        self.terminal = terminal
        terminal.letter = letter
        self.session: Session | None = None
        self._wish = EndWish()

    @property
    def is_idle(self) -> bool:
        """Whether there is a panel, and no turn runs."""
        return self.session is not None and not self.terminal.keyboard.is_busy

    @property
    def is_in_use(self) -> bool:
        """Whether signing off would lose something: a turn that runs, open panels, what is typed."""
        return self.session is None or self.terminal.keyboard.is_busy or self.session.is_in_use

    def opening(self, make: Callable[[], Session]) -> Turn:
        """Return the turn that shows the first panel."""

        def turn() -> Outcome | ConsoleError:
            try:
                self.session = make()
            except ConsoleError as error:
                return error
            return Outcome(self.session.frame)

        return turn

    def turn(self, key: Function, now: datetime) -> Turn | None:
        """Return the turn that answers a key; None while there is no panel."""
        if self.session is None:
            return None
        if key is HELP:
            return self._help(self.session, now)
        return partial(self.session.submit, key.value, self.terminal.cursor, self.terminal.help_key)

    def layout(self, largest: Size) -> Turn | None:
        """Return the turn that lays panels out for another page size, if one is due and none runs."""
        session = self.session
        if session and session.size != largest and self.terminal.hold():
            return partial(session.resize, largest)
        return None

    def begin(self, turn: Turn) -> Turn:
        """Return a turn as it is to be run in its thread: one that System Request can end."""
        wish = self._wish = EndWish()

        def run() -> Outcome | ConsoleError:
            with endable(wish):
                return turn()

        return run

    def end_request(self) -> bool:
        """Ask the turn that runs to end; say whether one runs."""
        self._wish.is_made = True
        return self.terminal.keyboard.is_busy

    def show(self, outcome: Outcome) -> None:
        """Show what a turn came to; the keyboard stays locked."""
        terminal = self.terminal
        if outcome.is_layout:
            terminal.swap(outcome.frame)
        else:
            terminal.show(outcome.frame, outcome.messages, outcome.errors, outcome.cursor)
        if outcome.failed:
            terminal.keyboard.discard()

    def _help(self, session: Session, now: datetime) -> Turn:
        """Choose what F1 shows: the keying error, the message under the cursor, or the panel's help."""
        terminal = self.terminal
        shown = terminal.message_line.current
        if terminal.keyboard.error:
            shown = describe(terminal.keyboard.error)
        elif terminal.help_key != HELP_MESSAGE:
            shown = None
        if shown is None:
            return partial(session.help, terminal.help_key)
        return partial(session.push_help, AdditionalMessageInformation(shown, now))
