"""Files that hold a key, beside the store: for their owner only, made once, whole, and on disk before they are used."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from console.errors import StoreError

_OTHERS = 0o077
_LONGEST_KEY = 1024


def read_key_file(path: Path, unfit: str) -> bytes | None:
    """Return what a key file holds; None when there is none.

    Args:
        path: Where it is.
        unfit: Id of the message, with the blanks ``path`` and ``reason``, for a file that no secret can be in.

    Raises:
        StoreError: Others may read or write the file, or it cannot be read.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_mode & _OTHERS:
                raise StoreError(unfit, path=path, reason="others than its owner may read or write it")
            # Where everybody can make files, as in /tmp, a key may lie ready that somebody else knows.
            if status.st_uid not in (os.geteuid(), 0, path.parent.stat().st_uid):
                raise StoreError(unfit, path=path, reason=f"it belongs to user {status.st_uid}")
            return file.read(_LONGEST_KEY).strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(unfit, path=path, reason=error.strerror) from error


def make_key_file(path: Path, key: bytes) -> None:
    """Put a key in its place, whole and on disk before anything relies on it; one that is there stays.

    Raises:
        StoreError: It cannot be made.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                _give_to_owner(file.fileno(), path.parent)
                file.write(key)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(temporary, path)
        finally:
            os.unlink(temporary)
        _sync_directory(path.parent)
    except OSError as error:
        raise StoreError("GWL0304", path=path, reason=error.strerror) from error


def _give_to_owner(descriptor: int, directory: Path) -> None:
    """Give a file that root makes to whose directory it is in: a store's owner must be able to read its key."""
    if os.geteuid() == 0:
        owner = directory.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
