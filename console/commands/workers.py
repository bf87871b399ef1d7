"""The commands on the worker of a store: what it does, starting it, ending it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import psutil

from console.commands.definition import Command, Context, Parameter, Result
from console.commands.jobs import HOW_TO_END, delay_time, moment
from console.commands.keywords import one_of, with_special
from console.commands.language import render
from console.commands.listing import Column, labelled, table
from console.errors import CommandError
from console.messages import Message, message
from console.model.running import Worker
from console.model.words import IOSYSCFG, JOBCTL, EndOption
from console.store.outbox import add_audit
from console.store.session import reading, transaction
from console.store.worker_process import answers, end_process, log_file, start_worker, unit_over_us
from console.store.worker_state import Health, WorkerState, health, serving_worker, states
from console.store.workers import list_workers

GUARD, KERNEL = "*GUARD", "*KERNEL"
_WHOLE_SYSTEM = "*ALL"
_LONGEST_PATH = 256
_LONGEST_DELAY_S = 600
_STARTED_WITHIN_S = 60.0
"""A worker tells of itself once the store is open; a process that began later has only got its number."""
_COLUMNS = (
    Column("Pid", right=True),
    Column("State"),
    Column("Engine"),
    Column("Revision", right=True),
    Column("Started"),
    Column("Last heard of"),
    Column("Ended"),
    Column("System"),
    Column("Kernel engine"),
)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker as lists show it. Equal while it is the same one, and in the same state."""

    worker_id: int
    pid: int = field(compare=False)
    host: str = field(compare=False)
    state: WorkerState
    engine: str = field(compare=False)
    revision: int = field(compare=False)
    started: datetime = field(compare=False)
    heard: datetime = field(compare=False)
    ended: datetime | None = field(compare=False)
    cgroup: str = field(compare=False)
    kernel: str = field(compare=False)
    """What its kernel engine does, or why it does not; empty without one."""


def worker_rows(context: Context) -> list[WorkerRow]:
    """Return the workers of the store, newest first.

    Raises:
        StoreError: The store cannot be read.
    """
    with context.opened() as session:
        workers = list_workers(session)
        found = states(workers, context.store.location, context.clock())
        return [_row(worker, state) for worker, state in zip(workers, found, strict=True)]


def _row(worker: Worker, state: WorkerState) -> WorkerRow:
    return WorkerRow(
        worker_id=worker.id or 0,
        pid=worker.pid,
        host=worker.host,
        state=state,
        engine=KERNEL if worker.cgroup else GUARD,
        revision=worker.revision,
        started=worker.started,
        heard=worker.heartbeat,
        ended=worker.ended,
        cgroup=worker.cgroup,
        kernel=worker.kernel,
    )


def health_text(found: Health) -> str:
    """Return in a sentence whether a worker serves the store, and how the journal fares."""
    match found.state:
        case WorkerState.ACTIVE:
            told = "A worker serves this store."
        case WorkerState.STARTING:
            told = "A worker is starting."
        case WorkerState.SILENT:
            told = f"The worker has not been heard of since {'' if found.heard is None else moment(found.heard)}."
        case _:
            told = "No worker serves this store: the journal waits, and guards get no new revision."
    if not found.waiting:
        return told
    entries = "1 entry waits" if found.waiting == 1 else f"{found.waiting} entries wait"
    return f"{told} {entries} for the journal."


def worker_list(context: Context) -> tuple[str, ...]:
    """Return the workers as a list, and how the journal fares."""
    rows = [
        (
            row.pid, row.state, row.engine, row.revision, moment(row.started), moment(row.heard),
            "" if row.ended is None else moment(row.ended), row.host, row.kernel,
        )
        for row in worker_rows(context)
    ]  # fmt: skip
    store = labelled((("Store", context.store.shown_url), ("Log", log_file(context.store.location))))
    told = health_text(health(context.store, context.clock()))
    return (*table(_COLUMNS, rows, "(No workers)"), told, *store)


class WorkWithSocketWorkers(Command):
    """Shows the workers of the store."""

    name = "WRKSOCWRK"
    text = "Work with Socket Workers"
    authority = ()

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        lines = () if context.has_panels else worker_list(context)
        return Result(lines=lines, panel="WorkWithWorkers", arguments=dict(values))


