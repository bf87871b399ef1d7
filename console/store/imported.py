"""Journals that were read from elsewhere: never mixed into QAUDJRN, read with queries of the same shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, CursorResult, delete, insert
from sqlalchemy.sql.visitors import ExternallyTraversible, replacement_traverse
from sqlmodel import Session, col, select

from console.errors import CommandError
from console.model.forwarding import ImportedEntry, ImportedJournal
from console.model.journal import JournalEntry
from console.store.journal_filter import JournalFilter, conditions, confirm

_ENTRIES = JournalEntry.metadata.tables["journal_entry"]
_IMPORTED = ImportedEntry.metadata.tables["imported_entry"]
_REMOVED_AT_ONCE = 20_000
_FETCHED_AT_ONCE = 500


class ImportedValues(NamedTuple):
    """An imported entry before it has a journal and a number; fields as in `console.model.forwarding.ImportedEntry`."""

    entry_timestamp: datetime
    sk_type: str
    receiver_name: str = ""
    outcome: str = ""
    exit_point: str = ""
    user_name: str = ""
    qualified_job_name: str = ""
    program: str = ""
    address_family: str = ""
    local_address: str = ""
    local_port: int = 0
    remote_address: str = ""
    remote_port: int = 0
    text: str = ""
    detail: str = ""


_DEFAULTS = {name: field.get_default() for name, field in ImportedEntry.model_fields.items() if not field.is_required()}


def list_imported(session: Session) -> list[ImportedJournal]:
    """Return the imported journals by name."""
    return list(session.exec(select(ImportedJournal).order_by(col(ImportedJournal.name))))


def get_imported(session: Session, name: str) -> ImportedJournal:
    """Return an imported journal.

    Raises:
        CommandError: There is none.
    """
    found = session.get(ImportedJournal, name)
    if found is None:
        raise CommandError("GWL0675", name=name)
    return found


def add_imported(session: Session, values: dict[str, object]) -> None:
    """Make an imported journal known; its entries are there already.

    Raises:
        CommandError: There is one of that name.
    """
    row = ImportedJournal.model_validate(values)
    if session.get(ImportedJournal, row.name) is not None:
        raise CommandError("GWL0676", name=row.name)
    session.add(row)
    session.flush()


def add_imported_entries(session: Session, journal: str, first: int, entries: Sequence[ImportedValues]) -> None:
    """Add entries to a journal that is being imported.

    Args:
        session: A transaction that may write.
        journal: Its name.
        first: Number of the first of them.
        entries: Checked values.
    """
    rows = [
        {**_DEFAULTS, **entry._asdict(), "journal_name": journal, "sequence_number": number}
        for number, entry in enumerate(entries, first)
    ]
    session.execute(insert(_IMPORTED), rows)


def forget_imported(session: Session, name: str) -> None:
    """Make an imported journal unknown; its entries are removed by `remove_some`.

    Raises:
        CommandError: There is none.
    """
    session.delete(get_imported(session, name))
    session.flush()


def remove_some(session: Session, name: str) -> bool:
    """Remove some entries of a journal that is not known any more; return whether there were any."""
    number = col(ImportedEntry.sequence_number)
    mine = col(ImportedEntry.journal_name) == name
    first = session.exec(select(number).where(mine).order_by(number).limit(1)).first()
    if first is None:
        return False
    removed = session.execute(delete(ImportedEntry).where(mine, number < first + _REMOVED_AT_ONCE))
    return isinstance(removed, CursorResult) and removed.rowcount > 0


def imported_page_after(session: Session, number: int, *, limit: int, only: JournalFilter) -> list[JournalEntry]:
    """Return the entries of an imported journal after a number, in ascending order.

    They have the class of other entries, so that what shows those shows these, but belong to no session.

    Args:
        session: A session.
        number: 0 begins at the first.
        limit: How many.
        only: Which; it names the journal.
    """
    place = col(ImportedEntry.sequence_number)
    query = select(ImportedEntry).where(*_conditions(only), place > number).order_by(place)
    return _confirmed(session.exec(query.execution_options(yield_per=_FETCHED_AT_ONCE)), only, limit)


def imported_page_before(
    session: Session, number: int | None, *, limit: int, only: JournalFilter
) -> list[JournalEntry]:
    """Return the entries before a number, or the last ones for None; in ascending order too."""
    place = col(ImportedEntry.sequence_number)
    query = select(ImportedEntry).where(*_conditions(only)).order_by(place.desc())
    if number is not None:
        query = query.where(place < number)
    found = session.exec(query.execution_options(yield_per=_FETCHED_AT_ONCE))
    return list(reversed(_confirmed(found, only, limit)))


def _confirmed(found: Iterable[ImportedEntry], only: JournalFilter, limit: int) -> list[JournalEntry]:
    check = confirm(only)
    page: list[JournalEntry] = []
    for entry in found:
        if check is None or check(entry.local_address, entry.remote_address, entry.qualified_job_name):
            page.append(JournalEntry(**{name: getattr(entry, name) for name in JournalEntry.model_fields}))
            if len(page) == limit:
                break
    return page


def _conditions(only: JournalFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter, said of imported entries."""
    return [col(ImportedEntry.journal_name) == only.journal, *map(_of_imported, conditions(only))]


def _of_imported(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    def instead(element: ExternallyTraversible, **_: object) -> ExternallyTraversible | None:
        if isinstance(element, Column) and element.table is _ENTRIES:
            return _IMPORTED.c[element.name]
        return None

    return replacement_traverse(condition, {}, instead)
