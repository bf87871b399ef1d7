"""Tells a peer whose connection was refused at its SYN so, where the rule says that it is to hear of it: with a reset.

A program in the kernel can drop the SYN, and send nothing. So the worker answers it, a moment later, as the kernel
would have where nobody listens: the peer's connect fails with ECONNREFUSED. Where there is no worker it hears nothing.

Source: RFC 9293, section 3.10.7.1 (a segment for a connection that does not exist).
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct

from console.enforcement.kernel.events import KernelEvent
from console.enforcement.layouts import Endpoint, is_mapped
from console.model.words import ExitPoint, Outcome

_HEADER = struct.Struct(">HHIIBBHHH")
_WORDS = 5 << 4
"""Length of the header without options, in its upper four bits."""
_RESET_ACK = 0x04 | 0x10
_PSEUDO = struct.Struct(">xBH")
_IPV4_OCTETS, _IPV6_OCTETS = 4, 16


def is_to_be_reset(event: KernelEvent) -> bool:
    """Say whether an event is about a SYN whose sender is to hear that it was refused."""
    is_refused = event.exit_point is ExitPoint.ACCEPT and event.outcome is Outcome.REJECTED
    return is_refused and event.error == errno.ECONNREFUSED


def segment(event: KernelEvent) -> bytes:
    """Return the TCP segment that answers the SYN of an event.

    Layout: RFC 9293, section 3.1, without options; the number of the SYN is in network order as the kernel has it.
    """
    number = int.from_bytes(event.detail.to_bytes(4, "little"), "big")
    ends = event.local.port, event.remote.port
    acknowledged = (number + 1) & 0xFFFF_FFFF
    bare = _HEADER.pack(*ends, 0, acknowledged, _WORDS, _RESET_ACK, 0, 0, 0)
    pseudo = _octets(event.local) + _octets(event.remote) + _PSEUDO.pack(socket.IPPROTO_TCP, len(bare))
    return _HEADER.pack(*ends, 0, acknowledged, _WORDS, _RESET_ACK, 0, _checksum(pseudo + bare), 0)


def send_reset(event: KernelEvent) -> None:
    """Answer the SYN of an event; what cannot be sent is left out, and the peer hears nothing."""
    is_ipv4 = is_mapped(event.local.address)
    family = socket.AF_INET if is_ipv4 else socket.AF_INET6
    source, target = (socket.inet_ntop(family, _octets(end)) for end in (event.local, event.remote))
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as made:
        made.setblocking(False)
        made.bind((source, 0))
        made.sendto(segment(event), (target, 0))


def _octets(end: Endpoint) -> bytes:
    octets = end.address.to_bytes(_IPV6_OCTETS, "big")
    return octets[-_IPV4_OCTETS:] if is_mapped(end.address) else octets


def _checksum(octets: bytes) -> int:
    """Return the checksum of RFC 1071 over an even number of octets."""
    total = sum(int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
