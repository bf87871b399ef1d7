"""Entries that no worker has taken yet, in one file a guard; the next worker takes the files of dead guards in.

Knows files, locks and records; what the events say is not its business.

Layout: A file is a sequence of records. A record is a frame (`console.enforcement.frames`: length, payload) and the
CRC-32 of all its octets, 4 octets, big-endian. The first record is the guard's Hello, the others are Entries and,
after them, perhaps its End.

A guard holds its file locked (flock) as long as it lives. The file gets its final name only when it is locked, so that
a file of that name without a lock belongs to a dead guard.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from console.enforcement.frames import End, Entries, Event, Frame, Hello, decode
from console.enforcement.trust import trusted_users
from console.errors import WorkerError

_CHECKSUM = struct.Struct(">I")
_SUFFIX = ".spool"
_DAMAGED_SUFFIX = ".damaged"
_PIECE_BYTES = 64 * 1024 * 1024


class Spool:
    """The spool of one guard; for one thread at a time, by one guard.

    The first frame appended must be the guard's Hello; `truncate` keeps it.
    """

    def __init__(self, directory: Path, guard_id: str) -> None:
        """Make and lock the file.

        Args:
            directory: Made for its owner only when it is not there.
            guard_id: 32 hexadecimal digits.

        Raises:
            WorkerError: The file cannot be made.
        """
        self.path = directory / f"{guard_id}{_SUFFIX}"
        """The file; there as long as the spool is open, and until a worker has taken it in."""
        self._hello_bytes = 0
        try:
            directory.mkdir(mode=0o700, exist_ok=True)
            _check_directory(directory)
            self._descriptor = _make_locked(self.path)
        except OSError as error:
            raise WorkerError("GWL0510", path=self.path, reason=error.strerror) from error

    def append(self, frames: Iterable[bytes]) -> None:
        """Write encoded frames at the end.

        They survive this process at once, and a power cut once the system has written them.

        Raises:
            WorkerError: They cannot be written; what was written of them is cut off again.
        """
        records = [frame + _CHECKSUM.pack(zlib.crc32(frame)) for frame in frames]
        octets = b"".join(records)
        end = os.lseek(self._descriptor, 0, os.SEEK_END)
        try:
            written = 0
            while written < len(octets):
                written += os.write(self._descriptor, memoryview(octets)[written:])
        except OSError as error:
            os.ftruncate(self._descriptor, end)
            raise WorkerError("GWL0510", path=self.path, reason=error.strerror) from error
        if not self._hello_bytes and records:
            self._hello_bytes = len(records[0])

    def events(self) -> tuple[Event, ...]:
        """Return the events that are in the file, in the order written.

        Raises:
            WorkerError: The file cannot be read, or is not what was written any more.
        """
        left = _read(self.path, self._descriptor)
        if left.damage:
            raise WorkerError("GWL0511", path=self.path, reason=left.damage)
        return left.events

    def truncate(self) -> None:
        """Drop all entries, because the worker has taken everything; the Hello stays."""
        os.ftruncate(self._descriptor, self._hello_bytes)

    def close(self) -> None:
        """Give up the lock and leave the file to the next worker; any later call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def remove(self) -> None:
        """Delete the file, because the worker has taken everything and the job has ended; then close."""
        if self._descriptor >= 0:
            self.path.unlink(missing_ok=True)
        self.close()


def _check_directory(directory: Path) -> None:
    """Refuse a directory whose owner could take entries away.

    Raises:
        PermissionError: It is a stranger's.
    """
    if directory.lstat().st_uid not in trusted_users(directory.parent):
        raise PermissionError(errno.EPERM, "its directory belongs to another user")


