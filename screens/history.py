"""The commands that an operator has run, for F9: from all panels and both sessions, kept from one console to the next.

A file for each user profile lies beside the store, readable by its owner alone. Passwords never come here: who adds a
command has taken them out (`console.commands.language.without_secrets`). The file is a convenience: where it cannot be
read or written, F9 finds the commands of this console only.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from console.store.location import Location

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

        Args:
            path: The file; None for nothing but memory.
        """
        self._path = path
        self._read: list[str] | None = None

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
            self._read = _lines(self._path) if self._path else []
        return self._read

    def _write(self, command: str) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, 0o600)
            with open(descriptor, "ab", buffering=0) as file:
                if file.tell() > _LONGEST_FILE_BYTES:
                    file.truncate(0)
                    file.write("".join(f"{each}\n" for each in self._commands).encode())
                else:
                    file.write(f"{command}\n".encode())
        except OSError:
            self._path = None


def history_file(location: Location, user: str) -> Path:
    """Return where the commands of a user profile are kept."""
    return location.directory / f"{location.name}.history" / quote(user, safe="")


def _lines(path: Path) -> list[str]:
    """Return the newest lines of a file; none where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LONGEST_FILE_BYTES))
            text = file.read(_LONGEST_FILE_BYTES).decode(errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if line and line.isprintable()][-_REMEMBERED:]
