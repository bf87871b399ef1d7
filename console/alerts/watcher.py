"""Looks at the journal for every active alert, entry after entry, and writes down what there is to tell.

How far it looked, what is raised, messages, IM entries and what is to be delivered are written in one transaction. So
no entry is passed over and none counts twice, whenever the process is killed: the next one begins where the last
transaction ended, and first counts anew, without raising anything, what is younger than the longest time of an alert.

Threads: one, its own. It never waits for a destination, and nobody waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session

from console.alerts.conditions import Condition, parse
from console.alerts.notices import Notice, notice, packed, span
from console.alerts.reading import first_since, prefilter, read_batch
from console.alerts.scans import IM, intrusion_fields
from console.alerts.states import Event, Raised, Spec, Tracker, What
from console.clock import Clock
from console.errors import AlertError
from console.messages import describe, line, message
from console.model.alerts import Alert, AlertState
from console.printable import printable
from console.store import alerts as kept
from console.store import deliveries
from console.store.engine import Store
from console.store.messages import send
from console.store.outbox import add_audit
from console.store.session import reading, transaction

_log = logging.getLogger("greenwall.worker")

_MOST_WARMED = 500_000
"""Entries counted anew at most when a process begins: some ten seconds of work."""
_OWNER = "QSYS"
"""User profile of entries that nobody in particular caused."""

_Stored = tuple[datetime, datetime, int, int, datetime | None, int, int]


@dataclass(slots=True)
class _Watched:
    """An alert that is evaluated."""

    alert: Alert
    tracker: Tracker
    written: dict[str, _Stored] = field(default_factory=dict)
    """Key -> what the store holds of it."""
    forgotten: int = 0
    """Keys forgotten that were told of."""


@dataclass(slots=True)
class _Step:
    """What a step has to write down."""

    up_to: int
    told: list[tuple[_Watched, Event]] = field(default_factory=list)


def spec_of(alert: Alert) -> Spec:
    """Return an alert as it is evaluated."""
    return Spec(
        name=alert.name,
        condition=alert.condition,
        clear_condition=alert.clear_condition,
        per=alert.per,
        distinct=alert.distinct,
        threshold=alert.threshold,
        within=timedelta(seconds=alert.within_s),
        clear_after=timedelta(seconds=alert.clear_s or alert.within_s),
        telling=alert.telling,
        quiet=timedelta(seconds=alert.quiet_s),
    )


class Watcher:
    """The alerts that are active, and how far the journal was looked at for them.

    Args:
        store: Where the journal and the alerts are.
        clock: What time it is.
        system: Name of this system.
    """

    def __init__(self, store: Store, clock: Clock, system: str) -> None:
        self._store = store
        self._clock = clock
        self._system = system
        self._watched: dict[str, _Watched] = {}
        self._wanted: ColumnElement[bool] | None = None
        self._position: int | None = None
        self._at: datetime | None = None
        """The time that alerts were last told."""
        self._unreadable: set[str] = set()

    @property
    def is_watching(self) -> bool:
        """Whether any alert is active, as far as the last step has seen."""
        return bool(self._watched)

    def step(self) -> bool:
        """Look at the next entries, and at the time; return whether more entries wait.

        Without an active alert this reads a table of a few rows, and nothing of the journal.

        Raises:
            StoreError: The store cannot be read or written; the next step begins where this one did.
        """
        is_done = False
        try:
            is_last = self._step()
            is_done = True
        finally:
            if not is_done:
                # What was counted may not be in the store: begin from what is.
                self._watched.clear()
                self._position = None
        return not is_last

    def _step(self) -> bool:
        with reading(self._store) as session:
            active = kept.active_alerts(session)
            if not active:
                self._watched.clear()
                self._position = None
                return True
            stored = kept.position(session) if self._position is None else self._position
            before = max(stored, min(alert.since_number for alert in active))
            self._take_up(session, active, before)
            if self._wanted is None:
                self._wanted = prefilter(self._conditions())
            batch = read_batch(session, before, self._wanted)
        step = _Step(batch.up_to)
        newest = None
        for row in batch.rows:
            newest = row[1] if newest is None else max(newest, row[1])
            for watched in self._watched.values():
                if row[0] > watched.alert.since_number:
                    step.told += [(watched, event) for event in watched.tracker.feed(row)]
        now = self._clock()
        at = self._time(now, None if batch.is_last else newest)
        for watched in self._watched.values():
            step.told += [(watched, event) for event in watched.tracker.tick(at)]
        if step.told or step.up_to != stored or any(map(_has_changed, self._watched.values())):
            self._write(step)
        self._position = step.up_to
        return batch.is_last

    def _time(self, now: datetime, newest: datetime | None) -> datetime:
        """Return up to when entries were looked at: it goes on, whatever comes late, unless the clock was set back.

        Args:
            now: What time it is.
            newest: Of the entries looked at; None when none are left.
        """
        at = now if newest is None else min(now, max(newest, self._at or newest))
        self._at = at
        return at

    def _conditions(self) -> list[Condition]:
        texts = [(each.alert.condition, each.alert.clear_condition) for each in self._watched.values()]
        return [parse(text) for pair in texts for text in pair if text]

    def _take_up(self, session: Session, active: Iterable[Alert], position: int) -> None:
        """Begin with alerts that are new or were changed; end those that are no more."""
        found = {alert.name: alert for alert in active}
        for name in [name for name, each in self._watched.items() if not _is_same(found.get(name), each.alert)]:
            del self._watched[name]
            self._wanted = None
        fresh = []
        for name, alert in found.items():
            if name in self._watched or name in self._unreadable:
                continue
            try:
                watched = _Watched(alert, Tracker(spec_of(alert)))
            except AlertError as error:
                self._unreadable.add(name)
                _log.warning("%s", line(message("GWL0917", alert=name, reason=line(describe(error)))))
                continue
            raised = {state.key: _raised(state) for state in kept.list_states(session, name)}
            watched.tracker.resume(raised.values())
            watched.written = {key: _stored(each) for key, each in raised.items()}
            fresh.append(watched)
        if fresh:
            self._wanted = None
            self._warm_up(session, fresh, position)
        self._watched.update((each.alert.name, each) for each in fresh)

    def _warm_up(self, session: Session, fresh: list[_Watched], position: int) -> None:
        """Count anew what is younger than the time of an alert."""
        old = [each for each in fresh if each.alert.since_number < position]
        if not old:
            return
        longest = max(each.tracker.spec.within for each in old)
        since = first_since(session, self._clock() - longest, position)
        after = max(since - 1, position - _MOST_WARMED, min(each.alert.since_number for each in old))
        wanted = prefilter([parse(each.alert.condition) for each in old])
        while True:
            batch = read_batch(session, after, wanted, position)
            for row in batch.rows:
                for each in old:
                    if row[0] > each.alert.since_number:
                        each.tracker.warm_up(row)
            after = batch.up_to
            if batch.is_last:
                return

    def _write(self, step: _Step) -> None:
        now = self._clock()
        written: list[tuple[_Watched, dict[str, _Stored]]] = []
        with transaction(self._store) as session:
            still = {alert.name: alert for alert in kept.active_alerts(session)}
            for watched, event in step.told:
                if _is_same(still.get(watched.alert.name), watched.alert):
                    self._tell(session, watched.alert, watched.tracker.spec, event, now)
            for watched in self._watched.values():
                if _is_same(still.get(watched.alert.name), watched.alert):
                    written.append((watched, _write_states(session, watched)))
                    self._tell_of_forgotten(session, watched, now)
            kept.set_position(session, step.up_to)
        for watched, states in written:
            watched.written = states

    def _tell(self, session: Session, alert: Alert, spec: Spec, event: Event, now: datetime) -> None:
        notice_id = deliveries.new_id()
        told = notice(spec, event, severity=alert.severity, text=alert.text, system=self._system, notice_id=notice_id)
        for name in alert.send_to.split():
            if name == kept.MSGQ:
                send(session, told.said, at=now, key=_message_key(spec, event), severity=told.severity)
            else:
                self._put(session, name, alert, told, now)
        self._write_intrusion(session, alert, spec, event, now)

    def _put(self, session: Session, name: str, alert: Alert, told: Notice, now: datetime) -> None:
        is_kept = deliveries.put(
            session,
            delivery_id=told.payload["id"],
            alert=alert.name,
            destination=name,
            payload=packed(told.payload),
            at=now,
        )
        if not is_kept:
            said = message("GWL0919", count=1, name=name, most=deliveries.MOST_WAITING)
            send(session, said, at=now, key=f"full:{name}")

    def _write_intrusion(self, session: Session, alert: Alert, spec: Spec, event: Event, now: datetime) -> None:
        fields = intrusion_fields(alert.probe, event)
        if fields is None:
            return
        key = f" for {event.key}" if event.key else ""
        kind = printable(alert.text or alert.name)
        if event.what is What.CLEARED:
            said = message("GWL0916", kind=kind, key=key, lasted=span(event.lasted), count=event.count)
        else:
            things = f"different values of {spec.distinct}" if spec.distinct else "entries"
            said = message(
                "GWL0915",
                kind=kind,
                key=key,
                count=event.count,
                threshold=spec.threshold,
                things=things,
                within=span(spec.within),
            )
        user, job, detail = fields.pop("user") or _OWNER, fields.pop("job"), fields.pop("detail")
        add_audit(session, IM, at=now, user=user, job=job, text=line(said), detail=detail, more=fields)

    def _tell_of_forgotten(self, session: Session, watched: _Watched, now: datetime) -> None:
        count = watched.tracker.forgotten
        if count > watched.forgotten:
            watched.forgotten = count
            name = watched.alert.name
            send(session, message("GWL0918", alert=name, count=count), at=now, key=f"forgotten:{name}")


def _message_key(spec: Spec, event: Event) -> str:
    """Return what a message in the queue is about: one for what is raised, one for its end, one for each entry."""
    match event.what:
        case What.MET | What.TEST:
            return ""
        case What.CLEARED:
            return f"over:{spec.name}:{event.key}"
        case _:
            return f"alert:{spec.name}:{event.key}"


def _is_same(one: Alert | None, other: Alert) -> bool:
    return one is not None and one.model_dump() == other.model_dump()


def _raised(state: AlertState) -> Raised:
    return Raised(
        key=state.key,
        raised_at=state.raised_at,
        last_at=state.last_at,
        first_number=state.first_number,
        last_number=state.last_number,
        count=state.count,
        told=state.told,
        told_at=state.told_at,
    )


def _stored(each: Raised) -> _Stored:
    return (
        each.raised_at, each.last_at, each.count, each.told, each.told_at, each.first_number, each.last_number,
    )  # fmt: skip


def _has_changed(watched: _Watched) -> bool:
    raised = watched.tracker.raised
    return len(raised) != len(watched.written) or any(
        watched.written.get(key) != _stored(each) for key, each in raised.items()
    )


def _write_states(session: Session, watched: _Watched) -> dict[str, _Stored]:
    """Write what is raised now as far as the store does not hold it; return what it holds then."""
    now = {key: _stored(each) for key, each in watched.tracker.raised.items()}
    for key in watched.written.keys() - now.keys():
        kept.drop_state(session, watched.alert.name, key)
    changed = [key for key, values in now.items() if watched.written.get(key) != values]
    kept.put_states(session, [_state(watched.alert.name, watched.tracker.raised[key]) for key in changed])
    return now


def _state(name: str, each: Raised) -> AlertState:
    values: Mapping[str, object] = {
        "alert": name,
        "key": each.key,
        "raised_at": each.raised_at,
        "last_at": each.last_at,
        "count": each.count,
        "told": each.told,
        "told_at": each.told_at or each.raised_at,
        "first_number": each.first_number,
        "last_number": each.last_number,
    }
    return AlertState.model_validate(values)
