"""Menus: numbered options, and a command line that takes a number or any command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.menus import MAIN, MenuOption, find_menu
from console.errors import CommandError
from console.messages import message
from screens.panel import Exit, FunctionKey, Help, Push, Reply, Return, SignOff, Stay, Submission
from screens.panels.command_panel import COMMAND_KEYS, CommandPanel
from screens.panels.help_texts import menu_help, panel_help
from screens.panels.prompter import Prompter
from screens.panels.replies import roll
from screens.panels.running import run
from screens.panels.services import Services
from screens.terminal.page import COMMAND, HELP_PANEL, Page, Size

_FIRST_ROW = 5
_ROWS_BELOW = 6
"""From the last row that may have an option to the bottom: label, command line, legend, message row."""
_NOT_AN_OPTION = "GWL0706"
_AGAIN = "GWL0707"
_CHANGE_PROFILE = "CHGPRF"
_INITIAL_MENU_KEY = FunctionKey(23, "Set initial menu", attention=True)
_MAIN_MENU_KEY = FunctionKey(16, "Main menu", attention=True)
_OF_MAIN = {"F13": "DSPMSG", "F14": "WRKSOCJOB"}
"""What the keys of the main menu run."""
_MAIN_KEYS = (FunctionKey(13, "Display messages"), FunctionKey(14, "Work with jobs"))


class Menu(CommandPanel):
    """A menu, as GO shows it."""

    is_task_entry = True

    def __init__(self, services: Services, name: str, *, is_first: bool = False) -> None:
        """Open the menu.

        Args:
            services: What panels share.
            name: As GO takes it.
            is_first: Whether it is the panel that is never left: F3 there ends the console, when pressed twice.

        Raises:
            CommandError: There is no such menu.
        """
        super().__init__(services)
        self.definition = find_menu(name, services.commands)
        self._is_first = is_first
        self._is_leaving = False
        self._page = 0
        self._pages: Sequence[Sequence[tuple[int, MenuOption]]] = ()

    @property
    def name(self) -> str:
        """Identification of the menu, at the top left."""
        return self.definition.name

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F13 and F14 on the main menu, F16 where it leads elsewhere, F23 where a profile can be changed."""
        keys: tuple[FunctionKey, ...] = (FunctionKey(1, "Help"), *COMMAND_KEYS)
        if _CHANGE_PROFILE in self.services.commands:
            keys = (*keys, _INITIAL_MENU_KEY)
        return (*keys, *_MAIN_KEYS) if self.name == MAIN else (*keys, _MAIN_MENU_KEY)

    def page(self, size: Size) -> Page:
        """Show the options."""
        page = self.start_page(size, self.definition.title, self.name)
        page.text(3, 2, "Select one of the following:")
        last = size.rows - _ROWS_BELOW
        self._pages = _placed(self.definition.options, last)
        self._page = min(self._page, len(self._pages) - 1)
        for row, option in self._pages[self._page]:
            page.text(row, 6, f"{option.number:2}. {self._text(option)}", help_key=f"{option.number}")
        if len(self._pages) > 1:
            page.more(last, more=self._page + 1 < len(self._pages))
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
            case "F13" | "F14" as key:
                return run(self.services, _OF_MAIN[key], keyed=False).reply()
            case "F16":
                return run(self.services, f"GO {MAIN}", keyed=False).reply()
            case "F23":
                given = {"INLMNU": self.name}
                return Push(Prompter(self.services, self.services.commands[_CHANGE_PROFILE], given))
            case "ENTER":
                return self._enter(submission)
            case "ROLLUP" | "ROLLDOWN" as key:
                self._page, messages = roll(key, self._page, 1, len(self._pages), "menu")
                return Stay(messages, redraw=True)
            case _:
                return Stay()

    def help(self, key: str) -> Help | None:
        """Return help on the menu, an option, the command line or the keys."""
        if key == HELP_PANEL:
            return menu_help(self.definition)
        option = next((option for option in self.definition.options if key == str(option.number)), None)
        if option is not None:
            return menu_help(self.definition, option)
        return panel_help("menu", key, self.function_keys)

    def _text(self, option: MenuOption) -> str:
        """Return the words of an option, with what the operator lacks to use it."""
        missing = self.services.missing(option.command_name)
        return f"{option.text} (needs {', '.join(missing)})" if missing else option.text

    def _leave(self, *, was_leaving: bool) -> Reply:
        if not self._is_first:
            return Exit(to_first=True)
        if was_leaving:
            return SignOff()
        self._is_leaving = True
        return Stay((message(_AGAIN),))

    def _enter(self, submission: Submission) -> Reply:
        text = self.line.text
        if not text:
            here = self._pages[self._page] if not submission.cursor.field else ()
            pointed = next((option for row, option in here if row == submission.cursor.row), None)
            return Stay() if pointed is None else self._choose(pointed)
        option = self._numbered(text)
        return self.line.enter() if option is None else self._choose(option)

    def _prompt(self) -> Reply:
        option = self._numbered(self.line.text)
        if option is not None:
            self.line.text = option.command.removeprefix("?")
        return self.line.prompt(is_typed=option is None)

    def _numbered(self, text: str) -> MenuOption | None:
        """Return the option with that number; None for what is no number.

        Raises:
            CommandError: The menu has no such option.
        """
        if not text.isdecimal():
            return None
        found = next((option for option in self.definition.options if text.lstrip("0") == str(option.number)), None)
        if found is None:
            raise CommandError(_NOT_AN_OPTION, option=text, menu=self.name)
        return found

    def _choose(self, option: MenuOption) -> Reply:
        if option.panel:
            return Push(self.services.open(option.panel, {}))
        if option.command.startswith("?"):
            self.line.text = option.command
            return self.line.prompt(is_typed=False)
        return run(self.services, option.command, keyed=False).reply()


def _placed(options: Sequence[MenuOption], last: int) -> Sequence[Sequence[tuple[int, MenuOption]]]:
    """Return the pages of a menu: each option with its row; gaps only where all fits on one page with them."""
    rows = last - _FIRST_ROW + 1
    if len(options) <= rows < sum(option.gap + 1 for option in options):
        return [[(_FIRST_ROW + index, option) for index, option in enumerate(options)]]
    if len(options) > rows:
        size = rows - 1
        pages = [options[start : start + size] for start in range(0, len(options), size)]
        return [[(_FIRST_ROW + index, option) for index, option in enumerate(page)] for page in pages]
    row, found = _FIRST_ROW, []
    for option in options:
        row += option.gap
        found.append((row, option))
        row += 1
    return [found]


def open_menu(services: Services, arguments: Mapping[str, str]) -> Menu:
    """Open the menu that GO names."""
    return Menu(services, arguments.get("MENU", MAIN))
