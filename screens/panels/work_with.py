"""Work-with lists: a page of rows with an option field each, fields above them, and a command line below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from console.messages import message
from screens.panel import Exit, FunctionKey, Help, Reply, Return, Stay, Submission
from screens.panels.columns import GAP, RowT, draw_headings, draw_row
from screens.panels.help_texts import file_help, panel_help, read_help
from screens.panels.option_list import NO_LIST, OPTION_FIELD, OptionList
from screens.panels.options import ADD_ROW
from screens.panels.replies import DONE
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import COMMAND, HELP_OPTIONS, Page, Size

_OPTION_COLUMN = 3
_CELLS_COLUMN = 7
_NEEDS_COLUMN = 31
"""Behind ``Type options``: what is missing for some of them."""
_NO_REPEAT = "GWL0711"
_NOT_ADDED = "GWL0771"


def read_text(moment: datetime) -> str:
    """Return what a live panel says of when it was read, in the time zone of this system."""
    return f"Read at {moment.astimezone():%Y-%m-%d %H:%M:%S}"


class WorkWithList(OptionList[RowT]):
    """A list to work with; subclasses say what is in it."""

    title: str
    options_row: int = 3
    """Where ``Type options`` stands; the list's headings follow."""
    legend_rows: int = 1
    """Rows that the options may take."""
    add_fields: tuple[str, ...] = ()
    """The key fields of the input row, of lists that have one."""
    heading_rows: int = 2
    option_width: int = 2
    gap: int = GAP
    """Blanks between columns."""
    command_label: str = "Command"
    """Label of the command line; empty for a list without one."""
    empty_text: str
    is_live: bool = False
    """Whether its rows change by themselves: then it says when they were read, and F5 (`LIVE_REFRESH`) keeps what is
    typed."""
    _cursor: str | tuple[int, int] | None = None
    """Where the cursor was when the page was left."""

    def draw_header(self, page: Page) -> None:
        """Show what stands above the list."""

    def draw_add_row(self, page: Page, row: int) -> None:
        """Show the key fields of the input row; only called for lists that have one."""

    def enter_header(self, submission: Submission) -> Reply | None:
        """Answer what was typed above the list; None when nothing was."""
        del submission
        return None

    def answer_key(self, submission: Submission) -> Reply:
        """Answer a function key of the subclass."""
        del submission
        return Stay()

    def list_values(self, name: str) -> Reply:
        """Show what a field above the list may hold."""
        del name
        return Stay((message(NO_LIST),))

    @property
    def has_add_row(self) -> bool:
        """Whether the first row is for input."""
        return any(option.is_for_add_row for option in self.options)

    def page(self, size: Size) -> Page:
        """Show a page of the list."""
        page = self.start_page(size, self.title)
        self.draw_header(page)
        self._draw_legend(page)
        last = size.rows - (5 if self.command_label else 3)
        first = self.options_row + 2 + self.legend_rows + self.heading_rows
        self._draw_list(page, first, last)
        page.more(last, more=self.pager.has_more())
        if self.is_live:
            page.text(last, 2, read_text(self.read_at), help_key=READ)
        if self.command_label:
            page.command_line(size.rows - 3, self.line.text, label=self.command_label)
        if self._cursor is None or isinstance(self._cursor, tuple) or self._cursor in page.fields:
            page.cursor = self._cursor or self._first_option(page)
        else:
            page.cursor = self._first_option(page)
        return page

    def handle(self, submission: Submission) -> Reply:
        """Answer a key; a key comes only while no panel of an option is open."""
        self.forget_run()
        match submission.key:
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "F5":
                if self.is_live:
                    self._remember(submission)
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
        if not self.is_carrying_out:
            if value is DONE:
                self.line.clear()
            self.reload()
            return Stay(redraw=True)
        return self.go_on(value)

    def help(self, key: str) -> Help | None:
        """Return help on the list, a column, the options or the keys."""
        if key == READ:
            return file_help(read_help("live_list"), READ)
        found = panel_help(self.module, key, self.function_keys)
        if key != HELP_OPTIONS or found is None:
            return found
        return replace(found, text="\n\n".join([*self._not_allowed(), found.text]))

    def _missing(self) -> Mapping[int, Sequence[str]]:
        """Return what the operator lacks for each option, by number; options that may be used are not in it."""
        lacked = {each.number: self.services.missing(each.command) for each in self.options if each.command}
        return {number: names for number, names in lacked.items() if names}

    def _not_allowed(self) -> Sequence[str]:
        """Return what the parentheses of the legend mean, where it has any."""
        missing = self._missing()
        if not missing:
            return ()
        each = (f"{option.number}={option.text} needs {' '.join(missing[option.number])}"
                for option in self.options if option.number in missing)  # fmt: skip
        return (f"An option in parentheses is not allowed for you: {', '.join(each)}.",)

    def refresh(self) -> Reply:
        """Read the rows anew (F5), and drop what is typed unless the list is live."""
        self.forget_run()
        if self.is_live:
            self.reload()
            self.forget_gone()
            return Stay(redraw=True)
        self.typed.clear()
        self.fields.clear()
        self.line.clear()
        self.reload()
        return Stay(redraw=True)

    def _draw_legend(self, page: Page) -> None:
        """Show the options; those that the operator has no authority for in parentheses, with what they need."""
        missing = self._missing()
        legend = [(each.number, f"({each.text})" if each.number in missing else each.text) for each in self.options]
        needed = sorted({name for names in missing.values() for name in names})
        page.instruction(self.options_row, "Type options, press Enter.")
        if needed:
            page.text(self.options_row, _NEEDS_COLUMN, f"In ( ): needs {' '.join(needed)}", help_key=HELP_OPTIONS)
        page.option_legend(self.options_row + 1, legend, self.legend_rows)

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
            OPTION_FIELD + row_id,
            row,
            _OPTION_COLUMN,
            self.option_width,
            self.typed[row_id],
            format=UPPER,
            help_key=HELP_OPTIONS,
        )

    def _first_option(self, page: Page) -> str | None:
        return next((name for name in page.fields if name.startswith(OPTION_FIELD)), None)

    def _remember(self, submission: Submission) -> None:
        for name, text in submission.values.items():
            if name.startswith(OPTION_FIELD):
                self.typed.put(name.removeprefix(OPTION_FIELD), text)
            elif name != COMMAND:
                self.fields[name] = text.strip()
        self.line.remember(submission)
        self._cursor = submission.cursor.field or (submission.cursor.row, submission.cursor.column)

    def _enter(self, submission: Submission) -> Reply:
        reply = self.enter_header(submission)
        if reply is not None:
            return reply
        if not self.typed[ADD_ROW] and any(self.fields.get(name) for name in self.add_fields):
            return Stay((message(_NOT_ADDED),), errors=(OPTION_FIELD + ADD_ROW,), redraw=True)
        if self.typed:
            return self.carry_out()
        if self.line.text:
            reply = self.line.enter()
            self.reload()
            return reply
        self.reload()
        return Stay(redraw=True)

    def _prompt(self, submission: Submission) -> Reply:
        """Prompt the option of the cursor's row, else what is on the command line."""
        row_id = submission.cursor.field.removeprefix(OPTION_FIELD)
        if submission.cursor.field.startswith(OPTION_FIELD) and self.typed[row_id]:
            return self.prompt_option(row_id)
        if submission.cursor.field not in ("", COMMAND) or not self.command_label:
            return self.list_values(submission.cursor.field)
        return self.line.prompt()

    def _repeat(self, submission: Submission) -> Reply:
        """Type the option of the cursor's row on every row below it."""
        row_id = submission.cursor.field.removeprefix(OPTION_FIELD)
        text = self.typed[row_id]
        below = (
            self.pager.from_here(row_id)
            if submission.cursor.field.startswith(OPTION_FIELD) and row_id != ADD_ROW
            else []
        )
        if not text or not below:
            return Stay((message(_NO_REPEAT),))
        for each in below:
            self.typed.put(each, text)
        return Stay(redraw=True)


READ = "READ"
"""Help key of the moment at which a live list was read."""
LIVE_REFRESH = FunctionKey(5, "Refresh", attention=False)
"""F5 of a live list, which hands over what is typed."""
LIST_KEYS = (
    FunctionKey(3, "Exit"),
    FunctionKey(4, "Prompt"),
    FunctionKey(5, "Refresh"),
    FunctionKey(9, "Retrieve"),
    FunctionKey(12, "Cancel"),
    FunctionKey(13, "Repeat"),
)
"""Keys that every list with a command line has."""
LIVE_KEYS = tuple(LIVE_REFRESH if key.number == LIVE_REFRESH.number else key for key in LIST_KEYS)
"""The same for a live list."""
