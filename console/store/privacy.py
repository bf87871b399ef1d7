"""Whether a store lies where nobody but its owner can put another in its place.

Rules, passwords' hashes and the journal are believed because of where they are read from. In a directory that everybody
can write, and above one, everybody can move the store away: it is refused there, as ssh refuses keys. In /tmp and its
like everybody can make files, and nobody move another's (sticky bit, unlink(2)).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from console.errors import StoreError

_MOST_LINKS = 40
"""As many as Linux follows (path_resolution(7))."""


def check_way(path: Path) -> None:
    """Check that not everybody can change a directory in which a part of a path is looked up.

    Symbolic links are followed one by one: each is as good as the directory that it lies in. A group may share a
    directory; its members are those whom the owner chose.

    Args:
        path: Of a file, which need not be there.

    Raises:
        StoreError: Everybody can.
    """
    for directory in dict.fromkeys(_directories(path)):
        try:
            mode = directory.stat().st_mode
        except OSError:
            continue  # whatever is wrong with it, opening the store will say
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise StoreError("GWL0335", directory=directory)


def _directories(path: Path) -> Iterator[Path]:
    """Yield the directories in which the parts of a path are looked up, from the root on."""
    root, *parts = path.absolute().parts
    at, waiting, links = Path(root), parts[::-1], 0
    while waiting and links <= _MOST_LINKS:
        yield at
        name = waiting.pop()
        if name == os.pardir:
            at = at.parent
            continue
        try:
            target = Path(os.readlink(at / name))
        except OSError:
            at /= name
            continue
        links += 1
        if target.is_absolute():
            at = Path(root)
        waiting += [part for part in target.parts if part != target.anchor][::-1]


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
