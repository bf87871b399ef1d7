"""Whether a store lies where nobody but its owner can put another in its place.

Rules, passwords' hashes and the journal are believed because of where they are read from. In a directory that everybody
can write, and above one, everybody can move the store away: it is refused there, as ssh refuses keys. In /tmp and its
like everybody can make files, and nobody move another's (sticky bit, unlink(2)).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from console.errors import StoreError


def check_directory(directory: Path) -> None:
    """Check that not everybody can change a directory, or one above it; a symbolic link on the way has two ways.

    Raises:
        StoreError: Everybody can.
    """
    real = Path(os.path.realpath(directory))
    for each in dict.fromkeys((directory, *directory.parents, real, *real.parents)):
        try:
            mode = each.stat().st_mode
        except OSError:
            continue  # whatever is wrong with it, opening the store will say
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise StoreError("GWL0335", directory=each)


def check_owner(path: Path, status: os.stat_result) -> None:
    """Check that a store's file is that of somebody who is believed, and of nobody else.

    Believed are who runs this, root, and the owner of the directory, who can put another file there in any case.

    Args:
        path: The file.
        status: What it is.

    Raises:
        StoreError: It is somebody else's, or everybody can write it.
    """
    if status.st_uid not in (os.geteuid(), 0, path.parent.stat().st_uid):
        raise StoreError("GWL0336", path=path, reason=f"it belongs to user {status.st_uid}")
    if status.st_mode & stat.S_IWOTH:
        raise StoreError("GWL0336", path=path, reason="everybody can write it")
