"""Python's collector of cycles, for processes that handle journal entries by the million."""

from __future__ import annotations

import gc

_YOUNG = 100_000
"""New objects before the collector looks; 700 unless changed, which it reaches twice in each batch of entries."""


def calm() -> None:
    """Have the collector look seldom, and not at what is loaded already.

    Entries are lists and tuples without cycles: reference counts free them. Looking at them all the time takes a third
    of the processor time of the journal's index and a sixth of its appending, measured.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 100)


def hold() -> None:
    """Have the collector not look at all until `release`: while much is loaded, of which nothing is garbage."""
    gc.disable()


def release() -> None:
    """Have the collector look again, but not at what is loaded already."""
    gc.freeze()
    gc.enable()
