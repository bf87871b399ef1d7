"""Forwards the journal to one target, in a thread of its own, for as long as it is told to.

Reads by position, sends, notes in the store how far entries were delivered, and begins there again after whatever went
wrong: nothing is lost over an outage, and what was under way may come twice. The operator hears of an outage once, and
of its end.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.clock import Clock
from console.errors import ConsoleError, JournalError, StoreError
from console.journal.export import entries, origin
from console.journal.formats.values import EntryValues
from console.journal.forwarding.channels import Channel, Opener, open_channel
from console.journal.forwarding.messages import LONGEST, message
from console.journal.forwarding.places import Place, Stopped
from console.messages import Message, describe, line
from console.messages import message as words
from console.model.forwarding import ForwardFormat, ForwardState, ForwardTarget
from console.model.words import YesNo
from console.store.engine import Store
from console.store.forwarding import get_target, move_position, number_after, reset_position, set_state
from console.store.journal import JournalFilter, last_number
from console.store.messages import send
from console.store.session import reading, transaction

_log = logging.getLogger("greenwall.worker")

_BATCH = 250


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take; tests are in a hurry."""

    poll_s: float = 0.25
    """Between two looks at the journal when there was nothing new."""
    store_s: float = 1.0
    """Between two notes of the position: each is a transaction that the worker's writer waits for."""
    settle_s: float = 10.0
    """How long a connection lives on before what was acknowledged on it counts as delivered."""
    first_pause_s: float = 0.5
    """After a failure; doubled with each."""
    longest_pause_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """What a line needs to know of its target; when it changes, another line takes its place."""

    name: str
    place: Place
    form: ForwardFormat

    @classmethod
    def of(cls, row: ForwardTarget) -> Target:
        """Return the target that a row describes."""
        return cls(row.name, Place(row.protocol, row.host, row.port, row.ca_file), row.format)


class _Replaced(Exception):  # noqa: N818 -- an event to react to, not a fault
    """An operator has removed the target, held it, or given it another position."""


