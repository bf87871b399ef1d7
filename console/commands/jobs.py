"""The commands on jobs under a guard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.job_names import ALL, ANY_JOB, JobName, one_job, read_job_name
from console.commands.keywords import ANY_USER, number, one_of
from console.commands.listing import Column, table
from console.errors import CommandError
from console.messages import Message, message
from console.model.running import Guard
from console.model.words import JOBCTL, EndOption, JobStatus
from console.printable import printable
from console.store.guards import JobFilter, end_request, find_job, list_jobs, request_end
from console.store.workers import is_running

ACTIVE = JobStatus.ACTIVE.value
_LONGEST_DELAY_S = 999_999

_COLUMNS = (
    Column("Job"),
    Column("Status"),
    Column("Decided", right=True),
    Column("Refused", right=True),
    Column("us/call", right=True),
    Column("Revision", right=True),
    Column("Pid", right=True),
    Column("Started"),
    Column("Exit", right=True),
    Column("Command"),
)


class WorkWithSocketJobs(Command):
    """Shows the jobs that run, or ran, under guards."""

    name = "WRKSOCJOB"
    text = "Work with Socket Jobs"
    authority = ()
    parameters = (
        Parameter(
            "STATUS",
            "Status",
            one_of("STATUS", (ACTIVE, ALL)),
            default=ACTIVE,
            special=(ACTIVE, ALL),
        ),
        ANY_USER,
        ANY_JOB,
    )

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        with context.opened() as session:
            jobs = list_jobs(session, job_filter(values))
        return Result(lines=job_list(jobs), panel="WorkWithJobs", arguments=dict(values))


def job_filter(values: Mapping[str, str]) -> JobFilter:
    """Return which jobs a WRKSOCJOB with these values shows."""
    wanted = {keyword: "" if value == ALL else value for keyword, value in values.items()}
    return JobFilter(
        running=wanted.get("STATUS", ACTIVE) == ACTIVE, user=wanted.get("USRPRF", ""), job=wanted.get("JOB", "")
    )


def job_list(jobs: Sequence[Guard]) -> tuple[str, ...]:
    """Return jobs as a list, in the order given."""
    return table(_COLUMNS, (_row(job) for job in jobs), "(No jobs)")


def _row(job: Guard) -> tuple[object, ...]:
    return (
        job.qualified_job_name,
        job_status(job),
        job.decided,
        job.refused,
        per_call(job),
        job.revision,
        job.pid,
        moment(job.started),
        "" if job.exit_status is None else job.exit_status,
        job.command,
    )


def job_status(job: Guard) -> JobStatus:
    """Return what a job is doing, in one word."""
    if job.ended is None:
        return JobStatus.ENDING if job.end_requested else JobStatus.ACTIVE
    return JobStatus.LOST if job.exit_status is None else JobStatus.ENDED


def per_call(job: Guard) -> str:
    """Return how many microseconds a decision has taken on the average; empty before the first."""
    return f"{job.decision_us / job.decided:.1f}" if job.decided else ""


def moment(when: datetime) -> str:
    """Return a moment in the time zone of this system, to the second."""
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _active_jobs(context: Context) -> Sequence[Choice]:
    """Return the jobs that run, for F4."""
    with context.opened() as session:
        jobs = list_jobs(session, JobFilter())
    return [Choice(job.qualified_job_name, printable(job.command)) for job in jobs]


HOW_TO_END = Parameter(
    "OPTION",
    "How to end",
    one_of("OPTION", tuple(EndOption)),
    default=EndOption.CONTROLLED.value,
    special=tuple(EndOption),
)


def delay_time(longest_s: int) -> Parameter:
    """Return the parameter that says how long something that is ended with *CNTRLD may take.

    Args:
        longest_s: The longest time that may be keyed, in seconds.
    """
    return Parameter(
        "DELAY",
        "Delay time, if *CNTRLD",
        number("DELAY", 1, longest_s),
        length=len(str(longest_s)),
        default="30",
        choices=f"1-{longest_s} seconds",
    )


class EndSocketJob(Command):
    """Ends a job under a guard."""

    name = "ENDSOCJOB"
    text = "End Socket Job"
    authority = (JOBCTL,)
    parameters = (one_job("NAME", _active_jobs), HOW_TO_END, delay_time(_LONGEST_DELAY_S))
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Ask the job's guard to end it; the worker brings it there."""
        name = read_job_name(values["JOB"], "JOB")
        option = EndOption(values["OPTION"])
        delay = int(values["DELAY"]) if option is EndOption.CONTROLLED else 0
        with context.opened() as session:
            job = _found(find_job(session, name.number, name.user, name.name), name, option)
            request_end(session, job, option, delay)
        told = [_told(name, option, delay)]
        if not is_running(context.store, context.clock()):
            told.insert(0, message("GWL0164", job=name))  # a panel shows the first, and a mark for more
        return Result(messages=tuple(told))


def _found(job: Guard | None, name: JobName, option: EndOption) -> Guard:
    """Return the job, if it can be ended so.

    Raises:
        CommandError: There is no such job, it has ended, its guard is gone, or it is being ended no slower already.
    """
    if job is None:
        raise CommandError("GWL0160", keyword="JOB", job=name)
    if job.ended is not None:
        message_id = "GWL0166" if job_status(job) is JobStatus.LOST else "GWL0161"
        raise CommandError(message_id, keyword="JOB", job=name, ended=moment(job.ended))
    asked = end_request(job)
    if asked is not None and (asked[0] is EndOption.IMMEDIATE or option is EndOption.CONTROLLED):
        raise CommandError("GWL0162", keyword="JOB", job=name, option=asked[0])
    return job


def _told(name: JobName, option: EndOption, delay_s: int) -> Message:
    if option is EndOption.IMMEDIATE:
        return message("GWL0165", job=name)
    return message("GWL0163", job=name, delay=delay_s)


COMMANDS: tuple[type[Command], ...] = (WorkWithSocketJobs, EndSocketJob)
