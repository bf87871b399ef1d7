"""The commands on the three exit points; they change the pending policy only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from console.commands.audit import record
from console.commands.definition import Command, Context, Parameter, Result
from console.commands.emergency import EMERGENCY, NO, override
from console.commands.keywords import EXIT_POINT, as_it_is, exit_point_check, one_of
from console.commands.listing import Column, table
from console.messages import message
from console.model.words import EXIT_POINT_NAMES, IOSYSCFG, ExitPoint, Mode
from console.store.exit_points import get_modes, set_modes
from console.store.exit_programs import list_exit_programs
from console.store.rules import count_rules

_ALL = "*ALL"

_COLUMNS = (
    Column("Exit point"),
    Column("Format"),
    Column("Word"),
    Column("Mode"),
    Column("Rules", right=True),
    Column("Exit programs", right=True),
    Column("Text"),
)


class WorkWithRegistrationInformation(Command):
    """Shows the exit points."""

    name = "WRKREGINF"
    text = "Work with Registration Information"
    authority = ()
    parameters = (
        replace(EXIT_POINT, check=exit_point_check("EXITPNT", _ALL), default=_ALL, special=(_ALL, *ExitPoint)),
    )

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        with context.opened() as session:
            modes = get_modes(session)
            rules = count_rules(session)
            programs = Counter(program.exit_point for program in list_exit_programs(session))
        rows = [
            (
                *EXIT_POINT_NAMES[point][:2],
                point,
                modes[point],
                rules.get(point, 0),
                programs[point],
                EXIT_POINT_NAMES[point][2],
            )
            for point in ExitPoint
            if values["EXITPNT"] in (_ALL, point)
        ]
        lines = table(_COLUMNS, rows)
        return Result(lines=lines, panel="WorkWithRegistrationInformation", arguments=dict(values))


class ChangeSocketExitPoint(Command):
    """Changes what an exit point does with its rules."""

    name = "CHGSOCEXT"
    text = "Change Socket Exit Point"
    authority = (IOSYSCFG,)
    parameters = (
        EXIT_POINT,
        *as_it_is((Parameter("MODE", "Mode", one_of("MODE", tuple(Mode)), special=tuple(Mode)),)),
        *(replace(each, additional=True) for each in EMERGENCY),
    )
    positional = 2
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the mode as it is."""
        with context.opened() as session:
            mode = get_modes(session)[ExitPoint(values["EXITPNT"])]
        usual = {each.keyword: each.default or "" for each in EMERGENCY}
        return {"EXITPNT": values["EXITPNT"], "MODE": mode.value, **usual}

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it in the pending policy; or override it in the active one, at once and for a while."""
        if values["EMERGENCY"] != NO:
            return override(context, values)
        exit_point, mode = ExitPoint(values["EXITPNT"]), Mode(values["MODE"])
        with context.opened() as session:
            before = get_modes(session)[exit_point]
            if before is mode:
                return Result(messages=(message("GWL0147", exit_point=exit_point, mode=mode),), changed=False)
            set_modes(session, {exit_point: mode})
        record(
            context,
            f"Mode of {exit_point} changed from {before} to {mode}",
            exit_point=exit_point.value,
            before={"exit_point": exit_point, "mode": before},
            after={"exit_point": exit_point, "mode": mode},
        )
        return Result(messages=(message("GWL0146", exit_point=exit_point, before=before, mode=mode),))


COMMANDS: tuple[type[Command], ...] = (WorkWithRegistrationInformation, ChangeSocketExitPoint)
