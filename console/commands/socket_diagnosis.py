"""Finds one TCP socket of this system by its ends and ends it, over the kernel's sock_diag netlink.

The console decides nothing about sockets; this is the administrator's own act, as ``ss --kill`` is.

A trap: asked for a connection that is no more, the kernel goes on to the listener of its port, and would end that. So
the socket is looked up first, its ends are compared, and it is ended by its cookie, which no other socket ever has.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from console.errors import CommandError

_BY_FAMILY, _DESTROY, _ERROR = 20, 21, 2
"""SOCK_DIAG_BY_FAMILY and SOCK_DESTROY of linux/sock_diag.h, NLMSG_ERROR of linux/netlink.h."""
_REQUEST, _ACK = 0x1, 0x4
"""NLM_F_REQUEST, NLM_F_ACK."""
_NETLINK_SOCK_DIAG = 4
_NO_COOKIE = b"\xff" * 8
_ANY_STATE = 0xFFFF_FFFF
_HEADER = struct.Struct("=IHHII")
"""nlmsghdr: length, type, flags, number, port id."""
_QUESTION = struct.Struct("=BBBxI")
"""inet_diag_req_v2 up to its socket: family, protocol, extensions, states."""
_ENDS = struct.Struct("!HH16s16s")
"""inet_diag_sockid up to its interface: ports and addresses, big-endian."""
_SOCKET_AT = _HEADER.size + 4
"""Where the socket begins in an inet_diag_msg: behind family, state, timer and retransmissions."""
_COOKIE_AT = _SOCKET_AT + _ENDS.size + 4
_COOKIE_SIZE = 8
_LONGEST = 8192

_REASONS = {
    errno.EPERM: "GWL0753",
    errno.EACCES: "GWL0753",
    errno.EOPNOTSUPP: "GWL0754",
    errno.ENOENT: "GWL0752",
    errno.ESTALE: "GWL0752",
}
"""What the kernel answers -> id of the message that says it."""


@dataclass(frozen=True, slots=True)
class TcpEnds:
    """A TCP socket by its two ends."""

    local_address: str
    local_port: int
    remote_address: str = ""
    """Empty for a listener."""
    remote_port: int = 0

    def __str__(self) -> str:
        remote = f" and {self.remote_address}:{self.remote_port}" if self.remote_address else ""
        return f"{self.local_address}:{self.local_port}{remote}"


def end_socket(ends: TcpEnds) -> None:
    """End a TCP connection, or close a listener, of this network namespace; whoever waits at it gets ECONNABORTED.

    Source: sock_diag(7), tcp_abort() of net/ipv4/tcp.c.

    Raises:
        CommandError: There is no such socket, this user may not end it, or this kernel cannot.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as netlink:
        for family, asked in _spellings(ends):
            cookie = _find(netlink, family, asked)
            if cookie:
                _ask(netlink, _DESTROY, family, asked, cookie, ends)
                return
    raise CommandError("GWL0752", ends=ends)


def _spellings(ends: TcpEnds) -> list[tuple[int, bytes]]:
    """Return the ends as each family has them: an IPv4 connection may be one of an IPv6 socket."""
    local = ip_address(ends.local_address)
    remote = ip_address(ends.remote_address) if ends.remote_address else type(local)(0)
    pairs = [(local, remote)]
    if local.version == remote.version == 4 and ends.remote_address:
        pairs.append((IPv6Address(f"::ffff:{local}"), IPv6Address(f"::ffff:{remote}")))
    return [
        (
            socket.AF_INET if mine.version == 4 else socket.AF_INET6,
            _ENDS.pack(ends.local_port, ends.remote_port, mine.packed.ljust(16, b"\0"), other.packed.ljust(16, b"\0")),
        )
        for mine, other in pairs
    ]


def _find(netlink: socket.socket, family: int, asked: bytes) -> bytes:
    """Return the cookie of the socket with exactly these ends; empty when there is none."""
    reply = _exchange(netlink, _BY_FAMILY, family, asked, _NO_COOKIE, 0)
    kind = _HEADER.unpack_from(reply)[1]
    if kind != _BY_FAMILY or reply[_SOCKET_AT : _SOCKET_AT + _ENDS.size] != asked:
        return b""
    return reply[_COOKIE_AT : _COOKIE_AT + _COOKIE_SIZE]


def _ask(netlink: socket.socket, kind: int, family: int, asked: bytes, cookie: bytes, ends: TcpEnds) -> None:
    """Ask the kernel to do something to a socket.

    Raises:
        CommandError: It does not.
    """
    reply = _exchange(netlink, kind, family, asked, cookie, _ACK)
    (code,) = struct.unpack_from("=i", reply, _HEADER.size)
    if code:
        message_id = _REASONS.get(-code, "GWL0755")
        raise CommandError(message_id, ends=ends, reason=os.strerror(-code))


def _exchange(netlink: socket.socket, kind: int, family: int, asked: bytes, cookie: bytes, flags: int) -> bytes:
    question = _QUESTION.pack(family, socket.IPPROTO_TCP, 0, _ANY_STATE) + asked + bytes(4) + cookie
    header = _HEADER.pack(_HEADER.size + len(question), kind, _REQUEST | flags, 1, 0)
    netlink.send(header + question)
    return netlink.recv(_LONGEST)
