"""Display Socket Coverage: which sockets of this system stand under an engine, and which do not."""

from __future__ import annotations

from collections.abc import Sequence

from console.commands.coverage import (
    ALL,
    CoveredSocket,
    Engine,
    Holder,
    is_wanted,
    summary,
)
from screens.panel import FunctionKey, Push, Reply, Submission
from screens.panels.display import Display, Line
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
from screens.panels.socket_list import SocketList
from screens.panels.work_with import LIVE_REFRESH
from screens.terminal.attributes import Attribute
from screens.terminal.page import Page

_SHOW_ALL = "Display all"
_SHOW_NONE = "Display unguarded"


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


class DisplayCoverage(SocketList):
    """The sockets of this system."""

    name = "DSPSOCCOV"
    title = "Display Socket Coverage"
    module = "display_coverage"
    subset_command = "DSPSOCCOV"
    options_row = 7
    option_width = 1
    command_label = ""
    empty_text = "(No sockets)"
    views = (
        ("Display ends and job", (PROTOCOL, STATE, LOCAL, USER, PROCESS, ENGINE)),
        ("Display reason", (PROTOCOL, LOCAL, REMOTE, job_column(24))),
        ("Display process", (PROTOCOL, LOCAL, reason_column(46))),
    )
    wide_views = (
        ("Display reason", (PROTOCOL, STATE, LOCAL, REMOTE, USER, PROCESS, ENGINE, program_column(28))),
        ("Display process", (PROTOCOL, STATE, LOCAL, ENGINE, job_column(26), reason_column(50))),
    )

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
            self.next_view,
            FunctionKey(12, "Cancel"),
            FunctionKey(14, "Threat model", attention=True),
            FunctionKey(17, "Position to"),
            FunctionKey(18, "Subset"),
        )

    def draw_header(self, page: Page) -> None:
        """Show the counts, what is shown of it all, and where to go."""
        for row, sentence in enumerate(summary(self.coverage), 3):
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

    @property
    def _shows_gaps(self) -> bool:
        return self.arguments.get("ENGINE", Engine.NONE.value) == Engine.NONE

    def load(self) -> Sequence[CoveredSocket]:
        """Look at the system."""
        engine = self.arguments.get("ENGINE", Engine.NONE.value)
        kind = self.arguments.get("TYPE", ALL)
        return [each for each in self.look_again().sockets if is_wanted(each, engine, kind)]

    def subset_text(self) -> str:
        """Return which sockets are listed."""
        values = (self.arguments.get("ENGINE", Engine.NONE.value), self.arguments.get("TYPE", ALL))
        return " ".join(value for value in values if value != ALL) or ALL


_UNSEEN_ROW = 5
_SUBSET_ROW = 6
