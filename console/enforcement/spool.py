"""What a guard keeps on disk while it lives, and leaves there when it dies; the worker takes in what dead ones left.

Knows files and locks; what the decisions say is not its business.

Layout: A guard has one spool file and any number of segments (`console.enforcement.segment`), all in one directory:
``GUARD.spool`` and ``GUARD.00000001.segment``, the second number rising. The spool file holds records of a frame
(`console.enforcement.frames`) and the CRC-32 of its octets, 4 octets, big-endian: the guard's Hello, and its End if it
lived to see it and no worker took it.

A guard holds its spool file locked (flock) as long as it lives. The file gets its name only when it is locked, before
there is any segment, and goes after all of them: a file of that name without a lock belongs to a dead guard, and so do
the segments.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from console.enforcement.frames import PROTOCOL, End, Hello, decode, encode
from console.enforcement.records import Event
from console.enforcement.segment import SEGMENT_BYTES, parse
from console.enforcement.trust import trusted_users
from console.errors import WorkerError

_CHECKSUM = struct.Struct(">I")
_SUFFIX = ".spool"
_DAMAGED_SUFFIX = ".damaged"
_GUARD_ID = re.compile("[0-9a-f]{32}")
_MOST_BYTES = 16 * 1024 * 1024
"""Of a spool file: the command of a Hello is as long as execve(2) lets it be."""


class Spool:
    """The spool file of one guard, and the names of its segments; for one thread at a time."""

    def __init__(self, directory: Path, hello: Hello) -> None:
        """Make and lock the file.

        Args:
            directory: Made for its owner only when it is not there.
            hello: The guard's; it begins the file.

        Raises:
            OSError: The file cannot be made.
        """
        self.path = directory / f"{hello.guard_id}{_SUFFIX}"
        """There as long as the spool is open, and until a worker has taken it in."""
        directory.mkdir(mode=0o700, exist_ok=True)
        _check_directory(directory)
        self._descriptor = _make_locked(self.path, _record(hello))

    def segment(self, index: int) -> Path:
        """Return the path of a segment; they are read in the order of their numbers."""
        return self.path.with_suffix(f".{index:08}.segment")

    def close(self, exit_status: int | None = None) -> None:
        """Leave the file to the next worker.

        Args:
            exit_status: The job's, if it has ended.

        Raises:
            OSError: The status cannot be written.
        """
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            try:
                if exit_status is not None:
                    os.write(descriptor, _record(End(exit_status)))
            finally:
                os.close(descriptor)

    def remove(self) -> None:
        """Delete the file, because the worker has taken everything and the job has ended; then close."""
        if self._descriptor >= 0:
            self.path.unlink(missing_ok=True)
        self.close()


def _record(frame: Hello | End) -> bytes:
    octets = encode(frame)
    return octets + _CHECKSUM.pack(zlib.crc32(octets))


def _check_directory(directory: Path) -> None:
    """Refuse a directory whose owner could take entries away.

    Raises:
        PermissionError: It is a stranger's.
    """
    if directory.lstat().st_uid not in trusted_users(directory.parent):
        raise PermissionError(errno.EPERM, "its directory belongs to another user")


def _make_locked(path: Path, octets: bytes) -> int:
    fresh = path.with_suffix(f".{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        while octets:  # a disk that is almost full takes some
            octets = octets[os.write(descriptor, octets) :]
        os.rename(fresh, path)
    except OSError:
        os.close(descriptor)
        fresh.unlink(missing_ok=True)
        raise
    return descriptor


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a dead guard has left."""

    path: Path
    guard_id: str
    """By the name of the file."""
    hello: Hello | None
    """None when it cannot be read."""
    exit_status: int | None
    """The job's, if the guard lived to see its end and no worker did."""
    damage: str
    """What is wrong with the spool file, "" when nothing is."""
    segments: tuple[Path, ...]
    """In the order written."""


