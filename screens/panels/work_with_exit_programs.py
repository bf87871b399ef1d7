"""Work with Exit Programs: what an exit point asks, the socket rules first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.commands.exit_programs import program_values
from console.errors import StoreError
from console.model.words import EXIT_POINT_NAMES, ExitPoint, Mode
from console.policy.exit_programs import program_place
from console.policy.rule import ExitProgram
from console.store.exit_points import get_modes
from console.store.exit_programs import list_exit_programs
from console.store.revisions import count_changes, lasting_policy
from screens.panel import FunctionKey, Panel, Push, Reply, Submission
from screens.panels.columns import Column
from screens.panels.display_exit_program import DisplayExitProgram
from screens.panels.options import Option, Way
from screens.panels.pager import HeldList
from screens.panels.pending import draw_pending
from screens.panels.prompter import Prompter
from screens.panels.services import Services
from screens.panels.work_with import LIST_KEYS, WorkWithList
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import WIDE, Page, Size

_RULES_NUMBER = 1
_RULES = "*SOCRUL"
"""Stands for the socket rules in the place of a program's name."""
_RULES_STAY = "GWL0329"
_NUMBER = "PGMNBR"
_PROGRAM = "PGM"
_REPLACEABLE = frozenset({"PGM", "TIMLMT", "TEXT"})
_NUMBER_WIDTH = 10
_PROGRAM_WIDTH = 38
_FIRST_COLUMN = 7
_SECOND_COLUMN = _FIRST_COLUMN + _NUMBER_WIDTH + 2

_IN_FORCE, _ADDED, _CHANGED = "Active", "Added", "Changed"
_LOOKS = {_ADDED: Attribute.YELLOW, _CHANGED: Attribute.YELLOW, Mode.OFF.value: Attribute.YELLOW}


@dataclass(frozen=True, slots=True)
class ExitProgramRow:
    """One line: an exit program, or the rules in the place of the first."""

    program: ExitProgram | None
    """None for the rules."""
    status: str

    @property
    def number(self) -> int:
        """Return its number."""
        return _RULES_NUMBER if self.program is None else self.program.number

    @property
    def called(self) -> str:
        """Return the function, or what stands for the rules."""
        return _RULES if self.program is None else self.program.program

    @property
    def time_limit(self) -> str:
        """Return the time limit; rules need none."""
        return "" if self.program is None else str(self.program.time_limit_ms)

    @property
    def text(self) -> str:
        """Return the description."""
        return "Socket rules" if self.program is None else self.program.text


