"""What the keys of a keyboard do on a 5250, as tables. Names are Textual's; DSPKEY shows them.

Every function has its own key where terminals have one, and a sequence of Escape or Ctrl+G and a plain key. Typed fast,
Escape and a letter arrive as Alt+letter, so that does the same; Alt+b and Alt+f arrive as something else, so no letter
of the sequences is b or f.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from screens.terminal.keys import Function


@dataclass(frozen=True, slots=True)
class Layout:
    """A key map: what each key does by itself and after a prefix."""

    name: str
    text: str
    direct: Mapping[str, Function]
    """Keys that need no prefix."""
    prefixed: Mapping[str, Function]
    """Keys after Escape or Ctrl+G."""
    twice: Mapping[str, Function]
    """Keys after Ctrl+G Ctrl+G: F13 to F24 without Shift, for keyboards whose upper row is another."""
    prefixes: Mapping[str, str]
    """Prefix keys and how the status row shows them."""
    strict: bool = False
    """Keying errors last until Reset, as on the real display; only a key map of one's own says so."""

    def key_of(self, function: Function) -> str:
        """Return the first key that does something by itself, as people write it: ``Ctrl+R``; empty for none."""
        found = next((key for key, does in self.direct.items() if does is function), "")
        return "+".join(part.title() for part in found.split("+"))


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
    "g": Function.PALETTE,
    "h": Function.F1,
    "i": Function.INSERT,
    "j": Function.NEW_LINE,
    "k": Function.ERASE_EOF,
    "l": Function.REDRAW,
    "m": Function.FIELD_MINUS,
    "n": Function.ROLLUP,
    "o": Function.HOME,
    "p": Function.PRINT,
    "q": Function.ERASE_INPUT,
    "r": Function.RESET,
    "s": Function.SYSREQ,
    "u": Function.ROLLDOWN,
    "v": Function.FIELD_PLUS,
    "x": Function.FIELD_EXIT,
}

_DIRECT: Mapping[str, Function] = {
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
    "ctrl+p": Function.PALETTE,
    **{f"f{number}": _function_key(number) for number in range(1, 25)},
    **{f"shift+f{number}": _function_key(number + 12) for number in range(1, 13)},
    **{f"alt+{key}": _function_key(number) for number, key in enumerate(_DIGIT_ROW, start=1)},
    **{f"alt+{letter}": function for letter, function in _LETTERS.items()},
}
"""Keys that need no prefix."""

_PREFIXED: Mapping[str, Function] = {
    **_LETTERS,
    **{key: _function_key(number) for number, key in enumerate(_DIGIT_ROW, start=1)},
    **{key: _function_key(number) for number, key in enumerate(_SHIFTED_ROW, start=13)},
}
"""Keys after Escape or Ctrl+G."""

_TWICE: Mapping[str, Function] = {key: _function_key(number) for number, key in enumerate(_DIGIT_ROW, start=13)}
"""Keys after Ctrl+G Ctrl+G: F13 to F24 without Shift, for keyboards whose upper row is another."""

_PREFIXES: Mapping[str, str] = {"escape": "ESC-", "ctrl+g": "^G-"}
"""Prefix keys and how the status row shows them."""

MODIFIERS = frozenset(
    {f"{side}_{key}" for side in ("left", "right") for key in ("shift", "control", "alt", "super", "hyper", "meta")}
    | {"iso_level3_shift", "iso_level5_shift", "caps_lock", "num_lock", "scroll_lock"}
)
"""Some terminals report these as keys, before the key they go with. They do nothing: a prefix waits for the key itself,
and Reset on a lone Control, as emulators have it, would come with every Control key and drop what was typed ahead."""


_ACS = Layout(
    "acs",
    "as emulators on PCs have it",
    {**_DIRECT, "alt+f1": Function.F1, "alt+end": Function.ERASE_INPUT, "shift+escape": Function.SYSREQ},
    _PREFIXED,
    _TWICE,
    _PREFIXES,
)
_TN5250 = Layout(
    "tn5250",
    "as tn5250 has it",
    {**_DIRECT, "ctrl+d": Function.ROLLUP, "ctrl+u": Function.ROLLDOWN, "ctrl+p": Function.PRINT},
    {
        **_PREFIXED,
        "ctrl+j": Function.NEW_LINE,
        "enter": Function.NEW_LINE,
        "delete": Function.INSERT,
    },
    _TWICE,
    _PREFIXES,
)
_PLAIN = Layout(
    "plain",
    "as other programs have it: Escape cancels",
    {
        **_DIRECT,
        "escape": Function.F12,
        "ctrl+a": Function.HOME,
        "ctrl+u": Function.FIELD_EXIT,
        "alt+backspace": Function.FIELD_EXIT,
    },
    _PREFIXED,
    _TWICE,
    {key: shown for key, shown in _PREFIXES.items() if key != "escape"},
)
LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in (_ACS, _TN5250, _PLAIN)}
"""By name."""
ACS = _ACS
"""What is used unless another is chosen."""
