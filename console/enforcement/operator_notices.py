"""What operators are told in QSYSOPR of what comes into the journal; part of the caller's transaction.

A SOCKS server that fails is a matter of each guard that uses it, and each says so in the journal. Operators are told
once that it failed, and once that it is back, whichever guard finds that out, with how long it was away.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from console.enforcement.intake import GENERIC
from console.journal.entries import Entry
from console.messages import line, message
from console.model.alerts import AlertState
from console.model.running import Guard, Worker
from console.store import alerts as kept
from console.store.messages import send

FAILING_SERVER = "*SOCKS"
"""Stands for an alert in the table of what is raised: a SOCKS server that fails."""

_FAILED, _BACK = "GWL0820 ", "GWL0821 "
"""What guards say begins so (`guard.socks_servers`); the first word with a port is the server."""
_UNKEPT = ("GWL0510", "GWL0517", "GWL0693")
"""Ids of what guards say of entries that they could not keep (`guard.backlog`)."""
_LONGEST_KEY = 200


def tell_of_servers(session: Session, entries: Iterable[Entry]) -> None:
    """Tell operators of SOCKS servers that have failed, or are back.

    Args:
        session: The transaction in which the entries are written.
        entries: Those of guards, in order.
    """
    concerned = [each for each in entries if each.entry_type == GENERIC or each.socks_server]
    if not concerned:
        return
    failing = {state.key: state for state in kept.list_states(session, FAILING_SERVER)}
    for each in concerned:
        if each.entry_type != GENERIC:
            # It answered, whether or not the guard that found it failing ever asks it again.
            state = failing.get(each.socks_server)
            if state is not None and not each.text and each.entry_timestamp > state.last_at:
                _is_back(session, failing.pop(each.socks_server), each.entry_timestamp)
        elif each.text.startswith(_FAILED) and (server := _server_in(each.text)):
            _has_failed(session, failing, server, each)
        elif each.text.startswith(_BACK) and (server := _server_in(each.text)) in failing:
            _is_back(session, failing.pop(server), each.entry_timestamp)


def _server_in(text: str) -> str:
    """Return the first word with a port; in time that grows with the text alone, whoever wrote it."""
    for word in text.split():
        host, _, port = word.rpartition(":")
        if host and port.isdecimal():
            return word[:_LONGEST_KEY]
    return ""


def tell_of_unkept(session: Session, entries: Iterable[Entry]) -> None:
    """Tell operators of guards that could not keep their entries in files, or had to do without some."""
    for each in entries:
        if each.entry_type == GENERIC and each.text.startswith(_UNKEPT):
            said = message("GWL0694", job=each.qualified_job_name, told=each.text[:600])
            send(session, said, at=each.entry_timestamp, key=f"unkept:{each.guard_id}:{each.text[:7]}")


def tell_of_lost_guard(session: Session, guard: Guard, at: datetime) -> None:
    """Tell operators of a job whose guard was killed."""
    job = guard.qualified_job_name
    send(session, message("GWL0940", job=job, command=guard.command[:200]), at=at, key=f"lost:{guard.guard_id}")


def tell_of_unclean_end(session: Session, before: Worker | None, at: datetime) -> None:
    """Tell operators of a worker before this one that ended without saying so."""
    if before is not None and before.ended is None:
        last = before.heartbeat.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        send(session, message("GWL0941", pid=before.pid, last=last), at=at, key="worker")


def tell_of_outage(session: Session, since: datetime, reason: str, at: datetime) -> None:
    """Tell operators that nothing could be written for a while, now that it can be again."""
    said = message(
        "GWL0942",
        since=since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        duration=timedelta(seconds=round((at - since).total_seconds())),
        reason=reason,
    )
    send(session, said, at=at, key="store")


def _has_failed(session: Session, failing: dict[str, AlertState], server: str, entry: Entry) -> None:
    at = entry.entry_timestamp
    state = failing.get(server)
    if state is None:
        row = {"alert": FAILING_SERVER, "key": server, "raised_at": at, "last_at": at, "count": 0, "told": 1,
               "told_at": at, "first_number": 0, "last_number": 0}  # fmt: skip
        state = failing[server] = AlertState.model_validate(row)
        said = message("GWL0943", server=server, told=entry.text[:600])
        send(session, said, at=at, key=f"socks:{server}")
    state.count += 1
    state.last_at = max(state.last_at, at)
    kept.put_states(session, [state])


def _is_back(session: Session, state: AlertState, at: datetime) -> None:
    duration = timedelta(seconds=max(0, round((at - state.raised_at).total_seconds())))
    send(session, message("GWL0821", server=state.key, duration=duration), at=at, key=f"socks:{state.key}")
    kept.drop_state(session, FAILING_SERVER, state.key)


def tell_of_intruder(session: Session, guard: Guard, pid: int, at: datetime) -> str:
    """Tell operators of a process in a job that wanted to speak as a guard; return it as one line."""
    told = message("GWL0524", pid=pid, job=guard.qualified_job_name)
    send(session, told, at=at, key=f"in job:{guard.guard_id}")
    return line(told)