def _make_locked(path: Path) -> int:
    fresh = path.with_suffix(f".{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(fresh, path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a dead guard has left."""

    path: Path
    hello: Hello | None
    """None when not even that can be read."""
    events: tuple[Event, ...]
    """In the order written, up to the first record that cannot be read."""
    exit_status: int | None
    """The job's, if the guard lived to see its end and no worker did."""
    damage: str
    """Why reading stopped before the end, "" when it did not."""


@contextmanager
def leftover(path: Path) -> Iterator[Leftover | None]:
    """Take over the spool of a dead guard while the block lasts; None when its guard lives or another has it.

    Call `discard` inside the block once the events are committed. Until then a crash changes nothing: the next worker
    reads the same file, and the journal knows which numbers of the guard it has.

    Raises:
        WorkerError: The file cannot be opened or read, or is not from whom the journal takes entries.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise WorkerError("GWL0511", path=path, reason=error.strerror) from error
    try:
        _check_owner(path, descriptor)
        yield _read(path, descriptor) if _take_over(path, descriptor) else None
    finally:
        os.close(descriptor)


def waiting_spools(directory: Path) -> list[Path]:
    """Return the spool files that are there, of living guards too."""
    return sorted(directory.glob(f"*{_SUFFIX}"))


def discard(left: Leftover) -> None:
    """Delete a spool that was taken in; a damaged one is kept under another name for people to look at.

    Raises:
        WorkerError: The system refuses.
    """
    try:
        if left.damage:
            left.path.rename(left.path.with_suffix(_SUFFIX + _DAMAGED_SUFFIX))
        else:
            left.path.unlink(missing_ok=True)
    except OSError as error:
        raise WorkerError("GWL0511", path=left.path, reason=error.strerror) from error


def parse(octets: bytes) -> tuple[Hello | None, tuple[Event, ...], str]:
    """Read the records of a spool.

    A record cut short at the end is what a power cut leaves. A damaged length looks the same, so that what follows the
    last whole record counts as damage and is kept.

    Args:
        octets: The whole file.

    Returns:
        The Hello if there is one, the events up to the first unreadable record, and why that one is unreadable.
    """
    hello, events, _, damage = _records(octets)
    return hello, events, damage


def _records(octets: bytes) -> tuple[Hello | None, tuple[Event, ...], int | None, str]:
    """Return what `parse` does, and the job's exit status if its End is there."""
    hello: Hello | None = None
    events: list[Event] = []
    exit_status: int | None = None
    damage = ""
    rest = memoryview(octets)
    while rest and not damage:
        frame, size, damage = _record(rest)
        rest = rest[size:]
        match frame:
            case None:
                pass
            case Hello() if hello is None:
                hello = frame
            case Entries() if hello is not None:
                events.extend(frame.events)
            case End() if hello is not None:
                exit_status = frame.exit_status
            case _:
                damage = f"unexpected {type(frame).__name__}"
    return hello, tuple(events), exit_status, damage


def _record(octets: memoryview) -> tuple[Frame | None, int, str]:
    """Return the first frame and the octets of its record, or None, 0 and what is wrong with it."""
    try:
        found = decode(octets)
    except WorkerError as error:
        return None, 0, str(error)
    if found is None or len(octets) < found[1] + _CHECKSUM.size:
        return None, 0, "cut short"
    frame, size = found
    if zlib.crc32(octets[:size]) != _CHECKSUM.unpack_from(octets, size)[0]:
        return None, 0, "checksum"
    return frame, size + _CHECKSUM.size, ""


def _check_owner(path: Path, descriptor: int) -> None:
    if os.fstat(descriptor).st_uid not in trusted_users(path.parent.parent):
        raise WorkerError("GWL0511", path=path, reason="it belongs to another user")


def _take_over(path: Path, descriptor: int) -> bool:
    """Say whether this process now holds the lock, and the file is still the one of that name."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except (BlockingIOError, FileNotFoundError):
        return False


def _read(path: Path, descriptor: int) -> Leftover:
    pieces: list[bytes] = []
    try:
        # In pieces: Linux reads no more than 2 GB at once (read(2)), and the rest would look like damage.
        while piece := os.pread(descriptor, _PIECE_BYTES, sum(map(len, pieces))):
            pieces.append(piece)
    except OSError as error:
        raise WorkerError("GWL0511", path=path, reason=error.strerror) from error
    return Leftover(path, *_records(b"".join(pieces)))
