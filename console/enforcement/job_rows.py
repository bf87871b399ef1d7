"""The rows of guarded jobs and their journal entries; everything here is part of the caller's transaction."""

from __future__ import annotations

import logging
from datetime import datetime

import psutil
from sqlmodel import Session

from console.enforcement.frames import Hello
from console.enforcement.intake import GENERIC, Fresh, job_end, job_start, moment
from console.enforcement.operator_notices import tell_of_lost_guard
from console.enforcement.records import Totals
from console.journal.entries import Draft, Entry, draft, entry_of
from console.journal.writer import append
from console.model.running import Guard
from console.policy.audit_levels import Levels
from console.store.guards import add_guard, end_guard, find_guard
from console.store.system_values import get_auditing
from console.store.text import storable

_log = logging.getLogger("greenwall.worker")

_LONGEST_NAME = 64
_LONGEST_JOB_NAME = 10


def known_job(session: Session, hello: Hello, pid: int) -> Guard:
    """Return the row of a job; a new one is made, and its start journalled.

    Args:
        session: A transaction.
        hello: What its guard says of itself.
        pid: The guard's process id in this process's eyes.
    """
    known = find_guard(session, hello.guard_id)
    if known is not None:
        return known
    guard = add_guard(
        session,
        guard_id=hello.guard_id,
        user=storable(hello.user)[:_LONGEST_NAME],
        job_name=storable(hello.job_name)[:_LONGEST_JOB_NAME],
        command=storable(hello.command),
        pid=pid,
        started=moment(hello.started_ns),
    )
    append(session, if_wanted(session, job_start(guard)))
    return guard


def if_wanted(session: Session, made: Entry) -> list[Entry]:
    """Return an entry, or nothing where the audit levels do not want it."""
    wants = Levels(get_auditing(session)).wants(made.entry_type, user=made.user_name)
    return [made] if wants else []


def end_job(session: Session, guard: Guard, at: datetime, exit_status: int | None) -> None:
    """Record and journal the end of a job, once.

    Args:
        session: A transaction.
        guard: The job's row, as it was read in some session.
        at: When it was heard of.
        exit_status: None when the guard was killed.
    """
    current = find_guard(session, guard.guard_id)
    if current is not None and current.ended is None:
        append(session, if_wanted(session, job_end(current, at, exit_status)))
        if exit_status is None:
            tell_of_lost_guard(session, current, at)
    end_guard(session, guard.guard_id, at=at, exit_status=exit_status)


def write_down(guard: Guard, fresh: Fresh, made: list[Draft]) -> list[Entry]:
    """Count what a guard has sent in the job's row, and add its drafts to others.

    Args:
        guard: The row, of the session that the entries will be written in.
        fresh: What the guard has sent.
        made: Where the drafts go.

    Returns:
        The entries among them that operators may have to be told of.
    """
    notable = []
    for at in fresh.apart:
        found = entry_of(fresh.drafts[at])
        if found.entry_type == GENERIC:
            _log.warning("%s: %s", guard.qualified_job_name, found.text)
            found = found._replace(user_name=guard.user, pid=guard.pid)
            fresh.drafts[at] = draft(found)
        notable.append(found)
    made += fresh.drafts
    guard.last_number = fresh.last_number
    count(guard, fresh.totals)
    return notable


def count(guard: Guard, totals: Totals) -> None:
    """Record what a guard has decided so far; an older total that comes late changes nothing."""
    guard.decided = max(guard.decided, totals.decided)
    guard.refused = max(guard.refused, totals.refused)
    guard.decision_us = max(guard.decision_us, totals.decision_us)


def lives(guard: Guard) -> bool:
    """Say whether a guard's process is there; one that began after the job is another with the same number."""
    try:
        return psutil.Process(guard.pid).create_time() <= guard.started.timestamp() + 1
    except psutil.Error:
        return False
