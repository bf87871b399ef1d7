"""Reads and writes the files that are named on the command line; ``-`` is standard input or output."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from console.commands.input_file import MAX_BYTES, decoded, read_file, reason_of
from console.errors import UsageError
from console.shell.output import print_text

STANDARD = "-"
"""Name of standard input and standard output."""

PRIVATE = 0o600
"""A policy tells an attacker which doors are open: nobody but its owner reads it."""


def read_text(name: str) -> str:
    """Return what a file holds.

    Args:
        name: Path, or ``-``.

    Raises:
        UsageError: It cannot be read, is too large, or is not UTF-8.
    """
    if name != STANDARD:
        return read_file(name)
    try:
        octets = sys.stdin.buffer.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError("GWL0006", path=name, reason=reason_of(error)) from error
    return decoded(octets, name)


def write_private(name: str, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all.

    Args:
        name: Path, or ``-``. A symbolic link is followed; what is no regular file is written to as it is.
        text: What it shall hold.

    Raises:
        UsageError: It cannot be written; a file that was there is as it was.
    """
    if name == STANDARD:
        print_text(text)
        return
    try:
        path = Path(os.path.realpath(name))
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            # Replacing it would put a file in the place of a device: /dev/null, for root.
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path, text)
    except (OSError, ValueError) as error:
        raise UsageError("GWL0009", path=name, reason=reason_of(error)) from error


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), PRIVATE)
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
