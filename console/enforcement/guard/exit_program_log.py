"""Where exit programs say what no journal entry has room for: a log beside the store, of a limited size.

Their tracebacks go there, and what they print. Several processes write to it, line by line; a line is one write(2) at
the end of the file, so lines stay whole. When the file is full it becomes the old one, and the old one goes.

What cannot be written, because the disk is full or the file is somebody else's, is dropped: an exit program decides
also when it cannot be heard.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import time
from pathlib import Path

from console.store.location import Location

_NAME = "exit_programs.log"
"""Appended to the store's name."""
_OLD = ".old"
_MOST_BYTES = 1024 * 1024
_LONGEST_LINE = 4000
_OPEN = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_STREAMS = (1, 2)


def log_path(location: Location) -> Path:
    """Return where the log of a store's exit programs lies."""
    return location.directory / f"{location.name}.{_NAME}"


def open_log(path: Path) -> int:
    """Open the log for appending, or nothing if it cannot be; close-on-exec.

    A store may lie where others can make files, as in /tmp: what is no file of our own, a pipe that nobody reads for
    one, is left alone, and so is a file of ours that has another name too, which somebody else may have linked here.
    """
    with contextlib.suppress(OSError):
        log = os.open(path, _OPEN, 0o600)
        status = os.fstat(log)
        if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid() and status.st_nlink <= 1:
            return log
        os.close(log)
    return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


class ProgramLog(io.TextIOBase):
    """A text stream for ``sys.stdout`` and ``sys.stderr`` of an exit program.

    Args:
        path: The log.
        program: Said in front of each line.
        most_bytes: Size from which on a file is full.
    """

    def __init__(self, path: Path, program: str, most_bytes: int = _MOST_BYTES) -> None:
        self._path = path
        self._program = program
        self._most_bytes = most_bytes
        self._rest = ""

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, text: str, /) -> int:
        """Take a text; each line goes out when it is whole, or too long to wait for its end."""
        *lines, self._rest = (self._rest + text).split("\n")
        if len(self._rest) > _LONGEST_LINE:
            lines.append(self._rest)
            self._rest = ""
        if lines:
            self._append(lines)
        return len(text)

    def flush(self) -> None:
        """Write the begun line."""
        if self._rest:
            lines, self._rest = [self._rest], ""
            self._append(lines)

    def take_streams(self) -> None:
        """Make descriptors 1 and 2 the log as it is now: what is no Python, and children, write there.

        Called again and again, this keeps them in the file that is not yet full.
        """
        descriptor = open_log(self._path)
        try:
            if self._is_full(descriptor):
                os.close(descriptor)
                descriptor = open_log(self._path)
            for number in _STREAMS:
                os.dup2(descriptor, number)
        finally:
            os.close(descriptor)

    def _append(self, lines: list[str]) -> None:
        head = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {os.getpid()} {self._program} "
        octets = "".join(f"{head}{line[:_LONGEST_LINE]}\n" for line in lines).encode(errors="backslashreplace")
        descriptor = open_log(self._path)
        try:
            with contextlib.suppress(OSError):
                os.write(descriptor, octets)
            self._is_full(descriptor)
        finally:
            os.close(descriptor)

    def _is_full(self, descriptor: int) -> bool:
        """Put the file aside if it is full; say whether it was."""
        if os.fstat(descriptor).st_size <= self._most_bytes:
            return False
        with contextlib.suppress(OSError):
            self._path.replace(self._path.with_name(self._path.name + _OLD))
        return True
