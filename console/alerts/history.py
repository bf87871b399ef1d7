"""What an alert would have told of a part of the journal. Reads; writes and tells nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from console.alerts.conditions import parse
from console.alerts.reading import first_since, prefilter, read_batch
from console.alerts.states import Event, Spec, Tracker
from console.store.journal import last_number


def replay(session: Session, spec: Spec, *, start: datetime, end: datetime) -> Iterator[Event]:
    """Yield what an alert would have told, oldest first; time goes on with the entries.

    Args:
        session: A session.
        spec: The alert.
        start: Entries from this time on.
        end: Up to this time; what is raised then is still raised.

    Raises:
        AlertError: A condition of the alert cannot be read.
    """
    tracker = Tracker(spec)
    last = last_number(session)
    position = first_since(session, start, last) - 1
    wanted = prefilter([parse(text) for text in (spec.condition, spec.clear_condition) if text])
    now = start
    while True:
        batch = read_batch(session, position, wanted, last)
        for row in batch.rows:
            if start <= row[1] <= end:
                now = max(now, row[1])  # what came late out of a spool does not turn back the time
                yield from tracker.tick(now)
                yield from tracker.feed(row)
        position = batch.up_to
        if batch.is_last:
            break
    yield from tracker.tick(end)
