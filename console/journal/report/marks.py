"""Sparklines: a mark a value, as high as the value is; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

BLOCKS = " ▁▂▃▄▅▆▇█"
"""U+2581 to U+2588: eighths of a cell."""
ASCII = " .:-=+*#@"
"""For terminals that cannot show these; the darker the more."""

_VARIABLES = ("LC_ALL", "LC_CTYPE", "LANG")
_WITHOUT_BLOCKS = frozenset({"linux", "vt100", "vt220", "dumb"})
"""Terminals whose fonts have no eighths of a cell, whatever they say of their character set."""


def sparkline(values: Sequence[int], *, blocks: bool) -> str:
    """Return a mark for each value: a blank for none, the lowest mark for few, the highest for the most.

    Args:
        values: Not negative.
        blocks: Whether the block characters can be shown.
    """
    marks = BLOCKS if blocks else ASCII
    most = max(values, default=0)
    levels = len(marks) - 1
    return "".join(marks[-(-value * levels // most)] if value else marks[0] for value in values)


def has_blocks(environment: Mapping[str, str]) -> bool:
    """Say whether the terminal shows block characters, as far as the environment tells (locale(7))."""
    locale = next((found for name in _VARIABLES if (found := environment.get(name))), "")
    is_utf8 = locale.upper().replace("-", "").endswith("UTF8")
    return is_utf8 and environment.get("TERM", "") not in _WITHOUT_BLOCKS
