"""Terminals at the far end of a session: which types are believed, which sizes, and how one is left in order."""

from __future__ import annotations

import re

_KNOWN = re.compile(
    r"(?:alacritty|ansi|aterm|contour|cygwin|dtterm|eterm|foot|ghostty|gnome|iterm|iterm2|kitty|konsole|linux|mintty"
    r"|ms-terminal|mlterm|mosh|nsterm|putty|rio|rxvt|screen|st|stterm|sun|teraterm|terminator|terminology|tmux|vt\d{3}"
    r"|vte|wezterm|xterm|zellij)"
    r"(?:[-.+][a-z0-9.+-]{1,40})?",
    re.IGNORECASE,
)
"""Names of terminal types that clients send, with what follows them: ``xterm-256color``, ``screen.xterm-256color``."""
_FALLBACK = "xterm"
"""For a type that we do not know: nearly everything that reaches us by SSH understands what xterm does."""
_DUMB = frozenset({"", "dumb", "unknown", "emacs"})

_MOST_COLUMNS, _MOST_ROWS = 500, 300
"""Beyond that no display goes; a console that had to lay out more would be slow for nothing."""

LEAVE = (
    b"\x1b[?2026l\x1b[<u\x1b[?2004l\x1b[?1004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l"
    b"\x1b[?25h\x1b[0m\x1b[?1049l"
)
"""What puts a terminal back that a console has left without doing so: synchronised output, kitty's keyboard protocol,
bracketed paste, focus and mouse reports off; the cursor, plain characters and the first screen back (xterm's control
sequences, ctlseqs). Terminals pass over what they do not know."""


def terminal_type(asked: str) -> str:
    """Return the terminal type that a session gets for what a client asked; empty if no console can be shown there.

    It becomes an environment variable and the name of a file in the terminfo database, so nothing unusual gets through.
    """
    if asked.lower() in _DUMB:
        return ""
    return asked if _KNOWN.fullmatch(asked) else _FALLBACK


def size_of(columns: int, rows: int) -> tuple[int, int]:
    """Return a size that a terminal can have for what a client said; 0 stands for a client that does not know it."""
    return min(columns or 80, _MOST_COLUMNS), min(rows or 24, _MOST_ROWS)
