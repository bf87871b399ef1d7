"""Display Socket Coverage: which sockets of this system stand under an engine, and which do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from console.commands.coverage import (
    ALL,
    Coverage,
    CoveredSocket,
    Engine,
    Holder,
    is_wanted,
    read_coverage,
    summary,
)
from console.commands.definition import Context
from screens.panel import FunctionKey, Push, Reply, Submission
from screens.panels.columns import Column
from screens.panels.display import Display, Line
from screens.panels.held_list import WorkWithHeld, view_key
from screens.panels.options import Option
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
from screens.panels.work_with import LIVE_REFRESH
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size

_SHOW_ALL = "Display all"
_SHOW_NONE = "Display unguarded"
_VIEWS = ("Display ends and job", "Display reason", "Display process")
_WIDE_VIEWS = ("Display reason", "Display process")
"""What F11 shows next, by the view that shows now."""


class DisplaySocket(Display):
    """Shows one socket and every process that holds it."""

    name = "DSPSOC"
    title = "Display Socket"
    module = "display_socket"

    def __init__(self, services: Services, shown: CoveredSocket) -> None:
        """Show a socket."""
        super().__init__(services)
        self._shown = shown

    def lines(self) -> Sequence[Line]:
        """Return what it is, what it stands under, and who holds it."""
        shown, socket = self._shown, self._shown.socket
        return [
            Line("Protocol", socket.protocol, "PROTOCOL"),
            Line("State", socket.state, "STATE"),
            Line("Local address and port", shown.local, "LOCAL"),
            Line("Remote address and port", shown.remote or "*NONE", "REMOTE"),
            Line("User profile that made it", shown.user, "USER"),
            Line("Engine", shown.engine, "ENGINE"),
            Line("Job", shown.job or "*NONE", "JOB"),
            Line("Reason", shown.reason or "*NONE", "REASON"),
            Line(),
            Line.heading("Processes that hold it"),
            *(_holder_line(holder) for holder in shown.holders),
            *(() if shown.holders else (Line(text="   (None that can be seen)"),)),
        ]


def _holder_line(holder: Holder) -> Line:
    process = holder.process
    under = f"the guard of {holder.job}" if holder.is_guard else holder.job or f"*NONE: {holder.why_not}"
    return Line(f"{process.pid:>7}  {process.name}"[:30], f"{under}   {process.program}".rstrip(), "HOLDER")


class DisplayCoverage(WorkWithHeld[CoveredSocket]):
    """The sockets of this system."""

    name = "DSPSOCCOV"
    title = "Display Socket Coverage"
    module = "display_coverage"
    is_wide = True
    is_live = True
    subset_command = "DSPSOCCOV"
    not_there = "GWL0718"
    options_row = 7
    heading_rows = 1
    option_width = 1
    gap = 1
    command_label = ""
    empty_text = "(No sockets)"

    def __init__(
        self,
        services: Services,
        arguments: Mapping[str, str],
        look: Callable[[Context], Coverage] = read_coverage,
    ) -> None:
        """Look at the system.

        Args:
            services: What panels share.
            arguments: The values of DSPSOCCOV.
            look: Looks at it.
        """
        self._look = look
        self._views: Sequence[str] = _VIEWS
        self._coverage = Coverage((), 0)
        super().__init__(services, arguments)

    @property
    def options(self) -> Sequence[Option[CoveredSocket]]:
        """Only to display."""
        return (Option(5, "Display", opens=lambda row: DisplaySocket(self.services, row)),)

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F10 and F11 name what comes next."""
        return (
            FunctionKey(3, "Exit"),
            LIVE_REFRESH,
            FunctionKey(10, _SHOW_ALL if self._shows_gaps else _SHOW_NONE),
            view_key(self._views, self.view),
            FunctionKey(12, "Cancel"),
            FunctionKey(14, "Threat model", attention=True),
            FunctionKey(17, "Position to"),
            FunctionKey(18, "Subset"),
        )

    def columns(self, size: Size) -> Sequence[Column[CoveredSocket]]:
        """Return the columns of the view."""
        self._views = _WIDE_VIEWS if size == WIDE else _VIEWS
        views = _BY_WIDE_VIEW if size == WIDE else _BY_VIEW
        self.view_count = len(views)
        return views[self.view % len(views)]

    def draw_header(self, page: Page) -> None:
        """Show the counts, what is shown of it all, and where to go."""
        for row, sentence in enumerate(summary(self._coverage), 3):
            look = Attribute.YELLOW if row == _UNSEEN_ROW else Attribute.WHITE
            page.text(row, 2, sentence, look, help_key="COUNTS")
        self.draw_position(page, _SUBSET_ROW, "Position to port", 5)
        self.draw_subset(page, _SUBSET_ROW)

    def answer_key(self, submission: Submission) -> Reply:
        """Show all or only the gaps, or the threat model; else as any list."""
        match submission.key:
            case "F10":
                self.arguments["ENGINE"] = ALL if self._shows_gaps else Engine.NONE.value
                return self.again()
            case "F14":
                return Push(self.services.open("ThreatModel", {}))
            case _:
                return super().answer_key(submission)

    def row_id(self, row: CoveredSocket) -> str:
        """Return the socket's own number."""
        return str(row.socket.inode)

    def is_at(self, row: CoveredSocket, wanted: str) -> bool:
        """Take a local port."""
        return str(row.socket.local_port) == wanted

    @property
    def _shows_gaps(self) -> bool:
        return self.arguments.get("ENGINE", Engine.NONE.value) == Engine.NONE

    def load(self) -> Sequence[CoveredSocket]:
        """Look at the system."""
        self._coverage = self._look(self.context)
        engine = self.arguments.get("ENGINE", Engine.NONE.value)
        kind = self.arguments.get("TYPE", ALL)
        return [each for each in self._coverage.sockets if is_wanted(each, engine, kind)]

    def subset_text(self) -> str:
        """Return which sockets are listed."""
        values = (self.arguments.get("ENGINE", Engine.NONE.value), self.arguments.get("TYPE", ALL))
        return " ".join(value for value in values if value != ALL) or ALL


_UNSEEN_ROW = 5
_SUBSET_ROW = 6


_BY_VIEW: tuple[tuple[Column[CoveredSocket], ...], ...] = (
    (PROTOCOL, STATE, LOCAL, USER, PROCESS, ENGINE),
    (PROTOCOL, LOCAL, REMOTE, job_column(24)),
    (PROTOCOL, LOCAL, reason_column(46)),
)
_BY_WIDE_VIEW: tuple[tuple[Column[CoveredSocket], ...], ...] = (
    (
        PROTOCOL,
        STATE,
        LOCAL,
        REMOTE,
        USER,
        PROCESS,
        ENGINE,
        program_column(28),
    ),
    (PROTOCOL, STATE, LOCAL, ENGINE, job_column(26), reason_column(50)),
)
