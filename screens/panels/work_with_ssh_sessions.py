"""Work with SSH Sessions: who has the console open over SSH, from where, and for how long nobody has keyed anything."""

from __future__ import annotations

from collections.abc import Sequence

from console.commands.jobs import moment
from console.commands.ssh_sessions import ENDING, SshSessionRow, ssh_session_rows
from screens.panel import FunctionKey
from screens.panels.columns import Column
from screens.panels.display import DisplayRow, Line
from screens.panels.held_list import WorkWithHeld
from screens.panels.options import Option, Way
from screens.panels.work_with import LIVE_KEYS
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size


class DisplaySshSession(DisplayRow[SshSessionRow]):
    """Shows all that is known of one session."""

    name = "DSPSSHSSN"
    title = "Display SSH Session"
    module = "work_with_ssh_sessions"

    def lines(self) -> Sequence[Line]:
        """Return every field."""
        row = self.row
        return [
            Line("Job", row.job, "JOB"),
            Line("User profile", row.user, "USER"),
            Line("Status", row.status, "STATUS"),
            Line("Asked to end by", row.end_wanted_by or "*NONE", "STATUS"),
            Line("Remote address", row.address, "ADDRESS"),
            Line("Remote port", str(row.port), "ADDRESS"),
            Line("Signed on by", row.method, "METHOD"),
            Line("Since", moment(row.since), "SINCE"),
            Line("Last key", moment(row.last_input), "IDLE"),
            Line("Process id of the console", str(row.pid), "PID"),
            Line("System", row.host, "HOST"),
        ]


class WorkWithSshSessions(WorkWithHeld[SshSessionRow]):
    """The sessions: end, display, their journal entries."""

    name = "WRKSSHSSN"
    title = "Work with SSH Sessions"
    module = "work_with_ssh_sessions"
    subject = "SSH Sessions"
    is_wide = True
    is_live = True
    options_row = 4
    heading_rows = 1
    gap = 1
    empty_text = "(Nobody has the console open over SSH)"

    @property
    def options(self) -> Sequence[Option[SshSessionRow]]:
        """What can be done with a session."""
        return (
            Option(4, "End", "ENDSSHSSN", _given, Way.CONFIRM),
            Option(5, "Display", opens=lambda row: DisplaySshSession(self.services, row)),
            Option(8, "Journal entries", "DSPJRN", _given, Way.RUN),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys."""
        return LIVE_KEYS

    def columns(self, size: Size) -> Sequence[Column[SshSessionRow]]:
        """Return the columns; a wide screen has room for how somebody signed on."""
        if size == WIDE:
            return (_JOB, _STATUS, _wide_address(39), _IDLE, _SINCE, _METHOD)
        return (_JOB, _STATUS, _wide_address(15), _IDLE)

    def confirm_columns(self) -> Sequence[Column[SshSessionRow]]:
        """Return which session it is."""
        return (_JOB, _wide_address(15), _IDLE)

    def draw_header(self, page: Page) -> None:
        """Show position-to."""
        self.draw_position(page, 3, "Position to user")

    def row_id(self, row: SshSessionRow) -> str:
        """Return the session's own number: process ids come again."""
        return str(row.session_id)

    def is_at(self, row: SshSessionRow, wanted: str) -> bool:
        """Take how the user's name begins."""
        return row.user.startswith(wanted.upper())

    def load(self) -> Sequence[SshSessionRow]:
        """Read the sessions."""
        return ssh_session_rows(self.context)


def _given(row: SshSessionRow) -> dict[str, str]:
    return {"JOB": row.job}


_JOB: Column[SshSessionRow] = Column("Job", 28, lambda row: row.job, help_key="JOB")
_STATUS: Column[SshSessionRow] = Column(
    "Status", 7, lambda row: row.status, help_key="STATUS", looks={ENDING: Attribute.YELLOW}
)
_IDLE: Column[SshSessionRow] = Column("Idle", 6, lambda row: row.idle, right=True, help_key="IDLE")
_SINCE: Column[SshSessionRow] = Column("Since", 19, lambda row: moment(row.since), help_key="SINCE")
_METHOD: Column[SshSessionRow] = Column("Signed on by", 15, lambda row: row.method, help_key="METHOD")


def _wide_address(width: int) -> Column[SshSessionRow]:
    return Column("Remote address", width, lambda row: row.address, help_key="ADDRESS")