class WorkWithExitPrograms(WorkWithList[ExitProgramRow]):
    """The exit programs of one exit point: add, replace, remove, display."""

    name = "WRKEXITPGM"
    title = "Work with Exit Programs"
    module = "work_with_exit_programs"
    subject = "Exit Programs"
    is_wide = True
    options_row = 6
    empty_text = "(No exit programs found)"
    command_label = "Parameters for options 1, 10 or command"
    add_fields = (_NUMBER, _PROGRAM)
    function_keys = (*LIST_KEYS, FunctionKey(6, "Add"), FunctionKey(10, "Activate pending policy"))

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Open the list.

        Args:
            services: What panels share.
            arguments: EXITPNT: the exit point.
        """
        self._point = ExitPoint(arguments["EXITPNT"])
        self._context = services.context
        self._mode = Mode.ENFORCE
        self._changes = 0
        super().__init__(services, HeldList(self._load, lambda row: str(row.number)))

    @property
    def options(self) -> Sequence[Option[ExitProgramRow]]:
        """What can be done with an exit program."""
        return (
            Option(1, "Add", "ADDEXITPGM", is_for_add_row=True),
            Option(4, "Remove", "RMVEXITPGM", self._place, Way.CONFIRM, check=self._check_own),
            Option(5, "Display", opens=self._display),
            Option(10, "Replace", "ADDEXITPGM", self._replacement, check=self._check_own, replaceable=_REPLACEABLE),
        )

    def columns(self, size: Size) -> Sequence[Column[ExitProgramRow]]:
        """Return the columns; a wide screen has room for the text, too."""
        shared: tuple[Column[ExitProgramRow], ...] = (
            Column("Program\nNumber", _NUMBER_WIDTH, lambda row: str(row.number), right=True, help_key=_NUMBER),
            Column("Exit\nProgram", _PROGRAM_WIDTH, lambda row: row.called, help_key=_PROGRAM),
            Column("Limit\nms", 5, lambda row: row.time_limit, right=True, help_key="TIMLMT"),
            Column("\nStatus", 8, lambda row: row.status, help_key="*STATUS", looks=_LOOKS),
        )
        return (*shared, Column("\nText", 50, lambda row: row.text, help_key="TEXT")) if size == WIDE else shared

    def draw_header(self, page: Page) -> None:
        """Show the exit point, its mode, and how many changes wait."""
        name, format_name, _ = EXIT_POINT_NAMES[self._point]
        page.label(3, 2, "Exit point", 18, colon=True)
        page.text(3, 21, name, help_key="EXITPNT")
        page.label(3, 40, "Format", 20, colon=True)
        page.text(3, 62, format_name, help_key="FORMAT")
        page.label(4, 2, "Mode", 18, colon=True)
        page.text(4, 21, self._mode, help_key="MODE")
        draw_pending(page, 4, self._changes)

    def draw_add_row(self, page: Page, row: int) -> None:
        """Show the fields for a new program's number and name."""
        page.field(_NUMBER, row, _FIRST_COLUMN, _NUMBER_WIDTH, self.fields.get(_NUMBER, ""), format=UPPER)
        page.field(_PROGRAM, row, _SECOND_COLUMN, _PROGRAM_WIDTH, self.fields.get(_PROGRAM, ""))

    def given_on_add_row(self) -> Mapping[str, str]:
        """Return the exit point, and what was typed."""
        typed = {name: self.fields.get(name, "") for name in (_NUMBER, _PROGRAM)}
        return {**self._exit_point_given, **{name: text for name, text in typed.items() if text}}

    def answer_key(self, submission: Submission) -> Reply:
        """Add, or activate."""
        if submission.key == "F6":
            return Push(Prompter(self.services, self.services.commands["ADDEXITPGM"], self._exit_point_given))
        return Push(self.services.open("ConfirmActivation", {}))

    @property
    def _exit_point_given(self) -> dict[str, str]:
        return {"EXITPNT": self._point.value}

    def _place(self, row: ExitProgramRow) -> dict[str, str]:
        return {**self._exit_point_given, _NUMBER: str(row.number)}

    def _replacement(self, row: ExitProgramRow) -> dict[str, str]:
        values = {} if row.program is None else program_values(row.program)
        return {**values, "REPLACE": "*YES"}

    def _display(self, row: ExitProgramRow) -> Panel:
        if row.program is None:
            return self.services.open("WorkWithRules", self._exit_point_given)
        return DisplayExitProgram(self.services, self._place(row))

    def _check_own(self, row: ExitProgramRow) -> None:
        if row.program is None:
            raise StoreError(_RULES_STAY, exit_point=self._point)

    def _load(self) -> list[ExitProgramRow]:
        with self._context.opened() as session:
            self._mode = get_modes(session)[self._point]
            self._changes = count_changes(session)
            pending = list_exit_programs(session, self._point)
            _, active = lasting_policy(session)
        in_force = {program_place(program): program for program in active.exit_programs}
        rules = ExitProgramRow(None, _IN_FORCE if active.modes[self._point] is not Mode.OFF else Mode.OFF.value)
        return [rules, *(ExitProgramRow(each, _status(each, in_force)) for each in pending)]


def _status(program: ExitProgram, in_force: Mapping[tuple[str, int], ExitProgram]) -> str:
    active = in_force.get(program_place(program))
    return _ADDED if active is None else _IN_FORCE if active == program else _CHANGED
