"""Panels with a command line: Enter runs what is typed, F4 prompts it, F9 brings earlier commands back."""

from __future__ import annotations

from dataclasses import replace

from console.commands.language import parse_partial
from console.commands.without_secrets import without_secrets
from console.errors import CommandError
from console.messages import describe, message
from screens.panel import Exit, FunctionKey, Panel, Push, Reply, Return, Stay, Submission
from screens.panels.prompter import Prompter
from screens.panels.running import run
from screens.panels.selection import SelectionWindow
from screens.panels.services import Services
from screens.terminal.page import COMMAND, Page, Size

COMMAND_KEYS = (
    FunctionKey(3, "Exit"),
    FunctionKey(4, "Prompt"),
    FunctionKey(9, "Retrieve"),
    FunctionKey(12, "Cancel"),
)
_NO_EARLIER = "GWL0704"
_REQUIRED = "GWL0106"
_ASK = "?"
"""Alone on the line: which commands there are."""


class CommandLine:
    """What a command line holds, and how far F9 has walked back."""

    def __init__(self, services: Services) -> None:
        self.text = ""
        self._services = services
        self._back = 0
        self._chooses = False

    @property
    def is_choosing(self) -> bool:
        """Whether the list of commands is open."""
        return self._chooses

    def remember(self, submission: Submission) -> None:
        """Keep what is typed."""
        self.text = submission.values.get(COMMAND, self.text).strip()

    def clear(self) -> None:
        """Empty the line; F9 begins at the latest command again."""
        self.text = ""
        self._back = 0

    def retrieve(self) -> Reply:
        """Put the command before the one that shows on the line."""
        found = self._services.history.before(self._back + 1)
        if found is None:
            return Stay((message(_NO_EARLIER),), redraw=True)
        self._back += 1
        self.text = found
        return Stay(redraw=True, cursor=COMMAND)

    def enter(self) -> Reply:
        """Run what is typed; a question mark in front prompts it, and so does a required value that is missing.

        Raises:
            ConsoleError: It cannot be run; it stays on the line.
        """
        self._services.history.add(without_secrets(self.text, self._services.commands))
        if self.text == _ASK:
            self.text = ""
            return self.prompt()
        if self._asks_to_prompt():
            return self.prompt()
        try:
            reply = run(self._services, self.text).reply()
        except CommandError as error:
            if error.message_id != _REQUIRED:
                raise
            return self._ask_for(error)
        self.clear()
        return reply

    def _ask_for(self, missing: CommandError) -> Reply:
        """Prompt the command that is typed, with the cursor in the field whose value is missing."""
        prompter = self.prompt()
        keyword = str(missing.values["keyword"])
        return replace(prompter, messages=(describe(missing),), errors=(keyword,))

    def prompt(self, *, is_typed: bool = True) -> Push:
        """Prompt the command that is typed; with nothing typed, choose one first.

        Args:
            is_typed: Whether the operator typed it; a menu may prompt more for limited users.

        Raises:
            ConsoleError: There is no such command, or it cannot be read.
        """
        if not self.text:
            self._chooses = True
            return Push(SelectionWindow("Commands", self._services.command_choices()))
        partial = parse_partial(self.text, self._services.commands)
        only = partial.asked
        return Push(Prompter(self._services, partial.cls, partial.given, is_typed=is_typed, only=only))

    def _asks_to_prompt(self) -> bool:
        """Say whether a question mark is in front of what is typed, or two are in front of a keyword."""
        if self.text.startswith("?"):
            return True
        return "??" in self.text and parse_partial(self.text, self._services.commands).prompt

    def resume(self, value: object) -> Reply | None:
        """Take what came back from choosing a command; None when nothing was chosen here."""
        if not self._chooses:
            return None
        self._chooses = False
        if not isinstance(value, str):
            return Stay(redraw=True)  # the question mark that asked for the list must not stay on the line
        return Push(Prompter(self._services, self._services.commands[value], {}, is_typed=True))


class CommandPanel(Panel):
    """A panel with a command line, kept over redraws; what its keys do unless it has other things to do with them."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.line = CommandLine(services)

    def start_page(self, size: Size, title: str, panel_id: str = "") -> Page:
        """Begin a page with title and system name."""
        page = Page(size)
        page.title(title, panel_id)
        page.system(self.services.system)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Run, prompt or retrieve a command, or leave."""
        self.line.remember(submission)
        match submission.key:
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "F4":
                return self.line.prompt()
            case "F9":
                return self.line.retrieve()
            case "ENTER" if self.line.text:
                return self.line.enter()
            case _:
                return Stay()

    def resume(self, value: object) -> Reply:
        """Show the panel anew, its line empty once the command has been carried out."""
        reply = self.line.resume(value)
        if reply is None:
            self.line.clear()
        return reply or Stay(redraw=True)
