"""What an operator's console looks like and how its keys work: from options of the command, else from the profile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from console.errors import UsageError
from screens.key_file import find_layout
from screens.key_tables import ACS, Layout
from screens.terminal.keys import Function
from screens.themes import THEMES

_NO_THEME = "GWL0727"
_USUAL_THEME = "green"


@dataclass(frozen=True, slots=True)
class Looks:
    """What somebody chose; empty for no choice."""

    theme: str = ""
    """A key of `themes.THEMES`, in any case."""
    keymap: str = ""
    """As `key_file.find_layout` takes it."""

    def over(self, other: Looks) -> Looks:
        """Return these, and where nothing was chosen the other ones."""
        return Looks(self.theme or other.theme, self.keymap or other.keymap)


NOTHING_CHOSEN = Looks()


@dataclass(frozen=True, slots=True)
class Outfit:
    """What that comes to."""

    theme: str = _USUAL_THEME
    layout: Layout = ACS

    @property
    def reset_hint(self) -> str:
        """How Reset is pressed."""
        key = self.layout.key_of(Function.RESET)
        return f"{key} resets." if key else ""


def outfit(looks: Looks, directory: Path) -> Outfit:
    """Return what was chosen.

    Args:
        looks: The choice.
        directory: Where the folder of one's own key maps is.

    Raises:
        UsageError: There are no such colours or keys.
    """
    theme = looks.theme.lower() or _USUAL_THEME
    if theme not in THEMES:
        raise UsageError(_NO_THEME, name=looks.theme, names=", ".join(THEMES))
    return Outfit(theme, find_layout(looks.keymap, directory))
