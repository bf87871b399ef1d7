"""What every panel is given: the command context, the system's name, the commands typed so far, and the other panels.

Panels open each other only by name, through `Services.openers`, so that no panel imports another kind of panel and the
composition (`screens.console`) can be read in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.commands.definition import Command, Context
from screens.panel import Panel
from screens.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

_REMEMBERED = 200
"""Commands that F9 finds; a person walks back a dozen at most."""


class History:
    """The commands of this console, from all panels, for F9."""

    def __init__(self) -> None:
        self._commands: list[str] = []

    def add(self, command: str) -> None:
        """Remember a command; the same one twice in a row counts once."""
        if command and self._commands[-1:] != [command]:
            self._commands.append(command)
            del self._commands[:-_REMEMBERED]

    def before(self, back: int) -> str | None:
        """Return the command so many steps back, 1 for the latest; None when there is none."""
        return self._commands[-back] if 0 < back <= len(self._commands) else None


Opener = Callable[["Services", Mapping[str, str]], Panel]
"""Makes a panel from a command's values."""


@dataclass(frozen=True, slots=True)
class Services:
    """What panels share."""

    context: Context
    openers: Mapping[str, Opener]
    """Name of a panel's class, as `console.commands.definition.Result.panel` gives it -> how it is made."""
    commands: Mapping[str, type[Command]]
    """The commands there are, by name."""
    system: str = ""
    """Name of this system, for row 2."""
    history: History = field(default_factory=History)
    progress: Progress = field(default_factory=Progress)
    """What a turn that takes long says of itself."""
    has_blocks: bool = True
    """Whether the terminal has the block characters of a sparkline."""

    def open(self, name: str, arguments: Mapping[str, str]) -> Panel:
        """Make the panel that a command asks for."""
        return self.openers[name](self, arguments)

    def may(self, name: str) -> bool:
        """Say whether the operator has the authority that a command needs; its values may need more yet."""
        return self.context.authorities.issuperset(self.commands[name].authority)

    def command_choices(self) -> Sequence[tuple[str, str]]:
        """Return name and text of every command, by name."""
        return [(name, command.text) for name, command in sorted(self.commands.items())]
