"""Exit programs: what an exit point asks after the rules have allowed, checked value by value and against each other.

Knows how a program is named, numbered and limited. It must not know whether a module exists and can be imported: that
is a matter of the host and of the moment at which the program is asked.
"""

from __future__ import annotations

import keyword as language
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType

from console.model.words import ExitPoint, Mode
from console.policy.fields import check_text, check_time_limit, check_word, refusal, whole_number
from console.policy.rule import ExitProgram, Policy

FIRST_NUMBER = 2
"""Program 1 of each exit point is the rules, always there and always asked first."""

LAST_NUMBER = 2_147_483_647
"""As PGMNBR of IBM i's ADDEXITPGM."""

LONGEST_TIME_LIMIT_MS = 60_000
"""A call that stands still for a minute looks like a host that does not answer; more than that helps nobody."""

PROGRAM_LENGTH = 128
"""Characters of an entry point: as many as a program's path has on the command line, of which all must be prompted."""


def check_entry_point(value: str, keyword: str = "") -> str:
    """Check the name of a Python function: ``module:function``, where the module may be dotted.

    Returns:
        The name as it is: Python minds the case.

    Raises:
        PolicyError: It is too long, or not two parts of Python's identifiers.
    """
    module, colon, function = value.partition(":")
    names = (*module.split("."), function)
    if not colon or len(value) > PROGRAM_LENGTH or not all(map(_is_name, names)):
        raise refusal("GWL0230", keyword=keyword or "Exit program", value=value, longest=PROGRAM_LENGTH)
    return value


def _is_name(text: str) -> bool:
    # Letters outside of ASCII are allowed in Python, where several spellings are one name; here one name has one.
    return text.isascii() and text.isidentifier() and not language.iskeyword(text)


def check_program_number(value: str, keyword: str = "") -> str:
    """Check the number of an exit program.

    Returns:
        The digits without leading zeros.

    Raises:
        PolicyError: Not a number from 2 to 2147483647.
    """
    found = whole_number(value, FIRST_NUMBER, LAST_NUMBER)
    if found is None:
        raise refusal("GWL0231", keyword=keyword or "Program number", value=value, last=LAST_NUMBER)
    return found


PROGRAM_CHECKS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "exit_point": check_word(ExitPoint),
        "number": check_program_number,
        "program": check_entry_point,
        "time_limit_ms": check_time_limit("GWL0232", LONGEST_TIME_LIMIT_MS),
        "text": check_text,
    }
)
"""Field of an exit program -> its check, in the order in which fields are written and shown."""

PROGRAM_KEYWORDS: Mapping[str, str] = MappingProxyType(
    {
        "exit_point": "EXITPNT",
        "number": "PGMNBR",
        "program": "PGM",
        "time_limit_ms": "TIMLMT",
        "text": "TEXT",
    }
)
"""Field of an exit program -> its keyword in the command language."""

PROGRAM_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {field.name: str(field.default) for field in fields(ExitProgram) if field.default is not MISSING}
)
"""Field of an exit program -> what it is when nothing is said; the other fields are required."""


def make_exit_program(**given: object) -> ExitProgram:
    """Make an exit program from the texts of its fields.

    Args:
        given: Values by field name, as text, number or word; ``exit_point``, ``number`` and ``program`` are required,
            the others have the defaults of `ExitProgram`.

    Raises:
        PolicyError: A value cannot be taken; its ``keyword`` is the field's name.
    """
    checked: dict[str, object] = {name: PROGRAM_CHECKS[name](str(value), name) for name, value in given.items()}
    for name in ("number", "time_limit_ms"):
        if name in checked:
            checked[name] = int(str(checked[name]))
    return ExitProgram(**checked)  # type: ignore[arg-type]


def program_fields(program: ExitProgram) -> dict[str, str]:
    """Return every field of an exit program as text, by its name, in the order of `PROGRAM_CHECKS`."""
    return {name: str(getattr(program, name)) for name in PROGRAM_CHECKS}


def program_place(program: ExitProgram) -> tuple[str, int]:
    """Return what an exit program is known and ordered by."""
    return program.exit_point.value, program.number


def exit_programs_of(policy: Policy, exit_point: ExitPoint) -> tuple[ExitProgram, ...]:
    """Return what an exit point asks after the rules have allowed, in order; nothing where its mode is *OFF."""
    if policy.modes[exit_point] is Mode.OFF:
        return ()
    programs = (program for program in policy.exit_programs if program.exit_point is exit_point)
    return tuple(sorted(programs, key=program_place))


def check_exit_programs(programs: Iterable[ExitProgram]) -> None:
    """Check that exit programs can be asked: each value in its bounds, each number of an exit point once.

    A guard starts what stands here: a policy that was read back from a store is checked like one that was typed.

    Raises:
        PolicyError: A value cannot be taken, or a number is there twice in an exit point.
    """
    seen: set[tuple[str, int]] = set()
    for program in programs:
        make_exit_program(**program_fields(program))
        if program_place(program) in seen:
            raise refusal("GWL0233", keyword="number", value=program.number, exit_point=program.exit_point)
        seen.add(program_place(program))
