"""Sign On: the panel in front of a console that several people share, and the window for a one-time code.

It knows nothing of the store: it is given what to ask. Passwords are in nondisplay fields, and in no message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.errors import CommandError, ConsoleError, SignOnError
from console.messages import describe, message
from console.people.sign_on import SignedOn
from screens.panel import FunctionKey, Help, Panel, Push, Reply, Return, SignOff, Stay, Submission, Window
from screens.panels.help_texts import panel_help
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import PLAIN, SECRET, UPPER, Stretch
from screens.terminal.page import Page, Size

USER, PASSWORD, PROGRAM, MENU, LIBRARY = "USER", "PASSWORD", "PGM", "MENU", "CURLIB"
_CODE = "CODE"
_LABELS = (
    (USER, 6, "User  . . . . . . . . . . . . . ."),
    (PASSWORD, 7, "Password  . . . . . . . . . . . ."),
    (PROGRAM, 8, "Program/procedure . . . . . . . ."),
    (MENU, 9, "Menu  . . . . . . . . . . . . . ."),
    (LIBRARY, 10, "Current library . . . . . . . . ."),
)
_CORNER = ("System  . . . . . :", "Subsystem . . . . :", "Display . . . . . :")
_LABEL_COLUMN, _FIELD_COLUMN, _LENGTH = 17, 53, 10
_ROOM = 27
"""Cells from `_FIELD_COLUMN` to the edge of a page of 80 columns."""
_CORNER_COLUMN, _CORNER_VALUE = 48, 70
_MOST_PASSWORD = 128
_ENDED = "GWL1008"


def secret_stretches(row: int, column: int, next_row: int, columns: int) -> tuple[Stretch, tuple[Stretch, ...]]:
    """Return where a password of the longest kind is typed: the end of one row, then rows of its own.

    Args:
        row: The row of its label.
        column: Where it begins.
        next_row: The first of two further rows.
        columns: Of the page.
    """
    first = Stretch(row, column, columns - column)
    rest = _MOST_PASSWORD - first.length
    stretches: list[Stretch] = []
    while rest > 0:
        stretches.append(Stretch(next_row + len(stretches), 2, min(rest, columns - 2)))
        rest -= stretches[-1].length
    return first, tuple(stretches)


@dataclass(frozen=True, slots=True)
class SignOnSeat:
    """What the panel is given."""

    system: str
    display: str
    """Name of the terminal."""
    sign_on: Callable[[str, str, str], SignedOn]
    """Takes user, password and one-time code; raises a `SignOnError`."""
    needs_code: Callable[[str], bool]
    """Says whether a user is to be asked for a one-time code."""
    check_menu: Callable[[str], None]
    """Raises a `CommandError` for a menu that is not there."""
    most: int | None
    """After how many failures in a row the session ends (QMAXSIGN)."""
    longest_name: int = _LENGTH
    """Of a user profile."""


class SignOn(Panel):
    """Asks who it is; ends with `found` set, or without."""

    name = "SIGNON"
    function_keys = (FunctionKey(3, "Exit"),)
    """Not shown, as on IBM i."""

    def __init__(self, seat: SignOnSeat) -> None:
        """Ask for user and password.

        Args:
            seat: What it works with.
        """
        self.found: SignedOn | None = None
        """Who has signed on."""
        self.is_refused = False
        """Whether too many sign-ons failed."""
        self._seat = seat
        self._failures = 0
        self._typed: dict[str, str] = {}

    def page(self, size: Size) -> Page:
        """Show the fields; a password that was typed is not put back."""
        page = Page(size)
        page.title("Sign On")
        for row, (label, value) in enumerate(
            zip(_CORNER, (self._seat.system, "QINTER", self._seat.display), strict=True), 2
        ):
            page.text(row, _CORNER_COLUMN, label)
            page.text(row, _CORNER_VALUE, value[:_LENGTH])
        for name, row, label in _LABELS:
            page.text(row, _LABEL_COLUMN, label, help_key=name)
            if name == PASSWORD:
                first, rest = secret_stretches(row, _FIELD_COLUMN, 12, 80)
                page.field(
                    name, row, first.column, first.length, "", format=SECRET, attribute=Attribute.NONDISPLAY,
                    continued=rest,
                )  # fmt: skip
            else:
                length = min(max(_LENGTH, self._seat.longest_name), _ROOM) if name == USER else _LENGTH
                page.field(name, row, _FIELD_COLUMN, length, self._typed.get(name, ""), format=UPPER)
        page.legend(size.rows, rows=0)
        page.cursor = PASSWORD if self._typed.get(USER) else USER
        return page

    def handle(self, submission: Submission) -> Reply:
        """Sign on, or end."""
        if submission.key == "F3":
            return SignOff()
        if submission.key != "ENTER":
            return Stay()
        self._typed = {name: text.strip() for name, text in submission.values.items() if name != PASSWORD}
        if not self._typed[USER]:
            return Stay(redraw=True)
        if self._typed[PROGRAM] or self._typed[LIBRARY]:
            return Stay((message("GWL100A"),), errors=(PROGRAM if self._typed[PROGRAM] else LIBRARY,))
        password = submission.values[PASSWORD]
        if self._seat.needs_code(self._typed[USER]):
            return Push(OneTimeCode(lambda code: self._enter(password, code)))
        return self._enter(password, "")

    def resume(self, value: object) -> Reply:
        """Do as the window for the code says."""
        return value if isinstance(value, SignOff | Stay) else Stay(redraw=True)

    def _enter(self, password: str, code: str) -> Reply:
        try:
            who = self._seat.sign_on(self._typed[USER], password, code)
        except SignOnError as error:
            self._failures += 1
            if self._seat.most is not None and self._failures >= self._seat.most:
                self.is_refused = True
                return SignOff()
            return Stay((describe(error),), redraw=True, cursor=PASSWORD)
        try:
            self.found = self._with_menu(who)
        except ConsoleError as error:
            return Stay((describe(error),), redraw=True, cursor=MENU)
        return SignOff()

    def _with_menu(self, who: SignedOn) -> SignedOn:
        """Return who signed on, with the menu that was named."""
        menu = self._typed[MENU]
        if not menu:
            return who
        if who.limited or not who.may_choose_menu:
            raise CommandError("GWL1009", menu=menu)
        self._seat.check_menu(menu)
        return who.with_menu(menu)

    def help(self, key: str) -> Help | None:
        """Return help on the panel or a field."""
        return panel_help("sign_on", key, self.function_keys)


class OneTimeCode(Panel):
    """Asks for the six digits; returns what the sign-on with them came to."""

    name = "SIGNCOD"
    window = Window(rows=7, columns=50)
    function_keys = (FunctionKey(12, "Cancel"),)

    def __init__(self, enter: Callable[[str], Reply]) -> None:
        """Ask for a code.

        Args:
            enter: Signs on with it.
        """
        self._enter = enter

    def page(self, size: Size) -> Page:
        """Ask."""
        page = Page(size)
        page.text(1, (size.columns - 13) // 2 + 1, "One-Time Code", Attribute.WHITE)
        page.instruction(2, "Type the code of your authenticator.")
        page.label(4, 2, "Code", 20)
        page.field(_CODE, 4, 23, 8, format=PLAIN)
        page.legend(size.rows, rows=1)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Sign on with the code."""
        if submission.key != "ENTER":
            return Return()
        return Return(self._enter(submission.values.get(_CODE, "")))

    def help(self, key: str) -> Help | None:
        """Return the help of the sign-on panel."""
        return panel_help("sign_on", key, self.function_keys)


def longest_name(names: Sequence[str]) -> int:
    """Return how long the field for the user must be."""
    return max(map(len, names), default=_LENGTH)


def refusal() -> SignOnError:
    """Return why a session ended in which too many sign-ons failed."""
    return SignOnError(_ENDED)
