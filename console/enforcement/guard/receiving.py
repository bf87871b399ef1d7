"""Receives of datagrams that tell where they came from, in jobs whose names are resolved at SOCKS servers.

A resolver that asked a name server takes no answer from anybody else, and looks at the address that recvfrom(2),
recvmsg(2) or recvmmsg(2) tells it. What the guard answered has come from the guard (`name_server`). So where such an
answer is next in a socket's queue it is received here, and the caller is told the address that it had asked. All other
receives are the caller's own.

An answer is copied to the caller before it is taken out of the queue: a caller that a signal takes out of its call
finds it there when it calls again.

Source: net/socket.c, __sys_recvfrom, ____sys_recvmsg and do_recvmmsg; net/ipv4/udp.c, udp_recvmsg.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.backend import Backend, Call
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.destination import datagram_kind
from console.enforcement.guard.message import copy_in
from console.enforcement.guard.remote_names import RemoteNames
from console.enforcement.guard.supervisor import Attempt, Supervisor
from console.enforcement.guard.turns import Turns
from console.errors import CallerGone

_FLAGS_ARGUMENT = {k.SYS_RECVFROM: 3, k.SYS_RECVMSG: 2, k.SYS_RECVMMSG: 3}
_LOOK_S = 0.1
_MOST_OCTETS = 0xFFFF
_MOST_CONTROL = 1024
_LENGTH = struct.Struct("=i")
_SIZE = struct.Struct("=Q")
_COUNT = struct.Struct("=I")
_NAME_LENGTH_AT, _CONTROL_LENGTH_AT, _FLAGS_AT = 8, 40, 48
"""Where struct user_msghdr has what a receive changes."""
_CHUNK = 128
"""Octets that `Backend.write_memory` writes at once."""


class _Room(NamedTuple):
    """Where a caller wants a datagram; each an address in its memory and a size."""

    parts: tuple[tuple[int, int], ...]
    """The pieces of its octets."""
    name: tuple[int, int]
    """The address that it came from."""
    control: tuple[int, int]
    name_length_at: int
    """Address at which the length of that address is wanted."""
    header: int
    """Address of the struct user_msghdr; 0 of a recvfrom."""


class _Found(NamedTuple):
    """The datagram that is next."""

    octets: bytes
    control: bytes
    flags: int
    told: bytes
    """The address that the caller is told."""


class ReceivePoint:
    """The handler of recvfrom, recvmsg and recvmmsg."""

    def __init__(self, names: RemoteNames, turns: Turns | None = None) -> None:
        self._names = names
        self._turns = turns

    def handle(self, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one receive.

        Raises:
            CallerGone: The call no longer waits.
            Undecidable: It must be rejected.
        """
        backend, call = supervisor.backend, attempt.call
        flags = call.arguments[_FLAGS_ARGUMENT[call.number]] & 0xFFFF_FFFF
        taken = supervisor.take_socket(attempt)
        if taken is None:
            return
        with taken:
            result = None
            if not flags & socket.MSG_ERRQUEUE and self._has_asked(taken):
                result = self._receive(backend, call, taken, flags)
        if result is None:
            backend.go_on(call)
        elif result < 0:
            backend.answer(call, -result)
        else:
            backend.answer_count(call, result)

    def _has_asked(self, taken: OwnedFd) -> bool:
        try:
            return datagram_kind(taken.number) is not None and self._names.has_asked(taken.number)
        except OSError:
            return False

    def _receive(self, backend: Backend, call: Call, taken: OwnedFd, flags: int) -> int | None:
        """Receive an answer of the guard.

        Returns:
            What the call returns, or a negative errno; None where what is next is none of the guard's.
        """
        waits = not flags & socket.MSG_DONTWAIT and not syscalls.is_non_blocking(taken.number)
        if not self._is_ready(backend, call, taken, waits=waits):
            return -errno.EAGAIN
        with socket.socket(fileno=os.dup(taken.number)) as wire:
            found = self._peek(wire)
            if found is None:
                return None
            room = _read_room(backend, call)
            if isinstance(room, int):
                return -room
            try:
                result = _hand_over(backend, call, room, found, tells_size=bool(flags & socket.MSG_TRUNC))
            except OSError as error:
                return -(error.errno or errno.EFAULT)
            if not flags & socket.MSG_PEEK:
                with contextlib.suppress(OSError):  # another thread has it
                    wire.recv(1, socket.MSG_DONTWAIT)
            return result

    def _is_ready(self, backend: Backend, call: Call, taken: OwnedFd, *, waits: bool) -> bool:
        """Wait until a socket has something, if its caller does; say whether it has."""
        if not waits or syscalls.is_readable(taken.number):
            return syscalls.is_readable(taken.number)
        if self._turns is not None:
            self._turns.may_block()
        limit_s = syscalls.receive_timeout_s(taken.number)
        give_up_at = time.monotonic() + limit_s if limit_s else math.inf
        poll = select.poll()
        poll.register(taken.number, select.POLLIN)
        while (left_s := give_up_at - time.monotonic()) > 0:
            if poll.poll(math.ceil(min(left_s, _LOOK_S) * 1000)):
                return True
            if not backend.is_waiting(call):
                raise CallerGone("GWL0402")
        return False

    def _peek(self, wire: socket.socket) -> _Found | None:
        """Return what is next in a socket's queue, if it is an answer of the guard."""
        try:
            octets, control, flags, source = wire.recvmsg(
                _MOST_OCTETS, _MOST_CONTROL, socket.MSG_PEEK | socket.MSG_DONTWAIT
            )
        except OSError:  # an error is next; or another thread has what was there
            return None
        told = self._names.told_of(wire.fileno(), _sockaddr(source)) if source else None
        if told is None:
            return None
        return _Found(octets, b"".join(map(_control_octets, control)), flags, told)