class Line:
    """The thread for one target.

    Threads: The constructor, `start`, `stop`, `join` and `is_alive` for whoever owns it; the rest is its own thread's.
    """

    def __init__(
        self, store: Store, target: Target, clock: Clock, *, pace: Pace | None = None, opener: Opener = open_channel
    ) -> None:
        self._store = store
        self.target = target
        """What it was made for."""
        self._clock = clock
        self._pace = pace or Pace()
        self._opener = opener
        self._origin = origin()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"forward {target.name}", daemon=True)
        self._noted = 0
        """Position as the store has it."""
        self._noted_at = 0.0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End in order, soon."""
        self._stopped.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end."""
        self._thread.join(timeout_s)

    def is_alive(self) -> bool:
        """Say whether it works still; one that ended is to be replaced, if its target is there."""
        return self._thread.is_alive()

    def _run(self) -> None:
        pause_s = self._pace.first_pause_s
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                self._connect_and_send()
            except (Stopped, _Replaced):
                return
            except StoreError as error:
                _log.warning("%s: %s", self.target.name, line(describe(error)))
            except JournalError as error:
                self._failed(error)
            if time.monotonic() - began >= self._pace.settle_s:  # it did work
                pause_s = self._pace.first_pause_s
            self._stopped.wait(pause_s)
            pause_s = min(2 * pause_s, self._pace.longest_pause_s)

    def _connect_and_send(self) -> None:
        """Forward until something breaks or nobody wants more."""
        self._noted = self._begin_at(self._look().position)
        channel = self._opener(self.target.place, self._stopped.is_set, self._pace.settle_s)
        try:
            self._send(channel)
            channel.finish()
            self._note(channel.settled())
        finally:
            channel.close()

    def _send(self, channel: Channel) -> None:
        position = self._noted
        is_up = False
        while not self._stopped.is_set():
            began = time.thread_time()
            found, position = self._read(position)
            if found:
                channel.send(found)
            settled = channel.settled()
            if not is_up and channel.has_answered():
                is_up = True
                self._works()
            if time.monotonic() - self._noted_at >= self._pace.store_s:
                self._note(settled)
            # Half of the time at most: the worker's writer shares the interpreter with this thread.
            self._stopped.wait(time.thread_time() - began if found else self._pace.poll_s)

    def _look(self) -> ForwardTarget:
        """Return the target as it stands in the store.

        Raises:
            _Replaced: It is another now.
        """
        with reading(self._store) as session:
            try:
                row = get_target(session, self.target.name)
            except ConsoleError as error:
                if isinstance(error, StoreError):
                    raise
                raise _Replaced from error
        if Target.of(row) != self.target or row.active is YesNo.NO:
            raise _Replaced
        return row

    def _begin_at(self, position: object) -> int:
        """Return the position to begin at; one that nobody can have noted is said, and all is sent again.

        Behind it entries would wait for ever without a word, until as many had come.
        """
        with reading(self._store) as session:
            last = last_number(session)
        if isinstance(position, int) and 0 <= position <= last:
            return position
        with transaction(self._store) as session:
            reset_position(session, self.target.name)
        self._say(words("GWL0669", name=self.target.name, position=position, last=last), "position")
        return 0

    def _read(self, position: int) -> tuple[Sequence[tuple[int, bytes]], int]:
        """Return messages for the entries after a position, and how far they go."""
        with reading(self._store) as session:
            last = last_number(session)
            first = number_after(session, position) if last > position else None
        if first is None:
            return (), position
        if first > position + 1:
            self._say(words("GWL0665", name=self.target.name, first=position + 1, last=first - 1), "gone")
        up_to = min(first + _BATCH - 1, last)
        found = entries(self._store, JournalFilter(from_number=first, to_number=up_to))
        return [(entry.sequence_number, self._message(entry)) for entry in found], up_to

    def _message(self, entry: EntryValues) -> bytes:
        return message(entry, self._origin, self.target.form, LONGEST[self.target.place.protocol])

    def _note(self, settled: int) -> None:
        """Note how far entries were delivered, if that is further than the store has it.

        Raises:
            _Replaced: The position was changed by an operator.
        """
        self._noted_at = time.monotonic()
        if settled <= self._noted:
            if self._look().position != self._noted:
                raise _Replaced
            return
        with transaction(self._store) as session:
            if not move_position(session, self.target.name, self._noted, settled):
                raise _Replaced
        self._noted = settled

    def _failed(self, error: JournalError) -> None:
        """Note that the target cannot be reached; say so, if that is new."""
        reason = str(error.values.get("reason", error))
        _log.warning("%s: %s", self.target.name, reason)
        place = self.target.place
        told = words("GWL0660", name=self.target.name, host=place.host, port=place.port, reason=reason)
        self._become(ForwardState.FAILING, told, reason)

    def _works(self) -> None:
        """Note that the target is sent to; say so, if it was not before."""
        self._become(ForwardState.SENDING, None, None)

    def _become(self, state: ForwardState, told: Message | None, reason: str | None) -> None:
        try:
            row = self._look()
            now = self._clock()
            with transaction(self._store) as session:
                if row.state is not state:
                    set_state(session, row.name, state, now, reason)
                elif reason is not None:
                    set_state(session, row.name, state, row.state_since, reason)
            if row.state is state:
                return
            if row.state is ForwardState.FAILING:
                told = words("GWL0661", name=row.name, duration=_duration(now, row.state_since))
            if told is not None:
                self._say(told, state.value)
        except StoreError as error:
            _log.warning("%s: %s", self.target.name, line(describe(error)))

    def _say(self, told: Message, about: str) -> None:
        """Send a message to the operator."""
        with transaction(self._store) as session:
            send(session, told, at=self._clock(), key=f"forward {self.target.name} {about}")


def _duration(now: datetime, since: datetime) -> str:
    """Return how long something lasted, to the second."""
    return str(max(now - since, timedelta())).split(".", maxsplit=1)[0]
