"""What a caller wants to send, copied out of its memory in the order and with the errors of the kernel.

Source: net/socket.c, __sys_sendto, __copy_msghdr, sendmsg_copy_msghdr, ____sys_sendmsg; lib/iov_iter.c, import_iovec.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import NamedTuple

from console.enforcement import layouts as k
from console.enforcement.backend import Backend, Call
from console.enforcement.guard.supervisor import Undecidable

_MOST_OCTETS = 0xFFFF
"""No datagram has more: the length in its header has 16 bits. More is EMSGSIZE whatever the octets are."""
_MOST_CONTROL = 1 << 20
"""Far above what a socket may have allocated for it (net.core.optmem_max); more is ENOBUFS."""
_TOO_MUCH = bytes(_MOST_OCTETS + 1)


class Message(NamedTuple):
    """One datagram on its way."""

    name: bytes | None
    """Socket address; None for where the socket is connected to."""
    control: bytes
    parts: tuple[tuple[int, int], ...]
    """Address and size of the pieces of its octets, in the caller's memory."""


def read_sendto(backend: Backend, call: Call) -> Message | int:
    """Return the message of a sendto(2), or the errno it fails with.

    Raises:
        CallerGone: The call no longer waits.
        Undecidable: Memory cannot be read.
    """
    _, octets, size, _, name_at, name_size = call.arguments
    name_size &= 0xFFFF_FFFF
    if name_size > k.SOCKADDR_STORAGE_SIZE:
        return errno.EINVAL
    name = copy_in(backend, call, [(name_at, name_size)])
    return name if isinstance(name, int) else Message(name, b"", ((octets, size),))


def read_header(backend: Backend, call: Call, address: int) -> Message | int:
    """Return the message that a struct user_msghdr describes, or the errno a send of it fails with.

    Raises:
        CallerGone: The call no longer waits.
        Undecidable: Memory cannot be read.
    """
    header = copy_in(backend, call, [(address, k.MESSAGE.size)])
    if isinstance(header, int):
        return header
    name_at, name_size, parts_at, part_count, control_at, control_size, _ = k.MESSAGE.unpack(header)
    if name_at and name_size >= 1 << 31:
        return errno.EINVAL
    has_name = bool(name_at and name_size)
    name = copy_in(backend, call, [(name_at, min(name_size, k.SOCKADDR_STORAGE_SIZE))]) if has_name else None
    if isinstance(name, int):
        return name
    if part_count > k.MOST_PARTS:
        return errno.EMSGSIZE
    table = copy_in(backend, call, [(parts_at, part_count * k.PART.size)])
    if isinstance(table, int):
        return table
    parts = tuple(k.PART.iter_unpack(table))
    if any(size >= 1 << 63 for _, size in parts):
        return errno.EINVAL
    if control_size > _MOST_CONTROL:
        return errno.ENOBUFS
    control = copy_in(backend, call, [(control_at, control_size)])
    return control if isinstance(control, int) else Message(name, control, parts)


def read_octets(backend: Backend, call: Call, message: Message) -> bytes | int:
    """Return what a message carries, or the errno its send fails with.

    Raises:
        CallerGone: The call no longer waits.
        Undecidable: Memory cannot be read.
    """
    if sum(size for _, size in message.parts) > _MOST_OCTETS:
        return _TOO_MUCH
    return copy_in(backend, call, message.parts)


def copy_in(backend: Backend, call: Call, parts: Sequence[tuple[int, int]]) -> bytes | int:
    """Return memory of the caller, or EFAULT; raises as the others here."""
    if not any(size for _, size in parts):
        return b""
    try:
        return backend.gather(call, parts)
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise Undecidable(f"memory not readable: {error.strerror}") from error
        return errno.EFAULT
