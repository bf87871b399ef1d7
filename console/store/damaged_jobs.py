"""Rows of running jobs that somebody has written over: what is no value of its column is replaced.

One such row would otherwise keep the entries of all jobs from being written, as the worker reads the rows of those that
it has entries of together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import LargeBinary, cast, func, select, update
from sqlmodel import Session

from console.model.running import Guard

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS: dict[str, int | None] = {
    "job_number": 1, "pid": 0, "exit_status": None, "last_number": 0, "revision": 0, "decided": 0, "refused": 0,
    "decision_us": 0,
}  # fmt: skip
"""Columns that are numbers, and what is put in the place of what is none."""
_TEXTS: dict[str, str | None] = {"user": "", "job_name": "", "command": "", "end_requested": None}
_TIME = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}")
_END = re.compile(r"\*(CNTRLD|IMMED) \d{1,6}")
_MOST = 1000
"""Running jobs that are looked at."""


class Damage(NamedTuple):
    """What is no value of its column."""

    job: int
    """Id of the row."""
    column: str
    found: bytes


def damaged_jobs(session: Session) -> list[Damage]:
    """Return what is no value in the rows of running jobs; a server's database holds its columns to their types."""
    if session.get_bind().dialect.name != "sqlite":
        return []
    columns = Guard.metadata.tables["guard"].c
    asked = [*_NUMBERS, *_TEXTS, "started"]
    octets = [cast(columns[name], LargeBinary) for name in asked]
    kinds = [func.typeof(columns[name]) for name in asked]
    query = select(columns.id, *octets, *kinds).where(columns.ended.is_(None)).order_by(columns.id.desc()).limit(_MOST)
    found = []
    for number, *values in session.execute(query):
        pairs = zip(values[: len(asked)], values[len(asked) :], strict=True)
        found += [Damage(number, name, value or b"") for name, (value, kind) in zip(asked, pairs, strict=True)
                  if not _fits(name, value, kind)]  # fmt: skip
    return found


def _fits(name: str, value: bytes | None, kind: str) -> bool:
    if kind == "null":
        return name in ("exit_status", "end_requested")
    if name in _NUMBERS:
        return kind == "integer" and value is not None and (name == "exit_status" or not value.startswith(b"-"))
    return kind == "text" and value is not None and all(_is_value(name, value))


def _is_value(name: str, value: bytes) -> Iterator[bool]:
    """Yield what must hold of a text, or of a time."""
    if name == "started":
        yield _TIME.fullmatch(value) is not None
    try:
        text = value.decode("utf-8")
        yield name != "started" or datetime.fromisoformat(text) is not None
        yield name != "end_requested" or _END.fullmatch(text) is not None
    except ValueError:
        yield False


def mend_job(session: Session, damage: Damage) -> None:
    """Put something that can be read in the place of what is none.

    Args:
        session: A transaction.
        damage: As `damaged_jobs` found it.
    """
    table = Guard.metadata.tables["guard"]
    instead: dict[str, Any] = {**_NUMBERS, **_TEXTS, "started": _EPOCH}
    session.execute(update(table).where(table.c.id == damage.job).values({damage.column: instead[damage.column]}))
    session.expire_all()