def _cgroup(value: str) -> str:
    if not value.startswith("/") or not value.isprintable():
        raise CommandError("GWL0113", keyword="CGROUP", value=value, allowed=f"{_WHOLE_SYSTEM}, path of a cgroup")
    return value


class StartSocketWorker(Command):
    """Starts the worker of the store.

    It changes the store through the worker, which writes there itself: so it holds no transaction meanwhile.
    """

    name = "STRSOCWRK"
    text = "Start Socket Worker"
    authority = (JOBCTL,)
    parameters = (
        Parameter("ENGINE", "Engine", one_of("ENGINE", (GUARD, KERNEL)), default=GUARD, special=(GUARD, KERNEL)),
        Parameter(
            "CGROUP", "Cgroup, if *KERNEL", with_special(_cgroup, _WHOLE_SYSTEM), length=_LONGEST_PATH,
            default=_WHOLE_SYSTEM, special=(_WHOLE_SYSTEM,), choices="Path, *ALL", monocase=False, quoted=True,
            additional=True,
        ),
    )  # fmt: skip

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Deciding for the whole system needs more than deciding for jobs."""
        del context
        return (IOSYSCFG,) if values["ENGINE"] == KERNEL else ()

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Start it, and wait until it answers."""
        location = context.store.location
        if answers(location):
            with reading(context.store) as session:
                worker = serving_worker(session, location, context.clock())
            raise CommandError("GWL0760", pid="" if worker is None else worker.pid)
        options = ["--engine", "kernel"] if values["ENGINE"] == KERNEL else []
        if options and values["CGROUP"] != _WHOLE_SYSTEM:
            options += ["--cgroup", values["CGROUP"]]
        start_worker(context.store.url, location, options)
        _record(context, type(self), values)
        with reading(context.store) as session:
            worker = serving_worker(session, location, context.clock())
        pid = "" if worker is None else worker.pid
        unit = unit_over_us()
        bound = (message("GWL1092", unit=unit),) if unit else ()
        return Result(messages=(*bound, message("GWL0761", pid=pid, log=log_file(location))))


class EndSocketWorker(Command):
    """Ends the worker of the store; like starting, without a transaction of its own meanwhile."""

    name = "ENDSOCWRK"
    text = "End Socket Worker"
    authority = (JOBCTL,)
    parameters = (HOW_TO_END, delay_time(_LONGEST_DELAY_S))

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """End it, and wait for its end."""
        immediately = values["OPTION"] == EndOption.IMMEDIATE
        with reading(context.store) as session:
            worker = serving_worker(session, context.store.location, context.clock())
        if worker is None:
            raise CommandError("GWL0762")
        check_is_here(worker)
        wait_s = float(values["DELAY"])
        if not end_process(worker.pid, immediately=immediately, wait_s=wait_s):
            raise CommandError("GWL0764", pid=worker.pid, seconds=values["DELAY"])
        _record(context, type(self), values)
        return Result(messages=(_ended(worker),))


def check_is_here(worker: Worker) -> None:
    """Make sure that the process with a worker's number is that worker.

    Raises:
        CommandError: It is on another system, or the process is another.
    """
    if worker.host != socket.gethostname():
        raise CommandError("GWL0763", pid=worker.pid, host=worker.host)
    try:
        process = psutil.Process(worker.pid)
        started, arguments = process.create_time(), process.cmdline()
    except psutil.Error as error:
        raise CommandError("GWL0763", pid=worker.pid, host=worker.host) from error
    told = worker.started.timestamp()
    if "worker" not in arguments or not told - _STARTED_WITHIN_S <= started <= told + 1:
        raise CommandError("GWL0763", pid=worker.pid, host=worker.host)


def _ended(worker: Worker) -> Message:
    if worker.cgroup:
        return message("GWL0769", pid=worker.pid, cgroup=worker.cgroup)
    return message("GWL0766", pid=worker.pid)


def _record(context: Context, cls: type[Command], values: Mapping[str, str]) -> None:
    string = render(cls, values)
    with transaction(context.store) as session:
        add_audit(session, "CD", at=context.clock(), user=context.user, job=context.job, text=string, detail=string)


COMMANDS: tuple[type[Command], ...] = (WorkWithSocketWorkers, StartSocketWorker, EndSocketWorker)
