"""The names of the sockets, locks and spools beside a store; opens none of them, and needs no database to name them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Location:
    """The directory and the stem of everything that lies beside a store."""

    directory: Path
    name: str

    @property
    def worker_socket(self) -> Path:
        """Return the stream socket on which guards reach the worker."""
        return self.directory / f"{self.name}.worker.sock"

    @property
    def wake_socket(self) -> Path:
        """Return the datagram socket on which the worker is woken."""
        return self.directory / f"{self.name}.wake.sock"

    @property
    def worker_lock(self) -> Path:
        """Return the file that a running worker holds locked."""
        return self.directory / f"{self.name}.worker.lock"

    @property
    def open_lock(self) -> Path:
        """Return the file that is held locked while the store is made or upgraded."""
        return self.directory / f"{self.name}.open.lock"

    @property
    def spool(self) -> Path:
        """Return the directory in which guards keep entries that no worker has taken."""
        return self.directory / f"{self.name}.spool"
