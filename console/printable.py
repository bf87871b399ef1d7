"""Makes strings from outside safe to show: nothing shown can draw, ring, colour or reorder a terminal."""

from __future__ import annotations

import unicodedata

_REPLACEMENT = "\N{MIDDLE DOT}"
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Mc", "Me"})
_WIDE = frozenset("WF")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
"""Bidirectional classes (Unicode Standard Annex 9): terminals that know them show a row in another order."""
_DOUBTFUL = tuple(
    range(first, last + 1)
    for first, last in (
        (0x1160, 0x11FF),  # vowels and finals of Hangul, which join the letter before them
        (0x2630, 0x2637),  # symbols that are two cells wide since Unicode 16
        (0x268A, 0x268F),
        (0x4DC0, 0x4DFF),
        (0xD7B0, 0xD7FF),
        (0xFFA0, 0xFFA0),
        (0x1D300, 0x1D376),
    )
)
"""What is no cell wide, or two, without a category or width in Python's tables that says so."""


def printable(text: str) -> str:
    """Return the text with one safe cell for each character.

    Control, format (bidirectional overrides too), surrogate, unassigned and combining characters, line separators,
    characters two cells wide, and letters written from right to left become a middle dot, so that the result takes
    exactly ``len(text)`` cells, in this order.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_cell(character) for character in text)


def _cell(character: str) -> str:
    is_unsafe = (
        unicodedata.category(character) in _UNSAFE_CATEGORIES
        or unicodedata.east_asian_width(character) in _WIDE
        or unicodedata.bidirectional(character) in _RIGHT_TO_LEFT
        or any(ord(character) in doubtful for doubtful in _DOUBTFUL)
    )
    return _REPLACEMENT if is_unsafe else character
