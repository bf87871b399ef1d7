"""What is typed on the command line beside options: parameters of their command, checked before the row's are added.

A refusal speaks of what the operator typed. The command that is run in the end begins with the values of the row, and a
column of it is one of a string that nobody has seen.
"""

from __future__ import annotations

from collections.abc import Collection

from console.commands.language import NOT_GIVEN, Registry, parse_partial
from console.errors import CommandError

_NO_KEYWORD, _GIVEN_BY_ROW, _NEEDS_KEYWORD = "GWL0775", "GWL0776", "GWL0777"
_UNKNOWN = "GWL0103"
_WITHOUT_KEYWORD = frozenset({"GWL0105", "GWL010E"})


def check_parameters(
    command: str, parameters: str, registry: Registry, *, option: int, given: Collection[str], fixed: Collection[str]
) -> frozenset[str]:
    """Check that what is typed can stand behind the values of a row.

    Args:
        command: Name of the option's command.
        parameters: The command line.
        registry: The commands there are.
        option: The option's number, for the refusal.
        given: Keywords that the row gives.
        fixed: Those of them that the parameters may not give otherwise.

    Returns:
        The keywords that are typed.

    Raises:
        CommandError: They cannot be read, or are none of the command, or the row gives them. A column that it names is
            one of the command line.
    """
    # A keyword without value in front, as the row will put its own there: behind it no value goes without keyword.
    front = " ".join([command, *(f"{keyword}({NOT_GIVEN})" for keyword in list(given)[:1]), ""])
    try:
        written = parse_partial(front + parameters, registry).given.keys()
    except CommandError as error:
        raise _of_the_line(error, option, command, len(front)) from error
    twice = next((keyword for keyword in written if keyword in fixed), None)
    if twice is not None:
        raise CommandError(_GIVEN_BY_ROW, option=option, keyword=twice, command=command)
    return frozenset(written)


def _of_the_line(error: CommandError, option: int, command: str, front: int) -> CommandError:
    """Return an error as one of the command line, which begins behind so many characters."""
    values = dict(error.values)
    column = values.get("column")
    if isinstance(column, int):
        values["column"] = column - front
    if error.message_id in _WITHOUT_KEYWORD:
        return CommandError(_NEEDS_KEYWORD, **{**values, "option": option, "command": command})
    message_id = _NO_KEYWORD if error.message_id == _UNKNOWN else error.message_id
    return CommandError(message_id, **{**values, "option": option})
