"""What the console is given from outside: how it looks, what it asks, and the panels that it opens itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.clock import Clock, system_clock
from screens.help_window import Search
from screens.looks import NOTHING_CHOSEN, Looks
from screens.mail import NO_MAIL, Mail
from screens.panel import Panel
from screens.progress import Progress
from screens.session import CommandWindow
from screens.terminal.frame import Frame
from screens.terminal.keys import Function
from screens.terminal.page import Size


def _no_banner() -> str:
    return ""


def _never() -> int:
    return 0


def _no_mail() -> Mail:
    return NO_MAIL


def _is_never() -> bool:
    return False


def _nothing() -> None:
    pass


def _no_looks(first: Panel) -> Looks:
    del first
    return NOTHING_CHOSEN


def _no_palette(first: Panel, under: Frame) -> Panel | None:
    del first, under
    return None


@dataclass(frozen=True, slots=True)
class InFront:
    """What System Request and the Attention menu are told of the session that they come in front of."""

    first: Panel
    """Its first panel."""
    letter: str
    size: Size
    """Of the page that shows."""
    is_busy: bool
    """Whether a request runs."""
    other_is_open: bool
    """Whether there is a second session."""
    titles: tuple[str, ...]
    """Of the panels that are open, the first one first; none while a request runs."""


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """How the console looks and what it is told from outside."""

    system_name: str = ""
    job: str = "CONSOLE"
    """Third part of the job name in journal entries."""
    state_directory: Path = Path()
    """Where printed screens go."""
    clock: Clock = system_clock
    status: Callable[[], str] = _no_banner
    """Returns a standing warning for row 2, or nothing. Called in a thread of its own, one call at a time."""
    mail: Callable[[], Mail] = _no_mail
    """Returns what the operator has not read, likewise."""
    idle_minutes: Callable[[], int] = _never
    """Returns after how many minutes without a key the console ends; 0 for never. Called likewise."""
    progress: Progress = field(default_factory=Progress)
    """What long turns say of themselves; `status` shows it."""
    in_front: Mapping[Function, Callable[[InFront], Panel | None]] = field(default_factory=dict)
    """SYSREQ and ATTN -> makes the panel that they show in front of the session."""
    command_window: CommandWindow | None = None
    """Makes what panels without a command line offer instead."""
    search: Search | None = None
    """Makes what searches all help."""
    once_shown: Callable[[], None] = _nothing
    """Called once, in a thread of its own, when the first panel shows: for what can wait until then."""
    poll_s: float | None = 1.0
    """Seconds between calls of `status`; None calls it once."""
    has_hung_up: Callable[[], bool] = _is_never
    """Says whether the terminal has gone; asked as often as `status` is called, and ends the console."""
    theme: str = ""
    """A key of `themes.THEMES`; a terminal with NO_COLOR set gets ``mono``. Empty for the operator's own."""
    keymap: str = ""
    """A key map, as `key_file.find_layout` takes it; empty for the operator's own."""
    looks: Callable[[Panel], Looks] = _no_looks
    """Returns what the operator has chosen, given the first panel of a session."""
    palette: Callable[[Panel, Frame], Panel | None] = _no_palette
    """Makes the command palette over what shows, given the first panel of a session; None before anybody signed on."""
    strict: bool = False
    """Keying errors last until Reset."""
    trim: bool = False
    """The first character typed over a value clears the rest of it."""
    underscores: bool = False
    """Draw underscores in blank input cells."""
    bell: bool = True
    """Ring at keying errors."""
    mouse: bool = True
    """Without the mouse, the terminal's own selection works and slow lines are quieter."""
