"""JSON Lines: an entry as an object with the names that stay, beyond ASCII everything escaped (RFC 8259); pure.

The one format that loses nothing: what it says is what the journal holds, and the chain can be computed from it.
"""

from __future__ import annotations

import json
from datetime import datetime

from console.journal.formats.values import EntryValues, Origin

NAMES = EntryValues._fields

_encode = json.JSONEncoder(ensure_ascii=True, check_circular=False).encode


def header(_origin: Origin) -> str:
    """Return the line before the first entry: none."""
    return ""


def line(entry: EntryValues, _origin: Origin) -> str:
    """Return an entry as one line, without its end."""
    values = dict(zip(NAMES, entry, strict=True))
    values["entry_timestamp"] = moment(entry.entry_timestamp)
    return _encode(values)


def moment(value: datetime) -> str:
    """Return a time in UTC as RFC 3339 writes it, to the microsecond."""
    return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
