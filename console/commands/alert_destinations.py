"""The commands on destinations of alerts."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from datetime import timedelta

from console.alerts.channels import WAYS
from console.alerts.courier import place_of
from console.alerts.notices import notice
from console.alerts.states import Event, Spec, What
from console.commands.alert_keywords import (
    DESTINATION,
    DESTINATION_VALUES,
    NEW_DESTINATION,
    destination_of,
    destination_values,
    secret_given,
)
from console.commands.audit import record
from console.commands.definition import Command, Context, Result
from console.commands.keywords import as_it_is
from console.commands.language import SAME
from console.commands.listing import Column, table
from console.messages import message
from console.model.alerts import AlertDestination, Channel, Delivered
from console.model.words import ALLOBJ, AUDIT, IOSYSCFG
from console.policy.secret import NO_SECRET, Secret
from console.store import alerts as kept
from console.store import deliveries
from console.store.secrets import seal
from console.store.session import transaction

_ANOTHER = "another"
"""Told of a secret that was replaced."""
_PLACE = ("CHANNEL", "TARGET", "SERVER", "PORT", "SECURITY")
"""What says where a secret goes, and who can read it on the way."""
_COLUMNS = (
    Column("Destination"),
    Column("Channel"),
    Column("Waiting", right=True),
    Column("Sent", right=True),
    Column("Given up", right=True),
    Column("Target"),
    Column("Text"),
)


def told(destination: AlertDestination) -> dict[str, object]:
    """Return a destination by the names of its fields; of its secret only whether there is one."""
    shown = destination.model_dump(mode="json", exclude={"sealed_secret"})
    return {**shown, "secret": str(Secret(destination.sealed_secret))}


def _read(context: Context, name: str) -> AlertDestination:
    with context.opened() as session:
        return kept.get_destination(session, name)


def _made(context: Context, values: Mapping[str, str], before: AlertDestination | None = None) -> AlertDestination:
    """Make a destination of a command's values, its secret sealed, and see that it can work.

    Raises:
        AlertError: It cannot.
        StoreError: The key of the store cannot be used.
    """
    sealed_before = Secret(before.sealed_secret, is_sealed=True) if before and before.sealed_secret else NO_SECRET
    given = values["SECRET"]
    sealed = sealed_before if given == SAME else seal(context.store.location, secret_given(given), sealed_before)
    made = destination_of(values, name=values["DEST"], sealed_secret=sealed.text)
    WAYS[made.channel].check(place_of(context.store.location, made))
    return made


def _programs(channel: str) -> tuple[str, ...]:
    return (ALLOBJ,) if channel == Channel.COMMAND else ()


class AddAlertDestination(Command):
    """Adds a destination."""

    name = "ADDALRDST"
    text = "Add Alert Destination"
    authority = (AUDIT, IOSYSCFG)
    parameters = (NEW_DESTINATION, *DESTINATION_VALUES)
    positional = 2
    changes = True

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return what a destination needs that runs a program of this system."""
        return _programs(values["CHANNEL"])

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Add it."""
        destination = _made(context, values)
        with context.opened() as session:
            kept.add_destination(session, destination)
        record(context, f"Alert destination {destination.name} added", after=told(destination))
        return Result(messages=(message("GWL0955", name=destination.name),))


class ChangeAlertDestination(Command):
    """Changes a destination."""

    name = "CHGALRDST"
    text = "Change Alert Destination"
    authority = (AUDIT, IOSYSCFG)
    parameters = (DESTINATION, *as_it_is(DESTINATION_VALUES))
    changes = True

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return what a destination needs that runs a program of this system, or is to do so.

        Sending a secret that is kept to another place needs it, too: there it can be read.
        """
        there = _read(context, values["DEST"])
        now = destination_values(there)
        is_kept = bool(there.sealed_secret) and values["SECRET"] == SAME
        if is_kept and any(values[keyword] not in (SAME, now[keyword]) for keyword in _PLACE):
            return (ALLOBJ,)
        return _programs(now["CHANNEL"] if values["CHANNEL"] == SAME else values["CHANNEL"])

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the destination as it is; its secret stays ``*SAME``."""
        return destination_values(_read(context, values["DEST"]))

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it."""
        there = _read(context, values["DEST"])
        before, secret = told(there), there.sealed_secret
        after = _made(context, values, there)
        if told(after) == before and after.sealed_secret == secret:
            return Result(messages=(message("GWL0957", name=after.name),), changed=False)
        with context.opened() as session:
            kept.change_destination(session, after)
        shown = told(after)
        if secret and after.sealed_secret and after.sealed_secret != secret:
            shown["secret"] = _ANOTHER
        record(context, f"Alert destination {after.name} changed", before=before, after=shown)
        return Result(messages=(message("GWL0956", name=after.name),))


class RemoveAlertDestination(Command):
    """Removes a destination."""

    name = "RMVALRDST"
    text = "Remove Alert Destination"
    authority = (AUDIT, IOSYSCFG)
    parameters = (DESTINATION,)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove it, and what waits for it."""
        destination = _read(context, values["DEST"])
        before, name = told(destination), destination.name
        with context.opened() as session:
            kept.remove_destination(session, name)
        record(context, f"Alert destination {name} removed", before=before)
        return Result(messages=(message("GWL0958", name=name),))


class TestAlertDestination(Command):
    """Delivers a notice that tells of nothing, at once."""

    name = "TSTALRDST"
    text = "Test Alert Destination"
    authority = (AUDIT, IOSYSCFG)
    parameters = (DESTINATION,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Deliver it from here, as this user, and say what came of it."""
        place = place_of(context.store.location, _read(context, values["DEST"]))
        now = context.clock()
        event = Event(What.TEST, "", now, now, now, 0, 0, 0, 0)
        spec = Spec(name=place.name, condition="entry_type = SK", within=timedelta(minutes=1))
        told_of = notice(
            spec, event, severity=0, text=place.name, system=socket.gethostname(), notice_id=deliveries.new_id()
        )
        remark = WAYS[place.channel].deliver(place, told_of.payload)
        with transaction(context.store) as session:
            deliveries.hurry(session, place.name, now)
        done = message("GWL0959", name=place.name, remark=f" ({remark})" if remark else "")
        return Result(messages=(done,))


class WorkWithAlertDestinations(Command):
    """Shows the destinations."""

    name = "WRKALRDST"
    text = "Work with Alert Destinations"
    authority = (AUDIT,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        with context.opened() as session:
            lines = destination_list(kept.list_destinations(session), deliveries.counts(session))
        return Result(lines=lines, panel="WorkWithAlertDestinations", arguments=dict(values))


def destination_list(
    destinations: Sequence[AlertDestination], counts: Mapping[tuple[str, Delivered], int]
) -> tuple[str, ...]:
    """Return destinations as a list, with what became of their notices."""
    rows = (
        (
            each.name,
            each.channel.value,
            *(counts.get((each.name, state), 0) for state in (Delivered.WAITING, Delivered.SENT, Delivered.FAILED)),
            each.target or str(Secret(each.sealed_secret)),
            each.text,
        )
        for each in destinations
    )
    return table(_COLUMNS, rows, "(No destinations: alerts go to the message queue QSYSOPR)")


COMMANDS: tuple[type[Command], ...] = (
    WorkWithAlertDestinations,
    AddAlertDestination,
    ChangeAlertDestination,
    RemoveAlertDestination,
    TestAlertDestination,
)
