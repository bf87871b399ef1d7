"""Tells a program the address that it asked for, where it asks whom its socket is connected to (getpeername(2)).

A socket that was taken through a SOCKS server is connected to that. What the program wants to know, for its log or
to tell a second connection where to go, is the address that it had connected to. The filter asks about getpeername in
jobs that began under a policy with SOCKS entries; about every other socket the kernel answers itself.

Source: net/socket.c, __sys_getpeername and move_addr_to_user.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import threading
from collections.abc import Callable
from typing import NamedTuple

from console.enforcement import layouts as k
from console.enforcement import streams, syscalls
from console.enforcement.backend import Call
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.supervisor import Attempt, Supervisor, Undecidable

_MOST_KEPT = 16_384
"""Sockets; the one that was connected first is forgotten first, and shows the SOCKS server from then on."""
_LENGTH = struct.Struct("=i")
_LINK_LOCAL = 0xFE80 >> 6
"""The first ten bits of addresses that have a scope."""


class _Known(NamedTuple):
    """A connection through a server."""

    asked: bytes
    """Socket address, as the kernel would tell it of a direct connection."""
    ends: tuple[bytes, bytes]
    """Socket addresses of both its ends: another connection of the socket has others."""


class PeerNames:
    """What the sockets of a job were to be connected to.

    Threads: any.
    """

    def __init__(self) -> None:
        self.stand_ins: Callable[[int, bytes], bytes | None] | None = None
        """Returns what a peer stands in for, given a socket and its peer (`remote_names`)."""
        self._known: dict[int, _Known] = {}
        """Number of a socket (SO_COOKIE) -> its connection."""
        self._mutex = threading.Lock()

    def remember(self, number: int, sockaddr: bytes) -> None:
        """Keep what a program asked for, now that its socket is connected to a server."""
        try:
            known = _Known(as_told(sockaddr), _ends(number))
            cookie = streams.cookie(number)
        except OSError:  # the server has hung up meanwhile
            return
        with self._mutex:
            self._known.pop(cookie, None)
            if len(self._known) >= _MOST_KEPT:
                del self._known[next(iter(self._known))]
            self._known[cookie] = known

    def asked(self, number: int) -> bytes | None:
        """Return what the program asked for, of a socket that was led elsewhere; None of any other."""
        if self.stand_ins is not None:
            with contextlib.suppress(OSError):  # not connected
                asked = self.stand_ins(number, syscalls.peer_sockaddr(number))
                if asked is not None:
                    return asked
        if not self._known:
            return None
        try:
            cookie = streams.cookie(number)
            known = self._known.get(cookie)
            if known is None or known.ends == _ends(number):
                return None if known is None else known.asked
        except OSError:
            return None
        with self._mutex:
            self._known.pop(cookie, None)
        return None

    def handle(self, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one getpeername.

        Raises:
            CallerGone: The call no longer waits.
        """
        call = attempt.call
        taken = self._take(supervisor, attempt)
        if taken is None:
            supervisor.backend.go_on(call)
            return
        with taken:
            asked = self.asked(taken.number)
        if asked is None:
            supervisor.backend.go_on(call)
        else:
            supervisor.backend.answer(call, write_name(supervisor, call, asked))

    def _take(self, supervisor: Supervisor, attempt: Attempt) -> OwnedFd | None:
        """Return the socket; None if there is none, which the kernel says better."""
        if not self._known and self.stand_ins is None:
            return None
        try:
            return supervisor.backend.take_descriptor(
                attempt.call, attempt.caller, attempt.call.arguments[0] & 0xFFFF_FFFF
            )
        except (OSError, Undecidable):
            return None


def _ends(number: int) -> tuple[bytes, bytes]:
    return syscalls.local_sockaddr(number), syscalls.peer_sockaddr(number)


def as_told(sockaddr: bytes) -> bytes:
    """Return an address as getpeername tells it: of its full length, without a flow label, scopes where there are any.

    Layout: sockaddr_in: family 2, port_be 2, address 4, zero 8; sockaddr_in6: family 2, port_be 2, flow 4, address 16,
    scope 4.
    """
    if k.sockaddr_family(sockaddr) == socket.AF_INET:
        return sockaddr[:8] + bytes(8)
    address = sockaddr[8:24]
    has_scope = int.from_bytes(address[:2], "big") >> 6 == _LINK_LOCAL
    return sockaddr[:4] + bytes(4) + address + (sockaddr[24:28].ljust(4, b"\0") if has_scope else bytes(4))


def write_name(supervisor: Supervisor, call: Call, sockaddr: bytes) -> int:
    """Write an address where the caller wants it; returns 0 or the errno.

    Layout: The caller's length is an int, in and out: room on entry, the address's whole length on return.
    """
    address, length = call.arguments[1], call.arguments[2]
    try:
        (room,) = _LENGTH.unpack(supervisor.backend.read_memory(call, length, _LENGTH.size))
        if room < 0:
            return errno.EINVAL
        supervisor.backend.write_two(call, address, sockaddr[:room], length, _LENGTH.pack(len(sockaddr)))
    except OSError as error:
        return error.errno or errno.EFAULT
    return 0
