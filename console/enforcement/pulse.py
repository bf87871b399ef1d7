"""Wakes the tasks of a worker that look at the store, when there may be something new for them, and lets them rest.

Each of them would otherwise read it twice a second, whether anything has happened or not. A wake-up is a hint: each
looks now and then in any case.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from console.store.changes import BUSY, Changes

LOOK_S = 0.5
"""How late a change is seen that nobody has told of; and how often who waits for a time of the day looks."""
_REST_S = 15.0
"""How often it is looked all the same."""
_TRY_AGAIN_S, _TRIES = 0.02, 25
"""While entries are written, for a tenth of a second when there are many, nobody knows whether others have written."""
_NOTHING_SEEN = object()


class Wake:
    """Has a task look at the store again.

    Args:
        follows_journal: Whether it is to look also when this process itself has written entries.

    Threads: The event loop's only.
    """

    def __init__(self, *, follows_journal: bool = False) -> None:
        self.follows_journal = follows_journal
        self._event = asyncio.Event()

    def set(self) -> None:
        """Have it look soon."""
        self._event.set()

    def take(self) -> bool:
        """Say whether there may be something new, once."""
        was_set = self._event.is_set()
        self._event.clear()
        return was_set

    async def rest(self, *, briefly: bool = False) -> bool:
        """Wait until there may be something new, or it is time to look; say whether it is the former.

        Args:
            briefly: Also something that nobody writes into the store may make a difference: the time of the day.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S if briefly else _REST_S):
                await self._event.wait()
        return self.take()


class Pulse:
    """Looks whether the store has changed, for all.

    Args:
        changes: Says so.
        check_there: Raises if the store is no more.

    Threads: The event loop's only.
    """

    def __init__(self, changes: Changes, check_there: Callable[[], None]) -> None:
        self._changes = changes
        self._check_there = check_there
        self._wakes: list[Wake] = []

    def wake(self, *, follows_journal: bool = False) -> Wake:
        """Return what is set whenever the store has changed by others, and by what is written here where it is to."""
        made = Wake(follows_journal=follows_journal)
        self._wakes.append(made)
        return made

    async def watch(self) -> None:
        """Look for ever.

        Raises:
            StoreGoneError: There is no store any more.
        """
        seen: object = _NOTHING_SEEN
        grown, clock = 0, asyncio.get_running_loop().time
        woken_at = clock()
        while True:
            self._check_there()
            now = await self._state()
            is_changed, seen = now is None or now != seen, now
            grown_to = self._changes.grown  # read once: another thread adds to it
            has_grown, grown = grown_to != grown, grown_to
            # A task that was begun anew may have taken a wake-up and done nothing with it.
            if is_changed or clock() - woken_at >= _REST_S:
                is_changed, woken_at = True, clock()
            for each in self._wakes:
                if is_changed or (has_grown and each.follows_journal):
                    each.set()
            await asyncio.sleep(LOOK_S)

    async def _state(self) -> object:
        for _ in range(_TRIES):
            found = self._changes.state()
            if found is not BUSY:
                return found
            await asyncio.sleep(_TRY_AGAIN_S)
        return None
