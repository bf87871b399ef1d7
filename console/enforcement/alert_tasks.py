"""The tasks of the worker for alerts: one looks at the journal, one delivers; neither holds up journal or event loop.

Looking has a thread of its own, and pauses after each batch of a backlog three times as long as the batch took. Each
destination that something is due to has a thread of its own while that is so, which ends with the process: a server
that answers nothing holds up neither another destination nor the end of the worker.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from console.alerts.courier import Courier
from console.alerts.watcher import Watcher
from console.clock import Clock
from console.enforcement.pulse import Wake
from console.errors import StoreError
from console.messages import describe, line, message
from console.store.engine import Store

_log = logging.getLogger("greenwall.worker")

_PAUSES = 3
"""How many times as long as a batch took the pause after it is, while more wait: the journal has the processor."""
_AFTER_ERROR_S = 2.0
_HELD_S = 600.0
"""How long a destination waits after an error that nobody has thought of."""


class AlertTasks:
    """What the two tasks share.

    Args:
        store: The store.
        clock: What time it is.
        system: Name of this system, for notices.

    Threads: The event loop's only.
    """

    def __init__(self, store: Store, clock: Clock, system: str) -> None:
        self._watcher = Watcher(store, clock, system)
        self._courier = Courier(store, clock)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alerts")
        self._mutex = threading.Lock()
        self._busy: set[str] = set()
        """Destinations that a thread delivers to."""
        self._held: dict[str, float] = {}
        """Destinations that nothing is delivered to until a time, by the clock that is never set."""

    async def watch(self, wake: Wake) -> None:
        """Look at the journal for ever.

        Args:
            wake: Set when the store has changed.
        """
        loop = asyncio.get_running_loop()
        while True:
            began = time.monotonic()
            try:
                has_more = await loop.run_in_executor(self._thread, self._watcher.step)
            except StoreError as error:
                _log.warning("%s", line(describe(error)))
                await asyncio.sleep(_AFTER_ERROR_S)
                continue
            if has_more:
                await asyncio.sleep(_PAUSES * (time.monotonic() - began))
            else:  # an alert may be over because nothing has happened for a while
                await wake.rest(briefly=self._watcher.is_watching)

    async def deliver(self, wake: Wake) -> None:
        """Deliver for ever.

        Args:
            wake: Set when the store has changed.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                for name in await loop.run_in_executor(self._thread, self._courier.due):
                    self._begin(name)
            except StoreError as error:
                _log.warning("%s", line(describe(error)))
                await asyncio.sleep(_AFTER_ERROR_S)
            await wake.rest(briefly=self._courier.has_waiting)

    def close(self) -> None:
        """Wait for the step that is being made; deliveries are not waited for, as each may be made again."""
        self._thread.shutdown(cancel_futures=True)

    def _begin(self, name: str) -> None:
        with self._mutex:
            if name in self._busy or time.monotonic() < self._held.get(name, 0):
                return
            self._busy.add(name)
        threading.Thread(target=self._deliver, args=(name,), name=f"deliver-{name}", daemon=True).start()

    def _deliver(self, name: str) -> None:
        try:
            self._courier.deliver(name)
        except StoreError as error:
            _log.warning("%s", line(describe(error)))
        except Exception:  # noqa: BLE001 - see below
            # What is in the store may be anything, should somebody else have written there. A thread that ended here
            # would be begun again at once, and deliver for ever what cannot be written down as delivered.
            _log.exception("%s", line(message("GWL0927", name=name)))
            with self._mutex:
                self._held[name] = time.monotonic() + _HELD_S
        finally:
            with self._mutex:
                self._busy.discard(name)
