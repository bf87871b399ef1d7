"""Segments: where a guard's decisions lie from the moment they are made until they are in the journal.

A segment is a file of fixed size, mapped into the guard's memory. What was written there survives the guard at whatever
moment it is killed, because the pages are the system's; a power cut survives what the system has written by then.

Layout: 8 octets GWLSEG and the number of the layout, 32 octets guard id, then records (`console.enforcement.records`),
then octets of 0.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
from pathlib import Path

from console.enforcement.records import LONGEST_RECORD, SEAL, Event, Unreadable, read, seal

SEGMENT_BYTES = 256 * 1024
"""About 2,000 decisions: a tenth of a second of the busiest job, and what each idle job takes from the disk."""
_HEADER = struct.Struct("<8s32s")
_MAGIC = b"GWLSEG\0\2"


class Segment:
    """Memory that records are appended to: a file's, or, where no file can be had, nobody's.

    Threads: One at a time appends. Another may `read` meanwhile, up to the `end` that it finds.
    """

    __slots__ = ("_guard_id", "_is_listed", "_memory", "end", "index", "last", "path", "start")

    def __init__(self, index: int, guard_id: str, path: Path | None) -> None:
        """Make it.

        Args:
            index: Which one of its guard, from 1.
            guard_id: 32 hexadecimal digits.
            path: The file, which must not be there; None for memory without one.

        Raises:
            OSError: The file cannot be had whole.
        """
        self.index = index
        """Which one of its guard, from 1."""
        self.path = path
        """None while it would be lost with the process."""
        self.last = 0
        """Number of its last record; 0 while there is none."""
        self.start = _HEADER.size
        """Offset of its first record."""
        self.end = _HEADER.size
        """Offset after the last whole record."""
        self._guard_id = guard_id
        self._is_listed = False
        """Whether the directory is on the disk that has its name."""
        self._memory: mmap.mmap | None = mmap.mmap(-1, SEGMENT_BYTES) if path is None else _map_file(path, guard_id)

    def append(self, number: int, body: bytes) -> bool:
        """Append a record, its seal last; False when it is full.

        Args:
            number: Of the record; higher than any before it.
            body: From `console.enforcement.records.pack`.
        """
        start = self.end
        end = start + 8 + len(body)
        memory = self._memory
        if end > SEGMENT_BYTES or memory is None:
            return False
        memory[start + 8 : end] = body
        SEAL.pack_into(memory, start, seal(body))
        self.last = number
        self.end = end
        return True

    @property
    def memory(self) -> mmap.mmap | None:
        """What others may append to in its stead, one at a time with `append`; None if it ends with the process."""
        return self._memory if self.path is not None else None

    def read(self, start: int, length: int) -> bytes:
        """Return octets of its records.

        Args:
            start: Offset.
            length: At most so many; whole records only where `end` is not beyond them.

        Raises:
            OSError: The file cannot be read.
        """
        stop = min(start + length, self.end)
        memory = self._memory
        if memory is not None:
            return memory[start:stop]
        with open(self.path or "", "rb") as file:
            return os.pread(file.fileno(), stop - start, start)

    def release(self) -> bool:
        """Let go of the memory of a file that nothing is appended to any more: each map holds a descriptor.

        Returns:
            Whether there was something to let go of.
        """
        memory = self._memory
        if memory is None:
            return False
        if self.path is not None:
            self._memory = None
            memory.close()
        return True

    def settle(self, path: Path) -> None:
        """Give what lies in memory only a file. Nobody may append meanwhile.

        Raises:
            OSError: The file cannot be had whole; nothing has changed.
        """
        memory = _map_file(path, self._guard_id)
        before, self._memory, self.path = self._memory, memory, path
        if before is not None:
            memory[_HEADER.size : self.end] = before[_HEADER.size : self.end]
            before.close()

    def write(self) -> None:
        """Have the system write the file to the disk, and wait for that; memory without a file stays what it is.

        Raises:
            OSError: It could not be written.
        """
        if self.path is None:
            return
        if not self._is_listed:
            _write(self.path.parent, os.O_DIRECTORY)
            self._is_listed = True
        _write(self.path)

    def remove(self) -> None:
        """Delete it, because the journal has all of it; if the system refuses, a worker finds that later."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)


def parse(octets: bytes, guard_id: str) -> tuple[list[Event], str]:
    """Read a dead guard's segment.

    Args:
        octets: The whole file.
        guard_id: Whose it should be.

    Returns:
        Its events up to the last whole record, and "", or why what follows cannot be what a guard has left.
    """
    events: list[Event] = []
    if not octets.strip(b"\0"):
        return events, ""  # the guard was killed while it made the file
    if len(octets) > SEGMENT_BYTES:
        return events, "too long"
    if octets[: _HEADER.size] != _HEADER.pack(_MAGIC, guard_id.encode()):
        return events, "header"
    records = octets[_HEADER.size :]
    end = 0
    try:
        for event, found_end in read(records):
            events.append(event)
            end = found_end
    except Unreadable as error:
        return events, str(error)
    if len(octets) < SEGMENT_BYTES:
        return events, "cut short"
    # One record may have been begun; what stands further away was written after it, and what lay between is lost.
    return events, "a gap" if records[end + LONGEST_RECORD :].strip(b"\0") else ""


def _write(path: Path, flags: int = 0) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | flags)
    except FileNotFoundError:  # the journal has it by now
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _map_file(path: Path, guard_id: str) -> mmap.mmap:
    """Make a file with all its blocks: a write to a hole of a full disk would be a SIGBUS (mmap(2)).

    Raises:
        OSError: It cannot be had whole; nothing is left of it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, SEGMENT_BYTES)
        os.pwrite(descriptor, _HEADER.pack(_MAGIC, guard_id.encode()), 0)
        # Populated: else each page's first record would wait for the file system.
        return mmap.mmap(descriptor, SEGMENT_BYTES, mmap.MAP_SHARED | mmap.MAP_POPULATE)
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    finally:
        os.close(descriptor)
