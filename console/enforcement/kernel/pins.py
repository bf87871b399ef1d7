"""What outlives a worker: the files of the BPF file system that keep its programs attached.

A directory for each engine, below one for its store. Its name says of which object file the programs are and what they
are attached to; the next worker of the same object file goes on with them as they are: nothing is attached or removed,
so no call is left out and none decided twice. One of another object file attaches its own, and only then removes
what the one before has left: for a moment both decide, and a call may be journalled twice. What was told meanwhile lies
in the ring buffer, which is pinned as well.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from console.enforcement.fds import OwnedFd
from console.enforcement.kernel import libbpf
from console.enforcement.kernel.engine import pinned_names, read_counters, version
from console.enforcement.kernel.ring import Ring
from console.enforcement.kernel_place import BPF_MOUNT, remove
from console.errors import KernelError

_EVENTS = "events"
_COUNTERS = "counters"
_RANDOM_BYTES = 6


class Leftover:
    """What an engine has left that decides no longer: the ring buffer with what was not written yet."""

    def __init__(self, directory: Path) -> None:
        self.name = directory.name
        """By which the store knows the ring buffer."""
        self.ring: Ring | None = None
        """None where there is none that could be read."""
        self.lost = 0
        """How many decisions found no room in it, in all."""
        self._directory = directory
        self._events: OwnedFd | None = None
        with contextlib.suppress(OSError):
            self._events = libbpf.opened(directory / _EVENTS)
            self.ring = Ring(self._events.number, libbpf.entries(self._events.number))
        for path in directory.iterdir():
            if path.name not in (_EVENTS, _COUNTERS):
                path.unlink()
        with contextlib.suppress(OSError), libbpf.opened(directory / _COUNTERS) as counters:
            self.lost = read_counters(counters.number).lost

    def remove(self) -> None:
        """Let go of it: everything is written."""
        if self.ring is not None:
            self.ring.close()
        if self._events is not None:
            self._events.close()
        shutil.rmtree(self._directory, ignore_errors=True)


class Pins:
    """Those of one store.

    Args:
        directory: In the BPF file system; made when it is needed.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def find(self, cgroup: Path) -> Path | None:
        """Return where an engine like ours was left attached to a cgroup, all of it; None for nowhere."""
        prefix = _prefix(cgroup)
        for found in self._all():
            if found.name.startswith(prefix) and {path.name for path in found.iterdir()} >= pinned_names():
                return found
        return None

    def make(self, cgroup: Path) -> Path:
        """Make the directory of a new engine, empty; mount the BPF file system first where nobody has, as bpftool does.

        Raises:
            KernelError: There is no BPF file system to be had, or nothing may be made in it.
        """
        if not os.path.ismount(BPF_MOUNT):
            try:
                libbpf.mount(BPF_MOUNT)
            except OSError as error:
                raise KernelError("GWL047B", path=BPF_MOUNT, reason=error.strerror) from error
        made = self._directory / f"{_prefix(cgroup)}{secrets.token_hex(_RANDOM_BYTES)}"
        try:
            made.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise KernelError("GWL047C", path=made, reason=error.strerror or error) from error
        return made

    def leave_all(self, but: Path | None = None) -> list[Leftover]:
        """Let all other engines decide no longer; return what they have left to be written."""
        return [Leftover(found) for found in self._all() if found != but]

    def remove(self) -> bool:
        """Let go of everything; say whether there was anything."""
        if not self._directory.exists():
            return False
        remove(self._directory)
        return True

    def _all(self) -> list[Path]:
        with contextlib.suppress(FileNotFoundError):
            return sorted(self._directory.iterdir())
        return []


def _prefix(cgroup: Path) -> str:
    """Return how the names of directories begin; the number of its directory is a cgroup's for as long as it exists."""
    try:
        number = cgroup.stat().st_ino
    except OSError as error:
        raise KernelError("GWL047A", path=cgroup) from error
    return f"{version()}-{number:x}-"
