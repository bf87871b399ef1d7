"""Makes a listener readable when the guard says so, and at no other time.

A program that waits for an inbound connection waits on its own listener: in accept, or by select, poll or epoll, on an
edge too. The connection that it waits for comes from a SOCKS server and never sees that listener. So the listener
really listens, on a loopback address and a port of the kernel's choice, and takes packets from one port only, which is
the guard's, by a packet filter that nobody can take off (socket(7)). When there is something to accept, the guard
connects to it.

Nothing of that shows to the program but the filter's options. Others that find the port get no answer.

Knows nothing of SOCKS.

Threads: one at a time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.sockets import attach_packet_filter, detach_packet_filter, lock_packet_filter

_LOOPBACK = "127.0.0.1"
_LOOPBACK_V6 = "::1"
_MAPPED_LOOPBACK = "::ffff:127.0.0.1"
_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
_PATIENCE_MS = 100
"""How long what happens on loopback may take; on a machine that is busy it is left to ksoftirqd."""
_BACKLOG = 8
_OCTET = b"\0"
"""A listener with TCP_DEFER_ACCEPT hears only of connections that something was sent on."""

# Classic BPF: load a half word of the TCP header or a word, compare, return how many octets to take.
_LOAD_HALF = 0x28
_LOAD_WORD = 0x20
_JUMP_EQUAL = 0x15
_RETURN = 0x06
_EVERYTHING, _NOTHING = 0xFFFF_FFFF, 0
_SOURCE_PORT = 0
"""Offset in the TCP header (RFC 9293, section 3.1)."""
_IP_HEADER = 0xFFF0_0000
"""SKF_NET_OFF (linux/filter.h): where an offset counts from the IP header."""
_SOURCE_ADDRESS: dict[int, tuple[int, str]] = {socket.AF_INET: (12, _LOOPBACK), socket.AF_INET6: (8, _LOOPBACK_V6)}
"""Family -> offset of the source address in the IP header (RFC 791, RFC 8200), and what it must be."""


class Doorbell:
    """One listener, and the guard's connection to it, made or not."""

    def __init__(self, listener: int) -> None:
        """Let a socket that is not bound listen.

        Raises:
            OSError: It is bound, or there is no port, no memory, no descriptor.
        """
        with socket.socket(fileno=os.dup(listener)) as server:
            name, self._family, self._own_name = _names(server)
            self._own_port = 0
            self._rung = False
            self._ours: socket.socket | None = self._make()
            try:
                attach_packet_filter(listener, _only_from(self._family, self._own_port))
                try:
                    server.bind((name, 0))
                    server.listen(_BACKLOG)
                except OSError:
                    detach_packet_filter(listener)  # what became of the socket is the program's affair again
                    raise
                lock_packet_filter(listener)
            except OSError:
                self.close()
                raise
            self._at = (self._own_name, server.getsockname()[1])

    def _make(self) -> socket.socket:
        """Return the socket that will connect to the listener, with the same port each time."""
        with contextlib.ExitStack() as undo:
            ours = undo.enter_context(socket.socket(self._family, socket.SOCK_STREAM))
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            ours.setblocking(False)
            ours.bind((self._own_name, self._own_port))
            self._own_port = ours.getsockname()[1]
            undo.pop_all()
        return ours

    def ring(self) -> None:
        """Make the listener readable; again is fine."""
        ours = self._ours
        if self._rung or ours is None:
            return
        self._rung = True
        with contextlib.suppress(OSError):  # the listener is bound to a device, or its loopback is gone
            ours.connect_ex(self._at)
            poll = select.poll()
            poll.register(ours.fileno(), select.POLLOUT)
            poll.poll(_PATIENCE_MS)
            ours.send(_OCTET)

    @property
    def is_there(self) -> bool:
        """Whether the listener is still open: nobody else can have its port."""
        with socket.socket(self._family, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(self._at)
            except OSError as error:
                return error.errno == errno.EADDRINUSE
        return False

    def silence(self, listener: int) -> None:
        """Let the listener not be readable until it is armed again."""
        self.close()
        for _ in range(_BACKLOG + 1):  # as many as can wait at once
            if not syscalls.is_readable(listener):
                break
            number, _ = syscalls.accept(listener, socket.SOCK_CLOEXEC)
            if number < 0:
                break
            syscalls.reset(number)

    def arm(self) -> None:
        """Let a listener that was silenced be rung at again; one that was not stays as it is."""
        if self._ours is None:
            with contextlib.suppress(OSError):  # no descriptor, or the port is taken: it is heard of in accept only
                self._ours = self._make()
                self._rung = False

    def close(self) -> None:
        """Take the connection back, if the listener has it."""
        ours, self._ours = self._ours, None
        if ours is not None:
            ours.close()


def _names(server: socket.socket) -> tuple[str, int, str]:
    """Return where a listener is to listen, and family and address of who connects to it."""
    if server.family == socket.AF_INET:
        return _LOOPBACK, socket.AF_INET, _LOOPBACK
    if server.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY):
        return _LOOPBACK_V6, socket.AF_INET6, _LOOPBACK_V6
    return _MAPPED_LOOPBACK, socket.AF_INET, _LOOPBACK


def _only_from(family: int, port: int) -> tuple[bytes, ...]:
    """Return the steps that take what comes from a port of the loopback address of a family, and nothing else."""
    at, address = _SOURCE_ADDRESS[family]
    octets = socket.inet_pton(family, address)
    words = [(_IP_HEADER + at + i, int.from_bytes(octets[i : i + 4], "big")) for i in range(0, len(octets), 4)]
    checks = [(_LOAD_HALF, _SOURCE_PORT, port), *((_LOAD_WORD, offset, wanted) for offset, wanted in words)]
    steps: list[bytes] = []
    for left, (load, offset, wanted) in zip(range(len(checks), 0, -1), checks, strict=True):
        steps += (
            k.FILTER_INSTRUCTION.pack(load, 0, 0, offset),
            k.FILTER_INSTRUCTION.pack(_JUMP_EQUAL, 0, 2 * left - 1, wanted),
        )
    return (
        *steps,
        k.FILTER_INSTRUCTION.pack(_RETURN, 0, 0, _EVERYTHING),
        k.FILTER_INSTRUCTION.pack(_RETURN, 0, 0, _NOTHING),
    )
