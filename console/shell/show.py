"""The verb ``show``: subjects as tables for people, or as JSON Lines with names that stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlmodel import Session

from console.clock import Clock, system_clock
from console.commands.alerts import alert_list, raised_counts
from console.commands.connections import connection_list
from console.commands.coverage import ALL, look_around
from console.commands.jobs import job_status
from console.commands.journal import entry_list
from console.commands.listing import Column, labelled, program_list, rule_list, socks_list, table
from console.commands.messages import message_list
from console.commands.sockets import coverage_list
from console.commands.system_value_kinds import KINDS
from console.errors import UsageError
from console.model.journal import JournalEntry
from console.model.revision import Revision
from console.model.words import EXIT_POINT_NAMES, ExitPoint
from console.policy.checks import rule_fields
from console.policy.difference import compare
from console.policy.rule import ExitProgram
from console.shell.alert_records import alert_record, message_record
from console.shell.output import print_json, print_lines
from console.shell.records import job_record, socket_record, socks_record
from console.store.alerts import list_alerts, list_states
from console.store.confirmation import waiting_confirmation
from console.store.engine import Store
from console.store.guards import JobFilter, list_jobs
from console.store.journal import page_after, page_before
from console.store.messages import list_messages
from console.store.revisions import active_number, active_policy, lasting_policy, list_revisions, pending_policy
from console.store.session import reading
from console.store.system_values import get_user_levels, get_values
from console.store.workers import is_running, list_workers

_PAGE = 1000
_MOST_MESSAGES = 10_000

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `show` was asked for."""

    as_json: bool = False
    active: bool = False
    """Rules and SOCKS entries of the active revision instead of the pending policy."""
    last: int = 0
    """How many journal entries, counted from the newest; 0 for all."""
    clock: Clock = system_clock


def show(subject: str, store: Store, wanted: Wanted) -> None:
    """Write a subject to standard output.

    Raises:
        UsageError: There is no such subject.
        StoreError: The store cannot be read.
    """
    check_subject(subject)
    SUBJECTS[subject](store, wanted)


def check_subject(subject: str) -> None:
    """Refuse what is no subject.

    Raises:
        UsageError: There is no such subject.
    """
    if subject not in SUBJECTS:
        raise UsageError("GWL0004", subject=subject, subjects=", ".join(SUBJECTS))


def _write(wanted: Wanted, records: Sequence[Record], lines: Sequence[str]) -> None:
    if wanted.as_json:
        print_json(records)
    else:
        print_lines(lines)


def _columns(records: Sequence[Record], headings: Mapping[str, Column], empty: str) -> tuple[str, ...]:
    rows = [[_shown(record[name]) for name in headings] for record in records]
    return table(tuple(headings.values()), rows, empty)


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return "" if value is None else str(value)


