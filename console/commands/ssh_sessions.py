"""The commands on sessions of the console over SSH."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from console.commands.definition import Choice, Command, Context, Result
from console.commands.job_names import one_job, read_job_name
from console.commands.jobs import moment
from console.commands.listing import Column, table
from console.errors import CommandError
from console.messages import message
from console.model.ssh_sessions import SshSession
from console.model.words import JOBCTL
from console.printable import printable
from console.store.ssh_sessions import list_ssh_sessions, request_end

OPEN, ENDING = "*OPEN", "*ENDING"
_COLUMNS = (
    Column("Job"),
    Column("User"),
    Column("Status"),
    Column("Remote address"),
    Column("Port", right=True),
    Column("Signed on by"),
    Column("Since"),
    Column("Last key"),
    Column("Pid", right=True),
    Column("System"),
)


@dataclass(frozen=True, slots=True)
class SshSessionRow:
    """One session as lists show it. Equal while it is the same one."""

    session_id: int
    job: str
    user: str = field(compare=False)
    status: str = field(compare=False)
    address: str = field(compare=False)
    port: int = field(compare=False)
    method: str = field(compare=False)
    since: datetime = field(compare=False)
    idle: str = field(compare=False)
    """For how long no key has come, as people say it."""
    last_input: datetime = field(compare=False)
    pid: int = field(compare=False)
    host: str = field(compare=False)
    end_wanted_by: str = field(compare=False)


def ssh_session_rows(context: Context) -> list[SshSessionRow]:
    """Return the sessions that are open, oldest first.

    Raises:
        StoreError: The store cannot be read.
    """
    now = context.clock()
    with context.opened() as session:
        return [_row(each, now) for each in list_ssh_sessions(session)]


def _row(each: SshSession, now: datetime) -> SshSessionRow:
    return SshSessionRow(
        session_id=each.id or 0,
        job=each.job,
        user=each.user,
        status=ENDING if each.end_requested_by else OPEN,
        address=each.remote_address,
        port=each.remote_port,
        method=each.method,
        since=each.started,
        idle=_minutes(now - each.last_input),
        last_input=each.last_input,
        pid=each.pid,
        host=each.host,
        end_wanted_by=each.end_requested_by,
    )


def _minutes(passed: timedelta) -> str:
    """Return a time in hours and minutes."""
    minutes = max(0, int(passed.total_seconds())) // 60
    return f"{minutes // 60}:{minutes % 60:02}"


def _jobs(context: Context) -> Sequence[Choice]:
    """Return the sessions that are open, for F4."""
    rows = ssh_session_rows(context)
    return [Choice(row.job, printable(f"from {row.address}, since {moment(row.since)}")) for row in rows]


class WorkWithSshSessions(Command):
    """Shows the sessions of the console over SSH."""

    name = "WRKSSHSSN"
    aliases = ("DSPSSHSSN",)
    text = "Work with SSH Sessions"
    authority = ()
    parameters = ()

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        rows = (_cells(row) for row in ssh_session_rows(context))
        return Result(lines=table(_COLUMNS, rows, "(No sessions)"), panel="WorkWithSshSessions", arguments=dict(values))


def _cells(row: SshSessionRow) -> tuple[object, ...]:
    began, last = moment(row.since), moment(row.last_input)
    return row.job, row.user, row.status, row.address, row.port, row.method, began, last, row.pid, row.host


class EndSshSession(Command):
    """Ends a session of the console over SSH."""

    name = "ENDSSHSSN"
    text = "End SSH Session"
    authority = (JOBCTL,)
    parameters = (one_job("SSH", _jobs),)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Ask the server to end it."""
        job = read_job_name(values["JOB"], "JOB")
        with context.opened() as session:
            if not request_end(session, str(job), context.user):
                raise CommandError("GWL1090", keyword="JOB", job=job)
        return Result(messages=(message("GWL1091", job=job),))


COMMANDS: tuple[type[Command], ...] = (WorkWithSshSessions, EndSshSession)