def _sockaddr(source: Sequence[Any]) -> bytes:
    """Return an address as the kernel has it, from the socket module's form."""
    host, port, *_ = source
    port_be = int(port).to_bytes(2, "big")
    if ":" not in host:
        return socket.AF_INET.to_bytes(2, "little") + port_be + socket.inet_aton(host) + bytes(8)
    address = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    return socket.AF_INET6.to_bytes(2, "little") + port_be + bytes(4) + address + bytes(4)


def _control_octets(control: tuple[int, int, bytes]) -> bytes:
    level, kind, data = control
    return k.CONTROL_HEADER.pack(k.CONTROL_HEADER.size + len(data), level, kind) + data + bytes(-len(data) % 8)


def _read_room(backend: Backend, call: Call) -> _Room | int:
    """Return where a caller wants a datagram, or the errno its call fails with.

    Raises:
        CallerGone: The call no longer waits.
        Undecidable: Memory cannot be read.
    """
    _, first, second, _, name_at, length_at = call.arguments
    if call.number == k.SYS_RECVFROM:
        length = copy_in(backend, call, [(length_at, _LENGTH.size)])
        if isinstance(length, int):
            return length
        (name_size,) = _LENGTH.unpack(length)
        return errno.EINVAL if name_size < 0 else _Room(((first, second),), (name_at, name_size), (0, 0), length_at, 0)
    if call.number == k.SYS_RECVMMSG and not second & 0xFFFF_FFFF:
        return errno.EINVAL
    header = copy_in(backend, call, [(first, k.MESSAGE.size)])
    if isinstance(header, int):
        return header
    name_at, name_size, parts_at, part_count, control_at, control_size, _ = k.MESSAGE.unpack(header)
    if part_count > k.MOST_PARTS:
        return errno.EMSGSIZE
    table = copy_in(backend, call, [(parts_at, part_count * k.PART.size)])
    if isinstance(table, int):
        return table
    parts = tuple(k.PART.iter_unpack(table))
    name = (name_at, name_size if name_at else 0)
    return _Room(parts, name, (control_at, control_size), first + _NAME_LENGTH_AT, first)


def _hand_over(backend: Backend, call: Call, room: _Room, found: _Found, *, tells_size: bool) -> int:
    """Copy a datagram to where its caller wants it.

    Args:
        backend: The kernel.
        call: The receive.
        room: Where.
        found: The datagram.
        tells_size: Whether the caller wants to know its whole size (MSG_TRUNC).

    Returns:
        What the call returns.

    Raises:
        CallerGone: The call no longer waits.
        OSError: EFAULT.
    """
    left = found.octets
    for address, size in room.parts:
        _write(backend, call, address, left[:size])
        left = left[size:]
    count = len(found.octets) - (0 if tells_size else len(left))
    _write(backend, call, room.name[0], found.told[: room.name[1]])
    if room.name[0]:
        _write(backend, call, room.name_length_at, _LENGTH.pack(len(found.told)))
    if room.header:
        control = found.control if len(found.control) <= room.control[1] else b""
        flags = found.flags & ~socket.MSG_CTRUNC
        flags |= (socket.MSG_TRUNC if left else 0) | (socket.MSG_CTRUNC if len(control) < len(found.control) else 0)
        _write(backend, call, room.control[0], control)
        _write(backend, call, room.header + _CONTROL_LENGTH_AT, _SIZE.pack(len(control)))
        _write(backend, call, room.header + _FLAGS_AT, _COUNT.pack(flags & 0xFFFF_FFFF))
    if call.number != k.SYS_RECVMMSG:
        return count
    _write(backend, call, room.header + k.MESSAGE_COUNT_OFFSET, _COUNT.pack(count))
    return 1


def _write(backend: Backend, call: Call, address: int, octets: bytes) -> None:
    for at in range(0, len(octets), _CHUNK):
        backend.write_memory(call, address + at, octets[at : at + _CHUNK])
