"""Change System Value: one that holds words beside each other, a field for each, with what they mean at the right."""

from __future__ import annotations

import textwrap

from console.commands.system_value_kinds import KINDS
from console.errors import ConsoleError
from console.messages import describe, message
from console.store.system_values import get_values
from screens.panel import Exit, FunctionKey, Help, Panel, Push, Reply, Return, Stay, Submission
from screens.panels.help_texts import panel_help
from screens.panels.replies import DONE, roll
from screens.panels.running import command_text, run
from screens.panels.selection import SelectionWindow
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import Page, Size

_ROWS, _COLUMNS = 8, 2
_PAGE = _ROWS * _COLUMNS
"""Sixteen words: what QAUDLVL holds at most, as on IBM i."""
_FIRST_ROW = 10
_LENGTH = 12
_CHOICES_COLUMN = 38
_WORD = "WORD."
_NO_LIST = "GWL0708"
_NONE = "*NONE"


class ChangeSystemValueWords(Panel):
    """Shows the words of a system value in fields; Enter runs CHGSYSVAL with what they hold."""

    name = "CHGSYSVAL"
    title = "Change System Value"
    module = "change_system_value"
    is_wide = True
    function_keys = (
        FunctionKey(3, "Exit"),
        FunctionKey(4, "Prompt"),
        FunctionKey(5, "Refresh"),
        FunctionKey(12, "Cancel"),
    )

    def __init__(self, services: Services, name: str) -> None:
        """Show a system value as it is.

        Args:
            services: What panels share.
            name: One whose `Kind.is_list` holds.

        Raises:
            StoreError: It cannot be read.
        """
        self.services = services
        self._name = name
        self._kind = KINDS[name]
        self._words: list[str] = []
        self._page = 0
        self._asked = ""
        self._read()

    def _read(self) -> None:
        with self.services.context.opened() as session:
            held = get_values(session)[self._name].split()
        self._words = [*held, *[""] * (self._pages(len(held)) * _PAGE - len(held))]

    def _pages(self, count: int) -> int:
        """Return how many pages of fields there are: with room for half a page more, where more may be held."""
        return 1 if 0 < self._kind.most <= _PAGE else (count + _PAGE // 2) // _PAGE + 1

    def page(self, size: Size) -> Page:
        """Show sixteen fields."""
        page = Page(size)
        page.title(self.title)
        page.system(self.services.system)
        page.label(3, 2, "System value", 24, colon=True)
        page.text(3, 29, self._name, help_key="SYSVAL")
        page.label(4, 2, "Description", 24, colon=True)
        page.text(4, 29, self._kind.text, help_key="SYSVAL")
        page.instruction(6, "Type choices, press Enter.")
        page.text(8, 4, "Words", Attribute.WHITE, "VALUE")
        page.text(8, _CHOICES_COLUMN, "Choices (F4 for list)", Attribute.WHITE, "VALUE")
        self._draw_fields(page)
        choices = textwrap.wrap(", ".join(self._kind.words), size.columns - _CHOICES_COLUMN)
        for index, words in enumerate(choices[: size.rows - _FIRST_ROW - 4]):
            page.text(_FIRST_ROW + index, _CHOICES_COLUMN, words, Attribute.BLUE, "VALUE")
        page.more(size.rows - 4, more=self._page + 1 < len(self._words) // _PAGE)
        return page

    def _draw_fields(self, page: Page) -> None:
        first = self._page * _PAGE
        for place in range(first, min(first + _PAGE, len(self._words))):
            column, row = divmod(place - first, _ROWS)
            name = f"{_WORD}{place}"
            at = 4 + column * (_LENGTH + 4)
            page.field(name, _FIRST_ROW + row, at, _LENGTH, self._words[place], format=UPPER, help_key="VALUE")

    def handle(self, submission: Submission) -> Reply:
        """Answer a key."""
        match submission.key:
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "F5":
                self._read()
                return Stay(redraw=True)
            case key:
                self._remember(submission)
                return self._answer(key, submission)

    def _answer(self, key: str, submission: Submission) -> Reply:
        match key:
            case "ROLLUP" | "ROLLDOWN":
                self._page, messages = roll(key, self._page, 1, len(self._words) // _PAGE)
                return Stay(messages, redraw=True)
            case "F4":
                return self._list(submission.cursor.field)
            case _:
                return self._enter()

    def resume(self, value: object) -> Reply:
        """Take the word that was chosen."""
        asked, self._asked = self._asked, ""
        if not asked or not isinstance(value, str):
            return Stay()
        self._words[int(asked.removeprefix(_WORD))] = value
        return Stay(redraw=True, cursor=asked)

    def help(self, key: str) -> Help | None:
        """Return help on the value, its words or the keys."""
        return panel_help(self.module, key, self.function_keys)

    def _remember(self, submission: Submission) -> None:
        for name, text in submission.values.items():
            self._words[int(name.removeprefix(_WORD))] = text.strip()

    def _list(self, field: str) -> Reply:
        if not field.startswith(_WORD):
            return Stay((message(_NO_LIST),))
        self._asked = field
        title = f"Words of {self._name}"
        return Push(SelectionWindow(title, [(choice.value, choice.text) for choice in self._kind.choices]))

    def _enter(self) -> Reply:
        """Run the command; what is wrong is shown at its field, and everything typed stays."""
        value = " ".join(filter(None, self._words)) or _NONE
        try:
            ran = run(
                self.services,
                command_text(self.services.commands["CHGSYSVAL"], {"SYSVAL": self._name, "VALUE": value}),
                keyed=False,
            )
        except ConsoleError as error:
            wrong = str(error.values.get("value", ""))
            places = [place for place, word in enumerate(self._words) if word and wrong in (word, f"*{word}")]
            self._page = places[0] // _PAGE if places else self._page
            return Stay((describe(error),), errors=tuple(f"{_WORD}{place}" for place in places[:1]), redraw=True)
        return Return(DONE, ran.messages)
