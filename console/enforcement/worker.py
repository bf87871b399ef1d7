"""The worker: one process a store, the only writer of its journal.

Takes entries from guards and from the spools of dead ones, moves the audit entries of administration into the journal,
tells guards of new revisions, and says every two seconds that it lives. It may be killed at any moment.

One task looks whether the store has changed, and the others look into it when it has (`console.enforcement.pulse`).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from console.clock import system_clock
from console.collector import calm
from console.enforcement import syscalls
from console.enforcement.alert_tasks import AlertTasks
from console.enforcement.forwarding import forward_for_ever
from console.enforcement.guard_server import GuardServer
from console.enforcement.journal_keeper import JournalKeeper, keep_journal
from console.enforcement.kernel_start import begin_kernel, left_attached
from console.enforcement.ledger import Ledger, StoreGoneError
from console.enforcement.pulse import Pulse
from console.enforcement.scribe import Scribe
from console.enforcement.spool import waiting_spools
from console.errors import StoreError, WorkerError
from console.messages import describe, line, message
from console.readiness import tell_systemd
from console.store.engine import Store, open_store
from console.store.locks import open_lock_file, try_lock
from console.store.unix_path import bind

_log = logging.getLogger("greenwall.worker")

_BACKLOG = 128
_HEARTBEAT_S = 2.0
_SPOOLS_S = 2.0
_RESTART_S = 0.5
"""Pause before a task that failed is begun again."""
_LOCK_TRIES = 20
_LOCK_PAUSE_S = 0.05
"""Who asks whether a worker runs holds the lock for a moment (`console.store.locks.is_locked`)."""


def run_worker(store_url: str, *, cgroup: Path | None = None) -> int:
    """Be the worker of a store, in the foreground, until SIGTERM or SIGINT.

    Args:
        store_url: As `console.store.engine.open_store` takes it.
        cgroup: What the kernel engine is to decide for; None: what an earlier worker has left it attached to, if
            anything.

    Returns:
        Exit code: 0 when it ended in order, or another worker serves the store already; 1 when the store has gone.

    Raises:
        StoreError: The store cannot be opened.
        WorkerError: The sockets beside the store cannot be made.
        KernelError, PolicyError: The kernel engine was asked for and cannot be had; nothing is attached.
    """
    logging.basicConfig(stream=sys.stderr, format="greenwall worker: %(message)s")
    _log.setLevel(logging.INFO)
    syscalls.hide_from_tracers()  # no core file either: we have the passwords of SOCKS servers in clear
    store = open_store(store_url)
    try:
        with _only_worker(store) as alone:
            if not alone:
                _log.info("%s", line(message("GWL0501", url=store.shown_url)))
                return 0
            calm()
            return asyncio.run(_serve(store, cgroup or left_attached(store, system_clock)))
    finally:
        store.close()


@contextmanager
def _only_worker(store: Store) -> Iterator[bool]:
    """Hold the worker's lock while the block lasts; False when another process has it."""
    descriptor = open_lock_file(store.location.worker_lock)
    try:
        for _ in range(_LOCK_TRIES):
            if alone := try_lock(descriptor):
                break
            time.sleep(_LOCK_PAUSE_S)
        yield alone
    finally:
        os.close(descriptor)


async def _serve(store: Store, cgroup: Path | None) -> int:
    with _bound(store, socket.SOCK_STREAM) as listener, _bound(store, socket.SOCK_DGRAM) as wake:
        listener.listen(_BACKLOG)
        worker = Worker(store, listener, wake, cgroup=cgroup)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, worker.stop)
        return await worker.run()


@contextmanager
def _bound(store: Store, kind: socket.SocketKind) -> Iterator[socket.socket]:
    """Bind one of the worker's two sockets; the lock makes sure that what lay there is a dead worker's."""
    location = store.location
    path = location.worker_socket if kind is socket.SOCK_STREAM else location.wake_socket
    with socket.socket(socket.AF_UNIX, kind) as endpoint:
        endpoint.setblocking(False)
        try:
            bind(endpoint, path)
        except OSError as error:
            raise WorkerError("GWL0512", path=path, reason=error.strerror or error) from error
        try:
            yield endpoint
        finally:
            path.unlink(missing_ok=True)


