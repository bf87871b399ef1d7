"""System calls that make and change sockets for a job, with errno values as the job would see them.

Threads: any.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket

from console.enforcement import layouts as k
from console.enforcement.fds import OwnedFd

_libc = ctypes.CDLL(None, use_errno=True)


def make_socket(family: int, kind: int, protocol: int) -> OwnedFd:
    """Make a socket (socket(2)).

    Raises:
        OSError: With the errno that the job would have seen.
    """
    made = _libc.socket(ctypes.c_int(family), ctypes.c_int(kind), ctypes.c_int(protocol))
    if made < 0:
        number = ctypes.get_errno() or errno.EPROTONOSUPPORT
        raise OSError(number, os.strerror(number))
    return OwnedFd(int(made))


def set_upgrade(descriptor: int, name: bytes) -> int:
    """Hand a job's TCP socket to another protocol of the kernel (tcp(7), TCP_ULP); returns 0 or the errno."""
    if _libc.setsockopt(descriptor, socket.IPPROTO_TCP, k.TCP_ULP, name, len(name)):
        return ctypes.get_errno()
    return 0
