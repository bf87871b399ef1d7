"""Where a connect or a datagram leads, in the words of rules: which calls the connect exit point is asked about.

Source: net/ipv4/route.c, ip_route_output_key_hash_rcu; net/ipv6/tcp_ipv6.c, tcp_v6_connect; net/ipv4/udp.c,
udp_sendmsg; net/ipv6/udp.c, udpv6_sendmsg; net/ipv4/ping.c.
"""

from __future__ import annotations

import socket
from typing import NamedTuple

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.guard.supervisor import local_endpoint
from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.model.words import ExitPoint, Udp
from console.policy.decide import CompiledPolicy
from console.policy.request import MAPPED

_LOOPBACK_V4 = MAPPED + 0x7F00_0001
_LOOPBACK_V6 = 1
_ANY_V4 = MAPPED
_ANY_V6 = 0
ANYWHERE = frozenset({_ANY_V4, _ANY_V6})
"""Addresses that lead to this machine, and stand for another one."""
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
_WITHOUT_PORTS = frozenset({socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6})
# As int: an enumeration's attribute is looked up more slowly than a number.
_SO_TYPE = int(socket.SO_TYPE)
_DATAGRAMS = int(socket.SOCK_DGRAM)
_RAW = int(socket.SOCK_RAW)


class DatagramKind(NamedTuple):
    """What kind of internet datagram socket one is."""

    family: int
    has_ports: bool
    """False for the sockets of ICMP: the port in their addresses means nothing, and must match no rule about one."""


def datagram_kind(number: int) -> DatagramKind | None:
    """Return the kind of an internet datagram socket; None for a socket of any other kind.

    Raises:
        OSError: ENOTSOCK: it is no socket.
    """
    if syscalls.socket_option(number, _SO_TYPE) != _DATAGRAMS:
        return None
    family = syscalls.socket_option(number, socket.SO_DOMAIN)
    if family not in _INTERNET:
        return None
    return DatagramKind(family, syscalls.socket_option(number, socket.SO_PROTOCOL) not in _WITHOUT_PORTS)


def is_datagram(number: int) -> bool:
    """Say whether a socket, which there is, is one of datagrams."""
    return syscalls.socket_option(number, _SO_TYPE) == _DATAGRAMS


def asked_about(policy: CompiledPolicy, number: int, remote: Endpoint) -> Endpoint | None:
    """Return what rules are to be asked about a connect; None where no rule speaks of it.

    They speak of every kind of socket that has connections, and of datagram sockets where the policy says so.
    """
    try:
        kind = syscalls.socket_option(number, _SO_TYPE)
        if kind == _RAW:
            return None
        if kind != _DATAGRAMS:
            return remote
        datagrams = datagram_kind(number) if policy.udp is Udp.DECIDE else None
    except OSError:
        return None
    if datagrams is None:
        return None
    return remote if datagrams.has_ports else Endpoint(remote.address, 0)


def datagram_destination(kind: DatagramKind, sockaddr: bytes) -> Endpoint | None:
    """Return where a datagram with an address goes.

    An IPv4 socket takes AF_UNSPEC for AF_INET. An IPv6 one takes it for no address at all.

    Returns:
        None for where its socket is connected to, or for an address that the kernel refuses.
    """
    family = k.sockaddr_family(sockaddr)
    if family == socket.AF_UNSPEC and kind.family == socket.AF_INET and len(sockaddr) >= k.SOCKADDR_IN_SIZE:
        remote = k.parse_sockaddr(socket.AF_INET.to_bytes(2, "little") + sockaddr[2:])
    else:
        remote = k.parse_sockaddr(sockaddr)
    if remote is None or kind.has_ports:
        return remote
    return Endpoint(remote.address, 0)


def resolved(number: int, sockaddr: bytes, remote: Endpoint) -> tuple[bytes, Endpoint]:
    """Return where an address leads: itself, and for 0.0.0.0 or :: this machine.

    Those two lead to the address that the socket is bound to, or to loopback. A rule about loopback must see it, so
    what the kernel would make of the address is made of it before the decision; the call is then made with that
    address, whatever the socket is bound to meanwhile.
    """
    if remote.address not in ANYWHERE:
        return sockaddr, remote
    bound = (local_endpoint(number) or NO_ENDPOINT).address
    if remote.address == _ANY_V4:
        address = bound if k.is_mapped(bound) and bound != _ANY_V4 else _LOOPBACK_V4
    else:
        address = _LOOPBACK_V4 if k.is_mapped(bound) else _LOOPBACK_V6
    return k.with_address(sockaddr, address), Endpoint(address, remote.port)


def asks_local(policy: CompiledPolicy) -> bool:
    """Say whether a decision of the connect exit point asks for the local side."""
    table = policy.tables[ExitPoint.CONNECT]
    if policy.has_exit_programs and policy.exit_programs[ExitPoint.CONNECT]:
        return True
    return table is not None and (table.local_addresses is not None or table.local_ports is not None)
