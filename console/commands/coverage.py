"""Which sockets of this system stand under an engine, and which do not.

A process is guarded when it descends from the guard of a job that runs, and stands under one seccomp filter more than
the guard itself. The guard is a subreaper, so no descendant can leave it; a descendant without its filter is an exit
program, which the guard has started for itself. A process is under the kernel engine when its cgroup is the one, or
below the one, that the engine is attached to. A socket is covered when all that hold it are under an engine.
"""

from __future__ import annotations

import os
import pwd
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from pathlib import PurePath

from sqlmodel import Session

from console.commands.definition import Context
from console.commands.host_sockets import (
    LISTEN,
    OPEN,
    HostProcess,
    HostSocket,
    cgroup_mount,
    lineage,
    read_processes,
    read_sockets,
)
from console.model.running import Guard, Worker
from console.model.words import Udp
from console.store.guards import list_guards
from console.store.revisions import active_policy
from console.store.workers import latest_worker

ALL = "*ALL"
_STARTED_WITHIN_S = 1.0
"""A guard tells its worker of itself after it has begun; what began later is another process with its number."""


class Engine(StrEnum):
    """Whether a socket stands under an engine."""

    GUARD = "*GUARD"
    """All processes that hold it are of one job under a guard."""
    KERNEL = "*KERNEL"
    """All processes that hold it are below the cgroup of the kernel engine, and none is of a job under a guard."""
    SHARED = "*SHARED"
    """Processes under an engine hold it, and others too."""
    NONE = "*NONE"


class Kind(StrEnum):
    """What a socket is for."""

    LISTEN = "*LISTEN"
    CONNECTION = "*CNN"
    DATAGRAM = "*DTG"
    """Datagram or raw, without a fixed other end."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a socket."""

    process: HostProcess
    job: str = ""
    """Qualified name of the job that it belongs to; empty for a process that is not guarded."""
    is_guard: bool = False
    """Whether it is a guard itself, which holds sockets of its job for moments."""
    is_in_kernel: bool = False
    """Whether the kernel engine decides about it."""
    why_not: str = "Under no guard of this store"
    """Why it is not guarded, if it is not."""


