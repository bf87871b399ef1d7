"""Whom worker and guards believe, beside a store that may lie where others can make files and sockets, as in /tmp."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")
"""struct ucred: process id, user id, group id. Source: unix(7), SO_PEERCRED."""


def peer(endpoint: socket.socket) -> tuple[int, int]:
    """Return process id and user id of the other end, as they were at its connect(2) or listen(2).

    Raises:
        OSError: It is no connected Unix socket.
    """
    pid, uid, _ = _CREDENTIALS.unpack(endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid


def trusted_users(directory: Path) -> frozenset[int]:
    """Return the users whose sockets and files beside a store are believed: ours, root, and the directory's owner.

    Who owns the directory can replace the store itself.

    Raises:
        OSError: The directory cannot be looked at.
    """
    return frozenset({0, os.geteuid(), directory.stat().st_uid})
