"""Which programs look before they accept (select, poll, epoll), and trust that an accept then returns at once.

Whoever found a connection at each of three accepts on a listener that blocks, and never had to wait, is taken for one.
"""

from __future__ import annotations

_LOOKS_FIRST = 3
"""Accepts in which a program found a connection at once, and after which it is taken for one that looks first."""
_HAD_TO_WAIT = -1
_MOST_PLACES = 4096
"""Descriptors of listeners of which that is remembered; all are forgotten beyond that."""

Place = tuple[int, int]
"""A process, and its descriptor of a listener that blocks."""


class LookingFirst:
    """What is known of the programs of one job. Threads: any; a count that two lose is made up by the next."""

    def __init__(self) -> None:
        self._found_at_once: dict[Place, int] = {}
        """In how many accepts, or `_HAD_TO_WAIT`."""

    def note(self, place: Place, had_to_wait: bool) -> None:
        """Remember how an accept began."""
        known = self._found_at_once.get(place, 0)
        if known == _HAD_TO_WAIT or (known >= _LOOKS_FIRST and not had_to_wait):
            return
        if len(self._found_at_once) >= _MOST_PLACES:
            self._found_at_once.clear()
        self._found_at_once[place] = _HAD_TO_WAIT if had_to_wait else known + 1

    def looks_first(self, place: Place) -> bool:
        """Say whether a program is taken for one."""
        return self._found_at_once.get(place, 0) >= _LOOKS_FIRST
