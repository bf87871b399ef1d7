"""Makes strings from outside safe to show: nothing shown can draw, ring, colour or reorder a terminal."""

from __future__ import annotations

import unicodedata

_REPLACEMENT = "\N{MIDDLE DOT}"
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me"})
_WIDE = frozenset("WF")


def printable(text: str) -> str:
    """Return the text with one safe cell for each character.

    Control, format (bidirectional overrides too), surrogate, unassigned and combining characters, line separators, and
    characters two cells wide become a middle dot, so that the result takes exactly ``len(text)`` cells.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_cell(character) for character in text)


def _cell(character: str) -> str:
    if unicodedata.category(character) in _UNSAFE_CATEGORIES:
        return _REPLACEMENT
    return _REPLACEMENT if unicodedata.east_asian_width(character) in _WIDE else character
