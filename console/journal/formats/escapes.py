r"""Texts from outside on one line: what could end a line, or make a terminal do something, is spelt out; pure.

A text holds whatever a program was called, or a user typed. Control characters, line and paragraph separators, and the
characters that turn the direction of writing round become escapes as Python and JSON have them: ``\n``, ``\u2028``.
Each format adds the characters that mean something to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

_CONTROL = "\\x00-\\x1f\\x7f-\\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def escaper(special: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function that escapes texts.

    Args:
        special: Characters that mean something to a format -> what stands for them. Those not in it that cannot be
            shown are spelt out; a backslash is left alone unless it is in it.
    """
    pattern = re.compile(f"[{_CONTROL}{re.escape(''.join(special))}]")
    backslash = special.get("\\", "\\")

    def stand_in(found: re.Match[str]) -> str:
        character = found[0]
        if character in special:
            return special[character]
        spelt = _SHORT.get(character) or f"\\u{ord(character):04x}"
        return spelt.replace("\\", backslash)

    def escape(text: str) -> str:
        return pattern.sub(stand_in, text) if pattern.search(text) else text

    return escape


one_line = escaper({})
"""Only what cannot be shown."""
