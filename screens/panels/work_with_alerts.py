"""Work with Alerts: what the journal is watched for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from console.commands.alerts import raised_counts
from console.model.alerts import Alert
from console.model.words import YesNo
from console.store.alerts import list_alerts
from screens.panel import FunctionKey, Push, Reply, Submission
from screens.panels.columns import Column
from screens.panels.held_list import WorkWithHeld
from screens.panels.options import Option, Way
from screens.panels.work_with import LIVE_KEYS
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Size

_VIEWS = (
    ("ALERT", "ACTIVE", "RAISED", "TEXT", "SENDTO"),
    ("ALERT", "SEV", "THRESHOLD", "WITHIN", "COND"),
)
"""Columns of the views that F11 goes through."""
_ALL = ("ALERT", "ACTIVE", "RAISED", "SEV", "THRESHOLD", "WITHIN", "TEXT", "SENDTO", "COND")
"""Those of a wide screen."""


class Watched(NamedTuple):
    """A row of the list."""

    alert: Alert
    raised: int
    """For how many keys it is raised now."""


class WorkWithAlerts(WorkWithHeld[Watched]):
    """The alerts: add, change, copy, remove, display, test on history, activate and hold."""

    name = "WRKALR"
    title = "Work with Alerts"
    module = "work_with_alerts"
    subject = "Alerts"
    is_wide = True
    is_live = True
    view_count = len(_VIEWS)
    add_command = "ADDALR"
    heading_rows = 1
    gap = 1
    empty_text = "(No alerts: nothing in the journal is told of)"
    command_label = "Parameters for options 2, 3, 8 or command"
    _shows_all = False

    @property
    def options(self) -> Sequence[Option[Watched]]:
        """What can be done with an alert."""
        return (
            Option(2, "Change", "CHGALR", _name),
            Option(3, "Copy", "CPYALR", _name),
            Option(4, "Remove", "RMVALR", _name, Way.CONFIRM),
            Option(5, "Display", "DSPALR", _name, Way.RUN),
            Option(8, "Test", "TSTALR", _name),
            Option(14, "Enable", "CHGALR", _active(YesNo.YES), Way.RUN),
            Option(15, "Disable", "CHGALR", _active(YesNo.NO), Way.RUN),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F11 only where not all columns show."""
        return (
            *LIVE_KEYS,
            FunctionKey(6, "Add"),
            *(() if self._shows_all else (FunctionKey(11, "Alternate view"),)),
            FunctionKey(14, "Destinations"),
            FunctionKey(15, "Messages"),
        )

    def columns(self, size: Size) -> Sequence[Column[Watched]]:
        """Return the columns of the view; on a wide screen all of them."""
        self._shows_all = size == WIDE
        return [_COLUMNS[name] for name in (_ALL if self._shows_all else _VIEWS[self.view])]

    def answer_key(self, submission: Submission) -> Reply:
        """Show destinations or messages; else as any list."""
        match submission.key:
            case "F14":
                return Push(self.services.open("WorkWithAlertDestinations", {}))
            case "F15":
                return Push(self.services.open("DisplayMessages", {"MSGQ": "QSYSOPR", "SEV": "0"}))
            case _:
                return super().answer_key(submission)

    def row_id(self, row: Watched) -> str:
        """Return its name."""
        return row.alert.name

    def load(self) -> Sequence[Watched]:
        """Read the alerts, and which of them are raised."""
        with self.context.opened() as session:
            raised = raised_counts(session)
            return [Watched(alert, raised.get(alert.name, 0)) for alert in list_alerts(session)]


def _name(row: Watched) -> dict[str, str]:
    return {"ALERT": row.alert.name}


def _active(word: YesNo) -> Callable[[Watched], Mapping[str, str]]:
    return lambda row: {**_name(row), "ACTIVE": word.value}


_SHOWN: tuple[Column[Watched], ...] = (
    Column("Alert", 10, lambda row: row.alert.name, help_key="ALERT"),
    Column("Active", 6, lambda row: _yes(row.alert), help_key="ACTIVE", looks={"*YES": Attribute.WHITE}),
    Column("Raised", 6, lambda row: _count(row.raised), right=True, help_key="RAISED"),
    Column("Sev", 3, lambda row: str(row.alert.severity), right=True, help_key="SEV"),
    Column("Thresh", 6, lambda row: str(row.alert.threshold), right=True, help_key="THRESHOLD"),
    Column("Within", 6, lambda row: str(row.alert.within_s), right=True, help_key="WITHIN"),
    Column("Text", 34, lambda row: row.alert.text, help_key="TEXT"),
    Column("Send to", 14, lambda row: row.alert.send_to, help_key="SENDTO"),
    Column("Condition", 33, lambda row: row.alert.condition, help_key="COND"),
)
_COLUMNS: Mapping[str, Column[Watched]] = {column.help_key: column for column in _SHOWN}
"""Every column by the keyword that its cells are values of."""


def _count(number: int) -> str:
    return str(number) if number else ""


def _yes(alert: Alert) -> str:
    return YesNo.YES.value if alert.active else YesNo.NO.value
