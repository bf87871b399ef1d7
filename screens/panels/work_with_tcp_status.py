"""Work with TCP/IP Network Status: the connections and listeners of this system."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from console.commands.connections import (
    check_can_end,
    check_job,
    check_rule,
    counts,
    ends_of,
    is_listed,
    rule_of_socket,
)
from console.commands.coverage import ALL, Coverage, CoveredSocket, read_coverage
from console.commands.definition import Context
from screens.panel import FunctionKey
from screens.panels.columns import Column
from screens.panels.display_coverage import DisplaySocket
from screens.panels.held_list import WorkWithHeld, view_key
from screens.panels.options import Option, Way
from screens.panels.services import Services
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
from screens.panels.work_with import LIVE_KEYS
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size

_VIEWS = ("Display user and program", "Display engine and job", "Display both ends")
_WIDE_VIEWS = ("Display engine and job", "Display both ends")
"""What F11 shows next, by the view that shows now."""


class WorkWithTcpStatus(WorkWithHeld[CoveredSocket]):
    """The sockets: end, display, their job, a rule from one."""

    name = "WRKTCPSTS"
    title = "Work with TCP/IP Network Status"
    module = "work_with_tcp_status"
    subject = "TCP/IP Connections"
    is_wide = True
    is_live = True
    subset_command = "WRKTCPSTS"
    not_there = "GWL0718"
    options_row = 5
    heading_rows = 1
    gap = 1
    empty_text = "(No connections)"

    def __init__(
        self,
        services: Services,
        arguments: Mapping[str, str],
        look: Callable[[Context], Coverage] = read_coverage,
    ) -> None:
        """Look at the system.

        Args:
            services: What panels share.
            arguments: The values of WRKTCPSTS.
            look: Looks at it.
        """
        self._look = look
        self._names: Sequence[str] = _VIEWS
        self._coverage = Coverage((), 0)
        super().__init__(services, arguments)

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
                given=lambda row: rule_of_socket(self.context, row, self._coverage.sockets),
                check=check_rule,
            ),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F11 names the view that comes next."""
        return (
            *LIVE_KEYS,
            view_key(self._names, self.view),
            FunctionKey(17, "Position to"),
            FunctionKey(18, "Subset"),
        )

    def columns(self, size: Size) -> Sequence[Column[CoveredSocket]]:
        """Return the columns of the view."""
        self._names = _WIDE_VIEWS if size == WIDE else _VIEWS
        views = _BY_WIDE_VIEW if size == WIDE else _BY_VIEW
        self.view_count = len(views)
        return views[self.view % len(views)]

    def confirm_columns(self) -> Sequence[Column[CoveredSocket]]:
        """Return both ends, and who holds it."""
        return (LOCAL, REMOTE, PROCESS)

    def draw_header(self, page: Page) -> None:
        """Show position-to, what is listed, and how much there is in all."""
        self.draw_position(page, 3, "Position to port", 5)
        self.draw_subset(page, 3)
        page.text(4, 2, counts(self._coverage), help_key="COUNTS")
        if self._coverage.unseen:
            page.text(4, 58, "Only root sees all.", Attribute.YELLOW, "COUNTS")

    def row_id(self, row: CoveredSocket) -> str:
        """Return the socket's own number."""
        return str(row.socket.inode)

    def is_at(self, row: CoveredSocket, wanted: str) -> bool:
        """Take a local port."""
        return str(row.socket.local_port) == wanted

    def load(self) -> Sequence[CoveredSocket]:
        """Look at the system."""
        self._coverage = self._look(self.context)
        return [each for each in self._coverage.sockets if is_listed(each, self.arguments)]

    def subset_text(self) -> str:
        """Return which sockets are listed."""
        return " ".join(value for value in self.arguments.values() if value != ALL) or ALL


_BY_VIEW: tuple[tuple[Column[CoveredSocket], ...], ...] = (
    (PROTOCOL, STATE, LOCAL, REMOTE, ENGINE),
    (LOCAL, USER, PROCESS, program_column(24)),
    (LOCAL, ENGINE, job_column(20), reason_column(22)),
)
_BY_WIDE_VIEW: tuple[tuple[Column[CoveredSocket], ...], ...] = (
    (PROTOCOL, STATE, LOCAL, REMOTE, USER, PROCESS, ENGINE, program_column(28)),
    (PROTOCOL, STATE, LOCAL, REMOTE, ENGINE, job_column(24), reason_column(30)),
)
