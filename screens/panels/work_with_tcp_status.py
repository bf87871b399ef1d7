"""Work with TCP/IP Network Status: the connections and listeners of this system."""

from __future__ import annotations

from collections.abc import Sequence

from console.commands.connections import (
    check_can_end,
    check_job,
    check_rule,
    counts,
    ends_of,
    is_listed,
    rule_of_socket,
)
from console.commands.coverage import ALL, CoveredSocket
from screens.panel import FunctionKey
from screens.panels.columns import Column
from screens.panels.display_coverage import DisplaySocket
from screens.panels.options import Option, Way
from screens.panels.socket_columns import (
    ENGINE,
    LOCAL,
    PROCESS,
    PROTOCOL,
    REMOTE,
    STATE,
    USER,
    job_column,
    program_column,
    reason_column,
)
from screens.panels.socket_list import SocketList
from screens.panels.work_with import LIVE_KEYS
from screens.terminal.attributes import Attribute
from screens.terminal.page import Page


class WorkWithTcpStatus(SocketList):
    """The sockets: end, display, their job, a rule from one."""

    name = "WRKTCPSTS"
    title = "Work with TCP/IP Network Status"
    module = "work_with_tcp_status"
    subject = "TCP/IP Connections"
    subset_command = "WRKTCPSTS"
    options_row = 5
    empty_text = "(No connections)"
    views = (
        ("Display user and program", (PROTOCOL, STATE, LOCAL, REMOTE, ENGINE)),
        ("Display engine and job", (LOCAL, USER, PROCESS, program_column(24))),
        ("Display both ends", (LOCAL, ENGINE, job_column(20), reason_column(22))),
    )
    wide_views = (
        ("Display engine and job", (PROTOCOL, STATE, LOCAL, REMOTE, USER, PROCESS, ENGINE, program_column(28))),
        ("Display both ends", (PROTOCOL, STATE, LOCAL, REMOTE, ENGINE, job_column(24), reason_column(30))),
    )

    @property
    def options(self) -> Sequence[Option[CoveredSocket]]:
        """What can be done with a connection."""
        return (
            Option(4, "End", "ENDTCPCNN", ends_of, Way.CONFIRM, check=check_can_end),
            Option(5, "Display", opens=lambda row: DisplaySocket(self.services, row)),
            Option(
                8,
                "Job",
                "WRKSOCJOB",
                lambda row: {"STATUS": ALL, "USRPRF": ALL, "JOB": row.job},
                Way.RUN,
                check=check_job,
            ),
            Option(
                14,
                "Rule from this connection",
                "ADDSOCRUL",
                given=lambda row: rule_of_socket(self.context, row, self.coverage.sockets),
                check=check_rule,
            ),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F11 names the view that comes next."""
        return (
            *LIVE_KEYS,
            self.next_view,
            FunctionKey(17, "Position to"),
            FunctionKey(18, "Subset"),
        )

    def confirm_columns(self) -> Sequence[Column[CoveredSocket]]:
        """Return both ends, and who holds it."""
        return (LOCAL, REMOTE, PROCESS)

    def draw_header(self, page: Page) -> None:
        """Show position-to, what is listed, and how much there is in all."""
        self.draw_position(page, 3, "Position to port", 5)
        self.draw_subset(page, 3)
        page.text(4, 2, counts(self.coverage), help_key="COUNTS")
        if self.coverage.unseen:
            page.text(4, 58, "Only root sees all.", Attribute.YELLOW, "COUNTS")

    def load(self) -> Sequence[CoveredSocket]:
        """Look at the system."""
        return [each for each in self.look_again().sockets if is_listed(each, self.arguments)]

    def subset_text(self) -> str:
        """Return which sockets are listed."""
        return " ".join(value for value in self.arguments.values() if value != ALL) or ALL
