"""Display System Value: each of its words, and what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.system_value_kinds import KINDS
from console.store.system_values import get_values
from screens.panel import Help
from screens.panels.display import Display, Line
from screens.panels.help_texts import file_help, read_help
from screens.panels.services import Services


class DisplaySystemValue(Display):
    """Shows one system value."""

    name = "DSPSYSVAL"
    title = "Display System Value"
    module = "display_system_value"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show a system value.

        Args:
            services: What panels share.
            arguments: SYSVAL.

        Raises:
            StoreError: The store cannot be read.
        """
        super().__init__(services)
        self._value = arguments["SYSVAL"]
        with services.context.opened() as session:
            self._held = get_values(session)[self._value].split()

    def help(self, key: str) -> Help | None:
        """Return help on the panel, or the command's help on what a value may hold."""
        return super().help(key) or file_help(read_help("CHGSYSVAL"), key, "Value")

    def lines(self) -> Sequence[Line]:
        """Return the words of the value, a line each."""
        kind = KINDS[self._value]
        return [
            Line("System value", self._value, "SYSVAL"),
            Line("Description", kind.text, "TEXT"),
            Line(),
            *(
                Line("Value" if at == 0 else "", f"{word:<12}{kind.words.get(word, '')}".rstrip(), "VALUE")
                for at, word in enumerate(self._held)
            ),
        ]
