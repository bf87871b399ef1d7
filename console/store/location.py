"""Where stores are, and the names of what lies beside them: sockets, locks, spools, keys; opens none.

Needs no SQLAlchemy: a guard stands in front of each guarded command, and that would be the half of its start-up time.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

_SYSTEM_DIRECTORY = Path("/var/lib/greenwall")
_FILE_NAME = "greenwall.db"
_PLAIN_SQLITE = re.compile(r"sqlite:///(?P<path>[^?:\0]+)")
"""A URL that names a file and says no more: the only kind that can be read without SQLAlchemy."""
_LONGEST_NAME_BYTES = 48
"""A socket is reached as /proc/self/fd/NNN/NAME.worker.sock; Linux takes 107 octets (unix(7))."""


def state_directory() -> Path:
    """Return the directory of the default store: the system's for root, the user's XDG state directory otherwise."""
    if os.geteuid() == 0:
        return _SYSTEM_DIRECTORY
    import platformdirs  # for those only whose command takes the default store

    return Path(platformdirs.user_state_path("greenwall"))


def default_url() -> str:
    """Return the URL of the store that is used when none is named."""
    return f"sqlite:///{state_directory() / _FILE_NAME}"


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
    def key(self) -> Path:
        """Return the file of the key that the passwords in the store are encrypted with."""
        return self.directory / f"{self.name}.key"

    @property
    def ssh_host_key(self) -> Path:
        """Return the file of the key by which SSH clients know this system."""
        return self.directory / f"{self.name}.ssh_host_ed25519_key"

    @property
    def journal_key(self) -> Path:
        """Return the file of the key that the journal is signed with."""
        return self.directory / f"{self.name}.journal.key"

    @property
    def journal_head(self) -> Path:
        """Return the file that says how far the journal had come at its last checkpoint."""
        return self.directory / f"{self.name}.journal.head"

    def history(self, user: str) -> Path:
        """Return the file of the commands that a user profile has run, for F9; no name leads out of its directory."""
        from urllib.parse import quote  # for consoles only: guards have no time for it

        return self.directory / f"{self.name}.history" / quote(user, safe="")

    @property
    def spool(self) -> Path:
        """Return the directory in which guards keep entries that no worker has taken."""
        return self.directory / f"{self.name}.spool"


def locate_file(file: Path) -> Location:
    """Return where the sockets, locks and spools of a SQLite store lie: beside its file.

    Args:
        file: Absolute path of the store.
    """
    name = file.name
    if len(os.fsencode(name)) > _LONGEST_NAME_BYTES:
        name = hashlib.blake2b(os.fsencode(name), digest_size=12).hexdigest()
    return Location(file.parent, name)


def plain_sqlite_file(url: str) -> Path | None:
    """Return the absolute path of the file that a plain SQLite URL names; None for any other URL."""
    found = _PLAIN_SQLITE.fullmatch(url)
    return Path(os.path.abspath(found["path"])) if found else None
