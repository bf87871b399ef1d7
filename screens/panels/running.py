"""Runs commands for panels: what was typed, prompted or chosen becomes a reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from console.commands.definition import Command
from console.commands.execute import run_command
from console.commands.language import ParsedCommand, parse, parse_partial, render
from console.commands.without_secrets import without_secrets
from console.errors import ConsoleError
from console.messages import Message, describe, message
from screens.command_log import Logged
from screens.panel import Panel, Push, Replace, Reply, Return, SignOff, Stay
from screens.panels.display_program_messages import DisplayProgramMessages
from screens.panels.inquiries import INQUIRIES
from screens.panels.listing import DisplayListing
from screens.panels.replies import DONE
from screens.panels.services import Services

_SIGN_OFF = "SignOff"
_CHANGED_MEANWHILE = "GWL0716"


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a command."""

    messages: tuple[Message, ...] = ()
    panel: Panel | None = None
    """The panel that it opens, if it opens one."""
    signs_off: bool = False

    def reply(self) -> Reply:
        """Return the reply of a panel that stays beneath."""
        if self.signs_off:
            return SignOff()
        if self.panel is not None:
            return Push(self.panel, self.messages)
        return Stay(self.messages, redraw=True)


def run(services: Services, command: str | ParsedCommand, *, keyed: bool = True, answered_for: str = "") -> Ran:
    """Run a command with its audit entries, and make the panel that it asks for.

    Args:
        services: What panels share.
        command: The command.
        keyed: Whether the operator keyed it on a command line, which limited users may with few commands only; what a
            menu or an option runs is not.
        answered_for: What the operator was asked about and said yes to; see `Context`.

    Returns:
        What became of it: where it may be asked back whether to go on, the panel that asks.

    Raises:
        ConsoleError: It cannot be parsed or is refused; nothing was changed.
    """
    written = _written(services, command)
    try:
        result = run_command(command, replace(services.context, answered_for=answered_for), keyed=keyed)
    except ConsoleError as error:
        services.log.add(Logged(written, (describe(error),), keyed))
        asking = _asking(services, command, error, keyed=keyed)
        if asking is None:
            raise
        return Ran(panel=asking)
    services.log.add(Logged(written, result.messages, keyed))
    if result.panel == _SIGN_OFF:
        return Ran(signs_off=True)
    if result.panel:
        return Ran(result.messages, services.opened(result.panel, result.arguments))
    if result.lines:
        title, secret = _title(services, command), result.is_secret
        return Ran(result.messages, DisplayListing(services, title, result.lines, is_secret=secret))
    return Ran(result.messages)


def _asking(services: Services, command: str | ParsedCommand, error: ConsoleError, *, keyed: bool) -> Panel | None:
    """Return the panel that asks whether a refused command is to go on all the same; None where nothing is to ask."""
    inquiry = INQUIRIES.get(error.message_id)
    if inquiry is None:
        return None
    parsed = parse(command, services.commands) if isinstance(command, str) else command
    if not inquiry.values.keys() <= parsed.values.keys():
        return None
    values = {**parsed.values, **inquiry.values}
    all_the_same = replace(parsed, values=values, given=parsed.given | inquiry.values.keys())
    asked = message(inquiry.message_id, **error.values)
    about = str(error.values.get("about", ""))
    go_on = partial(_go_on, services, all_the_same, about, keyed=keyed)
    return DisplayProgramMessages(services, asked, describe(error), reply=inquiry.reply, go_on=go_on)


def _go_on(services: Services, command: ParsedCommand, about: str, *, keyed: bool) -> Reply:
    """Run a command that was answered; it comes back to the panel that had it run.

    The answer holds for what was asked about: where that has changed meanwhile, nothing is done, and that is said.
    """
    try:
        ran = run(services, command, keyed=keyed, answered_for=about)
    except ConsoleError as error:
        if error.message_id != _CHANGED_MEANWHILE:
            raise
        return Return(messages=(describe(error),))
    return Return(DONE, ran.messages) if ran.panel is None else Replace(ran.panel, ran.messages)


def _written(services: Services, command: str | ParsedCommand) -> str:
    """Return a command without its passwords."""
    if isinstance(command, ParsedCommand):
        return render(command.cls, command.values, secrets=False)
    return without_secrets(command, services.commands)


def _title(services: Services, command: str | ParsedCommand) -> str:
    cls = command.cls if isinstance(command, ParsedCommand) else parse_partial(command, services.commands).cls
    return f"{cls.text} ({cls.name})"


def command_text(cls: type[Command], values: Mapping[str, str], parameters: str = "") -> str:
    """Return a command string for values that are known, with what the operator typed behind it."""
    return f"{render(cls, values)} {parameters}".strip()