class Worker:
    """The tasks of a worker, and what they share.

    Threads: The event loop's only.
    """

    def __init__(
        self, store: Store, listener: socket.socket, wake: socket.socket, *, cgroup: Path | None = None
    ) -> None:
        """Record the worker in the store, and put the kernel engine to work if it is wanted.

        Args:
            store: Where it works; locked for it, and closed by the caller.
            listener: Where guards connect; not blocking.
            wake: Where datagrams say that something has changed; not blocking.
            cgroup: What the kernel engine is to decide for; None: it is not wanted.

        Raises:
            StoreError: The store cannot be read or written.
            KernelError, PolicyError: The kernel engine cannot be had.
        """
        self._location = store.location
        self._listener = listener
        self._wake = wake
        self._ledger = Ledger(store, system_clock)
        self._scribe = Scribe(self._ledger)
        start = self._ledger.start(host=socket.gethostname(), cgroup="" if cgroup is None else str(cgroup))
        self._guards = GuardServer(self._scribe, *start)
        self._kernel = None if cgroup is None else begin_kernel(self._scribe, store.location, cgroup, *start)
        self._guards.watcher = self._kernel
        pulse = self._pulse = Pulse(self._ledger.changes, self._ledger.check_there)
        self._keep = partial(
            keep_journal, self._scribe, JournalKeeper(store, system_clock), pulse.wake(follows_journal=True)
        )
        self._forward = partial(forward_for_ever, store, system_clock, pulse.wake())
        self._alerts = AlertTasks(store, system_clock, socket.gethostname())
        self._watch_alerts = partial(self._alerts.watch, pulse.wake(follows_journal=True))
        self._deliver_alerts = partial(self._alerts.deliver, pulse.wake())
        self._load_kernel = None if self._kernel is None else partial(self._kernel.load_for_ever, pulse.wake())
        self._tasks: set[asyncio.Task[None]] = set()
        self._policy_woken, self._outbox_woken, self._ends_woken = (pulse.wake() for _ in range(3))
        self._jobs_woken = pulse.wake()
        self._guards.on_come = self._ends_woken.set
        self._stopped = asyncio.Event()
        self._exit_code = 0

    def stop(self) -> None:
        """End in order, soon."""
        self._stopped.set()

    async def run(self) -> int:
        """Work until `stop`; return the exit code."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._wake.fileno(), self._on_wake)
        try:
            async with asyncio.TaskGroup() as group:
                watches = (self._pulse.watch, self._watch_policy, self._watch_outbox, self._watch_ends)
                for work in (self._scribe.commit_for_ever, *watches, self._beat, self._take_spools, self._forward):
                    self._begin(group, self._supervise(work))
                for work in (self._keep, self._watch_alerts, self._deliver_alerts):
                    self._begin(group, self._supervise(work))
                if self._kernel is not None and self._load_kernel is not None:
                    self._begin(group, self._supervise(self._kernel.write_for_ever))
                    self._begin(group, self._supervise(self._load_kernel))
                self._begin(group, self._supervise(lambda: self._accept(group)))
                tell_systemd("READY=1")
                await self._stopped.wait()
                tell_systemd("STOPPING=1")
                for task in self._tasks:
                    task.cancel()
        finally:
            loop.remove_reader(self._wake.fileno())
            self._scribe.close()
            self._alerts.close()
            self._ledger.changes.close()
        return self._exit_code or self._end()

    def _begin(self, group: asyncio.TaskGroup, work: Coroutine[object, object, None]) -> None:
        task = group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _supervise(self, work: Callable[[], Awaitable[None]], *, again: bool = True) -> None:
        """Run a task; whatever it raises, the others go on.

        The one place that catches everything: a worker that ends because of a mistake in one conversation would stop
        the journal of every job. What was raised goes to the log in full, and the task is begun again from the store.
        """
        while not self._stopped.is_set():
            try:
                await work()
            except StoreGoneError as error:
                _log.error("%s", line(describe(error)))
                self._exit_code = 1
                self.stop()
            except Exception:  # noqa: BLE001 - see above
                _log.exception("%s", line(message("GWL0513")))
            if not again:
                return
            await asyncio.sleep(_RESTART_S)

    async def _accept(self, group: asyncio.TaskGroup) -> None:
        """Begin a conversation with each guard that connects."""
        while True:
            endpoint, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            self._begin(group, self._supervise(partial(self._guards.converse, endpoint), again=False))

    async def _watch_policy(self) -> None:
        """Look whether there is a new revision, or one that has not been confirmed in time."""
        while True:
            await self._guards.look_for_newer()
            await self._policy_woken.rest(briefly=self._ledger.policies.awaits_confirmation)

    async def _watch_outbox(self) -> None:
        """Look likewise whether there are audit entries; a revision that cannot be read does not hold them up."""
        while True:
            while await self._scribe.insist(self._ledger.move_outbox):
                pass
            await self._outbox_woken.rest()

    async def _watch_ends(self) -> None:
        """Look likewise whether an operator wants a job ended; guards that come later are told, too."""
        while True:
            self._guards.end_jobs(await self._scribe.insist(self._ledger.wanted_ends))
            await self._ends_woken.rest()

    async def _beat(self) -> None:
        """Say that this worker lives."""
        while True:
            await self._scribe.insist(self._ledger.beat, self._guards.revision)
            await asyncio.sleep(_HEARTBEAT_S)

    async def _take_spools(self) -> None:
        """Take in what dead guards have left, and record that they are dead."""
        may_die = True
        while True:
            for path in waiting_spools(self._location.spool):
                await self._take_spool(path)
            if self._jobs_woken.take() or may_die:
                may_die = await self._scribe.insist(self._ledger.end_dead_guards, self._guards.connected())
            await asyncio.sleep(_SPOOLS_S)

    async def _take_spool(self, path: Path) -> None:
        """Take in a spool, a segment at a time: what living guards send has its turn in between."""
        try:
            while took := await self._scribe.insist(self._ledger.take_spool, path):
                if took.whole:
                    return
        except StoreGoneError:
            raise
        except WorkerError as error:
            _log.warning("%s", line(describe(error)))

    def _on_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._wake.recv(1):
                pass
        self._policy_woken.set()
        self._outbox_woken.set()
        self._ends_woken.set()

    def _end(self) -> int:
        try:
            self._ledger.end()
        except StoreError as error:
            _log.warning("%s", line(describe(error)))
        return 0
