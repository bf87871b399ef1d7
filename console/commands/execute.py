"""Runs a command: current values for ``*SAME``, one transaction with the audit entries, then the wake-up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from console.commands.authority import check_authority, refusals_recorded
from console.commands.definition import Command, Context, Result
from console.commands.language import SAME, ParsedCommand, parse, render
from console.commands.registry import COMMANDS
from console.store import wakeup
from console.store.outbox import add_audit
from console.store.session import transaction


def run_command(command: str | ParsedCommand, context: Context, *, keyed: bool = True) -> Result:
    """Run a command, whole or not at all.

    A command that changes something runs in one transaction with its audit entries: a CD entry with the command string
    (never a password), and what the command itself records of the change. Then the worker is woken.

    Args:
        command: A command string, or a command that is already parsed.
        context: What it may use.
        keyed: Whether an operator keyed it on a command line, of the console or of the shell; a panel says no of what
            its menus and options run.

    Raises:
        AuthorityError: The user may not run it; nothing was changed, and the refusal is in the audit journal.
        ConsoleError: The command cannot be parsed or is refused; nothing was changed.
    """
    parsed = parse(command, COMMANDS) if isinstance(command, str) else command
    string = render(parsed.cls, parsed.values, secrets=False)
    with refusals_recorded(context, string):
        check_authority(parsed.cls, parsed.values, context, keyed=keyed)
        if parsed.cls.changes:
            return run_audited(string, context, lambda inside: _run(parsed, inside))
        with context.opened() as session:
            return _run(parsed, replace(context, session=session))


def run_audited(string: str, context: Context, work: Callable[[Context], Result]) -> Result:
    """Do work that changes something, in one transaction with a CD entry that says what was run.

    Args:
        string: What was run, without passwords.
        context: What it may use.
        work: Gets the context with the transaction open.

    Raises:
        ConsoleError: Nothing was changed.
    """
    with transaction(context.store) as session:
        inside = replace(context, session=session)
        result = work(inside)
        if result.changed:
            add_audit(session, "CD", at=context.clock(), user=context.user, job=context.job, text=string, detail=string)
    if result.changed:
        wakeup.notify(context.store)
    return result


def _run(parsed: ParsedCommand, context: Context) -> Result:
    return _instance(parsed.cls).run(context, _without_same(parsed, context))


def _instance(cls: type[Command]) -> Command:
    return cls()


def _without_same(parsed: ParsedCommand, context: Context) -> dict[str, str]:
    """Return the values with each ``*SAME`` replaced by what the object holds now."""
    values = dict(parsed.values)
    same = [parameter for parameter in parsed.cls.parameters if values[parameter.keyword] == SAME]
    now = parsed.cls.current(context, values) if same else None
    if now is not None:
        # Not checked again: a policy document may hold a longer path than a command line takes, or the text *BLANK.
        values |= {parameter.keyword: now[parameter.keyword] for parameter in same}
    return values
