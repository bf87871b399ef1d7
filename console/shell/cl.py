"""The verb ``cl``: commands in order, until the first that fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from console.commands.definition import Context, Parameter
from console.commands.execute import run_command
from console.commands.language import SAME, parse, parse_partial
from console.commands.listing import Column, table
from console.commands.registry import COMMANDS
from console.commands.script import Statement, statements
from console.commands.without_secrets import passwords_in
from console.errors import CommandError, ConsoleError
from console.messages import message
from console.printable import printable
from console.shell.files import read_text
from console.shell.output import print_error, print_lines, print_message, print_warning


@dataclass(frozen=True, slots=True)
class Step:
    """One command, and where it stands."""

    text: str
    file: str = ""
    statement: Statement | None = None


def list_commands() -> None:
    """Write all commands of the shell with their keywords, those with a default in brackets, to standard output."""
    rows = [
        (command.name, command.text, " ".join(_keyword(parameter) for parameter in command.parameters))
        for command in COMMANDS.values()
        if not command.interactive
    ]
    print_lines(table((Column("Command"), Column("Text"), Column("Keywords")), sorted(rows)))


def _keyword(parameter: Parameter) -> str:
    return parameter.keyword if parameter.default is None else f"[{parameter.keyword}]"


def steps_of_file(name: str) -> Iterator[Step]:
    """Yield the commands of a file.

    Raises:
        UsageError: The file cannot be read.
    """
    for statement in statements(read_text(name)):
        yield Step(statement.text, name, statement)


def warn_of_secrets(texts: Iterable[str]) -> None:
    """Say on standard error which passwords stand where every user of this system could read them."""
    keywords = {keyword for text in texts for keyword in _secrets_in(text)}
    if keywords:
        print_warning(message("GWL000F", keywords=", ".join(sorted(keywords))))


def _secrets_in(text: str) -> list[str]:
    """Return the keywords of the passwords that a command gives; of one that cannot be read, those it may give."""
    try:
        partial = parse_partial(text, COMMANDS)
    except ConsoleError:
        return passwords_in(text, COMMANDS)
    secret = [each for each in partial.cls.parameters if each.secret]
    return [
        each.keyword for each in secret if partial.given.get(each.keyword, SAME).upper() not in (SAME, *each.special)
    ]


def run_steps(steps: Iterable[Step], context: Context) -> bool:
    """Run commands in order; stop at the first that fails, having said why.

    Completion messages and listings go to standard output, errors to standard error.

    Returns:
        Whether all were run.
    """
    for done, step in enumerate(steps):
        try:
            _run(step.text, context)
        except ConsoleError as error:
            print_error(*_placed(error, step))
            if done:
                print_warning(message("GWL000C", done=done))
            return False
    return True


def _run(text: str, context: Context) -> None:
    parsed = parse(text, COMMANDS)
    if parsed.cls.interactive:
        raise CommandError("GWL0115", command=parsed.cls.name)
    result = run_command(parsed, context)
    print_lines(result.lines)
    for shown in result.messages:
        print_message(shown)


def _placed(error: ConsoleError, step: Step) -> tuple[ConsoleError, str]:
    """Return the error with its column counted on its line of the file, and that line as text."""
    if step.statement is None:
        return error, ""
    column = error.values.get("column")
    if not isinstance(column, int):
        return error, _place(step.file, step.statement.line)
    line, column = step.statement.place(column)
    return type(error)(error.message_id, **{**error.values, "column": column}), _place(step.file, line)


def _place(file: str, line: int) -> str:
    return f" ({printable(file)}, line {line})"
