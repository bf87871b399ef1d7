"""The colours of the screen, as data: a tone for each 5250 colour, a ground, and the cursor."""

from __future__ import annotations

import curses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from rich.style import Style

from screens.terminal.attributes import Attribute, Colour


@dataclass(frozen=True, slots=True)
class Tones:
    """A theme. Tones are RGB in hexadecimal; a theme without tones uses only bold, underline and reverse."""

    ground: str
    tones: Mapping[Colour, str]


_BRIGHT = frozenset({Colour.WHITE, Colour.RED, Colour.YELLOW})
"""Colours that a display without colours shows in high intensity."""


def _shades(normal: str, bright: str) -> dict[Colour, str]:
    return {colour: bright if colour in _BRIGHT else normal for colour in Colour}


THEMES: Mapping[str, Tones] = {
    "green": Tones(
        "#000000",
        {
            Colour.GREEN: "#24D830",
            Colour.WHITE: "#FFFFFF",
            Colour.RED: "#FF5555",
            Colour.TURQUOISE: "#58F0F0",
            Colour.YELLOW: "#FFFF00",
            Colour.PINK: "#FF7BE5",
            Colour.BLUE: "#7890F0",
        },
    ),
    "amber": Tones("#000000", _shades("#FFB000", "#FFE0A0")),
    "white": Tones("#000000", _shades("#C8C8C8", "#FFFFFF")),
    "paper": Tones(
        "#FFFFFF",
        {
            Colour.GREEN: "#006010",
            Colour.WHITE: "#000000",
            Colour.RED: "#B00000",
            Colour.TURQUOISE: "#005F6B",
            Colour.YELLOW: "#6B5000",
            Colour.PINK: "#8A1070",
            Colour.BLUE: "#2030B0",
        },
    ),
    "mono": Tones("", {}),
}
"""By name. All tones have a contrast of 4.5 or more on their ground; pure blue on black would have 2.4."""


def has_colours() -> bool:
    """Say whether the terminal's entry in the terminfo database has colours; one that has no entry counts as having."""
    try:
        curses.setupterm()
    except curses.error:
        return True
    return curses.tigetnum("colors") > 0


@cache
def style(theme: str, attribute: Attribute, *, is_cursor: bool = False) -> Style:
    """Return how a cell is drawn.

    Args:
        theme: A key of `THEMES`.
        attribute: The cell's attribute.
        is_cursor: Whether the cursor stands on it: reverse, or back to normal where the cell is in reverse image.
    """
    tones = THEMES[theme]
    bright = attribute.colour in _BRIGHT
    reverse = attribute.reverse != is_cursor
    if not tones.tones:
        return Style(bold=bright, underline=attribute.underline, reverse=reverse)
    ink, ground = tones.tones[attribute.colour], tones.ground
    if reverse:
        ink, ground = ground, ink
    return Style(color=ink, bgcolor=ground, underline=attribute.underline)


def looks_of(theme: str) -> Mapping[Attribute, Style]:
    """Return how a cell of each attribute is drawn where the cursor is not on it."""
    return {attribute: style(theme, attribute) for attribute in Attribute}
