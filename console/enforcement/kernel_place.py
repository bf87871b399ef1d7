"""Where the kernel engine of a store keeps the files that outlive a worker; loads nothing of the engine."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from pathlib import Path

from console.store.location import Location

BPF_MOUNT = Path("/sys/fs/bpf")
"""Where the BPF file system is mounted (systemd mounts it there)."""
_KEY_BYTES = 8


def pin_directory(location: Location) -> Path:
    """Return the directory of a store; it is there if the engine is, or was left, attached."""
    name = bytes(location.directory / location.name)
    return place_of_all() / hashlib.blake2b(name, digest_size=_KEY_BYTES).hexdigest()


def place_of_all() -> Path:
    """Return the directory in which each store has one."""
    return BPF_MOUNT / "greenwall"


def remove(directory: Path) -> None:
    """Remove the directory of a store, which lets go of all in it, and that of all stores where it was the last."""
    shutil.rmtree(directory)
    remove_empty()


def remove_empty() -> None:
    """Remove the directory of all stores unless there are others."""
    with contextlib.suppress(OSError):  # not empty, or not there
        place_of_all().rmdir()
