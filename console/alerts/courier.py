"""Delivers what waits for a destination, and writes down what became of it.

At least once: a notice is marked as delivered after its receiver took it, so that one whose process was killed in
between is delivered again, with the same id. What fails is tried again after longer and longer pauses, for a day. That
a destination fails is told in QSYSOPR once, and once that it works again.

Threads: any; one at a time for each destination.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

from console.alerts.channels import WAYS
from console.alerts.notices import span
from console.alerts.place import Place, undelivered
from console.clock import Clock
from console.errors import AlertError, StoreError
from console.messages import describe, line, message
from console.model.alerts import AlertDelivery, AlertDestination, AlertState
from console.policy.secret import NO_SECRET, Secret
from console.store import alerts as kept
from console.store import deliveries
from console.store.engine import Store
from console.store.location import Location
from console.store.messages import send
from console.store.secrets import opened
from console.store.session import reading, transaction

_log = logging.getLogger("greenwall.worker")

FIRST_PAUSE = timedelta(seconds=5)
GIVEN_UP_AFTER = timedelta(hours=24)
FAILING = "*DELIVERY"
"""Stands for an alert in the table of what is raised: a destination that fails."""


def place_of(location: Location, destination: AlertDestination) -> Place:
    """Return a destination as it is delivered to.

    Args:
        location: The store's, for the key of its secrets.
        destination: As it is kept.

    Raises:
        AlertError: Its secret was sealed with another key.
        StoreError: The key cannot be read.
    """
    secret: Secret | None = NO_SECRET
    if destination.sealed_secret:
        secret = opened(location, Secret(destination.sealed_secret, is_sealed=True))
    if secret is None:
        raise AlertError("GWL0923", name=destination.name, path=location.key)
    return Place(
        name=destination.name,
        channel=destination.channel,
        target=destination.target,
        server=destination.server,
        port=destination.port,
        security=destination.security,
        sender=destination.sender,
        user_id=destination.user_id,
        secret=secret,
        time_limit_s=destination.time_limit_s,
    )


def pause_after(tries: int) -> timedelta:
    """Return how long to wait after so many attempts that failed: 5 s, 15 s, 45 s, ... an hour."""
    factor: int = 3 ** min(tries, 12)
    return min(FIRST_PAUSE * factor, deliveries.LONGEST_PAUSE)


class Courier:
    """What delivers.

    Args:
        store: Where what is to be delivered waits.
        clock: What time it is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.has_waiting = False
        """Whether anything waits, due or not, as far as was seen when `due` was last asked."""

    def due(self) -> list[str]:
        """Return the destinations for which something is to be delivered now.

        Raises:
            StoreError: The store cannot be read.
        """
        with reading(self._store) as session:
            self.has_waiting = deliveries.is_waiting(session)
            return deliveries.due_destinations(session, self._clock()) if self.has_waiting else []

    def deliver(self, name: str) -> None:
        """Deliver what is due to a destination, oldest first, until it fails or nothing is left.

        Raises:
            StoreError: The store cannot be read or written; what was delivered meanwhile is delivered again.
        """
        while True:
            with reading(self._store) as session:
                waiting = deliveries.due(session, name, self._clock())
                destination = session.get(AlertDestination, name)
            for each in waiting:
                if not self._deliver_one(destination, each):
                    return
            if not waiting:
                return

    def _deliver_one(self, destination: AlertDestination | None, delivery: AlertDelivery) -> bool:
        """Make one attempt and write down what came of it; False when it failed."""
        try:
            remark = _attempt(self._store.location, destination, delivery)
        except AlertError as error:
            self._failed(delivery, line(describe(error)))
            return False
        now = self._clock()
        with transaction(self._store) as session:
            deliveries.sent(session, delivery.id or 0, now, remark)
            failing = kept.get_state(session, FAILING, delivery.destination)
            if failing is not None:
                duration = span(now - failing.raised_at)
                said = message("GWL0925", name=delivery.destination, duration=duration)
                send(session, said, at=now, key=f"delivery:{delivery.destination}")
                kept.drop_state(session, FAILING, delivery.destination)
        return True

    def _failed(self, delivery: AlertDelivery, reason: str) -> None:
        now = self._clock()
        name = delivery.destination
        with transaction(self._store) as session:
            if now - delivery.created_at >= GIVEN_UP_AFTER:
                deliveries.given_up(session, delivery.id or 0, now, reason)
                hours = GIVEN_UP_AFTER // timedelta(hours=1)
                said = message("GWL0926", alert=delivery.alert, name=name, hours=hours, reason=reason)
                send(session, said, at=now, key=f"given up:{name}")
            else:
                # The others wait as long: a destination that is down is not asked for each of them.
                pause = pause_after(delivery.tries)
                deliveries.failed(session, delivery.id or 0, next_try_at=now + pause, error=reason)
                deliveries.put_off(session, name, now + pause)
            if kept.get_state(session, FAILING, name) is None:
                since = now.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
                said = message("GWL0924", name=name, since=since, reason=reason)
                send(session, said, at=now, key=f"delivery:{name}")
                kept.put_states(session, [_failing(name, now)])


def _attempt(location: Location, destination: AlertDestination | None, delivery: AlertDelivery) -> str:
    """Make one attempt.

    The second place that catches everything, for the reason of the first (the worker's): channels talk to servers that
    may answer anything, and one of them (Apprise) runs code that is not ours. What it raised is in the log in full.
    """
    if destination is None:
        raise AlertError("GWL0932", name=delivery.destination)
    try:
        place = place_of(location, destination)
    except StoreError as error:
        raise AlertError("GWL0920", name=destination.name, reason=line(describe(error))) from error
    try:
        return WAYS[place.channel].deliver(place, json.loads(delivery.payload))
    except AlertError:
        raise
    except Exception as error:
        _log.exception("%s", line(message("GWL0927", name=place.name)))
        raise undelivered(place, error) from error


def _failing(name: str, now: datetime) -> AlertState:
    row = {"alert": FAILING, "key": name, "raised_at": now, "last_at": now, "count": 1, "told": 1, "told_at": now,
           "first_number": 0, "last_number": 0}  # fmt: skip
    return AlertState.model_validate(row)
