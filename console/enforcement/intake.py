"""What the worker makes of a guard's events: which of them are new, and the journal entry of each. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from console.enforcement.records import Event
from console.errors import WorkerError
from console.journal.entries import Entry
from console.messages import message
from console.model.running import Guard
from console.store.text import storable

GENERIC = "GR"
"""Entry type of anything else that a guard or the worker has to say."""
_AUTHORITY = "AF"
"""Entry type of an authority failure."""
_JOB = "JS"
"""Entry type of a job's start and end."""

_new_entry = tuple.__new__
"""Makes a named tuple in half the time."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MOMENT_NS = 253_402_300_799 * 10**9
"""9999-12-31T23:59:59Z, the last second that Python and the databases know."""

_LONGEST = {"user": 64, "program": 4096, "address": 46, "word": 10, "server": 96}
"""Characters that the journal's columns take; what is longer is cut and not refused, so that no entry is lost."""


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


def entry(event: Event, *, guard_id: str, job: str) -> Entry:
    """Return the entry of an event: SK, AF for a listen that was refused, GR for a notice.

    Args:
        event: One decided call, or what else a guard has seen.
        guard_id: The guard that saw it.
        job: Qualified name of its job.
    """
    (
        number, at_ns, sk_type, outcome, exit_point, rule, revision, user, process, program, family, local, local_port,
        remote, remote_port, server, decision_us, text, _, entry_type,
    ) = event  # fmt: skip
    user, program, server, text = _storable(user, program, server, text)
    detail = ""
    if entry_type == _AUTHORITY:
        text = message("GWL0692", user=user, address=local, port=local_port).text
        detail = json.dumps({"type": "T", "user": user, "address": local, "port": local_port})
    word, address = _LONGEST["word"], _LONGEST["address"]
    return _new_entry(Entry, (
        moment(at_ns), entry_type, sk_type[:1], outcome[:word], exit_point[:word], rule, revision, user, job, process,
        program, family[:word], local[:address], local_port, remote[:address], remote_port, server, decision_us, text,
        detail, guard_id, number,
    ))  # fmt: skip


@lru_cache(maxsize=512)
def _storable(user: str, program: str, server: str, text: str) -> tuple[str, str, str, str]:
    """Return the texts of an event as the journal takes them; those of most events of a job are the same."""
    return (
        storable(user)[: _LONGEST["user"]],
        storable(program)[: _LONGEST["program"]],
        storable(server)[: _LONGEST["server"]],
        storable(text),
    )


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