@dataclass(frozen=True, slots=True)
class CoveredSocket:
    """One socket, and what it stands under."""

    socket: HostSocket
    engine: Engine
    job: str
    """Qualified name of a guarded job that holds it; empty for none."""
    reason: str
    """Why not, or why not wholly; empty for a covered socket."""
    user: str
    holders: tuple[Holder, ...] = field(compare=False)
    """Left out of comparisons: a socket stays the same while processes come and go."""

    @property
    def kind(self) -> Kind:
        """Return what it is for."""
        return {LISTEN: Kind.LISTEN, OPEN: Kind.DATAGRAM}.get(self.socket.state, Kind.CONNECTION)

    @property
    def remote(self) -> str:
        """Return the other end as one text, empty for none."""
        return end_text(self.socket.remote_address, self.socket.remote_port)

    @property
    def local(self) -> str:
        """Return this end as one text."""
        return end_text(self.socket.local_address, self.socket.local_port)

    @property
    def first(self) -> HostProcess | None:
        """Return the process to name: one that is not guarded, if there is one."""
        found = sorted(self.holders, key=lambda holder: (bool(holder.job), holder.process.pid))
        return found[0].process if found else None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every socket, the listening ones first, and how much could not be seen."""

    sockets: tuple[CoveredSocket, ...]
    unseen: int
    """Processes that this user may not look at."""

    def count(self, kind: Kind, engine: Engine | None = None) -> int:
        """Return how many sockets of a kind there are, under one engine or under all and none."""
        return sum(each.kind is kind and engine in (None, each.engine) for each in self.sockets)


def read_coverage(context: Context) -> Coverage:
    """Look at this system now.

    Raises:
        StoreError: The store cannot be read.
    """
    with context.opened() as session:
        return look_around(session)


def look_around(session: Session) -> Coverage:
    """Look at this system now, with the jobs and the policy of a store.

    Raises:
        StoreError: The store cannot be read.
    """
    guards = list_guards(session)
    udp = active_policy(session)[1].udp
    below = _below(latest_worker(session))
    processes = read_processes()
    sockets = read_sockets(processes)
    return cover(sockets, processes, guards, udp, sees_all=os.geteuid() == 0, below=below)


def _below(worker: Worker | None) -> PurePath | None:
    """Return the cgroup that the kernel engine decides for, as /proc names it; None without the engine."""
    mount = cgroup_mount() if worker is not None and worker.cgroup else None
    if worker is None or mount is None or not PurePath(worker.cgroup).is_relative_to(mount):
        return None
    return PurePath("/") / PurePath(worker.cgroup).relative_to(mount)


def cover(
    sockets: Iterable[HostSocket],
    processes: Sequence[HostProcess],
    guards: Iterable[Guard],
    udp: Udp,
    *,
    sees_all: bool,
    below: PurePath | None = None,
) -> Coverage:
    """Say of each socket what it stands under; pure.

    Args:
        sockets: All of this system.
        processes: All of this system.
        guards: The jobs that run, as far as the worker knows.
        udp: Whether the active policy decides about datagrams.
        sees_all: Whether every process could be looked at: whether we are root.
        below: The cgroup that the kernel engine decides for, as /proc names it; None without the engine.
    """
    by_pid = {process.pid: process for process in processes}
    jobs = _guard_processes(guards, by_pid)
    held: dict[int, list[Holder]] = defaultdict(list)
    unseen = 0
    for process in processes:
        if process.sockets is None:
            unseen += process.pid not in jobs
        elif process.sockets:
            holder = _holder(process, by_pid, jobs)
            if below is not None and process.cgroup and PurePath(process.cgroup).is_relative_to(below):
                holder = replace(holder, is_in_kernel=True)
            for inode in process.sockets:
                held[inode].append(holder)
    found = [_covered(each, held[each.inode], udp, sees_all=sees_all) for each in sockets]
    return Coverage(tuple(sorted(found, key=_order)), unseen)


def _guard_processes(guards: Iterable[Guard], by_pid: Mapping[int, HostProcess]) -> dict[int, str]:
    """Return process id of a guard -> qualified name of its job, for the guards that are really there."""
    found = {}
    for guard in guards:
        process = by_pid.get(guard.pid)
        if process is not None and process.started <= guard.started.timestamp() + _STARTED_WITHIN_S:
            found[guard.pid] = guard.qualified_job_name
    return found


def _holder(process: HostProcess, by_pid: Mapping[int, HostProcess], jobs: Mapping[int, str]) -> Holder:
    if process.pid in jobs:
        return Holder(process, jobs[process.pid], is_guard=True)
    guard = next((each for each in lineage(process, by_pid) if each.pid in jobs), None)
    if guard is None:
        return Holder(process)
    if process.filters <= guard.filters:
        return Holder(process, why_not=f"Exit program of job {jobs[guard.pid]}")
    return Holder(process, jobs[guard.pid])


def _covered(each: HostSocket, holders: Sequence[Holder], udp: Udp, *, sees_all: bool) -> CoveredSocket:
    guarded = [holder for holder in holders if holder.job]
    others = [holder.process for holder in holders if not (holder.job or holder.is_in_kernel)]
    job = guarded[0].job if guarded else ""
    under = f"held by job {job}" if job else "held below the cgroup of the kernel engine"
    if not holders:
        engine, reason = Engine.NONE, _unseen_reason(each, sees_all=sees_all)
    elif len(others) == len(holders):
        engine, reason = Engine.NONE, holders[0].why_not
    elif each.protocol == "RAW":
        engine, reason = Engine.NONE, f"Raw: no rule sees its packets; {under}"
    elif each.protocol != "TCP" and udp is Udp.IGNORE:
        engine, reason = Engine.NONE, f"The policy says UDP(*IGNORE); {under}"
    elif others:
        engine, reason = Engine.SHARED, f"Held also by {others[0].name} ({others[0].pid}), which is not guarded"
    else:
        engine, reason = Engine.GUARD if guarded else Engine.KERNEL, ""
    return CoveredSocket(each, engine, job, reason, user_name(each.user_id), tuple(holders))


def _unseen_reason(each: HostSocket, *, sees_all: bool) -> str:
    if sees_all:
        return "Held by no process here: the kernel's own, or of another PID namespace"
    if each.user_id == os.geteuid():
        return "Its process cannot be seen: not visible without root"
    return "Process of another user: not visible without root"


def _order(each: CoveredSocket) -> tuple[object, ...]:
    kinds = tuple(Kind)
    return kinds.index(each.kind), each.socket.local_port, each.socket.local_address, each.socket.inode


@cache
def user_name(user_id: int) -> str:
    """Return a user profile by its number; the number for one without a name."""
    try:
        return pwd.getpwuid(user_id).pw_name.upper()
    except KeyError:
        return str(user_id)


def end_text(address: str, port: int) -> str:
    """Return one end of a socket as one text, empty for none."""
    if not address:
        return ""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def is_wanted(each: CoveredSocket, engine: str, kind: str) -> bool:
    """Say whether a socket belongs to a subset; ``*NONE`` takes in what is not wholly under an engine."""
    wanted = {ALL: tuple(Engine), Engine.NONE.value: (Engine.NONE, Engine.SHARED)}.get(engine, (engine,))
    return each.engine in wanted and kind in (ALL, each.kind)


_NOUNS = {Kind.LISTEN: "listening sockets", Kind.CONNECTION: "connections", Kind.DATAGRAM: "datagram sockets"}


def summary(coverage: Coverage) -> tuple[str, ...]:
    """Return the counts as sentences, and how many processes could not be looked at."""
    listening, connections, datagrams = (_counted(coverage, kind) for kind in Kind)
    lines = [f"{listening} are not under any engine,", f"nor are {connections} and {datagrams}."]
    shared = sum(coverage.count(kind, Engine.SHARED) for kind in Kind)
    if shared:
        lines[1] += f" Shared: {shared}."
    if coverage.unseen:
        processes = "1 process" if coverage.unseen == 1 else f"{coverage.unseen} processes"
        lines.append(f"{processes} could not be looked at: only root sees all.")
    return tuple(lines)


def _counted(coverage: Coverage, kind: Kind) -> str:
    return f"{coverage.count(kind, Engine.NONE)} of {coverage.count(kind)} {_NOUNS[kind]}"
