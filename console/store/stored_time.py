"""Times as a store has them: one form, and nothing else is a time.

Readers compare times in SQLite as the texts that they are, and SQLAlchemy makes them times in a way of its own. A text
that is a time in another form (``20260301T120000``, or with an offset) would mean one thing to whoever parses it and
another to whoever compares it: nothing of ours has ever written one.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(r"\d{4}-\d\d-\d\d (?:[01]\d|2[0-3]):\d\d:\d\d\.\d{6}", re.ASCII)
"""As SQLAlchemy writes times on SQLite, in UTC; later Pythons than ours take 24 for an hour, too."""


def stored_moment(found: object) -> datetime:
    """Return a time, in UTC.

    Args:
        found: As the driver gives it: a text of SQLite, a time of other databases.

    Raises:
        ValueError: It is none.
    """
    if isinstance(found, datetime):
        try:
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except OverflowError as error:  # in UTC it would be before the first year, or after the last
            raise ValueError(f"{found!r} is no time of a store") from error
    if not isinstance(found, str) or _FORM.fullmatch(found) is None:
        raise ValueError(f"{found!r} is no time of a store")
    return datetime.fromisoformat(found).replace(tzinfo=UTC)
