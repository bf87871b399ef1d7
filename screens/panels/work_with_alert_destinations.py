"""Work with Alert Destinations: where notices go, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from console.model.alerts import AlertDestination, Delivered
from console.policy.secret import Secret
from console.store.alerts import list_destinations
from console.store.deliveries import counts
from screens.panel import FunctionKey
from screens.panels.columns import Column
from screens.panels.held_list import WorkWithHeld
from screens.panels.options import Option, Way
from screens.panels.work_with import LIVE_KEYS
from screens.terminal.page import WIDE, Size


class Served(NamedTuple):
    """A row of the list."""

    destination: AlertDestination
    waiting: int
    sent: int
    given_up: int


class WorkWithAlertDestinations(WorkWithHeld[Served]):
    """The destinations: add, change, remove, test."""

    name = "WRKALRDST"
    title = "Work with Alert Destinations"
    module = "work_with_alert_destinations"
    subject = "Alert Destinations"
    is_wide = True
    is_live = True
    add_command = "ADDALRDST"
    heading_rows = 1
    gap = 1
    empty_text = "(No destinations: alerts go to the message queue QSYSOPR)"
    command_label = "Parameters for option 2 or command"

    @property
    def options(self) -> Sequence[Option[Served]]:
        """What can be done with a destination."""
        return (
            Option(2, "Change", "CHGALRDST", _name),
            Option(4, "Remove", "RMVALRDST", _name, Way.CONFIRM),
            Option(8, "Test", "TSTALRDST", _name, Way.RUN),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys."""
        return (*LIVE_KEYS, FunctionKey(6, "Add"))

    def columns(self, size: Size) -> Sequence[Column[Served]]:
        """Return the columns."""
        wide = size == WIDE
        return (
            Column("Name", 10, lambda row: row.destination.name, help_key="DEST"),
            Column("Channel", 8, lambda row: row.destination.channel.value, help_key="CHANNEL"),
            Column("Target", 52 if wide else 27, _target, help_key="TARGET"),
            Column("Waiting", 7, lambda row: str(row.waiting or ""), right=True, help_key="WAITING"),
            Column("Sent", 7, lambda row: str(row.sent or ""), right=True, help_key="SENT"),
            Column("Lost", 5, lambda row: str(row.given_up or ""), right=True, help_key="LOST"),
            *([Column("Text", 26, lambda row: row.destination.text, help_key="TEXT")] if wide else []),
        )

    def row_id(self, row: Served) -> str:
        """Return its name."""
        return row.destination.name

    def load(self) -> Sequence[Served]:
        """Read the destinations, and count what was sent to each."""
        with self.context.opened() as session:
            found = counts(session)
            return [
                Served(
                    each,
                    found.get((each.name, Delivered.WAITING), 0),
                    found.get((each.name, Delivered.SENT), 0),
                    found.get((each.name, Delivered.FAILED), 0),
                )
                for each in list_destinations(session)
            ]


def _name(row: Served) -> dict[str, str]:
    return {"DEST": row.destination.name}


def _target(row: Served) -> str:
    """Return the target; of one that is secret only whether there is one."""
    return row.destination.target or str(Secret(row.destination.sealed_secret))
