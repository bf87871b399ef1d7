"""Keeps the kernel engine of a worker: what is in force there, whom it leaves alone, and what it tells, in the journal.

Must not decide anything: the engine does, also while this waits for the store or is stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Coroutine

from console.enforcement.kernel.accounts import known_accounts
from console.enforcement.kernel.engine import KernelEngine
from console.enforcement.kernel.entries import entry, lost
from console.enforcement.kernel.events import KernelEvent
from console.enforcement.scribe import Scribe
from console.errors import KernelError, PolicyError
from console.journal.entries import Entry
from console.messages import describe, line, message
from console.policy.audit_levels import Auditing, Levels
from console.policy.compiler import compile_policy
from console.policy.image import Account, check_image, image, who_is_named
from console.policy.rule import Policy

_log = logging.getLogger("greenwall.worker")

_PAUSE_S = 0.1
"""From one transaction to the next; meanwhile events wait in the ring buffer."""
_LAST_WRITE_S = 5.0
"""For how long a worker that is to stop waits for the store."""
_ACCOUNTS_S = 30.0
"""How long names and groups of users are believed, as in a guard."""
_MOST_WAITING = 100_000
"""Events that wait for the store; beyond that they are left in the ring buffer, and then lost and counted."""


class KernelKeeper:
    """What stands between the engine and the rest of the worker.

    Threads: The event loop's only.
    """

    def __init__(self, scribe: Scribe, engine: KernelEngine, revision: int, policy: Policy) -> None:
        """Put the policy in force.

        Args:
            scribe: Writes the journal.
            engine: Loaded, and not attached yet.
            revision: Number of the active revision.
            policy: The active revision.

        Raises:
            PolicyError: The kernel cannot hold this policy.
            KernelError: The kernel has no memory for it.
        """
        self._scribe = scribe
        self._engine = engine
        self._accounts: dict[int, Account] = {}
        self._named: tuple[frozenset[str], frozenset[str]] = frozenset(), frozenset()
        self._accounts_until = time.monotonic() + _ACCOUNTS_S
        self._levels = Levels(Auditing())
        self._waiting: list[KernelEvent] = []
        self._told = asyncio.Event()
        self._lost = 0
        self._lost_before = 0
        self._in_force = revision, policy
        self._load(revision, policy)

    def take(self, event: KernelEvent) -> None:
        """Take an event from the engine."""
        self._waiting.append(event)

    def lost_before(self, count: int) -> None:
        """Take how many decisions an earlier engine has lost of which the journal does not know."""
        self._lost_before = count

    def policy_changed(self, revision: int, policy: Policy) -> None:
        """Put another revision in force; one that the kernel cannot hold leaves the one before, and says so."""
        self._in_force = revision, policy
        try:
            self._load(revision, policy)
        except (PolicyError, KernelError) as error:
            _log.warning("%s", line(message("GWL0482", number=revision, reason=line(describe(error)))))

    def auditing_changed(self, auditing: Auditing) -> None:
        """Write what other audit levels say, from now on."""
        self._levels = Levels(auditing)

    def guard_came(self, pid: int) -> None:
        """Leave a guard's own calls alone."""
        with contextlib.suppress(OSError):  # more guards than the map holds: their calls are decided twice
            self._engine.let_guard(pid)

    def guard_went(self, pid: int) -> None:
        """Decide about a process again: the number may come to be another's."""
        self._engine.forget_guard(pid)

    async def write_for_ever(self) -> None:
        """Write down what the engine tells."""
        while True:
            await self._look_at_accounts()
            self._consume()
            if self._waiting or self._lost_before:
                await self._write()
                await asyncio.sleep(_PAUSE_S)
            else:
                await self._await_events()

    async def _await_events(self) -> None:
        """Wait until something is told, or users may have changed.

        Nothing is waited for while there is something to write: the kernel wakes nobody for an event before which
        others lie unread, and to be woken costs more than the decision.
        """
        loop = asyncio.get_running_loop()
        loop.add_reader(self._engine.descriptor, self._told.set)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ACCOUNTS_S):
                    await self._told.wait()
        finally:
            loop.remove_reader(self._engine.descriptor)
            self._told.clear()

    def _consume(self) -> None:
        if len(self._waiting) < _MOST_WAITING:
            self._engine.consume()

    async def _write(self) -> None:
        events, self._waiting = self._waiting, []
        clock_ns = time.time_ns() - time.monotonic_ns()
        entries = [made for event in events if (made := self._entry(event, clock_ns))]
        count, before = self._engine.counters().lost, self._lost_before
        if count + before > self._lost:
            entries.append(lost(count + before - self._lost, at_ns=time.time_ns()))
        if entries:
            await _to_the_end(self._scribe.insist(self._scribe.ledger.write, entries))
        self._lost, self._lost_before = count, 0
        self._engine.told_lost(count)

    def _entry(self, event: KernelEvent, clock_ns: int) -> Entry | None:
        account = self._accounts.get(event.uid) or Account(str(event.uid))
        made = entry(event, clock_ns=clock_ns, user=account.user, program=_program(event))
        is_wanted = event.error or self._levels.wants(
            "SK", made.sk_type, user=account.user, local_port=event.local.port
        )
        return made if is_wanted else None

    async def _look_at_accounts(self) -> None:
        """Resolve users and groups anew, now and then; the policy is loaded again where they have changed."""
        if time.monotonic() < self._accounts_until:
            return
        self._accounts_until = time.monotonic() + _ACCOUNTS_S
        named = self._named
        accounts = await asyncio.to_thread(known_accounts, *named)  # a directory service may take its time
        if accounts != self._accounts and named == self._named:
            self.policy_changed(*self._in_force)

    def _load(self, revision: int, policy: Policy) -> None:
        compiled = compile_policy(policy, revision)
        check_image(compiled)
        named = who_is_named(compiled)
        accounts = known_accounts(*named)
        self._engine.activate(image(compiled, accounts))
        self._named, self._accounts = named, accounts


async def _to_the_end(work: Coroutine[object, object, None]) -> None:
    """Do something to its end, also where the worker is to stop meanwhile: what is written is nowhere else any more.

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
        raise


def _program(event: KernelEvent) -> str:
    """Return the path of the program of a process that lives, else the name that its thread had."""
    try:
        return os.readlink(f"/proc/{event.pid}/exe") if event.pid else event.comm
    except OSError:
        return event.comm