@contextmanager
def leftover(path: Path) -> Iterator[Leftover | None]:
    """Take over the spool of a dead guard while the block lasts; None when its guard lives or another has it.

    Call `discard` inside the block for each file whose contents are committed. Until then a crash changes nothing: the
    next worker reads the same files, and the journal knows which numbers of the guard it has.

    Raises:
        WorkerError: The file cannot be opened or read, or is not from whom the journal takes entries.
    """
    try:
        descriptor = _open(path)
    except FileNotFoundError:
        yield None
        return
    try:
        yield _look(path, descriptor) if _take_over(path, descriptor) else None
    finally:
        os.close(descriptor)


def waiting_spools(directory: Path) -> list[Path]:
    """Return the spool files that are there, of living guards too; what has no guard's name is nobody's.

    Whose segments are whose is told by the names, and a pattern for a name would take those of others.
    """
    return sorted(path for path in directory.glob(f"*{_SUFFIX}") if _GUARD_ID.fullmatch(path.stem))


def read_segment(path: Path, guard_id: str) -> tuple[list[Event], str]:
    """Read one segment of a dead guard.

    Returns:
        As `console.enforcement.segment.parse`.

    Raises:
        WorkerError: It cannot be opened or read, or is not from whom the journal takes entries.
    """
    try:
        descriptor = _open(path)
    except FileNotFoundError:
        return [], ""
    try:
        return parse(os.pread(descriptor, SEGMENT_BYTES + 1, 0), guard_id)
    except OSError as error:
        raise WorkerError("GWL0511", path=path, reason=error.strerror) from error
    finally:
        os.close(descriptor)


def discard(path: Path, *, damaged: bool = False) -> None:
    """Delete a file that was taken in; a damaged one is kept under another name for people to look at.

    Raises:
        WorkerError: The system refuses.
    """
    try:
        if damaged:
            path.rename(path.with_suffix(path.suffix + _DAMAGED_SUFFIX))
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WorkerError("GWL0511", path=path, reason=error.strerror) from error


def parse_spool(octets: bytes) -> tuple[Hello | None, int | None, str]:
    """Read a spool file.

    Returns:
        The guard's Hello if it can be read; the job's exit status if it is there; and "", or what is wrong.
    """
    hello: Hello | None = None
    exit_status: int | None = None
    rest = memoryview(octets)
    while rest or hello is None:
        frame, size, damage = _first(rest)
        match frame:
            case Hello() if hello is None and frame.protocol != PROTOCOL:
                return None, None, f"protocol {frame.protocol}, of another release"
            case Hello() if hello is None:
                hello = frame
            case End() if hello is not None and exit_status is None:
                exit_status = frame.exit_status
            case _:
                return hello, exit_status, damage or "unexpected"
        rest = rest[size:]
    return hello, exit_status, ""


def _first(octets: memoryview) -> tuple[object, int, str]:
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


def _open(path: Path) -> int:
    """Open a file of a guard's.

    Raises:
        FileNotFoundError: It is not there.
        WorkerError: It cannot be opened, or is a stranger's.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise WorkerError("GWL0511", path=path, reason=error.strerror) from error
    if os.fstat(descriptor).st_uid not in trusted_users(path.parent.parent):
        os.close(descriptor)
        raise WorkerError("GWL0511", path=path, reason="it belongs to another user")
    return descriptor


def _take_over(path: Path, descriptor: int) -> bool:
    """Say whether this process now holds the lock, and the file is still the one of that name."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except (BlockingIOError, FileNotFoundError):
        return False


def _look(path: Path, descriptor: int) -> Leftover:
    try:
        octets = os.pread(descriptor, _MOST_BYTES, 0)
    except OSError as error:
        raise WorkerError("GWL0511", path=path, reason=error.strerror) from error
    segments = sorted(path.parent.glob(f"{path.stem}.*.segment"))
    return Leftover(path, path.stem, *parse_spool(octets), tuple(segments))
