"""From a terminal's keys to a 5250's, key by key; the tables are in `screens.key_tables`."""

from __future__ import annotations

from screens.key_tables import ACS, MODIFIERS, Layout
from screens.terminal.keys import Function, Press, Typed

_ESCAPED, _ONCE, _TWICE = "ESC-", "^G-", "^G^G-"


class UnknownSequence:
    """A prefix was followed by a key that means nothing there."""


UNKNOWN = UnknownSequence()


class KeyMap:
    """Translates key by key; remembers only a prefix."""

    def __init__(self, layout: Layout = ACS) -> None:
        self.layout = layout
        self.prefix = ""
        """``ESC-``, ``^G-`` or ``^G^G-`` while the next key completes a sequence; else empty."""

    def translate(self, key: str, character: str | None) -> Press | UnknownSequence | None:
        """Translate a key.

        Args:
            key: Textual's name.
            character: What it types, if anything.

        Returns:
            What was pressed; None for a prefix or a key that does nothing; `UNKNOWN` after a prefix that it does not
            go with.
        """
        if key in MODIFIERS:
            return None
        if self.prefix:
            return self._complete(key)
        if key in self.layout.prefixes:
            self.prefix = self.layout.prefixes[key]
            return None
        if key in self.layout.direct:
            return self.layout.direct[key]
        if character is not None and len(character) == 1 and character.isprintable():
            return Typed(character)
        return None

    def _complete(self, key: str) -> Press | UnknownSequence | None:
        prefix, self.prefix = self.prefix, ""
        if prefix == _ONCE and key == "ctrl+g":
            self.prefix = _TWICE
            return None
        if prefix == _ESCAPED and key == "escape":
            return Function.F12
        layout = self.layout
        if key in layout.prefixes:
            return None
        lowered = key.lower() if len(key) == 1 else key
        found = (layout.twice if prefix == _TWICE else layout.prefixed).get(lowered)
        return found or layout.direct.get(key) or UNKNOWN
