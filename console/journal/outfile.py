"""Files that exports write: only their owner reads them, none is overwritten unasked, and none is there by half."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from console.errors import JournalError

PRIVATE = 0o600
"""A journal says who talks to whom: nobody but its owner reads it."""


@contextmanager
def private_file(name: str, *, replace: bool = False) -> Iterator[TextIO]:
    """Open a file to be written; it gets its name when the block has ended well, whole and on disk.

    Args:
        name: Path. A symbolic link is followed; what is no regular file is written to as it is.
        replace: Whether a file that is there is replaced.

    Raises:
        JournalError: It is there already, or cannot be written; what was there is as it was.
    """
    try:
        path = Path(os.path.realpath(name))
        found = _look_at(path)
        if found is not None and not stat.S_ISREG(found.st_mode):
            # Replacing it would put a file in the place of a device: /dev/null, for root.
            with path.open("w", encoding="utf-8", newline="") as file:
                yield file
            return
        if found is not None and not replace:
            raise JournalError("GWL0650", path=name)
        with _beside(path) as (temporary, file):
            yield file
            file.flush()
            os.fsync(file.fileno())
            _name(temporary, path, replace=replace)
    except FileExistsError as error:
        raise JournalError("GWL0650", path=name) from error
    except (OSError, ValueError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise JournalError("GWL0651", path=name, reason=reason) from error


def _look_at(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


@contextmanager
def _beside(path: Path) -> Iterator[tuple[str, TextIO]]:
    """Make a file without its name yet, in the same directory; remove it if it did not get its name."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), PRIVATE)
            yield temporary, file
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def _name(temporary: str, path: Path, *, replace: bool) -> None:
    if replace:
        os.replace(temporary, path)
    else:
        os.link(temporary, path)  # refuses where somebody was faster, which a rename would not
