"""Work with Socket Jobs: the jobs under guards, what they asked and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from console.commands.jobs import job_filter, job_status, moment, per_call
from console.model.running import Guard
from console.model.words import JobStatus
from console.store.guards import end_request, list_jobs
from console.store.workers import is_running
from screens.panel import FunctionKey
from screens.panels.columns import Column
from screens.panels.display import DisplayRow, Line
from screens.panels.held_list import WorkWithHeld, view_key
from screens.panels.options import Option, Way
from screens.panels.work_with import LIVE_KEYS
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size

_VIEWS = ("Display command", "Display calls")
"""What F11 shows next, by the view that shows now."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job. Equal while it is the same job: what it has decided meanwhile makes it no other."""

    guard_id: str
    job: str
    user: str = field(compare=False)
    status: JobStatus = field(compare=False)
    decided: int = field(compare=False)
    refused: int = field(compare=False)
    decision_us: int = field(compare=False)
    per_call: str = field(compare=False)
    revision: int = field(compare=False)
    pid: int = field(compare=False)
    started: datetime = field(compare=False)
    ended: datetime | None = field(compare=False)
    exit_status: int | None = field(compare=False)
    end_wanted: str = field(compare=False)
    command: str = field(compare=False)


def job_row(job: Guard) -> JobRow:
    """Return a job as the list shows it."""
    wanted = end_request(job)
    return JobRow(
        guard_id=job.guard_id,
        job=job.qualified_job_name,
        user=job.user,
        status=job_status(job),
        decided=job.decided,
        refused=job.refused,
        decision_us=job.decision_us,
        per_call=per_call(job),
        revision=job.revision,
        pid=job.pid,
        started=job.started,
        ended=job.ended,
        exit_status=job.exit_status,
        end_wanted="" if wanted is None else f"{wanted[0]}, delay {wanted[1]} seconds" if wanted[1] else wanted[0],
        command=job.command,
    )


class DisplayJob(DisplayRow[JobRow]):
    """Shows all that is known of one job."""

    name = "DSPSOCJOB"
    title = "Display Socket Job"
    module = "display_job"

    def lines(self) -> Sequence[Line]:
        """Return every field."""
        row = self.row
        return [
            Line("Job", row.job, "JOB"),
            Line("User profile", row.user, "USER"),
            Line("Status", row.status, "STATUS"),
            Line("Command", row.command, "COMMAND"),
            Line("Started", moment(row.started), "STARTED"),
            Line("Ended", "" if row.ended is None else moment(row.ended), "ENDED"),
            Line("Exit status", "" if row.exit_status is None else str(row.exit_status), "EXIT"),
            Line("Asked to end", row.end_wanted or "*NO", "ENDWANTED"),
            Line(),
            Line("Calls decided", str(row.decided), "DECIDED"),
            Line("Calls refused", str(row.refused), "REFUSED"),
            Line("Microseconds in decisions", str(row.decision_us), "TIME"),
            Line("Microseconds a call", row.per_call, "TIME"),
            Line("Revision in force", str(row.revision or ""), "REVISION"),
            Line("Process id of its guard", str(row.pid), "PID"),
            Line("Guard", row.guard_id, "GUARD"),
        ]


