"""The command that tries an alert on the journal as it is: when would it have been raised?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import NamedTuple

from console.alerts.history import replay
from console.alerts.notices import span
from console.alerts.states import Event, What
from console.alerts.watcher import spec_of
from console.commands.alert_keywords import ALERT
from console.commands.alerts import read_alert
from console.commands.definition import Command, Context, Result
from console.commands.journal_subset import FROM_TIME, TO_TIME
from console.commands.listing import Column, table
from console.journal.moments import span_of
from console.messages import message
from console.model.words import AUDIT

MOST_EVENTS = 1000
_EVENTS = "EVENTS"
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = (
    Column("When"),
    Column("Event"),
    Column("Entries", right=True),
    Column("Lasted"),
    Column("First", right=True),
    Column("Last", right=True),
    Column("For"),
)


class Told(NamedTuple):
    """One thing that the alert would have told, as a panel is given it."""

    at: str
    event: str
    entries: int
    lasted: str
    first_number: int
    last_number: int
    key: str


class TestAlert(Command):
    """Says when an alert would have been raised."""

    name = "TSTALR"
    text = "Test Alert"
    authority = (AUDIT,)
    parameters = (ALERT, FROM_TIME, TO_TIME)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Try it; nobody is told, and nothing is written."""
        alert = read_alert(context, values["ALERT"])
        now = context.clock()
        start, end = _times(values, now)
        with context.opened() as session:
            found = list(islice(replay(session, spec_of(alert), start=start, end=end), MOST_EVENTS))
        told = [_told(event) for event in found]
        raised = sum(event.what in (What.RAISED, What.MET) for event in found)
        done = message("GWL0960", name=alert.name, raised=raised, told=len(told), most=MOST_EVENTS)
        arguments = {**values, _EVENTS: json.dumps(told)}
        return Result((done,), event_list(told), "DisplayAlertTest", arguments)


def events_of(arguments: Mapping[str, str]) -> list[Told]:
    """Return what the alert would have told, of the arguments of the panel."""
    return [Told(*each) for each in json.loads(arguments.get(_EVENTS, "[]"))]


def event_list(told: Sequence[Told]) -> tuple[str, ...]:
    """Return what the alert would have told as a list."""
    rows = (
        (each.at, each.event, each.entries, each.lasted, each.first_number, each.last_number, each.key) for each in told
    )
    return table(_COLUMNS, rows, "(It would not have been raised)")


def _times(values: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    start = _FIRST if values["FROMTIME"] == FROM_TIME.default else span_of(values["FROMTIME"], now).start
    end = now + timedelta(days=1) if values["TOTIME"] == TO_TIME.default else span_of(values["TOTIME"], now).end
    return start, end


def _told(event: Event) -> Told:
    return Told(
        at=event.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        event=event.what.value,
        entries=event.count,
        lasted=span(event.lasted) if event.what is What.CLEARED else "",
        first_number=event.first_number,
        last_number=event.last_number,
        key=event.key,
    )


COMMANDS: tuple[type[Command], ...] = (TestAlert,)
