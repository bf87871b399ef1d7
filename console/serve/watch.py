"""Ends sessions that have lost their right to be there: profile disabled or gone, key removed, nobody at the keys."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.errors import StoreError
from console.messages import describe, line
from console.model.user_profiles import Status
from console.people.sign_on import key_is_of
from console.serve.limits import Limits
from console.serve.session import Ending
from console.serve.visit import House, Live
from console.store.engine import Store
from console.store.session import reading, transaction
from console.store.ssh_sessions import record_input, requested_ends
from console.store.system_values import INACTIVITY, get_values
from console.store.user_profiles import find_profile

_log = logging.getLogger("greenwall.ssh")

_EVERY_S = 2.0
"""So long may a session live on at most when its profile is disabled."""
_MINUTE_S = 60.0
IDLE, GONE, KEY_GONE, END_WANTED = "GWL1082", "GWL1083", "GWL1084", "GWL1089"

_INPUT_EVERY_S = 10.0
"""So late may a list of sessions be about when somebody has keyed something last."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the store says of the sessions."""

    enabled: Mapping[str, datetime]
    """Profiles that let in, and when each was made."""
    keys: frozenset[tuple[str, str]]
    """Profiles, each with a key that opens a session for it."""
    idle_s: float
    """Seconds without a key that QINACTITV allows; 0: any."""
    ends: Mapping[str, str]
    """Job that is to be ended -> who wants that."""


class Watch:
    """Looks at the sessions of a house again and again."""

    def __init__(self, house: House, limits: Limits) -> None:
        self._house = house
        self._limits = limits
        self._recorded: dict[str, float] = {}
        """When there was input last, as the store knows it, by job."""

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
            standing = await threads.run(lambda: _standing(store, asked, [each.job.name for each in sessions]))
            await self._record_input(sessions)
        except StoreError as error:
            _log.warning("%s", line(describe(error)))
            standing = None
        now_s = asyncio.get_running_loop().time()
        for each in sessions:
            ending = self._ending(each, standing, now_s)
            if ending is not None:
                each.session.finish(ending)

    async def _record_input(self, sessions: Sequence[Live]) -> None:
        """Write down when there was input last, where that has changed by much."""
        now_s, now = asyncio.get_running_loop().time(), self._house.doorway.clock()
        moments = {}
        for each in sessions:
            at_s = each.session.last_input_s
            if at_s - self._recorded.get(each.job.name, each.since_s) >= _INPUT_EVERY_S:
                moments[each.job.name] = now - timedelta(seconds=now_s - at_s)
                self._recorded[each.job.name] = at_s
        names = {each.job.name for each in sessions}
        self._recorded = {name: at_s for name, at_s in self._recorded.items() if name in names}
        if moments:
            store = self._house.doorway.store
            await self._house.doorway.threads.run_in_order(lambda: _record(store, moments))

    def _ending(self, each: Live, standing: _Standing | None, now_s: float) -> Ending | None:
        idle_s = self._limits.idle_s
        if standing is not None:
            if each.job.name in standing.ends:
                return Ending(END_WANTED, (("user", standing.ends[each.job.name]),))
            made = standing.enabled.get(each.signed_on.name)
            if made is None or made > each.since:
                return Ending(GONE, (("user", each.signed_on.name),))
            if each.key and (each.signed_on.name, each.key) not in standing.keys:
                return Ending(KEY_GONE, (("user", each.signed_on.name),))
            idle_s = standing.idle_s if idle_s is None else idle_s
        if idle_s and now_s - each.session.last_input_s >= idle_s:
            return Ending(IDLE, (("minutes", f"{idle_s / _MINUTE_S:g}"),))
        return None


def _standing(store: Store, asked: Iterable[tuple[str, str]], jobs: Sequence[str]) -> _Standing:
    """Ask the store about profiles, keys and jobs."""
    with reading(store) as session:
        found = {name: find_profile(session, name) for name, _ in asked}
        idle = get_values(session)[INACTIVITY]
        ends = requested_ends(session, jobs)
    return _Standing(
        enabled={
            name: each.created_at for name, each in found.items() if each is not None and each.status is Status.ENABLED
        },
        keys=frozenset((name, key) for name, key in asked if key and key_is_of(store, name, key)),
        idle_s=int(idle) * _MINUTE_S if idle.isdecimal() else 0.0,
        ends=ends,
    )


def _record(store: Store, moments: Mapping[str, datetime]) -> None:
    with transaction(store) as session:
        record_input(session, moments)
