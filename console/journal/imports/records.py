"""A file of SK records, record by record, as entries; errors name line and column; pure."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from itertools import chain, islice
from typing import TypeVar

from console.errors import JournalError
from console.journal.formats.escapes import one_line
from console.journal.imports import cells as read
from console.journal.imports.layouts import Layout, by_names, by_places, is_record
from console.model.words import ExitPoint, Outcome
from console.store.imported import ImportedValues
from console.store.text import storable

_LOOK_AHEAD = 10_000
"""Records that are kept until one shows the layout."""
_LONGEST_USER = 64
_LONGEST_JOB = 96
_LONGEST_PART = 10
_LONGEST_PROGRAM = 4096
_JOB_DIGITS = 6
_SHOWN = 40
"""Characters of a bad cell that a message shows."""
_TYPES = frozenset("ACDFILOPRSUX")
_POINTS = {"A": ExitPoint.ACCEPT, "C": ExitPoint.CONNECT, "L": ExitPoint.LISTEN}
_OUTCOMES = frozenset(Outcome)

_T = TypeVar("_T")

Row = tuple[int, list[str]]
"""A record and the line on which it ends."""


@dataclass(frozen=True, slots=True)
class Records:
    """A file whose layout is known."""

    form: str
    entries: Iterator[ImportedValues | None]
    """An entry a record; None for a record of another type than SK, which is left out."""


def read_records(lines: Iterable[str], *, path: str, zone: tzinfo | None) -> Records:
    """Return what a file holds.

    Args:
        lines: Of the file, with their ends.
        path: For messages.
        zone: Time zone of the system that wrote it; None for this system's.

    Raises:
        JournalError: It is no file of SK records; while the entries are read, too.
    """
    rows = _rows(lines, path)
    layout, rows = _layout(rows, path)
    return Records(layout.form, (_entry(layout, row, path, zone) for row in rows))


def _rows(lines: Iterable[str], path: str) -> Iterator[Row]:
    reader = csv.reader(lines, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise JournalError("GWL0671", path=path, line=reader.line_num, reason=str(error)) from error
        if cells:
            yield reader.line_num, cells


def _layout(rows: Iterator[Row], path: str) -> tuple[Layout, Iterator[Row]]:
    """Find out which column is what; the rows that are returned begin with the first record."""
    first = next(rows, None)
    if first is None:
        raise JournalError("GWL0672", path=path)
    named = by_names(first[1])
    if named is not None:
        return named, rows
    names = [] if is_record(first[1]) else [each.strip() for each in first[1]]
    rest = rows if names else chain([first], rows)
    kept: list[Row] = []
    for row in islice(rest, _LOOK_AHEAD):
        kept.append(row)
        found = by_places(row[1], names) if is_record(row[1]) else None
        if found is not None:
            return found, chain(kept, rest)
    raise JournalError("GWL0672", path=path)


class _Record:
    """One record: its cells by field, and errors that say where they are."""

    def __init__(self, layout: Layout, row: Row, path: str) -> None:
        self._layout = layout
        self._line, self._cells = row
        self._path = path
        if len(self._cells) != layout.columns:
            raise JournalError("GWL0673", path=path, line=self._line, found=len(self._cells), expected=layout.columns)

    def text(self, name: str) -> str:
        """Return a field as it is written, without blanks around it; nothing if the form does not have it."""
        place = self._layout.places.get(name)
        return "" if place is None else self._cells[place].strip()

    def value(self, name: str, made: Callable[[str], _T]) -> _T:
        """Return what is made of a field.

        Raises:
            JournalError: Nothing can be.
        """
        text = self.text(name)
        try:
            return made(text)
        except read.BadCellError as error:
            place = self._layout.places.get(name, -1)
            named = f" ({self._layout.names[place]})" if place < len(self._layout.names) else ""
            raise JournalError(
                "GWL0674", path=self._path, line=self._line, column=f"{place + 1}{named}", value=text[:_SHOWN],
                needed=error.needed,
            ) from error  # fmt: skip

    def detail(self) -> str:
        """Return every cell that is not empty, under its name or its place, as JSON."""
        names = self._layout.names or range(1, len(self._cells) + 1)
        told = {str(name): one_line(cell.strip()) for name, cell in zip(names, self._cells, strict=True)}
        return storable(json.dumps({name: cell for name, cell in told.items() if cell}, ensure_ascii=False))


def _entry(layout: Layout, row: Row, path: str, zone: tzinfo | None) -> ImportedValues | None:
    record = _Record(layout, row, path)
    if record.text("type") not in ("", "SK"):
        return None
    sk_type = record.value("sk_type", _sk_type)
    remote, local = record.value("remote_address", read.address), record.value("local_address", read.address)
    return ImportedValues(
        entry_timestamp=record.value("time", lambda text: read.moment(text, zone)),
        receiver_name=record.value("receiver", lambda text: read.name(text, _LONGEST_PART)),
        sk_type=sk_type,
        outcome=_outcome(record, sk_type),
        exit_point=_POINTS.get(sk_type, ""),
        user_name=_user(record),
        qualified_job_name=_job(record),
        program=_program(record),
        address_family=_family(record, remote or local),
        local_address=local,
        local_port=record.value("local_port", read.port),
        remote_address=remote,
        remote_port=record.value("remote_port", read.port),
        text=record.value("text", lambda text: read.name(text, _LONGEST_USER)),
        detail=record.detail(),
    )


def _sk_type(text: str) -> str:
    if text.upper() not in _TYPES:
        raise read.BadCellError(f"a type of SK entry ({', '.join(sorted(_TYPES))})")
    return text.upper()


def _outcome(record: _Record, sk_type: str) -> str:
    """Return the outcome that our own exports have; IBM i writes A and C only when the call was done."""
    said = record.text("outcome")
    if said in _OUTCOMES:
        return said
    return Outcome.ALLOWED if sk_type in ("A", "C") else ""


def _user(record: _Record) -> str:
    """Return the user profile of the thread; where only the job's is there, that."""
    at = "user" if record.text("user") else "job_user"
    return record.value(at, lambda text: read.name(text, _LONGEST_USER)).upper()


def _job(record: _Record) -> str:
    whole = record.text("job")
    if whole:
        return record.value("job", lambda text: read.name(text, _LONGEST_JOB))
    number = record.value("job_number", lambda text: read.name(text, _LONGEST_PART))
    user, name = (record.value(each, lambda text: read.name(text, _LONGEST_PART)) for each in ("job_user", "job_name"))
    return f"{number.zfill(_JOB_DIGITS)}/{user}/{name}" if name else ""


def _program(record: _Record) -> str:
    """Return library and program with a slash, as IBM i writes them together; ours are a directory and a name."""
    name = record.value("program", lambda text: read.name(text, _LONGEST_PROGRAM))
    library = record.value("library", lambda text: read.name(text, _LONGEST_PROGRAM))
    if name in ("", "*NONE"):
        return ""
    return f"{library.rstrip('/')}/{name}"[:_LONGEST_PROGRAM] if library else name


def _family(record: _Record, address: str) -> str:
    said = record.text("family").upper()
    if said in ("*IPV4", "*IPV6") or not address:
        return said if said in ("*IPV4", "*IPV6") else ""
    return "*IPV6" if ":" in address else "*IPV4"
