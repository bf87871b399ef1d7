"""Ending a request that runs: the wish, where the request looks for it. Knows nothing of screens and stores.

A turn of the console runs in a thread that nobody can stop from outside without harm. It is ended where it asks: when
a command says how far it has come, and while SQLite works on a statement (`console.store.sqlite`). What waits for
anything else, a server's answer for example, goes on to its own time limit.

Threads:
    A wish is made by one thread and read by another; it is a single flag that is only ever set.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class EndWish:
    """Whether the request it belongs to is to end."""

    def __init__(self) -> None:
        self.is_made = False


_CURRENT: ContextVar[EndWish | None] = ContextVar("end_wish", default=None)


@contextmanager
def endable(wish: EndWish) -> Iterator[None]:
    """Let what runs inside, in this thread, be ended by a wish."""
    token = _CURRENT.set(wish)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def is_to_end() -> bool:
    """Say whether the request that runs in this thread is to end."""
    wish = _CURRENT.get()
    return wish is not None and wish.is_made
