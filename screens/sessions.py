"""The sessions of one console: A, perhaps B, which of them shows, and what is in front of it.

Knows neither Textual nor threads, and begins no turn: the application does, and says what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from console.messages import Message
from screens.console_options import InFront
from screens.interactive_job import InteractiveJob
from screens.mail import Mail
from screens.session import Outcome, Session
from screens.terminal.frame import Frame
from screens.terminal.terminal import Terminal

_OTHER = {"A": "B", "B": "A"}


class Sessions:
    """One or two sessions, and for a while System Request or the Attention menu in front of one."""

    def __init__(self, new_terminal: Callable[[], Terminal]) -> None:
        """Begin with session A, without a panel.

        Args:
            new_terminal: Makes a terminal for a session.
        """
        self._new_terminal = new_terminal
        self.first = self._new("A")
        """The session that the console ends with."""
        self._by_letter = {"A": self.first}
        self.shown = self.first
        """The session that shows, or lies behind what is in front."""
        self.front: InteractiveJob = self.first
        """What shows."""
        self._broken_in = 0
        """Id of the last message that broke in."""

    @property
    def every(self) -> Sequence[InteractiveJob]:
        """Everything that has a terminal."""
        behind = list(self._by_letter.values())
        return behind if self.front in behind else [*behind, self.front]

    @property
    def other_in_use(self) -> InteractiveJob | None:
        """The session that does not show, if signing off would lose something there."""
        other = self._by_letter.get(_OTHER[self.shown.letter])
        return other if other is not None and other.is_in_use else None

    def told(self, session: Session) -> InFront:
        """Return what a panel in front is told of the session that shows."""
        job = self.shown
        is_busy = job.terminal.keyboard.is_busy
        titles = () if is_busy else session.titles
        other = _OTHER[job.letter] in self._by_letter
        return InFront(session.first, job.letter, job.terminal.size, is_busy, other, titles)

    def in_front(self, make: Callable[[Frame], Session]) -> InteractiveJob:
        """Return what is to come in front of the session that shows.

        Args:
            make: Makes its session over the frame that shows.
        """
        job = self._new(self.shown.letter)
        job.session = make(self.shown.terminal.frame)
        job.show(Outcome(job.session.frame))
        job.terminal.message_waiting = self.shown.terminal.message_waiting
        job.terminal.clock = self.shown.terminal.clock
        return job

    def bring(self, job: InteractiveJob) -> None:
        """Show a session, or what is in front of it."""
        self.front = job
        if job in self._by_letter.values():
            self.shown = job

    def other(self) -> tuple[InteractiveJob, bool]:
        """Return the session that does not show, made if there is none, and whether it is new."""
        letter = _OTHER[self.shown.letter]
        is_new = letter not in self._by_letter
        if is_new:
            self._by_letter[letter] = self._new(letter)
        job = self._by_letter[letter]
        job.terminal.banner = self.shown.terminal.banner
        job.terminal.message_waiting = self.shown.terminal.message_waiting
        return job, is_new

    def drop(self, job: InteractiveJob) -> None:
        """Forget a session that could not begin."""
        del self._by_letter[job.letter]

    def tell(self, banner: str, mail: Mail, clock: str) -> None:
        """Show everywhere what was read of the store; the newest severe message once, where the operator looks."""
        for job in self.every:
            job.terminal.banner = banner
            job.terminal.message_waiting = mail.is_waiting
            job.terminal.clock = clock
        if mail.breaking is not None and mail.breaking_id > self._broken_in and self._interrupt(mail.breaking):
            self._broken_in = mail.breaking_id

    def fit(self, height: int) -> None:
        """Use the row under the page for status if the terminal has one.

        Args:
            height: Rows of the terminal.
        """
        for job in self.every:
            job.terminal.has_status_row = height > job.terminal.size.rows

    def _interrupt(self, shown: Message) -> bool:
        return self.shown.terminal.interrupt(shown)

    def _new(self, letter: str) -> InteractiveJob:
        return InteractiveJob(letter, self._new_terminal())
