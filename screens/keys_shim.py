"""Repairs what Textual makes of some function keys and pastes. Call `install` once, before the application runs.

Textual 8.2 loses keys that a 5250 cannot do without:

* ``ESC [ 1 ; 2 R``, Shift+F3 of xterm and everything like it, is taken for a cursor position report. A full-screen
  program never asks for one, so with a modifier in second place it is a key.
* ``ESC [ 25 ~`` and its kin, F13 to F20 of VT220, PuTTY and the Linux console, become control characters or even a
  space and quotation marks. Their names are added to the table.
* ``ESC 1`` to ``ESC =``, Alt and a digit or a fast Escape and a digit, become what those keys type on one maker's
  keyboards (an inverted exclamation mark, a pound sign and so on). They are F1 to F12. Mending the table, and not
  turning the characters into function keys, lets people type a pound sign.

* Over SSH the rest of an Escape sequence may come late (`wait_longer`).
* A paste with an Escape in it falls apart into keys (see `screens.paste_filter`).

The tables and the parser are private, so pyproject pins Textual's series, and a test feeds the bytes to the parser.
Source: shared measurements of what terminals send, and textual/_xterm_parser.py of 8.2.8.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import cast

from textual import _xterm_parser, constants
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual._parser import Parser
from textual.keys import Keys
from textual.message import Message

from screens.paste_filter import PasteFilter

_VT220 = {
    "25~": "f13",
    "26~": "f14",
    "28~": "f15",
    "29~": "f16",
    "31~": "f17",
    "32~": "f18",
    "33~": "f19",
    "34~": "f20",
}
_ALT_DIGITS = "1234567890-="
"""In the order of F1 to F12."""
_MODIFIERS = r"(?:[2-9]|1[0-6]|6[5-9]|7[0-9]|80|129|1[34][0-9]|19[3-9]|20[0-8])"
"""Shift and its kin, 1 more than their sum; with Caps Lock (64) and Num Lock (128), which the kitty protocol tells."""
_CURSOR_REPORT = re.compile(rf"\x1b\[(?P<row>(?!1;{_MODIFIERS}R)\d+);(?P<col>\d+)R")
_FAR_DELAY_S = 0.4
"""How long the rest of an Escape sequence may take over a network. With Textual's 0.1 s a sequence that a slow line
splits becomes Escape and letters in a field; with this a lone Escape answers so much later (measured: 0.4 is enough for
a line that splits every byte and delays by 200 ms)."""
_REMOTE = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")


_FILTER = "_paste_filter"
"""Attribute of a parser that keeps its filter."""


def _feed(parser: Parser[Message], data: str) -> Iterable[Message]:
    """Stand in for `Parser.feed`, which takes the empty string for the end of input."""
    if not data:
        return Parser.feed(parser, data)
    clean = vars(parser).setdefault(_FILTER, PasteFilter()).clean(data)
    return Parser.feed(parser, clean) if clean else ()


def wait_longer(environment: Mapping[str, str]) -> None:
    """Give Escape sequences time to arrive where the terminal is at the other end of a network.

    Args:
        environment: Of this process. ESCDELAY in it, in milliseconds, is what Textual has taken already.
    """
    if not environment.get("ESCDELAY") and any(environment.get(name) for name in _REMOTE):
        constants.ESCAPE_DELAY = _FAR_DELAY_S  # type: ignore[misc]  # read anew at each Escape


def install() -> None:
    """Repair the tables; doing it twice changes nothing more."""
    FUNCTIONAL_KEYS.update(_VT220)
    _xterm_parser._re_cursor_position = _CURSOR_REPORT  # noqa: SLF001 - the only way in; see above
    _xterm_parser.XTermParser.feed = _feed  # type: ignore[assignment, method-assign]
    sequences = cast("dict[str, object]", ANSI_SEQUENCES_KEYS)
    for number, character in enumerate(_ALT_DIGITS, start=1):
        sequences[f"\x1b{character}"] = (Keys[f"F{number}"],)
