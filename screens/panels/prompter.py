"""The prompter: a panel made from a command's definition, behind F4, F6 and the options of lists."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping, Sequence

from console.commands.definition import Choice, Command, Parameter
from console.errors import ConsoleError
from console.messages import Message, describe, message
from console.printable import printable
from screens.panel import Exit, FunctionKey, Help, Panel, Push, Replace, Reply, Return, SignOff, Stay, Submission
from screens.panels.form import Form
from screens.panels.help_texts import file_help, keys_help, read_help
from screens.panels.more_values import MoreValues
from screens.panels.prompt_layout import Placed, PromptPage, Room, lay_out, longest_shown
from screens.panels.replies import DONE, roll
from screens.panels.running import run
from screens.panels.selection import SelectionWindow
from screens.panels.services import Services
from screens.panels.text_window import TextWindow
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import PLAIN, SECRET, UPPER
from screens.terminal.page import HELP_KEYS, NORMAL, Page, Size, leader

_LABEL_WIDTH = 32
_KEYWORD_LEADER = 22
_MARK_COLUMN = 35
_HEADING = "Additional Parameters"
_LAST_ROW = NORMAL.rows - 4
_NO_LIST = "GWL0708"
_ASK, _LENGTHEN, _MORE = "?", "&", "+"
"""What may be typed in a field instead of a value: list its values, make it longer, a field for each value."""


class Prompter(Panel):
    """Asks for the values of a command, and runs it."""

    name = "PROMPT"

    def __init__(
        self,
        services: Services,
        cls: type[Command],
        given: Mapping[str, str],
        *,
        is_typed: bool = False,
        runs: bool = True,
        only: Collection[str] = (),
    ) -> None:
        """Prompt a command.

        Args:
            services: What panels share.
            cls: The command.
            given: Values known so far, by keyword, unchecked.
            is_typed: Whether it comes from a command line: then F9 will find the whole command.
            runs: Whether Enter runs the command; otherwise the panel returns it, as `ParsedCommand`.
            only: Keywords to show, with those that are required and not given; none for all.

        Raises:
            ConsoleError: It is to change what does not exist.
        """
        services.require(cls, keyed=is_typed)
        self._services = services
        self._form = Form(cls, given, services.context)
        self._is_typed = is_typed
        self._runs = runs
        self._only = frozenset(only)
        self._additional = any(self._form.parameter(keyword).additional for keyword in given)
        self._all = False
        self._keywords = False
        self._page = 0
        self._asked = ""
        self._mark: tuple[str, str] | None = None
        """Keyword and character of ``?``, ``&`` or ``+`` typed in a field."""
        self._needed: dict[str, int] = {}
        """Keyword -> cells that ``&`` has asked for."""
        self._errors: tuple[Message, ...] = ()
        """Of the last Enter, for F15."""

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """Additional parameters only while there are some that do not show."""
        keys = [
            FunctionKey(3, "Exit"),
            FunctionKey(4, "Prompt"),
            FunctionKey(5, "Refresh"),
            FunctionKey(11, "Choices" if self._keywords else "Keywords"),
            FunctionKey(12, "Cancel"),
            FunctionKey(13, "How to use this display", attention=True),
            FunctionKey(14, "Command string"),
        ]
        if self._hidden:
            keys += [FunctionKey(9, "All parameters"), FunctionKey(10, "Additional parameters")]
        if self._errors:
            keys.append(FunctionKey(15, "Error messages"))
        if len(self._pages()) > 1:
            keys.append(FunctionKey(16, "Command complete"))
        return tuple(keys)

    def page(self, size: Size) -> Page:
        """Show a page of the parameters."""
        page = Page(size)
        cls = self._form.cls
        page.title(f"{cls.text} ({cls.name})")
        page.instruction(3, "Type choices, press Enter." if cls.parameters else "Press Enter to run the command.")
        pages = self._pages()
        self._page = min(self._page, len(pages) - 1)
        here = pages[self._page]
        for placed in here.parameters:
            self._draw(page, placed)
        if here.heading_row:
            page.text(here.heading_row, (size.columns - len(_HEADING)) // 2 + 1, _HEADING, Attribute.WHITE)
        page.more(_LAST_ROW + 1, more=self._page + 1 < len(pages))
        return page

    def handle(self, submission: Submission) -> Reply:
        """Run the command, or help in filling in its values."""
        self._remember(submission)
        match submission.key:
            case "ENTER" | "F16":
                return self._enter()
            case "F3":
                return Exit()
            case "F4":
                return self._list_values(submission.cursor.field or submission.cursor.help_key)
            case "F12":
                return Return()
            case "F13":
                how = read_help("prompter")
                return Push(TextWindow(how.title, how.text))
            case "F14":
                return Push(TextWindow("Command String", printable(self._form.command_string())))
            case "F15":
                return Push(TextWindow("Error Messages", _in_full(self._errors)))
            case "ROLLUP" | "ROLLDOWN" as key:
                self._page, messages = roll(key, self._page, 1, len(self._pages()), "prompt")
                return Stay(messages, redraw=True)
            case key:
                self._change_view(key)
                return Stay(redraw=True, cursor=self._same_field(submission))

    def resume(self, value: object) -> Reply:
        """Take a value from its list; go back when the command's own panel is done with."""
        asked, self._asked = self._asked, ""
        if value is DONE:
            return Return(DONE)
        if not asked or not isinstance(value, str | tuple):
            return Stay()
        self._form.typed[asked] = value if isinstance(value, str) else " ".join(value)
        return Stay(redraw=True, cursor=asked)

    def help(self, key: str) -> Help | None:
        """Return the command's help on a parameter, or its help as a whole."""
        if key == HELP_KEYS:
            return keys_help(self.function_keys)
        cls = self._form.cls
        label = next((parameter.prompt for parameter in cls.parameters if parameter.keyword == key), "")
        return file_help(read_help(cls.name), key, label)

    @property
    def _hidden(self) -> bool:
        """Whether there are parameters that do not show."""
        if self._only and not self._all:
            return True
        return not (self._additional or self._all or self._form.asks_keys) and any(
            parameter.additional for parameter in self._form.cls.parameters
        )

    def _pages(self) -> tuple[PromptPage, ...]:
        form = self._form
        later: list[Parameter] = []
        if form.asks_keys:
            first = list(form.keys)
        elif self._only and not self._all:
            first = self._selected()
        else:
            shown = [*form.keys, *(each for each in form.cls.parameters if each.default is not None)]
            first = [each for each in shown if self._all or not each.additional]
            later = [each for each in shown if each not in first] if self._additional else []
        return lay_out(first, later, Room(_LAST_ROW, NORMAL.columns, self._cells()))

    def _selected(self) -> list[Parameter]:
        """Return the parameters that selective prompting shows, until F9 shows all."""
        parameters = self._form.cls.parameters
        needed = {each.keyword for each in parameters if each.default is None} - self._form.given.keys()
        return [each for each in parameters if each.keyword in self._only | needed]

    def _cells(self) -> Mapping[str, int]:
        """Return how long fields must be for what they hold, or have been asked to be."""
        held = {keyword: len(text) for keyword, text in self._form.typed.items()}
        return {keyword: max(length, self._needed.get(keyword, 0)) for keyword, length in held.items()}

    def _draw(self, page: Page, placed: Placed) -> None:
        form, parameter = self._form, placed.parameter
        keyword = parameter.keyword
        page.region(placed.row, 2, placed.rows, page.size.columns - 2, keyword)
        if self._keywords:
            page.text(placed.row, 2, leader(parameter.prompt, _KEYWORD_LEADER) + "  " + keyword)
        else:
            page.text(placed.row, 2, leader(parameter.prompt, _LABEL_WIDTH))
            page.text(*placed.choices_at, placed.choices, Attribute.BLUE)
        if form.is_marked(keyword):
            page.text(placed.row, _MARK_COLUMN, ">")
        first, *rest = placed.stretches
        if form.current is not None and parameter in form.keys:
            page.text(first.row, first.column, form.typed[keyword])
            return
        shape = SECRET if parameter.secret else UPPER if parameter.monocase else PLAIN
        page.field(
            keyword, first.row, first.column, first.length, form.typed[keyword], format=shape, continued=tuple(rest)
        )

    def _remember(self, submission: Submission) -> None:
        # Only what was typed into: a value that its field cannot show whole must not come back cut off.
        form = self._form
        self._mark = None
        for keyword in sorted(submission.modified & form.typed.keys()):
            parameter, text = form.parameter(keyword), submission.values[keyword].strip()
            kept, mark = _marked(parameter, text, form.typed[keyword].strip())
            form.typed[keyword] = kept if mark else submission.values[keyword]
            if mark:
                self._mark = keyword, mark

    def _same_field(self, submission: Submission) -> str | None:
        """Return the field that the cursor was in, if it still shows."""
        shown = (placed.parameter.keyword for placed in self._pages()[self._page].parameters)
        return submission.cursor.field if submission.cursor.field in shown else None

    def _change_view(self, key: str) -> None:
        match key:
            case "F5":
                self._refresh()
            case "F9":
                self._all = True
            case "F10":
                self._additional = True
                self._page = next((i for i, page in enumerate(self._pages()) if page.heading_row), 0)
            case _:
                self._keywords = not self._keywords

    def _refresh(self) -> None:
        if self._form.current is not None:
            self._form.load_current(self._services.context)
        self._form.reset()

    def _list_values(self, keyword: str) -> Reply:
        parameter = next((each for each in self._form.cls.parameters if each.keyword == keyword), None)
        choices = [] if parameter is None or not self._is_open(parameter) else self._choices(parameter)
        if parameter is None or not choices:
            return Stay((message(_NO_LIST),))
        self._asked = keyword
        chosen = self._form.typed[keyword].split() if parameter.many and not parameter.is_phrase else None
        return Push(SelectionWindow(f"{parameter.prompt} ({keyword})", choices, chosen=chosen))

    def _answer_mark(self, keyword: str, mark: str) -> Reply:
        """Answer ``?``, ``&`` or ``+`` in a field."""
        form = self._form
        if mark == _ASK:
            return self._list_values(keyword)
        if mark == _LENGTHEN:
            self._needed[keyword] = longest_shown(NORMAL.columns)
            return Stay(redraw=True, cursor=keyword)
        self._asked = keyword
        title = f"{form.cls.text} ({form.cls.name})"
        return Push(MoreValues(title, form.parameter(keyword), form.typed[keyword].split()))

    def _is_open(self, parameter: Parameter) -> bool:
        return self._form.current is None or parameter not in self._form.keys

    def _choices(self, parameter: Parameter) -> list[tuple[str, str]]:
        """Return the values of a parameter's list, special ones that the list lacks in front."""
        listed: dict[str, str] = {}
        for choice in self._rows(parameter):
            listed.setdefault(choice.value, choice.text)
        return [*((word, "") for word in parameter.special if word not in listed), *listed.items()]

    def _rows(self, parameter: Parameter) -> Sequence[Choice]:
        context = self._services.context
        if parameter.list_for is not None:
            keyword, list_for = parameter.list_for
            with contextlib.suppress(ConsoleError):  # not keyed yet, or wrongly
                return list_for(context, self._form.parameter(keyword).check(self._form.typed[keyword].strip()))
        return () if parameter.list_values is None else parameter.list_values(context)

    def _enter(self) -> Reply:
        form = self._form
        if self._mark is not None:
            return self._answer_mark(*self._mark)
        keys = tuple(parameter.keyword for parameter in form.keys) if form.asks_keys else ()
        problems = form.problems(keys)
        self._errors = ()
        if problems:
            return self._refuse([found.message for found in problems], [found.keyword for found in problems])
        try:
            return self._show_current() if form.asks_keys else self._run()
        except ConsoleError as error:
            keyword = str(error.values.get("keyword", ""))
            return self._refuse([describe(error)], [keyword] if keyword in form.typed else [])

    def _show_current(self) -> Reply:
        form = self._form
        values = form.values()
        form.given |= {parameter.keyword: values[parameter.keyword] for parameter in form.keys}
        form.load_current(self._services.context)
        form.reset()
        return Stay(redraw=True)

    def _run(self) -> Reply:
        parsed = self._form.parsed()
        if not self._runs:
            return Return(parsed)
        ran = run(self._services, parsed, keyed=self._is_typed)
        if self._is_typed:
            self._services.history.add(self._form.command_string())
        if ran.signs_off:
            return SignOff()
        if ran.panel is None:
            return Return(DONE, ran.messages)
        if getattr(ran.panel, "keeps_prompt", False):
            return Push(ran.panel, ran.messages)
        return Replace(ran.panel, ran.messages)

    def _refuse(self, messages: list[Message], keywords: list[str]) -> Reply:
        """Turn to the page with the first field in error; everything typed stays."""
        self._errors = tuple(messages)
        if any(self._form.parameter(keyword).additional for keyword in keywords):
            self._additional = True
        for index, page in enumerate(self._pages()):
            if keywords and any(placed.parameter.keyword == keywords[0] for placed in page.parameters):
                self._page = index
        return Stay(tuple(messages), errors=tuple(keywords), redraw=True)


def _marked(parameter: Parameter, text: str, before: str) -> tuple[str, str]:
    """Return what a field holds besides a mark that was typed into it, and the mark; empty for none.

    A mark may be typed over the first character of what was there, whose rest then shows behind it, or alone; ``+``
    also behind the values of a list.
    """
    if parameter.secret:
        return text, ""
    marks = (_ASK, _LENGTHEN, _MORE) if parameter.many and not parameter.is_phrase else (_ASK, _LENGTHEN)
    for mark in marks:
        if text in (mark, (mark + before[1:]).strip()) or (text.startswith(f"{_LENGTHEN} ") and mark == _LENGTHEN):
            return before, mark
        if mark == _MORE and text.endswith(f" {_MORE}"):
            return text.removesuffix(_MORE).strip(), mark
    return text, ""


def _in_full(messages: Sequence[Message]) -> str:
    """Return messages with cause and recovery, as a text."""
    return "\n\n".join(f"{each.message_id}  {each.text}\n\n{each.cause}\n\n{each.recovery}" for each in messages)
