"""Ends sessions that have lost their right to be there: nobody at the keys, profile disabled or gone, key removed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from console.errors import StoreError
from console.messages import describe, line
from console.model.user_profiles import Status
from console.people.sign_on import key_is_of
from console.serve.limits import Limits
from console.serve.session import Ending
from console.serve.visit import House, Live
from console.store.engine import Store
from console.store.session import reading
from console.store.system_values import INACTIVITY, get_values
from console.store.user_profiles import find_profile

_log = logging.getLogger("greenwall.ssh")

_EVERY_S = 2.0
"""So long may a session live on at most when its profile is disabled."""
_MINUTE_S = 60.0
IDLE, GONE, KEY_GONE = "GWL1082", "GWL1083", "GWL1084"

_Standing = tuple[frozenset[str], frozenset[tuple[str, str]], float]
"""Profiles that let in, profiles with keys that do, and the seconds without a key that the system value allows."""


class Watch:
    """Looks at the sessions of a house again and again."""

    def __init__(self, house: House, limits: Limits) -> None:
        self._house = house
        self._limits = limits

    async def run(self) -> None:
        """Look every two seconds, for ever."""
        while True:
            await asyncio.sleep(_EVERY_S)
            if self._house.live:
                await self.look()

    async def look(self) -> None:
        """End what has to end. What the store cannot say now is asked again; idle sessions end all the same."""
        sessions = list(self._house.live.values())
        asked = {(each.signed_on.name, each.key) for each in sessions}
        store, threads = self._house.doorway.store, self._house.doorway.threads
        try:
            standing = await threads.run(lambda: _standing(store, asked))
        except StoreError as error:
            _log.warning("%s", line(describe(error)))
            standing = None
        now_s = asyncio.get_running_loop().time()
        for each in sessions:
            ending = self._ending(each, standing, now_s)
            if ending is not None:
                each.session.finish(ending)

    def _ending(self, each: Live, standing: _Standing | None, now_s: float) -> Ending | None:
        idle_s = self._limits.idle_s
        if standing is not None:
            enabled, keys, system_idle_s = standing
            if each.signed_on.name not in enabled:
                return Ending(GONE, (("user", each.signed_on.name),))
            if each.key and (each.signed_on.name, each.key) not in keys:
                return Ending(KEY_GONE, (("user", each.signed_on.name),))
            idle_s = system_idle_s if idle_s is None else idle_s
        if idle_s and now_s - each.session.last_input_s >= idle_s:
            return Ending(IDLE, (("minutes", f"{idle_s / _MINUTE_S:g}"),))
        return None


def _standing(store: Store, asked: Iterable[tuple[str, str]]) -> _Standing:
    """Ask the store about profiles and keys."""
    with reading(store) as session:
        found = {name: find_profile(session, name) for name, _ in asked}
        idle = get_values(session)[INACTIVITY]
    enabled = frozenset(name for name, each in found.items() if each is not None and each.status is Status.ENABLED)
    keys = frozenset((name, key) for name, key in asked if key and key_is_of(store, name, key))
    return enabled, keys, int(idle) * _MINUTE_S if idle.isdecimal() else 0.0
