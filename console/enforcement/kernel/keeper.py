"""Keeps the kernel engine of a worker: what is in force there, whom it leaves alone, and what it tells, in the journal.

Must not decide anything: the engine does, also while this waits for the store or is stopped.

What is told stays in the ring buffer until it is written down. Up to where it is written is recorded in the same
transaction; a worker that was killed between that and giving it back is followed by one that knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import NamedTuple

from console.enforcement.kernel.attachment import Found
from console.enforcement.kernel.engine import KernelEngine
from console.enforcement.kernel.loading import Loaded, Wanted, load
from console.enforcement.kernel.pins import Leftover
from console.enforcement.kernel.relay_house import RelayHouse
from console.enforcement.kernel.resets import send_reset
from console.enforcement.kernel.ring import Ring
from console.enforcement.kernel.words import Words, next_words
from console.enforcement.pulse import Wake
from console.enforcement.scribe import Scribe
from console.errors import ConsoleError, KernelError, PolicyError
from console.messages import Message, describe, line, message
from console.policy.audit_levels import Auditing, Levels
from console.policy.rule import Policy
from console.store.kernel import Told

_log = logging.getLogger("greenwall.worker")

_PAUSE_S = 0.1
"""From one transaction to the next; meanwhile events wait in the ring buffer."""
_LONG_PAUSE_S = 0.5
_MANY = 500
"""Events in a transaction after which the next may wait longer: an entry costs a third less in one of ten thousand than
in one of five hundred, and the processors are what a server that is so busy needs."""
_FULL_ENOUGH = 1 << 20
"""Octets: some six thousand events, a sixteenth of the ring buffer. More do not wait."""
_LAST_WRITE_S = 5.0
"""For how long a worker that is to stop waits for the store."""
_LOOK_S = 1.0
"""How often it is looked whether something else is to be in force: another mode, another time of the day, a relay."""
_AWAIT_S = 30.0


class Place(NamedTuple):
    """What an engine is attached to."""

    cgroup: str
    ring: str
    """Name of its ring buffer in the store."""


class KernelKeeper:
    """What stands between the engine and the rest of the worker.

    Threads: The event loop's only.
    """

    def __init__(self, scribe: Scribe, engine: KernelEngine, relay: RelayHouse, place: Place, wanted: Wanted) -> None:
        """Put a policy in force.

        Args:
            scribe: Writes the journal.
            engine: Not attached yet, or attached with an earlier policy.
            relay: Where SOCKS entries lead.
            place: Where the engine is.
            wanted: What is to be in force.

        Raises:
            PolicyError: The kernel cannot hold this policy.
            KernelError: The kernel has no memory for it, or there is no relay.
        """
        self._scribe = scribe
        self._engine = engine
        self._relay = relay
        self._place = place
        self._levels = Levels(Auditing())
        self._events_came = asyncio.Event()
        self._woken = asyncio.Event()
        self._guards: Counter[int] = Counter()
        self._leftovers: list[Leftover] = []
        self._told = Told()
        self._wanted = wanted
        self._refused: Wanted | None = None
        self._said = ""
        self._is_gone = False
        self._loaded: Loaded = load(engine, relay, wanted)
        self._adopt()

    def take_over(self, leftovers: list[Leftover]) -> None:
        """Write down what earlier engines have left, before anything else."""
        self._leftovers = leftovers

    def policy_changed(self, revision: int, policy: Policy) -> None:
        """Put another revision in force, soon; one that the kernel cannot hold leaves the one before, and says so."""
        self._wanted = self._wanted._replace(revision=revision, policy=policy)
        self._woken.set()

    def auditing_changed(self, auditing: Auditing) -> None:
        """Write what other audit levels say, from now on."""
        self._levels = Levels(auditing)

    def guard_came(self, pid: int) -> None:
        """Leave a guard's own calls alone."""
        self._guards[pid] += 1
        with contextlib.suppress(OSError):  # more guards than the map holds: their calls are decided twice
            self._engine.let_guard(pid)

    def guard_went(self, pid: int) -> None:
        """Decide about a process again: the number may come to be another's.

        A guard that comes back at once is there before its last conversation is noticed to have ended.
        """
        self._guards[pid] -= 1
        if self._guards[pid] <= 0:
            del self._guards[pid]
            self._engine.forget_guard(pid)

    async def load_for_ever(self, wake: Wake) -> None:
        """Put in force what is to be.

        Args:
            wake: Set when the store has changed.
        """
        await self._say_what_holds()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._woken.wait()
            self._woken.clear()
            await self._look(is_changed=wake.take())

    async def write_for_ever(self) -> None:
        """Write down what the engine tells."""
        while self._leftovers:
            await self._write_leftover(self._leftovers[0])
            self._leftovers.pop(0).remove()
        await self._scribe.insist(self._scribe.ledger.kernel.forget_rings, [self._place.ring])
        while True:
            if pause_s := await self._write_own():
                await self._rest(pause_s)
            else:
                await self._await_events()

    async def _look(self, *, is_changed: bool) -> None:
        """Put in force what is to be where it is not, or not there.

        Args:
            is_changed: The store may say something new of the mode.
        """
        if is_changed:
            is_enforced = await self._scribe.insist(self._scribe.ledger.kernel.is_enforced, self._place.cgroup)
            self._wanted = self._wanted._replace(is_enforced=is_enforced)
        is_enforced = self._wanted.is_enforced
        if self._wanted != self._refused and await asyncio.to_thread(self._is_as_wanted):
            return
        try:
            await self._follow()
            await asyncio.to_thread(self._relay.look_after)
            if self._wanted != self._refused:
                await self._load(self._wanted)
            else:  # what is in force goes on as it is meant to
                await self._load(self._loaded.wanted._replace(is_enforced=is_enforced))
        except ConsoleError as error:
            if isinstance(error, PolicyError):  # what else failed may go another time
                self._refused = self._wanted
            await self._complain(message("GWL0482", number=self._wanted.revision, reason=line(describe(error))))

    def _is_as_wanted(self) -> bool:
        """Say whether everything is as it was left; blocks now and then."""
        is_there = not self._is_gone and self._engine.attachment.is_there()
        return is_there and self._relay.is_well() and self._loaded.is_still(self._wanted)

    async def _follow(self) -> None:
        """Stay with the cgroup of that path, and say where there is none, or another."""
        try:
            found = await asyncio.to_thread(self._engine.attachment.follow)
        except KernelError as error:
            await self._complain(describe(error))
            return
        if found is Found.NONE and not self._is_gone:
            await self._say(message("GWL049F", path=self._place.cgroup).text, is_wrong=True)
        elif found is Found.ANOTHER:
            await self._say(message("GWL04A0", path=self._place.cgroup).text, is_wrong=True)
            await self._say_what_holds()
        self._is_gone = found is Found.NONE

    async def _load(self, wanted: Wanted) -> None:
        """Put a revision in force where it is not, or not as of now."""
        if await asyncio.to_thread(self._loaded.is_still, wanted):
            return
        before, self._loaded = self._loaded, await asyncio.to_thread(load, self._engine, self._relay, wanted)
        if wanted == self._wanted:
            self._refused, self._said = None, ""
        if before.wanted != wanted and not self._is_gone:
            await self._say_what_holds()

    async def _complain(self, what: Message) -> None:
        """Say what is wrong: once, and not at each look."""
        said = line(what)
        if said != self._said:
            _log.warning("%s", said)
            await self._say(said, is_wrong=True)
        self._said = said

    async def _say_what_holds(self) -> None:
        holds = self._loaded.wanted
        message_id = "GWL0483" if holds.is_enforced else "GWL048B"
        told = message(message_id, path=self._place.cgroup, number=holds.revision).text
        await self._say(f"{told} {how_listens_fail(self._engine).text}")

    async def _say(self, text: str, *, is_wrong: bool = False) -> None:
        await self._scribe.insist(self._scribe.ledger.say_of_kernel, text, is_wrong=is_wrong)

    async def _rest(self, pause_s: float) -> None:
        """Let events gather, unless the ring buffer fills meanwhile."""
        for _ in range(round(pause_s / _PAUSE_S)):
            await asyncio.sleep(_PAUSE_S)
            if self._engine.ring.waiting >= _FULL_ENOUGH:
                return

    async def _await_events(self) -> None:
        """Wait until something is told.

        Nothing is waited for while there is something to write: the kernel wakes nobody for an event before which
        others lie unread, and to be woken costs more than the decision.
        """
        loop = asyncio.get_running_loop()
        number = self._engine.ring.descriptor
        loop.add_reader(number, self._events_came.set)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_AWAIT_S):
                    await self._events_came.wait()
        finally:
            loop.remove_reader(number)
            self._events_came.clear()

    def _adopt(self) -> None:
        """Begin where an earlier worker has come to, in the ring buffer of an engine that it has left attached."""
        self._told = self._scribe.ledger.kernel.told_before(self._place.ring)
        self._engine.ring.go_on_from(self._told.position)

    async def _write_leftover(self, leftover: Leftover) -> None:
        if leftover.ring is None:
            return
        told = await self._scribe.insist(self._scribe.ledger.kernel.told_before, leftover.name)
        leftover.ring.go_on_from(told.position)
        while (words := await self._write_some(leftover.ring, leftover.name, told, leftover.lost)) is not None:
            told = words.told

    async def _write_own(self) -> float:
        """Write down what the engine tells next; return after how many seconds to look again, 0 for nothing told."""
        lost = self._engine.counters().lost
        words = await self._write_some(self._engine.ring, self._place.ring, self._told, lost)
        if words is None:
            return 0
        self._told = words.told
        if words.events < _MANY:
            return _PAUSE_S
        self._scribe.press()
        return _PAUSE_S if words.made.resets else _LONG_PAUSE_S

    async def _write_some(self, ring: Ring, name: str, before: Told, lost_now: int) -> Words | None:
        """Write down what is told next; return it, None for nothing.

        Args:
            ring: Where it is told.
            name: Its name in the store.
            before: How much of it the journal has.
            lost_now: How many decisions the ring has lost.
        """
        words = await asyncio.to_thread(self._next_words, ring, before, lost_now)
        if words is None:
            return None
        write, (made, told, _) = self._scribe.ledger.kernel.write_told, words
        writing = self._scribe.insist(write, made.drafts, made.notable, name, told)
        await _to_the_end(writing, lambda: ring.give_back(told.position))
        return words

    def _next_words(self, ring: Ring, before: Told, lost_now: int) -> Words | None:
        """Return what is told next; tells peers that are to hear of it that they were refused."""
        words = next_words(ring, before, lost_now, self._loaded.accounts, self._levels)
        for event in words.made.resets if words is not None else ():
            send_reset(event)
        return words


def how_listens_fail(engine: KernelEngine) -> Message:
    """Return the sentence that says at which call a listen is refused by an attached engine."""
    return message("GWL04A3" if engine.attachment.sees_listens else "GWL04A4")


async def _to_the_end(work: Coroutine[object, object, None], then: Callable[[], None]) -> None:
    """Do something to its end, and what belongs to it, also where the worker is to stop meanwhile.

    Raises:
        CancelledError: The worker is to stop.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WRITE_S):
                await task
                then()
        raise
    then()
