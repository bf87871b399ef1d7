"""What values the newest entries of the journal have, for lists to choose from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from console.model.journal import JournalEntry

LOOKED_AT = 5000
"""Entries from the newest on that are looked at: some tens of milliseconds, however long the journal is."""
_FIELDS = frozenset({"local_address", "local_port", "program", "remote_address", "remote_port", "user_name"})


def seen_values(session: Session, field: str) -> Sequence[tuple[str, int]]:
    """Return the values of a field in the newest socket entries, each with how often, the most frequent first.

    Args:
        session: To read with.
        field: A field of `JournalEntry` that names an end, a user or a program.

    Raises:
        ValueError: Any other field.
    """
    if field not in _FIELDS:
        raise ValueError(field)
    entries = JournalEntry.metadata.tables["journal_entry"]
    newest = (
        select(entries.c[field], entries.c["entry_type"])
        .order_by(col(JournalEntry.sequence_number).desc())
        .limit(LOOKED_AT)
    )
    counted = Counter(str(value) for value, kind in session.execute(newest) if kind == "SK" and value)
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
