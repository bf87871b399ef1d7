"""The command palette: everything that can be done from here, found by words; a window of the application's own.

It does nothing by a way of its own: keys are pressed on the panel beneath, options are typed there, menus' options and
commands go the way of every command, authority and all.
"""

from __future__ import annotations

from collections.abc import Sequence

from console.commands.menus import MenuOption
from console.messages import message
from screens.panel import (
    Chosen,
    FunctionKey,
    Help,
    Panel,
    Push,
    Replace,
    Reply,
    Return,
    SignOff,
    Stay,
    Submission,
    Window,
)
from screens.panels.columns import cut
from screens.panels.help_texts import panel_help
from screens.panels.palette_entries import Entry, entries, found
from screens.panels.prompter import Prompter
from screens.panels.replies import roll
from screens.panels.running import run
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.frame import Frame
from screens.terminal.page import HELP_OPTIONS, Page, Size

_ROWS = 10
_WINDOW = Window(rows=_ROWS + 6, columns=74, row=4)
_FIND = "FIND"
_FIRST_ROW = 5
_NAME_COLUMN, _NAME_CELLS = 15, 18
_TEXT_COLUMN = 34
_NOTHING = "GWL0729"
_BAD_OPTION = "GWL0703"


class CommandPalette(Panel):
    """Finds keys, options, menus and commands by words."""

    name = "FIND"
    window = _WINDOW
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))
    has_palette = False
    tells_beneath = True

    def __init__(self, services: Services, under: Frame) -> None:
        """Open it over a panel.

        Args:
            services: What panels share.
            under: The panel's page, whose keys and options it offers.
        """
        self._services = services
        self._everything = entries(services, under)
        self._shown: Sequence[Entry] = self._everything
        self._typed = ""
        self._top = 0

    def page(self, size: Size) -> Page:
        """Show what was found."""
        page = Page(size)
        page.title("Find Keys, Options, Menus and Commands")
        page.label(2, 2, "Words", 12)
        page.field(_FIND, 2, 15, 30, self._typed)
        page.instruction(3, "Type words, press Enter; then 1=Select, or Enter for the first.")
        for column, heading in ((3, "Opt"), (7, "What"), (_NAME_COLUMN, "Name"), (_TEXT_COLUMN, "Text")):
            page.text(_FIRST_ROW - 1, column, heading, Attribute.WHITE)
        for index, entry in enumerate(self._shown[self._top : self._top + _ROWS]):
            row = _FIRST_ROW + index
            page.field(f"OPT.{self._top + index}", row, 3, 1, format=UPPER, help_key=HELP_OPTIONS)
            page.text(row, 7, entry.kind)
            page.text(row, _NAME_COLUMN, cut(entry.name, _NAME_CELLS))
            page.text(row, _TEXT_COLUMN, cut(entry.text, size.columns - _TEXT_COLUMN))
        page.more(_FIRST_ROW + _ROWS, more=self._top + _ROWS < len(self._shown))
        page.legend(size.rows, rows=1)
        page.cursor = _FIND
        return page

    def handle(self, submission: Submission) -> Reply:
        """Find, turn pages, or do what is chosen."""
        match submission.key:
            case "F3" | "F12":
                return Return()
            case "ROLLUP" | "ROLLDOWN" as key:
                self._top, messages = roll(key, self._top, _ROWS, len(self._shown))
                return Stay(messages, redraw=True)
            case _:
                return self._enter(submission)

    def help(self, key: str) -> Help | None:
        """Explain finding."""
        return panel_help("command_palette", key, self.function_keys)

    def _enter(self, submission: Submission) -> Reply:
        typed = submission.values.get(_FIND, "").strip()
        if typed != self._typed:
            return self._find(typed)
        options = {name: text for name, text in submission.values.items() if name.startswith("OPT.") and text.strip()}
        wrong = [name for name, text in options.items() if text.strip() != "1"]
        if wrong:
            return Stay((message(_BAD_OPTION, option=options[wrong[0]], allowed="1"),), errors=tuple(wrong))
        if options:
            return self._do(self._shown[int(next(iter(options))[4:])])
        place = submission.cursor.row - _FIRST_ROW
        if 0 <= place < min(_ROWS, len(self._shown) - self._top):
            return self._do(self._shown[self._top + place])
        return self._do(self._shown[0]) if typed and self._shown else Return()

    def _find(self, typed: str) -> Reply:
        self._typed, self._top = typed, 0
        self._shown = found(self._everything, typed)
        messages = () if self._shown else (message(_NOTHING, words=typed),)
        return Stay(messages, redraw=True, cursor=_FIND)

    def _do(self, entry: Entry) -> Reply:
        """Do it where it belongs.

        Raises:
            ConsoleError: It is refused; the palette stays.
        """
        if isinstance(entry.does, Chosen):
            return Return(entry.does)
        if isinstance(entry.does, MenuOption):
            return self._choose(entry.does)
        cls = self._services.commands[entry.does]
        if any(parameter.default is None for parameter in cls.parameters):
            return self._prompt(entry.does, keyed=True)
        return _instead(run(self._services, entry.does).reply())

    def _choose(self, option: MenuOption) -> Reply:
        if option.panel:
            return Replace(self._services.open(option.panel, {}))
        if option.command.startswith("?"):
            return self._prompt(option.command_name, keyed=False)
        return _instead(run(self._services, option.command, keyed=False).reply())

    def _prompt(self, name: str, *, keyed: bool) -> Reply:
        cls = self._services.commands[name]
        self._services.require(cls, keyed=keyed)
        return Replace(Prompter(self._services, cls, {}, is_typed=keyed))


def _instead(reply: Reply) -> Reply:
    """Return a reply with which the palette goes away."""
    match reply:
        case Push(panel=panel, messages=messages):
            return Replace(panel, messages)
        case SignOff():
            return reply
        case _:
            return Return(messages=reply.messages)
