"""Files that imports read: regular ones. A pipe or a device would keep a console waiting, or fill it, for ever."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

_STANDARD_INPUT = "/dev/stdin"
"""May be a pipe: who says so has put something into it."""


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading; what is no regular one is refused before it is opened, and never waited for.

    Args:
        path: Its path.

    Raises:
        OSError, ValueError: There is none, it cannot be read, or is none of the kind.
    """
    _check(os.stat(path).st_mode, path)  # opening alone makes some devices do something
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        _check(os.fstat(handle).st_mode, path)
        os.set_blocking(handle, True)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def _check(mode: int, path: str | os.PathLike[str]) -> None:
    if stat.S_ISREG(mode) or (os.fspath(path) == _STANDARD_INPUT and stat.S_ISFIFO(mode)):
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "it is no regular file", path)
