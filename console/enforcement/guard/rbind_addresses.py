"""What a socket that is to be bound through a SOCKS server could have been bound to, and what it tells of itself."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from console.enforcement import layouts as k
from console.enforcement import streams, syscalls
from console.enforcement.guard.acting import as_caller, may_bind_privileged_ports
from console.enforcement.guard.supervisor import Attempt, Supervisor, Undecidable, local_endpoint
from console.enforcement.sockets import bind, make_socket
from console.socks.words import Place

_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
_PORT_AT = slice(2, 4)
"""Where sockaddr_in and sockaddr_in6 have the port."""
_FIRST_FREE_PORT = "/proc/sys/net/ipv4/ip_unprivileged_port_start"
_USUAL_FIRST_FREE_PORT = 1024
_IPV4_MASK = 0xFFFF_FFFF


def unusable(number: int) -> int:
    """Return the errno for an Rbind of a socket that is none of TCP, or is bound or connected; 0 for a fresh one."""
    try:
        if syscalls.socket_option(number, socket.SO_DOMAIN) not in _INTERNET:
            return errno.EAFNOSUPPORT
        if syscalls.socket_option(number, socket.SO_PROTOCOL) != socket.IPPROTO_TCP:
            return errno.EOPNOTSUPP
        local = local_endpoint(number)
        is_fresh = streams.state(number) == streams.CLOSED and local is not None and not local.port
    except OSError as error:
        return error.errno or errno.ENOTSOCK
    return 0 if is_fresh else errno.EINVAL


def copy_address(supervisor: Supervisor, attempt: Attempt, address: int, size: int) -> bytes | int:
    """Copy the address that a program wants to bind to; or return the errno for none."""
    if size > k.SOCKADDR_STORAGE_SIZE:
        return errno.EINVAL
    try:
        return supervisor.backend.read_memory(attempt.call, address, size) if size else b""
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise Undecidable(f"memory not readable: {error.strerror}") from error
        return errno.EFAULT


def could_be_bound(supervisor: Supervisor, attempt: Attempt, number: int, asked: bytes) -> int:
    """Return the errno with which Linux would refuse a bind to an address, were its port not taken; 0 for none.

    Raises:
        CallerGone: The caller has ended.
        Undecidable: It cannot be told.
    """
    family = syscalls.socket_option(number, socket.SO_DOMAIN)
    with as_caller(supervisor, attempt):
        try:
            probe = make_socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, socket.IPPROTO_TCP)
        except OSError as error:
            return error.errno or errno.ENOBUFS
        with probe:
            result = bind(probe.number, asked[: _PORT_AT.start] + bytes(len(asked[_PORT_AT])) + asked[_PORT_AT.stop :])
    return result or refuses_port(supervisor, attempt, asked)


def refuses_port(supervisor: Supervisor, attempt: Attempt, asked: bytes) -> int:
    """Return EACCES for a port that only root may bind to, and a caller that is not root; else 0.

    The guard, which is root or has its own rights, binds for its job: it must not bind where its job could not.

    Raises:
        CallerGone: The caller has ended.
        Undecidable: It cannot be told.
    """
    port = int.from_bytes(asked[_PORT_AT], "big")
    if not port:
        return 0
    try:
        first_free = int(Path(_FIRST_FREE_PORT).read_text(encoding="ascii"))
    except (OSError, ValueError):
        first_free = _USUAL_FIRST_FREE_PORT
    return 0 if port >= first_free or may_bind_privileged_ports(supervisor, attempt) else errno.EACCES


def sockaddr_of(number: int, place: Place) -> bytes:
    """Return an address as a socket of that family would tell it; b"" if it cannot."""
    family = syscalls.socket_option(number, socket.SO_DOMAIN)
    port = place.port.to_bytes(2, "big")
    if family == socket.AF_INET6:
        return family.to_bytes(2, "little") + port + bytes(4) + place.address.to_bytes(16, "big") + bytes(4)
    if not place.is_ipv4:
        return b""
    return family.to_bytes(2, "little") + port + (place.address & _IPV4_MASK).to_bytes(4, "big") + bytes(8)