class WorkWithJobs(WorkWithHeld[JobRow]):
    """The jobs: end, display, their journal entries."""

    name = "WRKSOCJOB"
    title = "Work with Socket Jobs"
    module = "work_with_jobs"
    subject = "Socket Jobs"
    is_wide = True
    is_live = True
    subset_command = "WRKSOCJOB"
    not_there = "GWL0717"
    view_count = len(_VIEWS)
    options_row = 5
    heading_rows = 2
    gap = 1
    empty_text = "(No jobs)"
    command_label = "Parameters for option 4 or command"
    _worker = ""

    @property
    def options(self) -> Sequence[Option[JobRow]]:
        """What can be done with a job."""
        return (
            Option(4, "End", "ENDSOCJOB", _given, Way.CONFIRM),
            Option(5, "Display", opens=lambda row: DisplayJob(self.services, row)),
            Option(8, "Journal entries", "DSPJRN", _given, Way.RUN),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F11 names the view that comes next."""
        return (
            *LIVE_KEYS,
            view_key(_VIEWS, self.view),
            FunctionKey(17, "Position to"),
            FunctionKey(18, "Subset"),
        )

    def columns(self, size: Size) -> Sequence[Column[JobRow]]:
        """Return the columns of the view."""
        is_wide = size == WIDE
        if self.view:
            return (_JOB, _PID, _STARTED, *((_ENDED, _EXIT) if is_wide else ()), _command(42 if is_wide else 17))
        return (_JOB, _STATUS, *_CALLS, *((_USER, _TOTAL, _STARTED) if is_wide else ()))

    def confirm_columns(self) -> Sequence[Column[JobRow]]:
        """Return which job it is, and what it runs."""
        return (_JOB, _PID, _command(34))

    def draw_header(self, page: Page) -> None:
        """Show position-to, the subset, and whether a worker runs, without which nothing here moves."""
        self.draw_position(page, 3, "Position to job")
        self.draw_subset(page, 3)
        page.label(4, 2, "Worker", 22, colon=True)
        look = Attribute.GREEN if self._worker == "*ACTIVE" else Attribute.YELLOW
        page.text(4, 25, self._worker, look, "WORKER")

    def row_id(self, row: JobRow) -> str:
        """Return the id of its guard: numbers of jobs come again."""
        return row.guard_id

    def is_at(self, row: JobRow, wanted: str) -> bool:
        """Take the number of a job, or how its name begins."""
        number, _user, name = row.job.split("/", 2)
        return number == wanted.zfill(len(number)) if wanted.isdecimal() else name.startswith(wanted)

    def load(self) -> Sequence[JobRow]:
        """Read the jobs, and whether a worker runs."""
        context = self.context
        self._worker = "*ACTIVE" if is_running(context.store, context.clock()) else "*NONE"
        with context.opened() as session:
            return [job_row(job) for job in list_jobs(session, job_filter(self.arguments))]

    def subset_text(self) -> str:
        """Return which jobs are listed."""
        only = job_filter(self.arguments)
        parts = ("*ACTIVE" if only.running else "", only.user, only.job)
        return " ".join(part for part in parts if part) or "*ALL"


def _given(row: JobRow) -> dict[str, str]:
    return {"JOB": row.job}


def _total(row: JobRow) -> str:
    return f"{row.decision_us / 1000:.1f}"


_LOOKS = {JobStatus.ENDING.value: Attribute.YELLOW, JobStatus.LOST.value: Attribute.RED}
_JOB: Column[JobRow] = Column("\nJob", 28, lambda row: row.job, help_key="JOB")
_USER: Column[JobRow] = Column("\nUser", 10, lambda row: row.user, help_key="USER")
_STATUS: Column[JobRow] = Column("\nStatus", 8, lambda row: row.status, help_key="STATUS", looks=_LOOKS)
_PID: Column[JobRow] = Column("\nPid", 7, lambda row: str(row.pid), right=True, help_key="PID")
_STARTED: Column[JobRow] = Column("\nStarted", 19, lambda row: moment(row.started), help_key="STARTED")
_ENDED: Column[JobRow] = Column(
    "\nEnded", 19, lambda row: "" if row.ended is None else moment(row.ended), help_key="ENDED"
)
_EXIT: Column[JobRow] = Column(
    "Exit\nstatus",
    6,
    lambda row: "" if row.exit_status is None else str(row.exit_status),
    right=True,
    help_key="EXIT",
)
_TOTAL: Column[JobRow] = Column("Time in all\nms", 11, _total, right=True, help_key="TIME")
_CALLS: tuple[Column[JobRow], ...] = (
    Column("Calls\ndecided", 9, lambda row: str(row.decided), right=True, help_key="DECIDED"),
    Column("Calls\nrefused", 8, lambda row: str(row.refused), right=True, help_key="REFUSED"),
    Column("us a\ncall", 7, lambda row: row.per_call, right=True, help_key="TIME"),
    Column("\nRevision", 8, lambda row: str(row.revision or ""), right=True, help_key="REVISION"),
)


def _command(width: int) -> Column[JobRow]:
    return Column("\nCommand", width, lambda row: row.command, help_key="COMMAND")
