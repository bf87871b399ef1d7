"""System Request: a line on the bottom row, and the menu that Enter opens. It works while the keyboard is locked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from console.errors import CommandError
from screens.console_options import InFront
from screens.panel import Ask, FunctionKey, Help, Panel, Push, Reply, Request, Return, SignOff, Stay, Submission, Window
from screens.panels.display import Display, Line
from screens.panels.help_texts import panel_help
from screens.panels.prompter import Prompter
from screens.panels.running import run
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import Page, Size

_FIELD = "REQUEST"
_NOT_AN_OPTION = "GWL0735"
_FIRST_ROW = 5
_OTHER = {"A": "B", "B": "A"}


@dataclass(frozen=True, slots=True)
class _Choice:
    """One option of the menu."""

    text: Callable[[InFront], str]
    command: str = ""
    """What it runs."""
    request: Request | None = None
    gap: int = 0
    needs_user: bool = True
    """Whether somebody must have signed on."""


def _go_to_other(told: InFront) -> str:
    other = _OTHER[told.letter]
    return f"Go back to session {other}" if told.other_is_open else f"Begin a second session, {other}"


def _end_request(told: InFront) -> str:
    return "End the request that runs" if told.is_busy else "End the request (none is running)"


_DISPLAY_JOB = 3
_SIGN_OFF = 90
_CHOICES: Mapping[int, _Choice] = {
    1: _Choice(_go_to_other, request=Request.OTHER_SESSION),
    2: _Choice(_end_request, request=Request.END_REQUEST, needs_user=False),
    _DISPLAY_JOB: _Choice(lambda told: "Display this session"),
    4: _Choice(lambda told: "Display messages", "DSPMSG"),
    5: _Choice(lambda told: "Send a message", "?SNDMSG"),
    6: _Choice(lambda told: "Work with socket jobs", "WRKSOCJOB"),
    7: _Choice(lambda told: "Work with workers", "WRKSOCWRK"),
    _SIGN_OFF: _Choice(lambda told: "Sign off", gap=1, needs_user=False),
}
"""Number -> option; as on IBM i, as far as there is such a thing here."""


class _SystemRequest(Panel):
    """What the line and the menu have in common: a field for a number."""

    def __init__(self, told: InFront, services: Services | None) -> None:
        """Come in front of a session.

        Args:
            told: What the session is doing.
            services: What its panels share; None before anybody has signed on.
        """
        self.told = told
        self.services = services

    def help(self, key: str) -> Help | None:
        """Explain the options."""
        return panel_help("system_request", key, self.function_keys)

    def choose(self, text: str) -> Reply:
        """Do what an option says.

        Raises:
            ConsoleError: There is none, or it is refused.
        """
        number = int(text) if text.isascii() and text.isdecimal() else 0
        choice = self.choices().get(number)
        if choice is None:
            raise CommandError(_NOT_AN_OPTION, option=text)
        if number == _SIGN_OFF:
            return SignOff()
        if choice.request is not None:
            return Ask(choice.request)
        return Stay() if self.services is None else self._run(number, choice, self.services)

    def _run(self, number: int, choice: _Choice, services: Services) -> Reply:
        if number == _DISPLAY_JOB:
            return Push(DisplaySession(self.told, services))
        if choice.command.startswith("?"):
            return Push(Prompter(services, services.commands[choice.command[1:]], {}))
        return run(services, choice.command, keyed=False).reply()

    def choices(self) -> Mapping[int, _Choice]:
        """Return the options there are: without anybody signed on, only those that need no command."""
        if self.services is None:
            return {number: each for number, each in _CHOICES.items() if not each.needs_user}
        commands = self.services.commands
        found = _CHOICES.items()
        return {number: each for number, each in found if not each.command or each.command.lstrip("?") in commands}


class SystemRequestLine(_SystemRequest):
    """The line: Enter alone shows the menu, a number takes its option at once."""

    name = "SYSREQ"
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))
    is_task_entry = True

    @property
    def window(self) -> Window:
        """The bottom row."""
        return Window(1, self.told.size.columns, row=-1, column=1, has_border=False)

    def page(self, size: Size) -> Page:
        """Show the field and what to do."""
        page = Page(size)
        page.legend(1, rows=0)
        page.text(1, 2, "System request", Attribute.WHITE)
        # The right half of the row may be the status area's, on terminals without a row to spare.
        page.field(_FIELD, 1, 17, 2, format=UPPER)
        page.text(1, 20, "Enter=Menu F12=Cancel", Attribute.BLUE)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Take an option, show the menu, or go back."""
        if submission.key != "ENTER":
            return Ask(Request.GO_BACK)
        text = submission.values.get(_FIELD, "").strip()
        return self.choose(text) if text else Push(SystemRequestMenu(self.told, self.services))

    def resume(self, value: object) -> Reply:
        """Go back to the session: what was asked for has been shown."""
        del value
        return Ask(Request.GO_BACK)


class SystemRequestMenu(_SystemRequest):
    """The menu."""

    name = "SYSREQ"
    function_keys = (FunctionKey(1, "Help"), FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))

    def page(self, size: Size) -> Page:
        """Show the options, and a field for one."""
        page = Page(size)
        page.title("System Request")
        if self.services is not None:
            page.system(self.services.system)
        page.text(3, 2, "Select one of the following:")
        row = _FIRST_ROW
        for number, choice in self.choices().items():
            row += choice.gap
            page.text(row, 6, f"{number:2}. {choice.text(self.told)}", help_key=str(number))
            row += 1
        page.text(size.rows - 5, 2, "Selection")
        page.field(_FIELD, size.rows - 4, 7, 2, format=UPPER)
        page.cursor = _FIELD
        return page

    def handle(self, submission: Submission) -> Reply:
        """Take an option, typed or under the cursor; or go back."""
        if submission.key != "ENTER":
            return Return()
        text = submission.values.get(_FIELD, "").strip()
        if not text and submission.cursor.help_key.isdecimal():
            text = submission.cursor.help_key
        return self.choose(text) if text else Stay()


class DisplaySession(Display):
    """What the session in front of which System Request was pressed is doing."""

    name = "DSPJOB"
    title = "Display Session"
    module = "display_session"

    def __init__(self, told: InFront, services: Services) -> None:
        super().__init__(services)
        self._told = told

    def lines(self) -> list[Line]:
        """Say who, where, and what is open."""
        told, context = self._told, self.services.context
        return [
            Line("Session", told.letter, "SESSION"),
            Line("Other session", self._other(), "OTHER"),
            Line("User profile", context.user, "USER"),
            Line("Special authorities", " ".join(sorted(context.authorities)) or "*NONE", "SPCAUT"),
            Line("Limited capabilities", "*YES" if context.limited else "*NO", "LMTCPB"),
            Line("Job", context.job, "JOB"),
            Line("Request", self._request(), "REQUEST"),
            Line(),
            Line.heading("Panels that are open, the first one first"),
            *(Line(text=f"  {title}") for title in told.titles or ["(not known while a request runs)"]),
        ]

    def _other(self) -> str:
        other = _OTHER[self._told.letter]
        return f"{other}, open" if self._told.other_is_open else f"{other}, not begun"

    def _request(self) -> str:
        return (self.services.progress.text or "is running") if self._told.is_busy else "none is running"
