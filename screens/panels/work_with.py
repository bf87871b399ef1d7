"""Work-with lists: a page of rows with an option field each, carried out top to bottom, and a command line.

Options may be typed on many rows, of several kinds, over several pages. Enter first checks all of them, then carries
them out from the top; a row that is done loses its option, and the first that fails stops the rest, which keep theirs.
An option that opens a panel continues when that panel returns.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic

from console.errors import CommandError, ConsoleError
from console.messages import Message, describe, message
from screens.panel import Exit, FunctionKey, Help, Push, Reply, Return, SignOff, Stay, Submission
from screens.panels.columns import GAP, Column, RowT, draw_headings, draw_row
from screens.panels.command_panel import CommandPanel
from screens.panels.confirm import Confirm
from screens.panels.help_texts import panel_help
from screens.panels.options import ADD_ROW, Option, Typed, Way
from screens.panels.pager import Pager
from screens.panels.prompter import Prompter
from screens.panels.replies import DONE
from screens.panels.running import Ran, command_text, run
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import COMMAND, HELP_OPTIONS, NORMAL, Page, Size

_OPTION = "OPT."
_OPTION_COLUMN = 3
_CELLS_COLUMN = 7
_BAD_OPTION = "GWL0703"
_NOT_HERE = "GWL0709"
_NO_LIST = "GWL0708"
_NO_REPEAT = "GWL0711"


@dataclass(slots=True)
class _Run:
    """Options being carried out, while one of them has a panel open."""

    row_id: str = ""
    """The row whose panel is open; empty when none is."""
    parameters: str = ""
    is_confirmed: bool = False
    is_display: bool = False
    """Whether the open panel only shows something: its option is done however it is left."""
    is_alone: bool = False
    """Whether only this row is meant: its command was prompted with F4."""
    messages: list[Message] = field(default_factory=list)


class WorkWithList(CommandPanel, Generic[RowT]):
    """A list to work with; subclasses say what is in it."""

    title: str
    module: str
    """Name of the help file."""
    options_row: int = 3
    """Where ``Type options`` stands; the list's headings follow."""
    heading_rows: int = 2
    option_width: int = 2
    gap: int = GAP
    """Blanks between columns."""
    command_label: str = "Command"
    """Label of the command line; empty for a list without one."""
    empty_text: str

    def __init__(self, services: Services, pager: Pager[RowT]) -> None:
        """Open the list at its beginning.

        Args:
            services: What panels share.
            pager: The rows.
        """
        super().__init__(services)
        self.pager = pager
        self.typed = Typed()
        self.fields: dict[str, str] = {}
        """What is typed in the fields above the list and on the input row."""
        self._cursor: str | tuple[int, int] | None = None
        self._run = _Run()

    @property
    @abstractmethod
    def options(self) -> Sequence[Option[RowT]]:
        """What the numbers mean."""

    @abstractmethod
    def columns(self, size: Size) -> Sequence[Column[RowT]]:
        """Return the columns, from screen column 7 on."""

    def draw_header(self, page: Page) -> None:
        """Show what stands above the list."""

    def draw_add_row(self, page: Page, row: int) -> None:
        """Show the key fields of the input row; only called for lists that have one."""

    def enter_header(self, submission: Submission) -> Reply | None:
        """Answer what was typed above the list; None when nothing was."""
        del submission
        return None

    def given_on_add_row(self) -> Mapping[str, str]:
        """Return the values that the input row gives the command of its option."""
        return {}

    def answer_key(self, submission: Submission) -> Reply:
        """Answer a function key of the subclass."""
        del submission
        return Stay()

    def reload(self) -> None:
        """Read the rows anew."""
        self.pager.refresh()

    @property
    def has_add_row(self) -> bool:
        """Whether the first row is for input."""
        return any(option.is_for_add_row for option in self.options)

    def page(self, size: Size) -> Page:
        """Show a page of the list."""
        page = self.start_page(size, self.title)
        self.draw_header(page)
        page.instruction(self.options_row, "Type options, press Enter.")
        page.option_legend(self.options_row + 1, [(option.number, option.text) for option in self.options])
        last = size.rows - (5 if self.command_label else 3)
        first = self.options_row + 3 + self.heading_rows
        self._draw_list(page, first, last)
        page.more(last, more=self.pager.has_more())
        if self.command_label:
            page.command_line(size.rows - 3, self.line.text, label=self.command_label)
        if self._cursor is None or isinstance(self._cursor, tuple) or self._cursor in page.fields:
            page.cursor = self._cursor or self._first_option(page)
        else:
            page.cursor = self._first_option(page)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Answer a key."""
        match submission.key:
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "F5":
                return self.refresh()
            case _:
                return self._answer(submission)

    def _answer(self, submission: Submission) -> Reply:
        """Answer a key that hands over what is typed."""
        self._remember(submission)
        match submission.key:
            case "ENTER":
                return self._enter(submission)
            case "ROLLUP" | "ROLLDOWN" as key:
                self._cursor = None
                return Stay(self.pager.roll(key), redraw=True)
            case "F4":
                return self._prompt(submission)
            case "F9" if self.command_label:
                return self.line.retrieve()
            case "F13":
                return self._repeat(submission)
            case _:
                return self.answer_key(submission)

    def resume(self, value: object) -> Reply:
        """Go on with the options that were typed, or show the list again."""
        chosen = self.line.resume(value)
        if chosen is not None:
            return chosen
        if not self._run.row_id:
            if value is DONE:
                self.line.clear()
            self.reload()
            return Stay(redraw=True)
        return self._go_on(value)

    def help(self, key: str) -> Help | None:
        """Return help on the list, a column, the options or the keys."""
        return panel_help(self.module, key, self.function_keys)

    # What is on the page.

    def _draw_list(self, page: Page, first: int, last: int) -> None:
        columns = self.columns(page.size)
        page.text(first - 1, 2, "Opt", Attribute.WHITE, HELP_OPTIONS)
        draw_headings(page, first - 1, _CELLS_COLUMN, columns, rows=last - first + 1, gap=self.gap)
        row = first
        if self.has_add_row:
            self._draw_option(page, row, ADD_ROW)
            self.draw_add_row(page, row)
            row += 1
        self.pager.rows = last - row
        visible = self.pager.visible()
        if not visible:
            page.text(row, _CELLS_COLUMN, self.empty_text)
        for index, (row_id, shown) in enumerate(visible):
            self._draw_option(page, row + index, row_id)
            draw_row(page, row + index, _CELLS_COLUMN, columns, shown, gap=self.gap)

    def _draw_option(self, page: Page, row: int, row_id: str) -> None:
        page.field(
            _OPTION + row_id,
            row,
            _OPTION_COLUMN,
            self.option_width,
            self.typed[row_id],
            format=UPPER,
            help_key=HELP_OPTIONS,
        )

    def _first_option(self, page: Page) -> str | None:
        return next((name for name in page.fields if name.startswith(_OPTION)), None)

    # What is typed.

    def _remember(self, submission: Submission) -> None:
        for name, text in submission.values.items():
            if name.startswith(_OPTION):
                self.typed.put(name.removeprefix(_OPTION), text)
            elif name != COMMAND:
                self.fields[name] = text.strip()
        self.line.remember(submission)
        self._cursor = submission.cursor.field or (submission.cursor.row, submission.cursor.column)

    def refresh(self) -> Reply:
        """Drop what is typed and read the rows anew (F5)."""
        self.typed.clear()
        self.fields.clear()
        self.line.clear()
        self._run = _Run()
        self.reload()
        return Stay(redraw=True)

    def _enter(self, submission: Submission) -> Reply:
        reply = self.enter_header(submission)
        if reply is not None:
            return reply
        if self.typed:
            wrong = self._check()
            if wrong is not None:
                return wrong
            self._run = _Run(parameters=self.line.text)
            return self._carry_out()
        if self.line.text:
            return self.line.enter()
        self.reload()
        return Stay(redraw=True)

    def _option(self, row_id: str) -> Option[RowT]:
        """Return the option typed on a row.

        Raises:
            ConsoleError: It is none, or makes no sense on that row.
        """
        text = self.typed[row_id]
        here = [option for option in self.options if option.is_for_add_row == (row_id == ADD_ROW)]
        number = text.lstrip("0")
        found = next((option for option in here if number == str(option.number)), None)
        if found is None:
            allowed = ", ".join(str(option.number) for option in here)
            known = any(number == str(option.number) for option in self.options)
            raise CommandError(_NOT_HERE if known else _BAD_OPTION, option=text, allowed=allowed)
        row = self.pager.find(row_id)
        if row is not None:
            found.check(row)
        return found

    def _check(self) -> Reply | None:
        """Refuse everything if one option is wrong; forget rows that are there no more."""
        for row_id in self.typed.rows(self._order):
            if row_id != ADD_ROW and self.pager.find(row_id) is None:
                self.typed.put(row_id, "")
                continue
            try:
                self._option(row_id)
            except ConsoleError as error:
                return self._stop(row_id, (describe(error),))
        return None

    def _order(self, row_id: str) -> int:
        return -1 if row_id == ADD_ROW else self.pager.order(row_id)

    # Carrying options out.

    def _carry_out(self) -> Reply:
        """Carry out the options from the top until one opens a panel or fails."""
        for row_id in self.typed.rows(self._order):
            try:
                ran = self._start(row_id)
            except ConsoleError as error:
                return self._stop(row_id, (*self._run.messages, describe(error)))
            self._run.messages += ran.messages
            if ran.signs_off:
                return SignOff()
            if ran.panel is not None:
                self._run.row_id = row_id
                told, self._run.messages = tuple(self._run.messages), []
                return Push(ran.panel, told)
            self._finish(row_id)
        told = tuple(self._run.messages)
        self._run = _Run()
        self.line.clear()
        self.reload()
        return Stay(told, redraw=True)

    def _start(self, row_id: str) -> Ran:
        """Run the option of a row, or make the panel that it needs first.

        Raises:
            ConsoleError: It is refused.
        """
        option = self._option(row_id)
        row = self.pager.find(row_id)
        self._run.is_display = option.way is Way.RUN or option.opens is not None
        if option.opens is not None and row is not None:
            return Ran(panel=option.opens(row))
        given = self.given_on_add_row() if row is None else option.given(row)
        cls = self.services.commands[option.command]
        if option.way is Way.CONFIRM and not self._run.is_confirmed:
            return Ran(panel=self._confirmation(option))
        if option.way is Way.PROMPT and not self._run.parameters:
            return Ran(panel=Prompter(self.services, cls, given))
        parameters = self._run.parameters if option.way is Way.PROMPT else ""
        return run(self.services, command_text(cls, given, parameters))

    def _confirmation(self, option: Option[RowT]) -> Confirm[RowT]:
        rows = [row_id for row_id in self.typed.rows(self._order) if self._option(row_id) == option]
        shown = [(str(option.number), self.pager.find(row_id)) for row_id in rows]
        return Confirm(
            self.services,
            title=f"Confirm {option.text} of {self.subject}",
            choice=f"{option.number}={option.text}",
            columns=self.confirm_columns(),
            rows=[(number, row) for number, row in shown if row is not None],
        )

    def confirm_columns(self) -> Sequence[Column[RowT]]:
        """Return the columns of a confirmation, which must say without doubt which rows are meant."""
        return self.columns(NORMAL)

    @property
    def subject(self) -> str:
        """What the rows are, for the title of a confirmation: ``Socket Rules``."""
        return ""

    def _finish(self, row_id: str) -> None:
        self.typed.put(row_id, "")
        if row_id == ADD_ROW:
            self.fields.clear()

    def _stop(self, row_id: str, messages: tuple[Message, ...]) -> Reply:
        """Show which row failed; it and the later ones keep their options."""
        self._run = _Run()
        self.reload()
        if row_id != ADD_ROW and self.pager.find(row_id) is None:
            self.typed.put(row_id, "")
            return Stay(messages, redraw=True)
        self.pager.bring(row_id)
        return Stay(messages, errors=(_OPTION + row_id,), redraw=True)

    def _go_on(self, value: object) -> Reply:
        """Go on after the panel of a row has returned; F12 there ends the run."""
        current = self._run
        row_id, current.row_id = current.row_id, ""
        is_confirmation = self._option(row_id).way is Way.CONFIRM
        if value is None:
            if current.is_display:
                self._finish(row_id)
            self._run = _Run()
            self.reload()
            return Stay(redraw=True)
        if is_confirmation and not current.is_alone:
            current.is_confirmed = True
        else:
            self._finish(row_id)
        if not current.is_alone:
            return self._carry_out()
        self._run = _Run()
        self.reload()
        return Stay(redraw=True)

    # Other keys.

    def _prompt(self, submission: Submission) -> Reply:
        """Prompt the option of the cursor's row, else what is on the command line."""
        row_id = submission.cursor.field.removeprefix(_OPTION)
        if submission.cursor.field.startswith(_OPTION) and self.typed[row_id]:
            return self._prompt_option(row_id)
        if submission.cursor.field not in ("", COMMAND) or not self.command_label:
            return self.list_values(submission.cursor.field)
        return self.line.prompt()

    def _prompt_option(self, row_id: str) -> Reply:
        option = self._option(row_id)
        if not option.command:
            return Stay((message(_NO_LIST),))
        row = self.pager.find(row_id)
        given = self.given_on_add_row() if row is None else option.given(row)
        self._run = _Run(row_id=row_id, is_alone=True)
        return Push(Prompter(self.services, self.services.commands[option.command], given))

    def list_values(self, name: str) -> Reply:
        """Show what a field above the list may hold."""
        del name
        return Stay((message(_NO_LIST),))

    def _repeat(self, submission: Submission) -> Reply:
        """Type the option of the cursor's row on every row below it."""
        row_id = submission.cursor.field.removeprefix(_OPTION)
        text = self.typed[row_id]
        below = self.rows_from(row_id) if submission.cursor.field.startswith(_OPTION) and row_id != ADD_ROW else []
        if not text or not below:
            return Stay((message(_NO_REPEAT),))
        for each in below:
            self.typed.put(each, text)
        return Stay(redraw=True)

    def rows_from(self, row_id: str) -> Sequence[str]:
        """Return the ids from a row to the end of the list, for F13."""
        del row_id
        return ()


LIST_KEYS = (
    FunctionKey(3, "Exit"),
    FunctionKey(4, "Prompt"),
    FunctionKey(5, "Refresh"),
    FunctionKey(9, "Retrieve"),
    FunctionKey(12, "Cancel"),
    FunctionKey(13, "Repeat"),
)
"""Keys that every list with a command line has."""
