"""Reads a file of SK records into a journal of its own, whole or not at all.

Piece by piece, so that the worker can write the journal in between; the journal is known only when its last entry is
in. What a failed or killed import has left is nobody's, and is removed before the next one of that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from io import TextIOWrapper
from itertools import count, islice
from typing import TextIO

from sqlmodel import Session

from console.errors import CommandError, JournalError
from console.journal.imports.records import read_records
from console.journal.infile import open_regular
from console.store.engine import Store
from console.store.imported import (
    ImportedValues,
    add_imported,
    add_imported_entries,
    forget_imported,
    list_imported,
    remove_some,
)
from console.store.session import reading, transaction

_PIECE = 5000
_LONGEST_LINE = 1024 * 1024
"""Characters; a record of IBM i has some thousand."""


@dataclass(frozen=True, slots=True)
class Import:
    """What is to be imported."""

    name: str
    """Of the journal."""
    path: str
    zone: tzinfo | None
    """Time zone of the system that wrote the file; None for this system's."""
    text: str
    user: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Taken:
    """What was imported."""

    form: str
    entries: int
    left_out: int
    """Records of other types than SK."""


def take_in(store: Store, wanted: Import) -> Taken:
    """Import a file.

    Raises:
        JournalError: It cannot be read, or is no file of SK records.
        CommandError: There is a journal of that name.
        StoreError: The store cannot be written.
    """
    with reading(store) as session:
        if wanted.name in {each.name for each in list_imported(session)}:
            raise CommandError("GWL0676", name=wanted.name)
    clear(store, wanted.name)
    try:
        taken = _read_in(store, wanted)
        with transaction(store) as session:
            _make_known(session, wanted, taken)
    except BaseException:
        clear(store, wanted.name)
        raise
    return taken


def remove(store: Store, name: str) -> None:
    """Remove an imported journal.

    Raises:
        CommandError: There is none.
        StoreError: The store cannot be written.
    """
    with transaction(store) as session:
        forget_imported(session, name)
    clear(store, name)


def clear(store: Store, name: str) -> None:
    """Remove the entries of a journal that is not known, piece by piece."""
    more = True
    while more:
        with transaction(store) as session:
            more = remove_some(session, name)


def _make_known(session: Session, wanted: Import, taken: Taken) -> None:
    add_imported(
        session,
        {
            "name": wanted.name, "imported_at": wanted.at, "imported_by": wanted.user, "source": wanted.path[:4096],
            "form": taken.form, "entries": taken.entries, "text": wanted.text,
        },
    )  # fmt: skip


def _read_in(store: Store, wanted: Import) -> Taken:
    try:
        with TextIOWrapper(open_regular(wanted.path), encoding="utf-8-sig", newline="") as file:
            records = read_records(_lines(file, wanted.path), path=wanted.path, zone=wanted.zone)
            taken, left_out = _add_all(store, wanted.name, records.entries)
    except UnicodeDecodeError as error:
        raise JournalError("GWL0670", path=wanted.path, reason="it is not UTF-8") from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise JournalError("GWL0670", path=wanted.path, reason=reason) from error
    return Taken(records.form, taken, left_out)


def _lines(file: TextIO, path: str) -> Iterator[str]:
    """Yield the lines of a file; one that has no end must not be read into memory before it is refused."""
    for number in count(1):
        found = file.readline(_LONGEST_LINE + 1)
        if not found:
            return
        if len(found) > _LONGEST_LINE:
            raise JournalError("GWL0671", path=path, line=number, reason=f"it has more than {_LONGEST_LINE} characters")
        yield found


def _add_all(store: Store, name: str, entries: Iterator[ImportedValues | None]) -> tuple[int, int]:
    taken = left_out = 0
    while piece := list(islice(entries, _PIECE)):
        wanted = [entry for entry in piece if entry is not None]
        if wanted:
            with transaction(store) as session:
                add_imported_entries(session, name, taken + 1, wanted)
        taken += len(wanted)
        left_out += len(piece) - len(wanted)
    return taken, left_out
