"""Reads and writes the files that are named on the command line; ``-`` is standard input or output."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from console.errors import UsageError
from console.shell.output import print_text

STANDARD = "-"
"""Name of standard input and standard output."""

MAX_BYTES = 64 * 1024 * 1024
"""Far above any policy or script; keeps a device or a core dump from filling the memory."""

PRIVATE = 0o600
"""A policy tells an attacker which doors are open: nobody but its owner reads it."""


def read_text(name: str) -> str:
    """Return what a file holds.

    Args:
        name: Path, or ``-``.

    Raises:
        UsageError: It cannot be read, is too large, or is not UTF-8.
    """
    try:
        if name == STANDARD:
            octets = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with open(name, "rb") as file:
                octets = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError("GWL0006", path=name, reason=_reason(error)) from error
    if len(octets) > MAX_BYTES:
        raise UsageError("GWL0008", path=name, longest=MAX_BYTES // (1024 * 1024))
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise UsageError("GWL0007", path=name, line=line, octet=f"{octets[error.start]:02X}") from error


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
        raise UsageError("GWL0009", path=name, reason=_reason(error)) from error


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


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
