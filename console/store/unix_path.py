"""Reaches Unix sockets whose path is longer than Linux takes, by way of their directory's descriptor."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MODE = 0o600


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Give a name of a socket that fits into a sockaddr_un while the block lasts.

    A path may have 4095 octets, sun_path takes 107 and the final NUL. Source: path_resolution(7), unix(7), proc(5).

    Raises:
        OSError: The directory cannot be opened.
    """
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def bind(endpoint: socket.socket, path: Path) -> None:
    """Bind a socket to a path that only its owner can connect to; what lies there is replaced.

    The file gets the mode of the socket less the umask, so that setting it before the bind leaves no moment in which
    others could connect. Source: unix_bind_bsd in net/unix/af_unix.c.

    Raises:
        OSError: It cannot be bound.
    """
    path.unlink(missing_ok=True)
    os.fchmod(endpoint.fileno(), _MODE)
    with short_path(path) as name:
        endpoint.bind(name)


def connect(endpoint: socket.socket, path: Path) -> None:
    """Connect a socket to a path.

    Raises:
        OSError: Nobody listens there, or it may not be reached.
    """
    with short_path(path) as name:
        endpoint.connect(name)
