"""Runs commands for panels: what was typed, prompted or chosen becomes a reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from console.commands.definition import Command
from console.commands.execute import run_command
from console.commands.language import ParsedCommand, parse_partial, render, without_secrets
from console.errors import ConsoleError
from console.messages import Message, describe
from screens.command_log import Logged
from screens.panel import Panel, Push, Reply, SignOff, Stay
from screens.panels.listing import DisplayListing
from screens.panels.services import Services

_SIGN_OFF = "SignOff"


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


def run(services: Services, command: str | ParsedCommand, *, keyed: bool = True) -> Ran:
    """Run a command with its audit entries, and make the panel that it asks for.

    Args:
        services: What panels share.
        command: The command.
        keyed: Whether the operator keyed it on a command line, which limited users may with few commands only; what a
            menu or an option runs is not.

    Raises:
        ConsoleError: It cannot be parsed or is refused; nothing was changed.
    """
    written = _written(services, command)
    try:
        result = run_command(command, services.context, keyed=keyed)
    except ConsoleError as error:
        services.log.add(Logged(written, (describe(error),), keyed))
        raise
    services.log.add(Logged(written, result.messages, keyed))
    if result.panel == _SIGN_OFF:
        return Ran(signs_off=True)
    if result.panel:
        return Ran(result.messages, services.opened(result.panel, result.arguments))
    if result.lines:
        title, secret = _title(services, command), result.is_secret
        return Ran(result.messages, DisplayListing(services, title, result.lines, is_secret=secret))
    return Ran(result.messages)


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
