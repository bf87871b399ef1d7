"""From a terminal's keys to a 5250's: tables, and the two-key sequences that survive any terminal.

Names are Textual's. Every function has its own key where terminals have one, and a sequence of Escape or Ctrl+G and a
plain key. Typed fast, Escape and a letter arrive as Alt+letter, so that does the same; Alt+b and Alt+f arrive as
something else, so no letter of the sequences is b or f.
"""

from __future__ import annotations

from collections.abc import Mapping

from screens.terminal.keys import Function, Press, Typed

_DIGIT_ROW = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "minus", "equals_sign")
"""In the order of F1 to F12."""
_SHIFTED_ROW = (
    "exclamation_mark",
    "at",
    "number_sign",
    "dollar_sign",
    "percent_sign",
    "circumflex_accent",
    "ampersand",
    "asterisk",
    "left_parenthesis",
    "right_parenthesis",
    "underscore",
    "plus",
)
"""In the order of F13 to F24."""


def _function_key(number: int) -> Function:
    return Function[f"F{number}"]


_LETTERS: dict[str, Function] = {
    "a": Function.ATTN,
    "c": Function.CLEAR,
    "d": Function.DUP,
    "e": Function.END,
    "h": Function.F1,
    "i": Function.INSERT,
    "j": Function.NEW_LINE,
    "k": Function.ERASE_EOF,
    "m": Function.FIELD_MINUS,
    "n": Function.ROLLUP,
    "o": Function.HOME,
    "p": Function.PRINT,
    "r": Function.RESET,
    "s": Function.SYSREQ,
    "u": Function.ROLLDOWN,
    "v": Function.FIELD_PLUS,
    "x": Function.FIELD_EXIT,
}

DIRECT: Mapping[str, Function] = {
    "up": Function.UP,
    "down": Function.DOWN,
    "left": Function.LEFT,
    "right": Function.RIGHT,
    "enter": Function.ENTER,
    "ctrl+j": Function.ENTER,
    "tab": Function.TAB,
    "shift+tab": Function.BACKTAB,
    "home": Function.HOME,
    "ctrl+o": Function.HOME,
    "end": Function.END,
    "shift+enter": Function.NEW_LINE,
    "ctrl+k": Function.FIELD_EXIT,
    "ctrl+enter": Function.FIELD_EXIT,
    "ctrl+x": Function.FIELD_PLUS,
    "add": Function.FIELD_PLUS,
    "subtract": Function.FIELD_MINUS,
    "ctrl+delete": Function.ERASE_EOF,
    "ctrl+e": Function.ERASE_INPUT,
    "delete": Function.DELETE,
    "ctrl+d": Function.DELETE,
    "backspace": Function.BACKSPACE,
    "insert": Function.INSERT,
    "shift+insert": Function.DUP,
    "ctrl+r": Function.RESET,
    "ctrl+a": Function.ATTN,
    "ctrl+c": Function.SYSREQ,
    "pagedown": Function.ROLLUP,
    "ctrl+f": Function.ROLLUP,
    "pageup": Function.ROLLDOWN,
    "ctrl+b": Function.ROLLDOWN,
    "ctrl+home": Function.TOP,
    "ctrl+end": Function.BOTTOM,
    "ctrl+l": Function.REDRAW,
    **{f"f{number}": _function_key(number) for number in range(1, 25)},
    **{f"shift+f{number}": _function_key(number + 12) for number in range(1, 13)},
    **{f"alt+{key}": _function_key(number) for number, key in enumerate(_DIGIT_ROW, start=1)},
    **{f"alt+{letter}": function for letter, function in _LETTERS.items()},
}
"""Keys that need no prefix."""

PREFIXED: Mapping[str, Function] = {
    **_LETTERS,
    **{key: _function_key(number) for number, key in enumerate(_DIGIT_ROW, start=1)},
    **{key: _function_key(number) for number, key in enumerate(_SHIFTED_ROW, start=13)},
}
"""Keys after Escape or Ctrl+G."""

TWICE: Mapping[str, Function] = {key: _function_key(number) for number, key in enumerate(_DIGIT_ROW, start=13)}
"""Keys after Ctrl+G Ctrl+G: F13 to F24 without Shift, for keyboards whose upper row is another."""

PREFIXES: Mapping[str, str] = {"escape": "ESC-", "ctrl+g": "^G-"}
"""Prefix keys and how the status row shows them."""

_MODIFIERS = frozenset(
    {f"{side}_{key}" for side in ("left", "right") for key in ("shift", "control", "alt", "super", "hyper", "meta")}
    | {"iso_level3_shift", "iso_level5_shift", "caps_lock", "num_lock", "scroll_lock"}
)
"""Some terminals report these as keys, before the key they go with. They do nothing: a prefix waits for the key itself,
and Reset on a lone Control, as emulators have it, would come with every Control key and drop what was typed ahead."""

_AFTER: Mapping[str, Mapping[str, Function]] = {"ESC-": PREFIXED, "^G-": PREFIXED, "^G^G-": TWICE}


class UnknownSequence:
    """A prefix was followed by a key that means nothing there."""


UNKNOWN = UnknownSequence()


class KeyMap:
    """Translates key by key; remembers only a prefix."""

    def __init__(self) -> None:
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
        if key in _MODIFIERS:
            return None
        if self.prefix:
            return self._complete(key)
        if key in PREFIXES:
            self.prefix = PREFIXES[key]
            return None
        if key in DIRECT:
            return DIRECT[key]
        if character is not None and len(character) == 1 and character.isprintable():
            return Typed(character)
        return None

    def _complete(self, key: str) -> Press | UnknownSequence | None:
        prefix, self.prefix = self.prefix, ""
        if prefix == "^G-" and key == "ctrl+g":
            self.prefix = "^G^G-"
            return None
        if prefix == "ESC-" and key == "escape":
            return Function.F12
        if key in PREFIXES:
            return None
        lowered = key.lower() if len(key) == 1 else key
        found = _AFTER[prefix].get(lowered)
        return found or DIRECT.get(key) or UNKNOWN
