"""Work with Socket Jobs: the jobs under guards, what they asked and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from console.commands.jobs import job_filter, job_status, moment, per_call
from console.commands.language import ParsedCommand
from console.messages import message
from console.model.running import Guard
from console.model.words import JobStatus
from console.store.guards import end_request, list_jobs
from console.store.workers import is_running
from screens.panel import FunctionKey, Push, Reply, Stay, Submission
from screens.panels.columns import Column
from screens.panels.display import Display, Line
from screens.panels.options import Option, Way
from screens.panels.pager import HeldList
from screens.panels.prompter import Prompter
from screens.panels.services import Services
from screens.panels.work_with import LIST_KEYS, WorkWithList
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import WIDE, Page, Size

_POSITION = "POSTO"
_NOT_THERE = "GWL0717"
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


class DisplayJob(Display):
    """Shows all that is known of one job."""

    name = "DSPSOCJOB"
    title = "Display Socket Job"
    module = "display_job"

    def __init__(self, services: Services, row: JobRow) -> None:
        """Show a job."""
        super().__init__(services)
        self._row = row

    def lines(self) -> Sequence[Line]:
        """Return every field."""
        row = self._row
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


class WorkWithJobs(WorkWithList[JobRow]):
    """The jobs: end, display, their journal entries."""

    name = "WRKSOCJOB"
    title = "Work with Socket Jobs"
    module = "work_with_jobs"
    subject = "Socket Jobs"
    is_wide = True
    options_row = 5
    heading_rows = 2
    gap = 1
    empty_text = "(No jobs)"
    command_label = "Parameters for option 4 or command"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Open the list.

        Args:
            services: What panels share.
            arguments: The values of WRKSOCJOB.
        """
        self._context = services.context
        self._arguments = dict(arguments)
        self._view = 0
        self._worker = ""
        self._list = HeldList(self._load, lambda row: row.guard_id)
        super().__init__(services, self._list)

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
            *LIST_KEYS,
            FunctionKey(11, _VIEWS[self._view]),
            FunctionKey(17, "Position to"),
            FunctionKey(18, "Subset"),
        )

    def columns(self, size: Size) -> Sequence[Column[JobRow]]:
        """Return the columns of the view."""
        is_wide = size == WIDE
        if self._view:
            return (_JOB, _PID, _STARTED, *((_ENDED, _EXIT) if is_wide else ()), _command(42 if is_wide else 17))
        return (_JOB, _STATUS, *_CALLS, *((_USER, _TOTAL, _STARTED) if is_wide else ()))

    def confirm_columns(self) -> Sequence[Column[JobRow]]:
        """Return which job it is, and what it runs."""
        return (_JOB, _PID, _command(34))

    def draw_header(self, page: Page) -> None:
        """Show position-to, the subset, and whether a worker runs, without which nothing here moves."""
        page.label(3, 2, "Position to job", 22)
        page.field(_POSITION, 3, 25, 10, self.fields.get(_POSITION, ""), format=UPPER)
        page.label(3, 40, "Subset", 14, colon=True)
        page.text(3, 56, self._subset_text(), help_key="SUBSET")
        page.label(4, 2, "Worker", 22, colon=True)
        look = Attribute.GREEN if self._worker == "*ACTIVE" else Attribute.YELLOW
        page.text(4, 25, self._worker, look, "WORKER")

    def enter_header(self, submission: Submission) -> Reply | None:
        """Go to a job by its number, or by how its name begins."""
        del submission
        wanted = self.fields.pop(_POSITION, "")
        if not wanted:
            return None
        if wanted in ("*TOP", "*BOT"):
            self._list.edge(wanted)
            return Stay(redraw=True)
        if not any(_is_at(row, wanted) for row in self._list.all):
            self.fields[_POSITION] = wanted
            return Stay((message(_NOT_THERE, value=wanted),), errors=(_POSITION,))
        self._list.position(lambda row: _is_at(row, wanted))
        return Stay(redraw=True)

    def answer_key(self, submission: Submission) -> Reply:
        """Change the view, go to the position field, or show a subset."""
        match submission.key:
            case "F11":
                self._view = (self._view + 1) % len(_VIEWS)
                return Stay(redraw=True)
            case "F18":
                return Push(Prompter(self.services, self.services.commands["WRKSOCJOB"], self._arguments, runs=False))
            case _:
                return Stay(cursor=_POSITION)

    def resume(self, value: object) -> Reply:
        """Take another subset; else go on as any list."""
        if isinstance(value, ParsedCommand) and value.cls is self.services.commands["WRKSOCJOB"]:
            self._arguments = dict(value.values)
            self.typed.clear()
            self.reload()
            self._list.edge("*TOP")
            return Stay(redraw=True)
        return super().resume(value)

    def _load(self) -> list[JobRow]:
        context = self._context
        self._worker = "*ACTIVE" if is_running(context.store, context.clock()) else "*NONE"
        with context.opened() as session:
            return [job_row(job) for job in list_jobs(session, job_filter(self._arguments))]

    def _subset_text(self) -> str:
        only = job_filter(self._arguments)
        parts = ("*ACTIVE" if only.running else "", only.user, only.job)
        return " ".join(part for part in parts if part) or "*ALL"


def _given(row: JobRow) -> dict[str, str]:
    return {"JOB": row.job}


def _is_at(row: JobRow, wanted: str) -> bool:
    number, _user, name = row.job.split("/", 2)
    return number == wanted.zfill(len(number)) if wanted.isdecimal() else name.startswith(wanted)


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
