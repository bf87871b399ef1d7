"""A password that shows itself to nobody who does not ask for it by name."""

from __future__ import annotations

from dataclasses import dataclass

NOT_SHOWN = "(not shown)"
"""Stands in messages for a password that cannot be taken."""


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A password, in clear or sealed; an empty one is none.

    Sealed it is what the store keeps: text that only `console.store.secrets` can open. In clear it is between whoever
    typed it and the store, and where it is used: in the worker, which hands it to guards, and in the guard.
    """

    text: str = ""
    """Whoever reads this has taken care where it goes; nothing else about a secret tells it."""
    is_sealed: bool = False

    def __bool__(self) -> bool:
        """Return whether there is a password."""
        return bool(self.text)

    def __repr__(self) -> str:
        """Return whether there is one, for logs and tracebacks."""
        return f"Secret({self})"

    def __str__(self) -> str:
        """Return whether there is one, as operators are told."""
        return "*SET" if self else "*NONE"


NO_SECRET = Secret()