def _exported(record: Record) -> dict[str, object]:
    """Return a record for JSON: moments in UTC, as RFC 3339 writes them, to the microsecond."""
    return {name: _moment(value) if isinstance(value, datetime) else value for name, value in record.items()}


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _rules(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        policy = active_policy(session)[1] if wanted.active else pending_policy(session)
    records = [{**rule_fields(rule), "sequence": rule.sequence} for rule in policy.rules]
    _write(wanted, records, rule_list(policy.rules))


def _socks(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        policy = active_policy(session)[1] if wanted.active else pending_policy(session)
    _write(wanted, [socks_record(entry) for entry in policy.socks], socks_list(policy.socks))


def _exit_points(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        policy = active_policy(session)[1] if wanted.active else pending_policy(session)
    counts = Counter(rule.exit_point for rule in policy.rules)
    records = [
        {
            "exit_point": point.value,
            "name": EXIT_POINT_NAMES[point][0],
            "format": EXIT_POINT_NAMES[point][1],
            "mode": policy.modes[point].value,
            "rules": counts[point],
            "text": EXIT_POINT_NAMES[point][2],
            "exit_programs": [_program(program) for program in policy.exit_programs if program.exit_point is point],
        }
        for point in ExitPoint
    ]
    headings = {
        "exit_point": Column("Exit point"),
        "name": Column("Name"),
        "format": Column("Format"),
        "mode": Column("Mode"),
        "rules": Column("Rules", right=True),
        "text": Column("Text"),
    }
    _write(wanted, records, (*_columns(records, headings, ""), "", *program_list(policy.exit_programs)))


def _program(program: ExitProgram) -> dict[str, object]:
    """Return an exit program with the names of the policy document, without its exit point."""
    return {
        "number": program.number,
        "program": program.program,
        "time_limit_ms": program.time_limit_ms,
        "text": program.text,
    }


def _policy(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        record = _policy_record(session)
    labels = (
        "Active revision",
        "Made at",
        "Made by",
        "Text",
        "Rules",
        "Pending rules",
        "Pending changes",
        "Exit programs",
        "UDP",
        "Raw sockets",
        "Pending exit programs",
        "Pending UDP",
        "Pending raw sockets",
        "SOCKS entries",
        "Pending SOCKS entries",
    )
    lines = labelled((label, _shown(value)) for label, value in zip(labels, record.values(), strict=True))
    _write(wanted, [_exported(record)], lines)


def _policy_record(session: Session) -> dict[str, object]:
    number, policy = active_policy(session)
    pending = pending_policy(session)
    revision = session.get_one(Revision, active_number(session))
    return {
        "active_revision": number,
        "made_at": revision.made_at,
        "made_by": revision.made_by,
        "text": revision.text,
        "rules": len(policy.rules),
        "pending_rules": len(pending.rules),
        "pending_changes": len(compare(lasting_policy(session)[1], pending)),
        "exit_programs": len(policy.exit_programs),
        "udp": policy.udp.value,
        "raw_sockets": policy.raw_sockets.value,
        "pending_exit_programs": len(pending.exit_programs),
        "pending_udp": pending.udp.value,
        "pending_raw_sockets": pending.raw_sockets.value,
        "socks_entries": len(policy.socks),
        "pending_socks_entries": len(pending.socks),
    }


def _revisions(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        active, waiting = active_number(session), waiting_confirmation(session)
        heads = list_revisions(session)
    until = None if waiting is None else waiting.until
    records = [
        {
            "revision": head.number,
            "active": head.number == active,
            "confirm_until": until if head.number == active else None,
            "made_at": head.made_at,
            "made_by": head.made_by,
            "text": head.text,
        }
        for head in heads
    ]
    headings = {
        "revision": Column("Revision", right=True),
        "active": Column("Active"),
        "confirm_until": Column("To be confirmed by"),
        "made_at": Column("Made"),
        "made_by": Column("By"),
        "text": Column("Text"),
    }
    _write(wanted, [_exported(record) for record in records], _columns(records, headings, ""))


def _journal(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        if not wanted.as_json:
            print_lines(entry_list(list(_entries(session, wanted.last))))
            return
        names = tuple(JournalEntry.model_fields)  # model_dump() gives them in the order in which they were loaded
        entries = _entries(session, wanted.last)
        print_json(_exported({name: getattr(entry, name) for name in names}) for entry in entries)


def _entries(session: Session, last: int) -> Iterator[JournalEntry]:
    """Yield journal entries, oldest first, a page at a time."""
    if last:
        yield from page_before(session, None, limit=last)
        return
    number = 0
    while page := page_after(session, number, limit=_PAGE):
        yield from page
        number = page[-1].sequence_number
        session.expunge_all()  # the session would otherwise keep every entry it has ever read


def _jobs(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        jobs = list_jobs(session, JobFilter(running=False))
        records = [job_record(job) for job in jobs]
        shown = [{**job_record(job), "status": job_status(job)} for job in jobs]
    headings = {
        "qualified_job_name": Column("Job"),
        "status": Column("Status"),
        "decided": Column("Decided", right=True),
        "refused": Column("Refused", right=True),
        "decision_us": Column("Time us", right=True),
        "pid": Column("Pid", right=True),
        "revision": Column("Revision", right=True),
        "started": Column("Started"),
        "ended": Column("Ended"),
        "exit_status": Column("Exit", right=True),
        "command": Column("Command"),
    }
    _write(wanted, [_exported(record) for record in records], _columns(shown, headings, "(No jobs)"))


def _coverage(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        coverage = look_around(session)
    if wanted.as_json:
        print_json(socket_record(each) for each in coverage.sockets)
    else:
        print_lines(coverage_list(coverage, engine=ALL, kind=ALL))


def _connections(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        coverage = look_around(session)
    _write(wanted, [socket_record(each) for each in coverage.sockets], connection_list(coverage.sockets))


def _workers(store: Store, wanted: Wanted) -> None:
    running = is_running(store, wanted.clock())
    with reading(store) as session:
        workers = list_workers(session)
    records = [
        {
            "status": "ended" if worker.ended else "running" if running and index == 0 else "gone",
            "pid": worker.pid,
            "host": worker.host,
            "revision": worker.revision,
            "cgroup": worker.cgroup,
            "kernel": worker.kernel,
            "started": worker.started,
            "heartbeat": worker.heartbeat,
            "ended": worker.ended,
        }
        for index, worker in enumerate(workers)
    ]
    headings = {
        "status": Column("Status"),
        "pid": Column("Pid", right=True),
        "host": Column("Host"),
        "revision": Column("Revision", right=True),
        "cgroup": Column("Cgroup"),
        "kernel": Column("Kernel engine"),
        "started": Column("Started"),
        "heartbeat": Column("Heartbeat"),
        "ended": Column("Ended"),
    }
    _write(wanted, [_exported(record) for record in records], _columns(records, headings, "(No workers)"))


def _system_values(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        held, users = get_values(session), get_user_levels(session)
    records = [
        {"system_value": name, "user": None, "text": KINDS[name].text, "value": value} for name, value in held.items()
    ]
    records += [
        {"system_value": None, "user": user, "text": "Audit levels", "value": " ".join(levels)}
        for user, levels in users.items()
    ]
    headings = {
        "system_value": Column("System value"),
        "user": Column("User"),
        "text": Column("Description"),
        "value": Column("Value"),
    }
    _write(wanted, records, _columns(records, headings, ""))


def _messages(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        found = list_messages(session, limit=wanted.last or _MOST_MESSAGES)
    _write(wanted, [_exported(message_record(each)) for each in found], message_list(found))


def _alerts(store: Store, wanted: Wanted) -> None:
    with reading(store) as session:
        found, states = list_alerts(session), list_states(session)
        lines = alert_list(found, raised_counts(session))
    _write(wanted, [alert_record(each, states) for each in found], lines)


SUBJECTS: Mapping[str, Callable[[Store, Wanted], None]] = MappingProxyType(
    {
        "rules": _rules,
        "exit-points": _exit_points,
        "socks": _socks,
        "policy": _policy,
        "revisions": _revisions,
        "journal": _journal,
        "jobs": _jobs,
        "coverage": _coverage,
        "connections": _connections,
        "alerts": _alerts,
        "messages": _messages,
        "system-values": _system_values,
        "workers": _workers,
    }
)
"""Subject -> what writes it."""
