"""The system calls that send a job's datagrams from copies of its memory.

Threads: any.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
from collections.abc import Sequence

from console.enforcement import layouts as k

_libc = ctypes.CDLL(None, use_errno=True)
_libc.sendmsg.restype = _libc.sendto.restype = _libc.recvfrom.restype = ctypes.c_ssize_t
_libc.sendto.argtypes = (
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_char_p,
    ctypes.c_uint,
)
_libc.process_vm_readv.restype = ctypes.c_ssize_t
_MSG_ZEROCOPY = 0x400_0000


class _Part(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Message(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("name_length", ctypes.c_uint),
        ("parts", ctypes.POINTER(_Part)),
        ("part_count", ctypes.c_size_t),
        ("control", ctypes.c_char_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


def gather(thread: int, parts: Sequence[tuple[int, int]]) -> bytes:
    """Copy memory of another process that lies in several places (process_vm_readv(2)).

    Raises:
        OSError: EFAULT: part of it is not there; ESRCH: it has ended; EPERM: we may not.
    """
    size = sum(length for _, length in parts)
    if not size:
        return b""
    octets = ctypes.create_string_buffer(size)
    here = _Part(ctypes.addressof(octets), size)
    there = (_Part * len(parts))(*(_Part(address, length) for address, length in parts))
    count = _libc.process_vm_readv(thread, ctypes.byref(here), 1, there, len(parts), 0)
    if count != size:
        number = ctypes.get_errno() if count < 0 else errno.EFAULT
        raise OSError(number, os.strerror(number))
    return octets.raw


def send(descriptor: int, name: bytes | None, control: bytes, data: bytes, flags: int) -> int:
    """Send one datagram on a job's socket (sendmsg(2)).

    With MSG_ZEROCOPY the kernel reads the data after the call has returned. They are then in memory of their own, which
    is given back at once and which the kernel keeps for as long as it needs it.

    Args:
        descriptor: The socket.
        name: Where to; None for where it is connected to.
        control: Control data, as they are.
        data: What to send.
        flags: As the job gave them, 32 bits.

    Returns:
        The number of octets, or the negative errno that the job would have seen.
    """
    if flags & _MSG_ZEROCOPY and data:
        with mmap.mmap(-1, len(data)) as pages:
            pages[:] = data
            view = (ctypes.c_char * len(data)).from_buffer(pages)
            try:
                return _send(descriptor, name, control, _Part(ctypes.addressof(view), len(data)), flags)
            finally:
                del view  # an exported buffer keeps the pages
    if name == b"":  # to sendmsg that is no address; to sendto, the only call that can have it, one that is too short
        sent = _libc.sendto(descriptor, data, len(data), ctypes.c_int(flags | socket.MSG_NOSIGNAL), name, 0)
        return int(sent) if sent >= 0 else -ctypes.get_errno()
    start = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p)
    return _send(descriptor, name, control, _Part(start, len(data)), flags)


def _send(descriptor: int, name: bytes | None, control: bytes, data: _Part, flags: int) -> int:
    message = _Message(name, len(name or b""), ctypes.pointer(data), 1, control or None, len(control), 0)
    sent = _libc.sendmsg(descriptor, ctypes.byref(message), ctypes.c_int(flags | socket.MSG_NOSIGNAL))
    return int(sent) if sent >= 0 else -ctypes.get_errno()


def control_types(control: bytes) -> list[tuple[int, int]] | None:
    """Return level and type of each header in control data, walking them as the kernel does; None if it would not.

    Source: linux/socket.h, for_each_cmsghdr and CMSG_OK.
    """
    found = []
    at = 0
    while at + k.CONTROL_HEADER.size <= len(control):
        length, level, kind = k.CONTROL_HEADER.unpack_from(control, at)
        if not k.CONTROL_HEADER.size <= length <= len(control) - at:
            return None
        found.append((level, kind))
        at += length + -length % 8
    return found


def peek_source(descriptor: int) -> tuple[int, bytes]:
    """Look where the datagram that is next on a socket comes from, and leave it there.

    Returns:
        0 or the errno, EAGAIN where there is none; and the socket address. An error that waited on the socket no longer
        does.
    """
    name = ctypes.create_string_buffer(k.SOCKADDR_STORAGE_SIZE)
    size = ctypes.c_uint(len(name))
    flags = socket.MSG_PEEK | socket.MSG_DONTWAIT
    if _libc.recvfrom(descriptor, None, ctypes.c_size_t(0), flags, name, ctypes.byref(size)) < 0:
        return ctypes.get_errno() or errno.EAGAIN, b""
    return 0, name.raw[: size.value]
