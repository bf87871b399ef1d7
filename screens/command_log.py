"""The commands that were run since sign-on with what they answered, for Command Entry; gone when the console ends.

Passwords never come here: who adds a command has taken them out (`console.commands.language`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.messages import Message

_KEPT = 300
"""Commands; more than a working day's."""


@dataclass(frozen=True, slots=True)
class Logged:
    """One command, and what became of it."""

    command: str
    messages: tuple[Message, ...]
    is_keyed: bool
    """Whether the operator keyed it; a menu, an option or a function key ran it otherwise."""


class CommandLog:
    """The commands, the oldest first.

    Threads:
        Two sessions may add at the same time: a list takes each whole.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._entries: list[Logged] = []

    def add(self, entry: Logged) -> None:
        """Keep a command; the oldest goes when there are too many."""
        self._entries.append(entry)
        del self._entries[:-_KEPT]

    def entries(self, *, is_detailed: bool) -> Sequence[Logged]:
        """Return what was run.

        Args:
            is_detailed: Whether with what menus, options and function keys ran.
        """
        return [entry for entry in tuple(self._entries) if is_detailed or entry.is_keyed]
