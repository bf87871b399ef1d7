"""Replies that many panels give alike."""

from __future__ import annotations

from typing import Final

from console.messages import Message, message

_AT_BOTTOM = "GWL0701"
_AT_TOP = "GWL0702"


class Done:
    """What a panel returns when it did what it was opened for; after F12 it returns None."""


DONE: Final = Done()


def at_bottom(whole: str = "list") -> Message:
    """Return what is said at the end of what a panel shows."""
    return message(_AT_BOTTOM, whole=whole)


def at_top(whole: str = "list") -> Message:
    """Return what is said at its beginning."""
    return message(_AT_TOP, whole=whole)


def roll(key: str, top: int, rows: int, count: int, whole: str = "list") -> tuple[int, tuple[Message, ...]]:
    """Roll by one page.

    Args:
        key: ``ROLLUP`` for later rows, ``ROLLDOWN`` for earlier ones.
        top: Index of the first row that shows.
        rows: Rows on a page.
        count: Rows in all.
        whole: What they are together, for the message.

    Returns:
        The new first row, and a message when there is nothing more that way.
    """
    if key == "ROLLUP":
        return (top + rows, ()) if top + rows < count else (top, (at_bottom(whole),))
    return (max(0, top - rows), ()) if top else (0, (at_top(whole),))
