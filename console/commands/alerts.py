"""The commands on alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from console.commands.alert_keywords import ALERT, ALERT_VALUES, NEW_ALERT, TO_ALERT, alert_of, alert_values
from console.commands.audit import record
from console.commands.definition import Command, Context, Result
from console.commands.keywords import as_it_is
from console.commands.listing import Column, labelled, table
from console.messages import message
from console.model.alerts import Alert, AlertState
from console.model.words import AUDIT, YesNo
from console.store import alerts as kept
from console.store.journal import last_number

_COLUMNS = (
    Column("Alert"),
    Column("Active"),
    Column("Raised", right=True),
    Column("Sev", right=True),
    Column("Threshold", right=True),
    Column("Within", right=True),
    Column("Per"),
    Column("Send to"),
    Column("Text"),
    Column("Condition"),
)


def read_alert(context: Context, name: str) -> Alert:
    """Return an alert.

    Raises:
        AlertError: There is none of this name.
    """
    with context.opened() as session:
        return kept.get_alert(session, name)


def told(alert: Alert) -> dict[str, object]:
    """Return an alert by the names of its fields, for the audit entry and for programs."""
    return alert.model_dump(mode="json", exclude={"since_number"})


class AddAlert(Command):
    """Adds an alert."""

    name = "ADDALR"
    text = "Add Alert"
    authority = (AUDIT,)
    parameters = (NEW_ALERT, *ALERT_VALUES)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Add it; entries from now on count."""
        with context.opened() as session:
            alert = alert_of(values, name=values["ALERT"], since_number=last_number(session))
            kept.add_alert(session, alert)
        record(context, f"Alert {alert.name} added", after=told(alert))
        return Result(messages=(message("GWL0950", name=alert.name),))


class ChangeAlert(Command):
    """Changes an alert."""

    name = "CHGALR"
    text = "Change Alert"
    authority = (AUDIT,)
    parameters = (ALERT, *as_it_is(ALERT_VALUES))
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the alert as it is."""
        return alert_values(read_alert(context, values["ALERT"]))

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it; what it has counted and raised is forgotten."""
        with context.opened() as session:
            there = kept.get_alert(session, values["ALERT"])
            before = told(there)
            after = alert_of(values, name=there.name, since_number=last_number(session))
            if told(after) == before:
                return Result(messages=(message("GWL0952", name=there.name),), changed=False)
            kept.change_alert(session, after)
        record(context, f"Alert {after.name} changed", before=before, after=told(after))
        return Result(messages=(message("GWL0951", name=after.name),))


class CopyAlert(Command):
    """Copies an alert under another name."""

    name = "CPYALR"
    text = "Copy Alert"
    authority = (AUDIT,)
    parameters = (ALERT, TO_ALERT)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Copy it; the copy is not active."""
        source = read_alert(context, values["ALERT"])
        copied = {**alert_values(source), "ACTIVE": YesNo.NO.value}
        copied["TEXT"] = source.text
        alert = alert_of(copied, name=values["TOALERT"], since_number=0)
        with context.opened() as session:
            kept.add_alert(session, alert)
        record(context, f"Alert {alert.name} copied from {source.name}", after=told(alert))
        return Result(messages=(message("GWL0953", name=source.name, to_name=alert.name),))


class RemoveAlert(Command):
    """Removes an alert."""

    name = "RMVALR"
    text = "Remove Alert"
    authority = (AUDIT,)
    parameters = (ALERT,)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove it."""
        alert = read_alert(context, values["ALERT"])
        before = told(alert)
        with context.opened() as session:
            kept.remove_alert(session, alert.name)
        record(context, f"Alert {alert.name} removed", before=before)
        return Result(messages=(message("GWL0954", name=alert.name),))


class DisplayAlert(Command):
    """Shows an alert, and what it has raised."""

    name = "DSPALR"
    text = "Display Alert"
    authority = (AUDIT,)
    parameters = (ALERT,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        with context.opened() as session:
            alert = kept.get_alert(session, values["ALERT"])
            states = kept.list_states(session, alert.name)
        shown = alert_values(alert)
        lines = labelled([("Alert", alert.name), *((each.prompt, shown[each.keyword]) for each in ALERT_VALUES)])
        return Result(lines=(*lines, "", *state_list(states)), panel="DisplayAlert", arguments=dict(values))


class WorkWithAlerts(Command):
    """Shows the alerts."""

    name = "WRKALR"
    text = "Work with Alerts"
    authority = (AUDIT,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        with context.opened() as session:
            lines = alert_list(kept.list_alerts(session), raised_counts(session))
        return Result(lines=lines, panel="WorkWithAlerts", arguments=dict(values))


def raised_counts(session: Session) -> dict[str, int]:
    """Return for how many keys each alert is raised now."""
    found: dict[str, int] = {}
    for state in kept.list_states(session):
        found[state.alert] = found.get(state.alert, 0) + 1
    return found


def alert_list(alerts: Sequence[Alert], raised: Mapping[str, int]) -> tuple[str, ...]:
    """Return alerts as a list."""
    rows = (
        (
            alert.name,
            YesNo.YES.value if alert.active else YesNo.NO.value,
            raised.get(alert.name, ""),
            alert.severity,
            alert.threshold,
            alert.within_s,
            alert.per,
            alert.send_to,
            alert.text,
            alert.condition,
        )
        for alert in alerts
    )
    return table(_COLUMNS, rows, "(No alerts)")


def state_list(states: Sequence[AlertState]) -> tuple[str, ...]:
    """Return what is raised as a list."""
    columns = (
        Column("Raised"),
        Column("Last met"),
        Column("Entries", right=True),
        Column("First", right=True),
        Column("Last", right=True),
        Column("For"),
    )
    rows = (
        (
            state.raised_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            state.last_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            state.count,
            state.first_number,
            state.last_number,
            state.key,
        )
        for state in states
    )
    return table(columns, rows, "(Not raised)")


COMMANDS: tuple[type[Command], ...] = (WorkWithAlerts, AddAlert, ChangeAlert, CopyAlert, RemoveAlert, DisplayAlert)
