"""The contract between the application and its panels.

A panel is a plain object: it makes pages and answers submissions, and knows neither Textual nor the terminal. What it
needs (a command context, a clock, the system's name) it is given by its constructor.

One turn runs like this. The operator edits a page; nothing reaches the panel. An AID key ends the turn: the keyboard
locks, and in a worker thread, one turn at a time, the application calls `Panel.handle`, does what the reply says, and
asks the panel that is then on top for its page. Keys typed meanwhile wait and are played on the next page. A slow
action therefore simply takes its time in `handle`; it must not start threads of its own.

A `ConsoleError` raised by `handle`, `resume` or `page` is shown as its message, with everything typed left in place;
any other exception is a bug and ends the console.

What stays on the screen: after ``Stay()`` everything typed stays exactly as it is, and the panel is not asked for a
page. After ``Stay(redraw=True)`` the page is made anew and shows only what the panel put on it, so a panel remembers in
`handle` whatever must survive. When a panel comes back because the one above it returned, `resume` decides which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from console.messages import Message
from screens.terminal.legend import FunctionKey
from screens.terminal.page import Page, Size

__all__ = [
    "Ask",
    "Chosen",
    "Cursor",
    "Exit",
    "FunctionKey",
    "Help",
    "Panel",
    "Push",
    "Replace",
    "Reply",
    "Request",
    "Return",
    "SignOff",
    "Stay",
    "Submission",
    "Window",
]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the cursor was when the key was pressed; rows and columns from 1, within the panel's own page."""

    row: int
    column: int
    field: str = ""
    """Name of the input field under it, or empty."""
    help_key: str = ""
    """As `Page.help_key_at` gives it: for F4, F15 and the like on a place that is no field."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What an AID key hands to a panel."""

    key: str
    """``ENTER``, ``F2`` to ``F24``, ``ROLLUP`` (Page Down, later rows) or ``ROLLDOWN`` (Page Up, earlier rows)."""
    values: Mapping[str, str]
    """Every field's text without trailing blanks, by name; empty for command-attention keys (`FunctionKey`)."""
    modified: frozenset[str]
    """Fields that were typed into since the page was made; empty for command-attention keys."""
    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Stay:
    """Remain on this panel."""

    messages: tuple[Message, ...] = ()
    """For the message row; with more than one it ends in ``+`` and rolls."""
    errors: tuple[str, ...] = ()
    """Fields to show in reverse image."""
    cursor: str | tuple[int, int] | None = None
    """A field's name or (row, column). None: the first field of `errors`, else where the cursor is, or after a
    redraw where the page puts it."""
    redraw: bool = False
    """Ask for a new page, dropping what is typed."""


@dataclass(frozen=True, slots=True)
class Push:
    """Show a panel on top of this one; this one's page, typed values and cursor are kept beneath it."""

    panel: Panel
    messages: tuple[Message, ...] = ()
    errors: tuple[str, ...] = ()
    """Fields of the new panel to show in reverse image."""


@dataclass(frozen=True, slots=True)
class Replace:
    """Show another panel in this one's place: it will not be returned to."""

    panel: Panel
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a window of the application's own returns for the panel beneath: press a key on it, or type an option."""

    key: str = ""
    """``F5``, or empty."""
    option: int = 0
    """Typed beside the row of the cursor; 0 for none."""


@dataclass(frozen=True, slots=True)
class Return:
    """Go back to the panel beneath, whose `Panel.resume` gets the value. F12 returns None."""

    value: object = None
    messages: tuple[Message, ...] = ()
    """Shown by the panel returned to, before those of its own `Panel.resume`."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave the task (F3): go back to the nearest panel beneath that is a task's entry; its `Panel.resume` gets None.

    Panels between are dropped and not asked. The first panel of the console cannot be left: its F3 comes back to it.
    """

    messages: tuple[Message, ...] = ()
    to_first: bool = False
    """Leave the menus, too: go back to the first panel (F3 on a menu)."""


@dataclass(frozen=True, slots=True)
class SignOff:
    """End the console."""


