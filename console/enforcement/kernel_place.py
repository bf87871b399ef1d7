"""Where the kernel engine of a store keeps the files that outlive a worker; loads nothing of the engine."""

from __future__ import annotations

import hashlib
from pathlib import Path

from console.store.location import Location

BPF_MOUNT = Path("/sys/fs/bpf")
"""Where the BPF file system is mounted (systemd mounts it there)."""
_KEY_BYTES = 8


def pin_directory(location: Location) -> Path:
    """Return the directory of a store; it is there if the engine is, or was left, attached."""
    name = bytes(location.directory / location.name)
    return BPF_MOUNT / "greenwall" / hashlib.blake2b(name, digest_size=_KEY_BYTES).hexdigest()
