"""Display Exit Program: everything that is registered of a pending exit program, and whether it is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from console.commands.exit_programs import NUMBER, PROGRAM, TIME_LIMIT, program_values
from console.commands.keywords import BLANK, EXIT_POINT, TEXT
from console.model.words import EXIT_POINT_NAMES, ExitPoint
from console.policy.exit_programs import program_place
from console.store.exit_programs import get_exit_program
from console.store.revisions import lasting_policy
from screens.panel import Help
from screens.panels.display import Display, Line
from screens.panels.help_texts import file_help, read_help
from screens.panels.services import Services

_SHOWN = (PROGRAM, TIME_LIMIT, TEXT)


class DisplayExitProgram(Display):
    """Shows one exit program of the pending policy."""

    name = "DSPEXITPGM"
    title = "Display Exit Program"
    module = "display_exit_program"
    _prompts: ClassVar[Mapping[str, str]] = {each.keyword: each.prompt for each in (EXIT_POINT, NUMBER, *_SHOWN)}

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show an exit program.

        Args:
            services: What panels share.
            arguments: EXITPNT and PGMNBR.

        Raises:
            StoreError: There is no such exit program.
        """
        super().__init__(services)
        with services.context.opened() as session:
            self._program = get_exit_program(session, ExitPoint(arguments["EXITPNT"]), int(arguments["PGMNBR"]))
            self._revision, active = lasting_policy(session)
        place = program_place(self._program)
        self._active = next((each for each in active.exit_programs if program_place(each) == place), None)

    def help(self, key: str) -> Help | None:
        """Return help on the panel, or the command's help on a value."""
        return super().help(key) or file_help(read_help("ADDEXITPGM"), key, self._prompts.get(key, ""))

    def lines(self) -> Sequence[Line]:
        """Return every field, with the prompts of the commands as labels."""
        program, values = self._program, program_values(self._program)
        return [
            Line("Exit point", f"{program.exit_point}   {EXIT_POINT_NAMES[program.exit_point][0]}", "EXITPNT"),
            Line(NUMBER.prompt, str(program.number), "PGMNBR"),
            *(Line(each.prompt, values[each.keyword] or BLANK, each.keyword) for each in _SHOWN),
            Line(),
            Line(f"In active revision {self._revision}", self._state(), "*STATE"),
        ]

    def _state(self) -> str:
        if self._active is None:
            return "No: added, waits for activation"
        return "Yes" if self._active == self._program else "Otherwise: changed, waits for activation"
