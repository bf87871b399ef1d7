"""Cuts a CL command into words, quoted strings and parentheses, each with its column.

It knows no command, keyword or value; `console.commands.language` puts the pieces together.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto

from console.errors import CommandError

_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, format (bidirectional overrides), surrogate, private, unassigned characters and line separators."""

_PIECE = re.compile(
    r"""(?P<blank>[ \t]+)
      | (?P<comment>/\*.*?\*/)
      | (?P<quoted>'(?:[^']|'')*')
      | (?P<open>\()
      | (?P<close>\))
      | (?P<word>(?:(?!/\*)[^ \t'()])+)
    """,
    re.VERBOSE | re.DOTALL,
)


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    QUOTED = auto()
    OPEN = auto()
    CLOSE = auto()


_KINDS = {"word": Kind.WORD, "quoted": Kind.QUOTED, "open": Kind.OPEN, "close": Kind.CLOSE}


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a command."""

    kind: Kind
    text: str
    """As written; for a quoted string what is inside, with each doubled apostrophe made one."""
    column: int
    """Column of its first character, from 1."""
    spaced: bool
    """Whether a blank or a comment, or nothing, is before it."""


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a command; blanks and comments are gone.

    Args:
        text: One command. A tab outside of apostrophes counts as a blank.

    Raises:
        CommandError: An apostrophe or a comment is not closed, or a character is not allowed.
    """
    found: list[Token] = []
    position, spaced = 0, True
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            raise _unclosed(text, position)
        kind = _KINDS.get(piece.lastgroup or "")
        if piece.lastgroup != "blank":
            _refuse_controls(piece.group(), position)
        if kind is not None:
            inside = piece.group()[1:-1].replace("''", "'") if kind is Kind.QUOTED else piece.group()
            found.append(Token(kind, inside, position + 1, spaced))
        spaced = kind is None
        position = piece.end()
    return found


def _unclosed(text: str, position: int) -> CommandError:
    """Say what is open at a position where no piece matches: the pattern leaves only these two."""
    if text[position] == "'":
        return CommandError("GWL0107", column=position + 1, value=text[position : position + 20])
    return CommandError("GWL010F", column=position + 1)


def _refuse_controls(piece: str, position: int) -> None:
    if piece.isascii() and piece.isprintable():
        return
    for offset, character in enumerate(piece):
        if unicodedata.category(character) in _REFUSED_CATEGORIES:
            raise CommandError("GWL010A", value=f"U+{ord(character):04X}", column=position + offset + 1)
