"""The commands that an operator has run, for F9: from all panels and both sessions, kept from one console to the next.

A file for each user profile lies beside the store, readable by its owner alone, and goes with the profile. Passwords
never come here: who adds a command has taken them out (`console.commands.without_secrets`). The file is a
convenience: where it cannot be read or written, F9 finds the commands of this console only.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from weakref import finalize

_REMEMBERED = 200
"""Commands that F9 finds; a person walks back a dozen at most."""
_LONGEST_FILE_BYTES = 256 * 1024
"""Beyond it, a file is written anew with what is remembered of it; only so much of its end is read."""


class History:
    """The commands, the oldest first.

    Threads:
        Two sessions may add at the same time: a list takes each whole, and so does a file that is appended to.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Begin with what the file holds; it is read when first asked for.

        The file stays open: when the profile is deleted, and another one made of the same name, what is still keyed
        here comes to the file that was, and not to the new one.

        Args:
            path: The file; None for nothing but memory.
        """
        self._file = _opened(path) if path is not None else None
        self._read: list[str] | None = None
        if self._file is not None:
            finalize(self, os.close, self._file)

    def add(self, command: str) -> None:
        """Remember a command; the same one twice in a row counts once."""
        known = self._commands
        if command and command.isprintable() and known[-1:] != [command]:
            known.append(command)
            del known[:-_REMEMBERED]
            self._write(command)

    def before(self, back: int) -> str | None:
        """Return the command so many steps back, 1 for the latest; None when there is none."""
        return self._commands[-back] if 0 < back <= len(self._commands) else None

    @property
    def _commands(self) -> list[str]:
        if self._read is None:
            self._read = _lines(self._file) if self._file is not None else []
        return self._read

    def _write(self, command: str) -> None:
        if self._file is None:
            return
        try:
            if os.fstat(self._file).st_size > _LONGEST_FILE_BYTES:
                os.ftruncate(self._file, 0)
                os.write(self._file, "".join(f"{each}\n" for each in self._commands).encode())
            else:
                os.write(self._file, f"{command}\n".encode())
        except OSError:
            self._file = None


def _opened(path: Path) -> int | None:
    """Return the file, made if need be; None where it cannot be had, or is not what this file makes."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, flags, 0o600)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    return None


def _lines(file: int) -> list[str]:
    """Return the newest lines of a file; none where it cannot be read."""
    try:
        at = max(0, os.fstat(file).st_size - _LONGEST_FILE_BYTES)
        text = os.pread(file, _LONGEST_FILE_BYTES, at).decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line and line.isprintable()][-_REMEMBERED:]
