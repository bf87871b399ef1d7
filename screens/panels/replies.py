"""Replies that many panels give alike."""

from __future__ import annotations

from typing import Final

from console.messages import Message, message

_AT_BOTTOM = "GWL0701"
_AT_TOP = "GWL0702"


class Done:
    """What a panel returns when it did what it was opened for; after F12 it returns None."""


DONE: Final = Done()


def roll(key: str, top: int, rows: int, count: int) -> tuple[int, tuple[Message, ...]]:
    """Roll by one page.

    Args:
        key: ``ROLLUP`` for later rows, ``ROLLDOWN`` for earlier ones.
        top: Index of the first row that shows.
        rows: Rows on a page.
        count: Rows in all.

    Returns:
        The new first row, and a message when there is nothing more that way.
    """
    if key == "ROLLUP":
        return (top + rows, ()) if top + rows < count else (top, (message(_AT_BOTTOM),))
    return (max(0, top - rows), ()) if top else (0, (message(_AT_TOP),))
