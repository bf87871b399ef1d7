"""Keeps a paste whole: takes the Escape characters out of it before the parser sees them.

Between the marks of a bracketed paste Textual 8.2 goes on looking for escape sequences. Text with an Escape in it falls
apart into keys, and a line end in it is then Enter: whoever chooses what is copied could choose what the console does.
Pure: characters in, characters out.
"""

from __future__ import annotations

_ESCAPE = "\x1b"
_BEGIN = f"{_ESCAPE}[200~"
_END = f"{_ESCAPE}[201~"
"""The marks around a paste (xterm's ctlseqs, Bracketed Paste Mode)."""


class PasteFilter:
    """What a terminal sends, as it comes, in pieces cut anywhere."""

    def __init__(self) -> None:
        self._is_inside = False
        self._held = ""
        """The beginning of a mark; inside a paste it is held back until it is known to be one."""

    def clean(self, data: str) -> str:
        """Return what the parser may see of the next piece; of a cut mark the rest comes with a later piece."""
        return "".join(map(self._next, data))

    def _next(self, character: str) -> str:
        mark = _END if self._is_inside else _BEGIN
        held, self._held = self._held, ""
        if mark.startswith(held + character):
            return self._part_of(mark, held + character)
        if not self._is_inside:
            self._held = character if character == _ESCAPE else ""
            return character
        text = held.replace(_ESCAPE, "")
        if character == _ESCAPE:
            self._held = character
            return text
        return text + character

    def _part_of(self, mark: str, found: str) -> str:
        was_inside = self._is_inside
        if found == mark:
            self._is_inside = not was_inside
            return mark if was_inside else found[-1]
        self._held = found
        return "" if was_inside else found[-1]
