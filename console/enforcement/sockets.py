"""System calls that make and change sockets for a job, with errno values as the job would see them.

Threads: any.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import socket
import struct
from collections.abc import Sequence

from console.enforcement import layouts as k
from console.enforcement.fds import OwnedFd

_libc = ctypes.CDLL(None, use_errno=True)

_SO_ATTACH_FILTER = 26
_SO_DETACH_FILTER = 27
_SO_LOCK_FILTER = 44
_YES = (1).to_bytes(4, "little")
_PACKET_FILTER = struct.Struct("=H6xQ")


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


def bind(descriptor: int, sockaddr: bytes) -> int:
    """Bind a socket (bind(2)); returns 0 or the errno."""
    if _libc.bind(descriptor, sockaddr, len(sockaddr)):
        return ctypes.get_errno()
    return 0


def attach_packet_filter(descriptor: int, steps: Sequence[bytes]) -> None:
    """Let a socket take only the packets for which a classic BPF program returns more than 0 (socket(7)).

    Layout: struct sock_fprog: number of instructions 2, their address 8; each as `layouts.FILTER_INSTRUCTION`. To a
    TCP socket a packet begins with its TCP header.

    Raises:
        OSError: ENOMEM; EPERM: it has another for good.
    """
    octets = ctypes.create_string_buffer(b"".join(steps), len(steps) * k.FILTER_INSTRUCTION.size)
    program = _PACKET_FILTER.pack(len(steps), ctypes.addressof(octets))
    _set(descriptor, _SO_ATTACH_FILTER, program)


def lock_packet_filter(descriptor: int) -> None:
    """Let nobody take a socket's filter off any more.

    Raises:
        OSError: It is no socket.
    """
    _set(descriptor, _SO_LOCK_FILTER, _YES)


def detach_packet_filter(descriptor: int) -> None:
    """Take a socket's filter off, if it has one that is not locked."""
    with contextlib.suppress(OSError):
        _set(descriptor, _SO_DETACH_FILTER, _YES)


def _set(descriptor: int, option: int, value: bytes) -> None:
    if _libc.setsockopt(descriptor, socket.SOL_SOCKET, option, value, len(value)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
