"""Takes in what dead guards have left in their spools, a segment at a time, each decision once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from console.clock import Clock
from console.enforcement.intake import GENERIC, fresh, unseen_events
from console.enforcement.job_rows import end_job, known_job, write_down
from console.enforcement.operator_notices import tell_of_servers, tell_of_unkept
from console.enforcement.spool import Leftover, discard, leftover, read_segment
from console.journal.entries import Draft, Entry, draft
from console.journal.writer import append, append_drafts
from console.messages import line, message
from console.model.running import Guard
from console.store.engine import Store
from console.store.guards import find_guard
from console.store.session import transaction

_log = logging.getLogger("greenwall.worker")


@dataclass(frozen=True, slots=True)
class Took:
    """What was taken in of a spool."""

    whole: bool
    """There is nothing left of it."""


def take_in(store: Store, clock: Clock, path: Path, check_there: Callable[[], None]) -> Took | None:
    """Take in one segment of a spool, or after the last one what is left; None when its guard lives.

    Args:
        store: Whose journal gets it.
        clock: For what is said of the spool itself.
        path: The spool file.
        check_there: Raises if what was committed is in no store any more; called before a file goes.

    Raises:
        StoreError: Nothing was taken, and the files stay.
        WorkerError: A file cannot be read or deleted; what it held is taken at most once all the same.
    """
    with leftover(path) as left:
        if left is None:
            return None
        if left.segments:
            damaged = _take_segment(store, clock, left, left.segments[0])
        else:
            damaged = _take_end(store, clock, left)
        check_there()
        discard(left.segments[0] if left.segments else left.path, damaged=damaged)
        return Took(whole=not left.segments)


def _take_segment(store: Store, clock: Clock, left: Leftover, path: Path) -> bool:
    """Commit what is in a segment; say whether it is damaged."""
    events, damage = read_segment(path, left.guard_id)
    made: list[Draft] = []
    notable: list[Entry] = []
    missing = 0
    with transaction(store) as session:
        guard = _owner(session, left)
        if guard is not None:
            unseen, missing = unseen_events(events, guard.last_number)
            found = fresh(unseen, guard.last_number, guard_id=guard.guard_id, job=guard.qualified_job_name)
            notable = write_down(guard, found, made)
        else:
            damage = damage or "nobody knows its guard"
        if missing:
            made.append(draft(_said(clock, guard, "GWL0521", path=path.name, missing=missing)))
        if damage:
            made.append(draft(_said(clock, guard, "GWL0507", path=path.name, events=len(events), damage=damage)))
        append_drafts(session, made)
        tell_of_servers(session, notable)
        tell_of_unkept(session, notable)
    return bool(damage)


def _take_end(store: Store, clock: Clock, left: Leftover) -> bool:
    """Commit the end of a job; say whether its spool file is damaged."""
    with transaction(store) as session:
        guard = _owner(session, left)
        if guard is not None:
            end_job(session, guard, clock(), left.exit_status)
        if left.damage:
            append(session, [_said(clock, guard, "GWL0515", path=left.path.name, damage=left.damage)])
    return bool(left.damage)


def _owner(session: Session, left: Leftover) -> Guard | None:
    """Return the job that a spool belongs to; its name says which where its contents do not."""
    if left.hello is not None:
        return known_job(session, left.hello, left.hello.pid)
    return find_guard(session, left.guard_id)


def _said(clock: Clock, guard: Guard | None, message_id: str, **values: object) -> Entry:
    said = line(message(message_id, **values))
    _log.warning("%s", said)
    entry = Entry(clock(), GENERIC, text=said)
    if guard is None:
        return entry
    job = guard.qualified_job_name
    return entry._replace(user_name=guard.user, qualified_job_name=job, pid=guard.pid, guard_id=guard.guard_id)
