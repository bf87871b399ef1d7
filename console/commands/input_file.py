"""Files that commands read."""

from __future__ import annotations

from console.errors import UsageError
from console.journal.infile import open_regular

MAX_BYTES = 64 * 1024 * 1024
"""Far above any policy or script; keeps a device or a core dump from filling the memory."""


def read_file(path: str) -> str:
    """Return what a file holds.

    Raises:
        UsageError: It cannot be read, is no regular file, is too large, or is not UTF-8.
    """
    try:
        with open_regular(path) as file:
            octets = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError("GWL0006", path=path, reason=reason_of(error)) from error
    return decoded(octets, path)


def decoded(octets: bytes, path: str) -> str:
    """Return the text of a file's octets.

    Args:
        octets: At most one more than `MAX_BYTES`.
        path: For messages.

    Raises:
        UsageError: There are too many, or they are not UTF-8.
    """
    if len(octets) > MAX_BYTES:
        raise UsageError("GWL0008", path=path, longest=MAX_BYTES // (1024 * 1024))
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise UsageError("GWL0007", path=path, line=line, octet=f"{octets[error.start]:02X}") from error


def reason_of(error: OSError | ValueError) -> str:
    """Return why a file cannot be read or written, as the system says it."""
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
