"""Entries as somebody without the key may have left them, made such that whoever reads them can go on. Pure.

SQLite keeps in a column whatever is put there. One entry with octets for a user, or a time that is none, must not end
what watches the journal, sends it on or writes it out: verification says that it is not what was written, and readers
show what can be shown of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, cast

from console.messages import line, message
from console.model.journal import JournalEntry
from console.store.text import storable

NUMBERS = frozenset({
    "sequence_number", "rule_sequence", "revision", "pid", "local_port", "remote_port", "decision_us", "guard_number",
})  # fmt: skip
NAMES = tuple(JournalEntry.metadata.tables["journal_entry"].c.keys())
"""The fields of an entry in the order of its hash, which stands behind them."""
_PLAIN = tuple(int if name in NUMBERS else str for name in NAMES if name != "entry_timestamp")
_MOMENT = NAMES.index("entry_timestamp")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAMAGED = "*DAMAGED"
"""In the place of the outcome of an entry that is shown as far as it can be."""


def usable(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield entries whose values are of the types that they should be, their times in UTC.

    Args:
        rows: Values of each in the order of `NAMES`, the hash behind them or not; the time as the database has it.
    """
    for row in rows:
        rest = (*row[:_MOMENT], *row[_MOMENT + 1 :])
        if tuple(map(type, rest)) != _PLAIN[: len(rest)]:
            rest = tuple(map(_value, _PLAIN, rest))
        yield (*rest[:_MOMENT], time_of(row[_MOMENT]), *rest[_MOMENT:])


def as_octets(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column of entries such that it can be read whatever is in it: texts and times as octets."""
    return column if column.name in NUMBERS else cast(column, LargeBinary)


def text_of(found: object) -> str:
    """Return what should be a text as one."""
    return found if isinstance(found, str) else str(_value(str, found))


def plain(rows: Iterable[Sequence[Any]], names: Sequence[str]) -> Iterator[Sequence[Any]]:
    """Yield some fields of entries, each of its type; a time that is neither one nor a text is none.

    Args:
        rows: Their values.
        names: The fields, in the order of the values.
    """
    time = names.index("entry_timestamp") if "entry_timestamp" in names else -1
    kinds = [int if name in NUMBERS else str for name in names]
    for row in rows:
        found = list(map(type, row))
        if time >= 0 and found[time] is datetime:
            found[time] = str
        yield row if found == kinds else tuple(map(_value_or_time, kinds, row))


def _value_or_time(kind: type, found: object) -> object:
    return found if isinstance(found, datetime) else _value(kind, found)


def is_usable(entry: JournalEntry) -> bool:
    """Say whether all values of an entry are of the types that they should be."""
    values = entry.__dict__
    return (
        type(values["entry_timestamp"]) is datetime
        and tuple(type(values[name]) for name in NAMES if name != "entry_timestamp") == _PLAIN
    )


def shown(row: Sequence[Any]) -> JournalEntry:
    """Return an entry as it can be shown: what is none of its kind is replaced, and the entry says so.

    Args:
        row: All its values, in the order of `NAMES`; texts as octets, perhaps.
    """
    as_text = [decoded(value) if name not in NUMBERS else value for name, value in zip(NAMES, row, strict=True)]
    (values,) = usable([as_text])
    named = dict(zip(NAMES, values, strict=True))
    bad = [
        name
        for name, value in zip(NAMES, as_text, strict=True)
        if (not _is_time(value) if name == "entry_timestamp" else named[name] != value)
    ]
    if bad:
        said = message("GWL062B", fields=", ".join(bad), text=named["text"])
        named |= {"outcome": _DAMAGED, "text": line(said)}
    return JournalEntry(**named)


def decoded(value: object) -> object:
    """Return the text that octets are; themselves if they are none."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _is_time(found: object) -> bool:
    if isinstance(found, datetime):
        return True
    try:
        return isinstance(found, str) and datetime.fromisoformat(found) is not None
    except ValueError:
        return False


def time_of(found: object) -> datetime:
    """Return a time; what is none is the beginning of 1970."""
    try:
        text = found.decode("ascii") if isinstance(found, bytes) else found
        moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)  # type: ignore[arg-type]
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return _EPOCH


def _value(kind: type, found: object) -> int | str:
    if kind is int:
        return found if isinstance(found, int) else 0
    if isinstance(found, bytes):
        return storable(found.decode("utf-8", "replace"))
    return found if isinstance(found, str) else "" if found is None else str(found)
