"""Work with Journal Forwarding: where the journal goes, how far it has come, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from console.commands.forwarding import target_values
from console.model.forwarding import ForwardState, ForwardTarget
from console.store.forwarding import get_target, list_targets
from console.store.journal import last_number
from screens.panel import FunctionKey
from screens.panels.columns import Column
from screens.panels.display import Display, Line
from screens.panels.held_list import WorkWithHeld
from screens.panels.options import Option, Way
from screens.panels.services import Services
from screens.panels.work_with import LIVE_KEYS
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Size

_LOOKS = {ForwardState.FAILING.value: Attribute.RED, ForwardState.HELD.value: Attribute.YELLOW}


class Forwarded(NamedTuple):
    """A row of the list."""

    target: ForwardTarget
    behind: int
    """Entries that are not known to be delivered."""


class WorkWithForwarding(WorkWithHeld[Forwarded]):
    """The targets: add, change, remove, display, hold, release."""

    name = "WRKJRNFWD"
    title = "Work with Journal Forwarding"
    module = "work_with_forwarding"
    subject = "Forwarding Targets"
    is_wide = True
    is_live = True
    add_command = "ADDJRNFWD"
    heading_rows = 1
    gap = 1
    empty_text = "(The journal is not forwarded)"
    command_label = "Parameters for option 2 or command"

    @property
    def options(self) -> Sequence[Option[Forwarded]]:
        """What can be done with a target."""
        return (
            Option(2, "Change", "CHGJRNFWD", _name),
            Option(3, "Hold", "CHGJRNFWD", lambda row: {**_name(row), "ACTIVE": "*NO"}, Way.RUN),
            Option(4, "Remove", "RMVJRNFWD", _name, Way.CONFIRM),
            Option(5, "Display", opens=lambda row: DisplayForwarding(self.services, _name(row))),
            Option(6, "Release", "CHGJRNFWD", lambda row: {**_name(row), "ACTIVE": "*YES"}, Way.RUN),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys."""
        return (*LIVE_KEYS, FunctionKey(6, "Add"))

    def columns(self, size: Size) -> Sequence[Column[Forwarded]]:
        """Return the columns; a wide screen has room for what went wrong last."""
        wide = size == WIDE
        return (
            Column("Name", 10, lambda row: row.target.name, help_key="FWD"),
            Column("Protocol", 8, lambda row: row.target.protocol.value, help_key="PROTOCOL"),
            Column("Server", 30 if wide else 20, lambda row: row.target.host, help_key="RMTHOST"),
            Column("Port", 5, lambda row: str(row.target.port), right=True, help_key="PORT"),
            Column("State", 8, lambda row: row.target.state.value, help_key="STATE", looks=_LOOKS),
            Column("Delivered", 10, lambda row: str(row.target.position), right=True, help_key="DELIVERED"),
            Column("Behind", 7, lambda row: str(row.behind), right=True, help_key="BEHIND"),
            *([Column("Last error", 38, lambda row: row.target.last_error, help_key="ERROR")] if wide else []),
        )

    def row_id(self, row: Forwarded) -> str:
        """Return its name."""
        return row.target.name

    def load(self) -> Sequence[Forwarded]:
        """Read the targets, and how far behind each is."""
        with self.context.opened() as session:
            last = last_number(session)
            return [Forwarded(each, max(0, last - each.position)) for each in list_targets(session)]


def _name(row: Forwarded) -> dict[str, str]:
    return {"FWD": row.target.name}


class DisplayForwarding(Display):
    """Shows one target."""

    name = "DSPJRNFWD"
    title = "Display Journal Forwarding"
    module = "work_with_forwarding"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show a target.

        Args:
            services: What panels share.
            arguments: FWD.
        """
        super().__init__(services)
        self._name = arguments["FWD"]

    def lines(self) -> Sequence[Line]:
        """Return every value as it is now, with the prompts of the commands as labels.

        Raises:
            CommandError: The target is not there any more.
        """
        with self.services.context.opened() as session:
            row, last = get_target(session, self._name), last_number(session)
        values = target_values(row)
        prompts = {each.keyword: each.prompt for each in self.services.commands["ADDJRNFWD"].parameters}
        return [
            *(Line(prompts[word], value, word) for word, value in values.items() if word != "STRSEQ"),
            Line(),
            Line("State", row.state.value, "STATE"),
            Line("Since", f"{row.state_since.astimezone():%Y-%m-%d %H:%M:%S}", "STATE"),
            Line("Delivered up to entry", str(row.position), "DELIVERED"),
            Line("Last entry of the journal", str(last), "BEHIND"),
            Line("Last error", row.last_error or "None", "ERROR"),
        ]
