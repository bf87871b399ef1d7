"""The worker's task that keeps a line to each target of the journal's forwarding."""

from __future__ import annotations

import asyncio
import logging
import threading

from console.clock import Clock
from console.enforcement.pulse import Wake
from console.errors import StoreError
from console.journal.forwarding.line import Line, Pace, Target
from console.messages import describe, line
from console.model.forwarding import ForwardState, ForwardTarget
from console.model.words import YesNo
from console.store.engine import Store
from console.store.forwarding import list_targets, set_state
from console.store.session import reading, transaction

_log = logging.getLogger("greenwall.worker")

_END_S = 4.0
"""For all lines together to end in order; then what was not acknowledged is sent again by the next worker."""


class Lines:
    """The lines, one a target that is to be sent to.

    Threads: Any.
    """

    def __init__(self, store: Store, clock: Clock, pace: Pace | None = None) -> None:
        self._store = store
        self._clock = clock
        self._pace = pace
        self._lines: dict[str, Line] = {}
        self._lock = threading.Lock()
        self._ended = False

    def look(self) -> None:
        """Begin lines to new targets, end those of targets that are gone, and replace those that have ended.

        Raises:
            StoreError: The store cannot be read or written.
        """
        with self._lock:
            if not self._ended:
                self._look()

    def _look(self) -> None:
        with reading(self._store) as session:
            rows = {row.name: row for row in list_targets(session)}
        wanted = {name: Target.of(row) for name, row in rows.items() if row.active is YesNo.YES}
        for name, there in list(self._lines.items()):
            if wanted.get(name) != there.target or not there.is_alive():
                there.stop()
                there.join(_END_S)
                del self._lines[name]
        for name in wanted.keys() - self._lines.keys():
            self._lines[name] = Line(self._store, wanted[name], self._clock, pace=self._pace)
            self._lines[name].start()
        for row in rows.values():
            self._show_held(row)

    def _show_held(self, row: ForwardTarget) -> None:
        if row.active is YesNo.NO and row.state is not ForwardState.HELD:
            with transaction(self._store) as session:
                set_state(session, row.name, ForwardState.HELD, self._clock())

    @property
    def are_there(self) -> bool:
        """Whether there is any line: it may end by itself."""
        return bool(self._lines)

    def end(self) -> None:
        """End all lines in order; there will be no others."""
        with self._lock:
            self._ended = True
            for there in self._lines.values():
                there.stop()
            for there in self._lines.values():
                there.join(_END_S)
            self._lines.clear()


async def forward_for_ever(store: Store, clock: Clock, wake: Wake) -> None:
    """Keep lines as the store wants them, in threads of their own: the event loop waits for none of them.

    Args:
        store: With the journal and its targets.
        clock: What time it is.
        wake: Set when the store has changed.
    """
    lines = Lines(store, clock)
    loop = asyncio.get_running_loop()
    try:
        while True:
            has_failed = False
            try:
                await loop.run_in_executor(None, lines.look)
            except StoreError as error:
                _log.warning("%s", line(describe(error)))
                has_failed = True
            await wake.rest(briefly=has_failed or lines.are_there)
    finally:
        await asyncio.shield(loop.run_in_executor(None, lines.end))
