"""The commands on exit programs; they change the pending policy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from console.commands.audit import GR_TYPES, record
from console.commands.definition import Command, Context, Parameter, Result
from console.commands.keywords import EXIT_POINT, TEXT, one_of, with_special
from console.commands.listed import exit_programs_there
from console.messages import Message, message
from console.model.words import ALLOBJ, IOSYSCFG, ExitPoint, YesNo
from console.policy.difference import Kind
from console.policy.exit_programs import (
    FIRST_NUMBER,
    LAST_NUMBER,
    LONGEST_TIME_LIMIT_MS,
    PROGRAM_CHECKS,
    PROGRAM_DEFAULTS,
    PROGRAM_KEYWORDS,
    PROGRAM_LENGTH,
    make_exit_program,
    program_fields,
)
from console.policy.rule import ExitProgram
from console.store import exit_programs as pending

LOW = "*LOW"
"""Special value of a program number: the lowest that is free, asked before the others."""
HIGH = "*HIGH"
"""The highest that is free, asked after the others."""

_FIELDS: Mapping[str, str] = {keyword: name for name, keyword in PROGRAM_KEYWORDS.items()}


def _checked(keyword: str) -> Callable[[str], str]:
    check = PROGRAM_CHECKS[_FIELDS[keyword]]
    return lambda value: str(check(value, keyword=keyword))


NUMBER = Parameter(
    "PGMNBR", "Program number", _checked("PGMNBR"), choices=f"{FIRST_NUMBER}-{LAST_NUMBER}, F4 for list",
    list_values=exit_programs_there, list_for=("EXITPNT", exit_programs_there),
)  # fmt: skip
"""Number of an exit program that is there; required."""

NEW_NUMBER = replace(
    NUMBER,
    check=with_special(NUMBER.check, LOW, HIGH),
    special=(LOW, HIGH),
    choices=f"{FIRST_NUMBER}-{LAST_NUMBER}, {LOW}, {HIGH}",
    list_values=None,
    list_for=None,
)
"""Number of an exit program to be made; required."""

PROGRAM = Parameter(
    "PGM", "Exit program", _checked("PGM"), length=PROGRAM_LENGTH, choices="module:function", monocase=False
)
"""The Python function; required."""

TIME_LIMIT = Parameter(
    "TIMLMT",
    "Time limit in milliseconds",
    _checked("TIMLMT"),
    length=5,
    default=PROGRAM_DEFAULTS["time_limit_ms"],
    choices=f"1-{LONGEST_TIME_LIMIT_MS}",
)

REPLACE = Parameter(
    "REPLACE",
    "Replace existing entry",
    one_of("REPLACE", tuple(YesNo)),
    length=4,
    default=YesNo.NO,
    special=tuple(YesNo),
    additional=True,
)


def program_values(program: ExitProgram) -> dict[str, str]:
    """Return an exit program as a command's values, by keyword."""
    fields = program_fields(program)
    return {keyword: fields[name] for name, keyword in PROGRAM_KEYWORDS.items()}


class AddExitProgram(Command):
    """Adds an exit program, or replaces one."""

    name = "ADDEXITPGM"
    text = "Add Exit Program"
    authority = (IOSYSCFG, ALLOBJ)
    parameters = (EXIT_POINT, NEW_NUMBER, PROGRAM, TIME_LIMIT, TEXT, REPLACE)
    positional = 3
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Add it."""
        fields = {name: values[keyword] for name, keyword in PROGRAM_KEYWORDS.items()}
        program = make_exit_program(**{**fields, "number": _number(context, values)})
        with context.opened() as session:
            there = {each.number: each for each in pending.list_exit_programs(session, program.exit_point)}
            before = there.get(program.number) if values["REPLACE"] == YesNo.YES else None
            if before == program:
                return Result(messages=(_program_done("GWL0151", program),), changed=False)
            if before is None:
                pending.add_exit_program(session, program)
            else:
                pending.change_exit_program(session, program)
        if before is None:
            _record(context, Kind.ADDED, f"{_called(program)} added", before=None, after=program)
            return Result(messages=(_program_done("GWL0150", program),))
        _record(context, Kind.CHANGED, f"{_called(program)} replaced", before=before, after=program)
        return Result(messages=(_program_done("GWL0152", program),))


def _number(context: Context, values: Mapping[str, str]) -> str:
    """Return the number that a new exit program gets."""
    number, exit_point = values["PGMNBR"], ExitPoint(values["EXITPNT"])
    if number not in (LOW, HIGH):
        return number
    with context.opened() as session:
        find = pending.lowest_number if number == LOW else pending.highest_number
        return str(find(session, exit_point))


class RemoveExitProgram(Command):
    """Removes an exit program."""

    name = "RMVEXITPGM"
    text = "Remove Exit Program"
    authority = (IOSYSCFG,)
    parameters = (EXIT_POINT, NUMBER)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove it."""
        exit_point, number = ExitPoint(values["EXITPNT"]), int(values["PGMNBR"])
        with context.opened() as session:
            program = pending.get_exit_program(session, exit_point, number)
            pending.remove_exit_program(session, exit_point, number)
        _record(context, Kind.REMOVED, f"{_called(program)} removed", before=program, after=None)
        return Result(messages=(_program_done("GWL0153", program),))


def _program_done(message_id: str, program: ExitProgram) -> Message:
    return message(message_id, number=program.number, exit_point=program.exit_point, program=program.program)


def _called(program: ExitProgram) -> str:
    return f"Exit program {program.number} of {program.exit_point}, {program.program},"


def _record(context: Context, kind: Kind, text: str, *, before: ExitProgram | None, after: ExitProgram | None) -> None:
    program = after or before
    record(
        context,
        text,
        exit_point="" if program is None else program.exit_point.value,
        before=None if before is None else program_fields(before),
        after=None if after is None else program_fields(after),
        gr_type=GR_TYPES[kind],
    )


COMMANDS: tuple[type[Command], ...] = (AddExitProgram, RemoveExitProgram)
