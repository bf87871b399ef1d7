"""What outlives a worker: the files of the BPF file system that keep its programs attached.

Each run of a worker has a directory of its own, below one for its store. The next attaches its own programs, and only
then removes what the one before has left: there is no moment in which nobody decides. What was told meanwhile lies in
the ring buffer, which is pinned as well.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from console.enforcement.kernel import libbpf
from console.enforcement.kernel.engine import read_counters
from console.enforcement.kernel.events import KernelEvent, read_event
from console.enforcement.kernel_place import BPF_MOUNT
from console.errors import KernelError

_EVENTS = "events"
_COUNTERS = "counters"


class Pins:
    """Those of one store.

    Args:
        directory: In the BPF file system; made when it is needed.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def make(self) -> Path:
        """Make the directory of this run, empty; mount the BPF file system first where nobody has, as bpftool does.

        Raises:
            KernelError: There is no BPF file system to be had.
        """
        if not os.path.ismount(BPF_MOUNT):
            try:
                libbpf.mount(BPF_MOUNT)
            except OSError as error:
                raise KernelError("GWL047B", path=BPF_MOUNT, reason=error.strerror) from error
        made = self._directory / str(os.getpid())
        if made.exists():  # of another process, which had our number
            shutil.rmtree(made)
        made.mkdir(mode=0o700, parents=True)
        return made

    def others(self) -> list[Path]:
        """Return the directories of other runs, which have ended: a store has one worker."""
        with contextlib.suppress(FileNotFoundError):
            return [found for found in self._directory.iterdir() if found.name != str(os.getpid())]
        return []

    def take_over(self, take: Callable[[KernelEvent], None]) -> int:
        """Let go of what other runs have left, and take what it has told.

        Args:
            take: Called with each event.

        Returns:
            How many decisions found no room to be told, and are not in the journal as lost either.
        """
        lost = 0
        for directory in self.others():
            with contextlib.ExitStack() as stack:
                buffer = None
                with contextlib.suppress(OSError):
                    events = stack.enter_context(libbpf.opened(directory / _EVENTS))
                    buffer = libbpf.RingBuffer(events.number, lambda octets: take(read_event(octets)))
                    stack.callback(buffer.close)
                counters = None
                with contextlib.suppress(OSError):
                    counters = stack.enter_context(libbpf.opened(directory / _COUNTERS)).number
                shutil.rmtree(directory)
                if buffer is not None:
                    buffer.consume()
                if counters is not None:
                    with contextlib.suppress(OSError):  # of another version
                        counted = read_counters(counters)
                        lost += max(counted.lost - counted.lost_told, 0)
        return lost

    def remove(self) -> bool:
        """Let go of everything; say whether there was anything."""
        if not self._directory.exists():
            return False
        shutil.rmtree(self._directory)
        return True
