"""Cuts a file of CL commands into commands, and finds the line and column of a fault again; pure.

One command a line. A line that ends with ``+`` goes on at the first character that is not blank of the next, one that
ends with ``-`` at its first column, as in CL. Blank lines, lines that are only a comment, and lines that begin with
``#`` (so that a script may name its interpreter) are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ONLY_COMMENT = re.compile(r"\s*(/\*.*\*/\s*)*")


@dataclass(frozen=True, slots=True)
class Statement:
    """One command of a file."""

    text: str
    pieces: tuple[tuple[int, int, int], ...]
    """For each line it is made of: offset in `text`, line number from 1, columns skipped in front."""

    @property
    def line(self) -> int:
        """Line on which it begins."""
        return self.pieces[0][1]

    def place(self, column: int) -> tuple[int, int]:
        """Return line and column in the file of a column of `text`, all from 1."""
        offset, line, skipped = next(piece for piece in reversed(self.pieces) if piece[0] < max(column, 1))
        return line, column - offset + skipped


def statements(source: str) -> Iterator[Statement]:
    """Yield the commands of a file, in order.

    Args:
        source: The whole file.
    """
    text = ""
    pieces: list[tuple[int, int, int]] = []
    indent = True
    for number, raw in enumerate(source.split("\n"), start=1):
        line = raw.rstrip("\r \t")
        if not pieces and (line.startswith("#") or _ONLY_COMMENT.fullmatch(line)):
            continue
        kept = line.lstrip(" \t") if indent else line
        goes_on = kept.endswith(("+", "-"))
        pieces.append((len(text), number, len(line) - len(kept)))
        text += kept[:-1] if goes_on else kept
        indent = not kept.endswith("-")
        if not goes_on:
            yield Statement(text, tuple(pieces))
            text, pieces, indent = "", [], True
    if pieces:
        yield Statement(text, tuple(pieces))
