"""What the worker makes of a guard's events: which of them are new, and the journal entry of each. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from console.enforcement.records import Event, Totals, plain_drafts, read_all
from console.errors import WorkerError
from console.journal.entries import AUDIT_CODE, Draft, Entry
from console.messages import message
from console.model.running import Guard

GENERIC = "GR"
"""Entry type of anything else that a guard or the worker has to say."""
_AUTHORITY = "AF"
"""Entry type of an authority failure."""
_JOB = "JS"
"""Entry type of a job's start and end."""
_SOCKETS = "SK"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MOMENT_NS = 253_402_300_799 * 10**9
"""9999-12-31T23:59:59Z, the last second that Python and the databases know."""


class Fresh(NamedTuple):
    """What comes of the records of a guard that are not in the journal yet."""

    drafts: list[Draft]
    apart: list[int]
    """Places of the drafts that say more than that a call was decided and went directly."""
    last_number: int
    """Of the last record; of the last one before, if there is none."""
    totals: Totals = Totals()
    """Of the last record."""


def moment(at_ns: int) -> datetime:
    """Return a time in nanoseconds since 1970 as a time in UTC, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=min(at_ns, _LAST_MOMENT_NS) // 1000)


def new_events(events: Sequence[Event], last_number: int) -> Sequence[Event]:
    """Return the events that come after the last one taken; a guard sends again what it saw no answer to.

    Args:
        events: As they were sent.
        last_number: Highest number of this guard that is in the journal.

    Raises:
        WorkerError: A number is missing between the last one and these, or among these.
    """
    numbers = [event[0] for event in events]
    if numbers == list(range(last_number + 1, last_number + 1 + len(numbers))):
        return events
    fresh = [event for event in events if event.number > last_number]
    for expected, event in enumerate(fresh, last_number + 1):
        if event.number != expected:
            raise WorkerError("GWL0505", expected=expected, number=event.number)
    return fresh


def unseen_events(events: Sequence[Event], last_number: int) -> tuple[Sequence[Event], int]:
    """Return the events of a dead guard's segment that come after the last one taken, each once.

    What was lost before them cannot be had any more: no reason to lose these too.

    Args:
        events: In the order of the file.
        last_number: Highest number of this guard that is in the journal.

    Returns:
        The events, and how many are missing before or among them.
    """
    found: list[Event] = []
    missing = 0
    for event in events:
        if event.number > last_number:
            missing += event.number - last_number - 1
            found.append(event)
            last_number = event.number
    return found, missing


def take(octets: bytes, last_number: int, *, guard_id: str, job: str) -> Fresh:
    """Return what comes of the records that a guard has sent.

    Args:
        octets: Records, and nothing else.
        last_number: Highest number of this guard that is in the journal.
        guard_id: The guard.
        job: Qualified name of its job.

    Raises:
        WorkerError: They are none, or a number is missing.
    """
    plain = plain_drafts(octets, last_number, code=AUDIT_CODE, job=job, guard_id=guard_id)
    if plain is not None:
        made, apart, totals = plain
        return Fresh(made, apart, last_number + len(made), totals)
    return fresh(new_events(read_all(octets), last_number), last_number, guard_id=guard_id, job=job)


def fresh(events: Sequence[Event], last_number: int, *, guard_id: str, job: str) -> Fresh:
    """Return what comes of events: SK entries, AF for a listen that was refused, GR for a notice.

    Args:
        events: Decided calls, and what else a guard has seen, in ascending order of number.
        last_number: Highest number of this guard that is in the journal.
        guard_id: The guard that saw it.
        job: Qualified name of its job.
    """
    if not events:
        return Fresh([], [], last_number)
    made: list[Draft] = []
    apart: list[int] = []
    for (
        number, at_ns, sk_type, outcome, exit_point, rule, revision, user, process, program, family, local, local_port,
        remote, remote_port, server, decision_us, text, _, entry_type,
    ) in events:  # fmt: skip
        detail = ""
        if server or entry_type != _SOCKETS:
            apart.append(len(made))
            if entry_type == _AUTHORITY:
                text = message("GWL0692", user=user, address=local, port=local_port).text
                detail = json.dumps({"type": "T", "user": user, "address": local, "port": local_port})
        made.append([
            0, at_ns // 1000, "", AUDIT_CODE, entry_type, sk_type, outcome, exit_point, rule, revision, user, job,
            process, program, family, local, local_port, remote, remote_port, server, decision_us, text, detail,
            guard_id, number,
        ])  # fmt: skip
    return Fresh(made, apart, events[-1].number, events[-1].totals)


def job_start(guard: Guard) -> Entry:
    """Return the JS entry of a job that has started."""
    return _job_entry(guard, guard.started, message("GWL0518", command=guard.command).text)


def notice(guard: Guard, at: datetime, text: str) -> Entry:
    """Return the GR entry of something that the worker has to say about a guard."""
    return _job_entry(guard, at, text)._replace(entry_type=GENERIC)


def job_end(guard: Guard, at: datetime, exit_status: int | None) -> Entry:
    """Return the JS entry of a job that has ended.

    Args:
        guard: Its guard.
        at: When the worker heard of it.
        exit_status: The job's; None when its guard was killed.
    """
    said = message("GWL0520") if exit_status is None else message("GWL0519", status=exit_status)
    return _job_entry(guard, at, said.text)


def _job_entry(guard: Guard, at: datetime, text: str) -> Entry:
    return Entry(
        entry_timestamp=at,
        entry_type=_JOB,
        user_name=guard.user,
        qualified_job_name=guard.qualified_job_name,
        pid=guard.pid,
        text=text,
        guard_id=guard.guard_id,
    )