class Request(Enum):
    """What only the console as a whole can do."""

    GO_BACK = "leave System Request or the Attention menu, back to the session"
    OTHER_SESSION = "show the other of the two sessions"
    END_REQUEST = "end what the session that shows is doing"


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask for something that is beyond this session."""

    request: Request
    messages: tuple[Message, ...] = ()


Reply = Stay | Push | Replace | Return | Exit | SignOff | Ask


@dataclass(frozen=True, slots=True)
class Help:
    """Help on one thing."""

    title: str
    """The thing's name, shown as ``Action (ACTION) - Help``: give only what stands before the dash."""
    text: str
    """Plain text; paragraphs are filled to the window, lines that begin with a blank are kept as they are."""


@dataclass(frozen=True, slots=True)
class Window:
    """Makes a panel cover only part of the one beneath. Its page has the size given here; the border comes around."""

    rows: int
    columns: int
    row: int = 0
    """Screen row of the page's first row; 0 lets the application choose a place that leaves the cursor's row free, a
    negative one counts from the bottom: -1 for the last row."""
    column: int = 0
    """Screen column of the page's first column; 0 lets the application choose."""
    has_border: bool = True

    @property
    def size(self) -> Size:
        """Size of the page."""
        return Size(self.rows, self.columns)


class Panel(ABC):
    """A panel; see the module's docstring.

    The properties below may be overridden by plain class or instance attributes.

    Threads:
        All methods and properties are called by one turn at a time, never two at once; not always by the same thread.
    """

    @property
    def name(self) -> str:
        """Identification of the panel, up to ten characters: for print-outs and help. Menus show it."""
        return ""

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys it answers to, which are also its legend; asked anew for every page."""
        return ()

    @property
    def window(self) -> Window | None:
        """The window it appears in, or None for a whole screen."""
        return None

    @property
    def is_secret(self) -> bool:
        """Whether it shows what must not be printed to a file."""
        return False

    @property
    def is_task_entry(self) -> bool:
        """Whether F3 from the panels above comes back to it: menus."""
        return False

    @property
    def has_palette(self) -> bool:
        """Whether the command palette may be opened over it: everywhere but where nobody has signed on."""
        return True

    @property
    def tells_beneath(self) -> bool:
        """Whether what replaces it, when the application opened it, tells the panel beneath that it is on top again."""
        return False

    @property
    def watches_keys(self) -> bool:
        """Whether keys do nothing here but be told to `see`: on DSPKEY."""
        return False

    @property
    def is_wide(self) -> bool:
        """Whether it has a 27x132 layout, which it is then asked for on terminals that are large enough."""
        return False

    @abstractmethod
    def page(self, size: Size) -> Page:
        """Make the page from the panel's state.

        Args:
            size: 24x80; 27x132 if the panel `is_wide` and the terminal allows it; its window's size if it has a window.
        """

    @abstractmethod
    def handle(self, submission: Submission) -> Reply:
        """Answer an AID key.

        Only Enter, the roll keys and the declared function keys arrive. F1, Print, and F24 for more keys do not.
        """

    def see(self, key: str, function: str) -> Reply:
        """Take a key on a panel that watches keys.

        Args:
            key: Its name, as key maps have it.
            function: What it would do elsewhere.
        """
        del key, function
        return Stay()

    def resume(self, value: object) -> Reply:
        """Come back on top.

        Args:
            value: From `Return`; None after F12, after F3 (`Exit`). Not called after help.

        Returns:
            Any reply. ``Stay(redraw=True)``, the default, shows fresh data; ``Stay()`` shows the page as it was left,
            with everything typed on it.
        """
        del value
        return Stay(redraw=True)

    def help(self, key: str) -> Help | None:
        """Return help on what is under the cursor.

        Args:
            key: A field's or region's help key, or ``*PANEL``, ``*KEYS``, ``*OPTIONS``.

        Returns:
            None to use the help of the panel (``*PANEL``).
        """
        del key
        return None
