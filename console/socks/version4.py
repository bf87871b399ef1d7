"""The octets of SOCKS version 4 and its extension 4A.

Source: SOCKS: A protocol for TCP proxy across firewalls (Ying-Da Lee), and SOCKS 4A: A Simple Extension to SOCKS 4
Protocol (the same author).
Values in, values out: knows no socket, no time, and not in which order things are said.
"""

from __future__ import annotations

import struct

from console.socks.refusals import Reason, failure
from console.socks.words import IPV4, IPV4_MASK, NOWHERE, Command, Place, Reply, Server, Version, WireError

GRANTED = 90
REPLY_SIZE = 8
MOST_USER = 255
MOST_NAME = 255
"""Octets of a user id, and of a name. The documents set no limit; servers do (Dante and OpenSSH, 255)."""

_VERSION = 4
_REPLY_VERSIONS = b"\x00\x04"
"""The document says 0, "the version of the reply code"; some servers repeat the version of the protocol."""
_HEAD = struct.Struct(">BBHI")
_NAME_FOLLOWS = 0x0000_0001
"""0.0.0.1, of the addresses 0.0.0.x (x not 0) that stand for a name that follows."""
_LAST_NAME_FOLLOWS = 0x0000_00FF


def encode_request(server: Server, command: Command, destination: Place) -> bytes:
    """Return a request.

    Layout: VN 1 (4), CD 1, DSTPORT 2 and DSTIP 4, both big-endian, USERID n, NUL 1; with a name DSTIP is 0.0.0.1 and
    there follow NAME n, NUL 1.

    Raises:
        SocksError: The version spoken, or any, has no form for the user id or the destination.
    """
    user = _encode_user(server, destination)
    if destination.name:
        name = _encode_name(server, destination)
        return b"%b%b\0%b\0" % (_HEAD.pack(_VERSION, command, destination.port, _NAME_FOLLOWS), user, name)
    if not destination.is_ipv4:
        raise failure(Reason.NO_IPV6, server.label, destination)
    address = destination.address & IPV4_MASK
    if _NAME_FOLLOWS <= address <= _LAST_NAME_FOLLOWS:
        raise failure(Reason.BAD_ADDRESS, server.label, destination)
    return b"%b%b\0" % (_HEAD.pack(_VERSION, command, destination.port, address), user)


def _encode_user(server: Server, destination: Place) -> bytes:
    user = server.user.encode(errors="surrogateescape")
    if len(user) > MOST_USER or b"\0" in user:
        raise failure(Reason.BAD_CREDENTIALS, server.label, destination)
    return user


def _encode_name(server: Server, destination: Place) -> bytes:
    if server.version is not Version.FOUR_A:
        raise failure(Reason.NO_NAMES, server.label, destination)
    name = destination.name
    if len(name) > MOST_NAME or not name.isascii() or "\0" in name:
        raise failure(Reason.BAD_NAME, server.label, destination)
    return name.encode("ascii")


def parse_reply(octets: bytes) -> Reply | int:
    """Read a reply; they are the same for both commands, and for both replies of BIND.

    A refusal is complete with its code: servers may close before the rest has gone out, and the rest says nothing.

    Layout: VN 1 (0), CD 1, DSTPORT 2, DSTIP 4, both big-endian.

    Args:
        octets: What was received of it, and nothing beyond it.

    Returns:
        The reply, or how many octets are missing.

    Raises:
        WireError: No further octets can make this a reply.
    """
    size = len(octets)
    if size and octets[0] not in _REPLY_VERSIONS:
        raise WireError
    if size == REPLY_SIZE:
        _version, code, port, address = _HEAD.unpack(octets)
        return Reply(code, Place(IPV4 << 32 | address, port))
    if size > 1 and octets[1] != GRANTED:
        return Reply(octets[1], NOWHERE)
    return REPLY_SIZE - size
