"""Carrying out the options of a list; what the list looks like is in `work_with`.

Options may be typed on many rows, of several kinds, over several pages. Enter first checks all of them, then carries
them out from the top; a row that is done loses its option, and the first that fails stops the rest, which keep theirs.
An option that opens a panel continues when that panel returns.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic

from console.errors import CommandError, ConsoleError
from console.messages import Message, describe, message
from screens.panel import Push, Reply, SignOff, Stay
from screens.panels.columns import Column, RowT
from screens.panels.command_panel import CommandPanel
from screens.panels.confirm import Confirm
from screens.panels.option_parameters import check_parameters
from screens.panels.options import ADD_ROW, Option, Typed, Way
from screens.panels.pager import Pager
from screens.panels.prompter import Prompter
from screens.panels.running import Ran, command_text, run
from screens.panels.services import Services
from screens.terminal.page import NORMAL, Size

OPTION_FIELD = "OPT."
"""Name of an option's field, before the id of its row."""
NO_LIST = "GWL0708"
_BAD_OPTION = "GWL0703"
_NOT_HERE = "GWL0709"
_NO_PARAMETERS = "GWL0715"
_CHANGED_MEANWHILE = "GWL0716"


@dataclass(slots=True)
class _Run:
    """Options being carried out, while one of them has a panel open."""

    row_id: str = ""
    """The row whose panel is open; empty when none is."""
    parameters: str = ""
    is_confirmed: bool = False
    shown: dict[str, object] = field(default_factory=dict)
    """Row id -> the row as the confirmation showed it."""
    is_display: bool = False
    """Whether the open panel only shows something: its option is done however it is left."""
    is_alone: bool = False
    """Whether only this row is meant: its command was prompted with F4."""
    messages: list[Message] = field(default_factory=list)


class OptionList(CommandPanel, Generic[RowT]):
    """A list whose rows take options."""

    module: str
    """Name of the help file."""

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
        self._run = _Run()
        self._read_at = services.context.clock()

    @property
    def read_at(self) -> datetime:
        """When the rows were read that show."""
        return self._read_at

    @property
    @abstractmethod
    def options(self) -> Sequence[Option[RowT]]:
        """What the numbers mean."""

    @abstractmethod
    def columns(self, size: Size) -> Sequence[Column[RowT]]:
        """Return the columns, from screen column 7 on."""

    def given_on_add_row(self) -> Mapping[str, str]:
        """Return the values that the input row gives the command of its option."""
        return {}

    def confirm_columns(self) -> Sequence[Column[RowT]]:
        """Return the columns of a confirmation, which must say without doubt which rows are meant."""
        return self.columns(NORMAL)

    @property
    def subject(self) -> str:
        """What the rows are, for the title of a confirmation: ``Socket Rules``."""
        return ""

    def reload(self) -> None:
        """Read the rows anew."""
        self.pager.refresh()
        self._read_at = self.services.context.clock()

    def forget_gone(self) -> None:
        """Drop the options of rows that are there no more."""
        for row_id in self.typed.rows(self._order):
            if row_id != ADD_ROW and self.pager.find(row_id) is None:
                self.typed.put(row_id, "")

    @property
    def is_carrying_out(self) -> bool:
        """Whether a panel of an option is open."""
        return bool(self._run.row_id)

    def forget_run(self) -> None:
        """Carry nothing on: everything typed was dropped."""
        self._run = _Run()

    def carry_out(self) -> Reply:
        """Check what is typed, then carry it out from the top; what is on the command line are its parameters."""
        wrong = self._check()
        if wrong is not None:
            return wrong
        self._run = _Run(parameters=self.line.text)
        return self._carry_out()

    def go_on(self, value: object) -> Reply:
        """Go on after the panel of a row has returned; F12 there ends the run."""
        current = self._run
        row_id, current.row_id = current.row_id, ""
        is_confirmation = self._option(row_id).way is Way.CONFIRM and not current.is_confirmed
        if value is None:
            if current.is_display:
                self._finish(row_id)
            self._run = _Run()
            self.reload()
            return Stay(redraw=True)
        if is_confirmation and not current.is_alone:
            current.is_confirmed = True
            self.reload()
        else:
            self._finish(row_id)
        if not current.is_alone:
            return self._carry_out()
        self._run = _Run()
        self.reload()
        return Stay(redraw=True)

    def prompt_option(self, row_id: str) -> Reply:
        """Prompt the command of the option typed on a row, for that row alone.

        Raises:
            ConsoleError: The option is none, or makes no sense on that row.
        """
        option = self._option(row_id)
        if not option.command:
            return Stay((message(NO_LIST),))
        row = self.pager.find(row_id)
        given = self.given_on_add_row() if row is None else option.given(row)
        prompter = Prompter(self.services, self.services.commands[option.command], given)
        self._run = _Run(row_id=row_id, is_alone=True)
        return Push(prompter)

    def _check(self) -> Reply | None:
        """Refuse everything if one option is wrong; forget rows that are there no more."""
        self.forget_gone()
        for row_id in self.typed.rows(self._order):
            try:
                self._option(row_id)
            except ConsoleError as error:
                return self._stop(row_id, (describe(error),))
        return None

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
        if found.opens is not None and self.line.text:
            raise CommandError(_NO_PARAMETERS, option=text, parameters=self.line.text)
        row = self.pager.find(row_id)
        if row is not None:
            found.check(row)
        return found

    def _order(self, row_id: str) -> int:
        return -1 if row_id == ADD_ROW else self.pager.order(row_id)

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
        kept = self._without_replaced(option, given)
        if option.way is Way.CONFIRM and not self._run.is_confirmed:
            return Ran(panel=self._confirmation(option))
        if option.way is Way.CONFIRM and row != self._run.shown.get(row_id):
            # Rows go by what names them; by now that may name another: rules are renumbered.
            raise CommandError(_CHANGED_MEANWHILE)
        if option.way is Way.PROMPT and not self._run.parameters:
            own = None if row is None else option.asks(row)
            return Ran(panel=own or Prompter(self.services, cls, given))
        return run(self.services, command_text(cls, kept, self._run.parameters), keyed=False)

    def _without_replaced(self, option: Option[RowT], given: Mapping[str, str]) -> Mapping[str, str]:
        """Return the values of a row without those that the parameters give otherwise.

        Raises:
            ConsoleError: The parameters are none of the option's command, or the row gives them.
        """
        typed, fixed = self._run.parameters, given.keys() - option.replaceable
        if not typed:
            return given
        commands, number = self.services.commands, option.number
        written = check_parameters(option.command, typed, commands, option=number, given=given, fixed=fixed)
        return {keyword: value for keyword, value in given.items() if keyword not in written}

    def _confirmation(self, option: Option[RowT]) -> Confirm[RowT]:
        rows = [row_id for row_id in self.typed.rows(self._order) if self._option(row_id) == option]
        self._run.shown = {row_id: self.pager.find(row_id) for row_id in rows}
        shown = [(str(option.number), self.pager.find(row_id)) for row_id in rows]
        return Confirm(
            self.services,
            title=f"Confirm {option.text} of {self.subject}",
            choice=f"{option.number}={option.text}",
            columns=self.confirm_columns(),
            module=self.module,
            rows=[(number, row) for number, row in shown if row is not None],
        )

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
        return Stay(messages, errors=(OPTION_FIELD + row_id,), redraw=True)
