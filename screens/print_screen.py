"""Writes the screen's text to a file, as the Print key does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from console.messages import Message, message

_PRINTED = "KBD0106"
_FAILED = "KBD0107"
_OWNER_ONLY = 0o600


def print_screen(rows: Sequence[str], directory: Path, now: datetime) -> Message:
    """Write the rows to a new file that only its owner can read.

    Args:
        rows: The screen's rows as text.
        directory: Where the file goes; made if it is missing.
        now: Names the file.

    Returns:
        What to tell the operator: where the file is, or why there is none.
    """
    path = directory / f"screen-{now:%Y%m%d-%H%M%S-%f}.txt"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _OWNER_ONLY)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{row.rstrip()}\n" for row in rows)
    except OSError as error:
        return message(_FAILED, file=path, reason=error.strerror or error)
    return message(_PRINTED, file=path)
