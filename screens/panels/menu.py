"""Menus: numbered options, and a command line that takes a number or any command."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from console.errors import CommandError
from console.messages import message
from screens.panel import Exit, FunctionKey, Help, Push, Reply, Return, SignOff, Stay, Submission
from screens.panels.command_panel import COMMAND_KEYS, CommandPanel
from screens.panels.help_texts import panel_help
from screens.panels.running import run
from screens.panels.services import Services
from screens.terminal.page import COMMAND, Page, Size

_FIRST_ROW = 5
_NOT_AN_OPTION = "GWL0706"
_AGAIN = "GWL0707"


@dataclass(frozen=True, slots=True)
class MenuOption:
    """One line of a menu."""

    number: int
    text: str
    command: str
    """Command that it runs; with a question mark in front it is prompted first."""
    panel: str = ""
    """Panel that it opens instead; F4 still prompts the command."""
    gap: int = 0
    """Blank rows before it."""


class Menu(CommandPanel):
    """A menu; subclasses say what is on it."""

    function_keys = (FunctionKey(1, "Help"), *COMMAND_KEYS)
    is_task_entry = True
    title: str
    module: str
    """Name of its help file."""
    options: Sequence[MenuOption]

    def __init__(self, services: Services, *, is_first: bool = False) -> None:
        """Open the menu.

        Args:
            services: What panels share.
            is_first: Whether it is the panel that is never left: F3 there ends the console, when pressed twice.
        """
        super().__init__(services)
        self._is_first = is_first
        self._is_leaving = False

    @property
    @abstractmethod
    def name(self) -> str:
        """Identification of the menu, at the top left."""

    def page(self, size: Size) -> Page:
        """Show the options."""
        page = self.start_page(size, self.title, self.name)
        page.text(3, 2, "Select one of the following:")
        for row, option in self._placed():
            page.text(row, 6, f"{option.number:2}. {option.text}", help_key=f"{option.number}")
        page.command_line(size.rows - 4, self.line.text, label="Selection or command", rows=2)
        page.cursor = COMMAND
        return page

    def handle(self, submission: Submission) -> Reply:
        """Run an option or a command."""
        was_leaving, self._is_leaving = self._is_leaving, False
        self.line.remember(submission)
        match submission.key:
            case "F3":
                return self._leave(was_leaving=was_leaving)
            case "F12":
                return Stay() if self._is_first else Return()
            case "F4":
                return self._prompt()
            case "F9":
                return self.line.retrieve()
            case "ENTER":
                return self._enter(submission)
            case _:
                return Stay()

    def resume(self, value: object) -> Reply:
        """Show the menu again, with an empty command line unless a command was not carried out."""
        reply = self.line.resume(value)
        if reply is None:
            self.line.clear()
        return reply or Stay(redraw=True)

    def help(self, key: str) -> Help | None:
        """Return help on the menu, an option or the command line."""
        return panel_help(self.module, key, self.function_keys)

    def _placed(self) -> list[tuple[int, MenuOption]]:
        row = _FIRST_ROW
        found = []
        for option in self.options:
            row += option.gap
            found.append((row, option))
            row += 1
        return found

    def _leave(self, *, was_leaving: bool) -> Reply:
        if not self._is_first:
            return Exit()
        if was_leaving:
            return SignOff()
        self._is_leaving = True
        return Stay((message(_AGAIN),))

    def _enter(self, submission: Submission) -> Reply:
        text = self.line.text
        if not text:
            pointed = next((option for row, option in self._placed() if row == submission.cursor.row), None)
            return Stay() if pointed is None else self._choose(pointed)
        option = self._numbered(text)
        return self.line.enter() if option is None else self._choose(option)

    def _prompt(self) -> Reply:
        option = self._numbered(self.line.text)
        if option is not None:
            self.line.text = option.command.removeprefix("?")
        return self.line.prompt()

    def _numbered(self, text: str) -> MenuOption | None:
        """Return the option with that number; None for what is no number.

        Raises:
            CommandError: The menu has no such option.
        """
        if not text.isdecimal():
            return None
        found = next((option for option in self.options if text.lstrip("0") == str(option.number)), None)
        if found is None:
            raise CommandError(_NOT_AN_OPTION, option=text, menu=self.name)
        return found

    def _choose(self, option: MenuOption) -> Reply:
        if option.panel:
            return Push(self.services.open(option.panel, {}))
        if option.command.startswith("?"):
            self.line.text = option.command
            return self.line.prompt()
        return run(self.services, option.command).reply()
