"""Locks between processes: files held with flock, gone with the process that holds them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console.errors import StoreError


def open_lock_file(path: Path) -> int:
    """Open a lock file, made for its owner only; the caller owns the descriptor.

    Raises:
        StoreError: It cannot be opened.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError("GWL0304", path=path, reason=error.strerror) from error


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock if it is free; it is given back when the descriptor is closed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock, waiting for it as long as its holder lives.

    Raises:
        StoreError: The lock file cannot be opened.
    """
    descriptor = open_lock_file(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Say whether a process holds the lock.

    The question takes the lock for a moment when it is free; who takes it for good must try more than once.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError("GWL0304", path=path, reason=error.strerror) from error
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)
