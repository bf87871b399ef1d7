"""Entries as somebody without the key may have left them, made such that whoever reads them can go on. Pure.

SQLite keeps in a column whatever is put there. One entry with octets for a user, or a time that is none, must not end
what watches the journal, sends it on or writes it out: verification says that it is not what was written, and readers
show what can be shown of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from console.journal.chain import EPOCH, FIELDS
from console.store.text import storable

NUMBERS = frozenset({
    "sequence_number", "rule_sequence", "revision", "pid", "local_port", "remote_port", "decision_us", "guard_number",
})  # fmt: skip
_NAMES = (*FIELDS, "chain_hash")
_PLAIN = tuple(int if name in NUMBERS else str for name in _NAMES if name != "entry_timestamp")
_MOMENT = FIELDS.index("entry_timestamp")


def usable(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    """Yield entries whose values are of the types that they should be, their times in UTC.

    Args:
        rows: Values of each in the order of `FIELDS`, the hash behind them or not; the time as the database has it.
    """
    for row in rows:
        rest = (*row[:_MOMENT], *row[_MOMENT + 1 :])
        if tuple(map(type, rest)) != _PLAIN[: len(rest)]:
            rest = tuple(map(_value, _PLAIN, rest))
        yield (*rest[:_MOMENT], time_of(row[_MOMENT]), *rest[_MOMENT:])


def time_of(found: object) -> datetime:
    """Return a time; what is none is the beginning of 1970."""
    try:
        moment = found if isinstance(found, datetime) else datetime.fromisoformat(found)  # type: ignore[arg-type]
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return EPOCH


def _value(kind: type, found: object) -> int | str:
    if kind is int:
        return found if isinstance(found, int) else 0
    if isinstance(found, bytes):
        return storable(found.decode("utf-8", "replace"))
    return found if isinstance(found, str) else "" if found is None else str(found)
