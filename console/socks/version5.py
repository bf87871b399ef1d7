"""The octets of SOCKS version 5: RFC 1928, and RFC 1929 for user and password.

Values in, values out: knows no socket, no time, and not in which order things are said.
"""

from __future__ import annotations

import struct
from enum import IntEnum

from console.socks.refusals import Reason, failure
from console.socks.words import IPV4, IPV4_MASK, NOWHERE, Command, Place, Reply, Server, WireError

GRANTED = 0
METHOD_SIZE = 2
AUTHENTICATED_SIZE = 2
REPLY_HEAD_SIZE = 5
"""VER, REP, RSV, ATYP and the first octet of the address, the length of a name. No reply that grants is shorter."""
MOST_FIELD = 255
"""Octets of a name, a user or a password: each has its length in one octet."""

_VERSION = 5
_SUBNEGOTIATION_VERSION = 1
_AUTHENTICATION_VERSIONS = b"\x01\x05"
"""RFC 1929 says 1, the version of the subnegotiation; some servers repeat the version of the protocol."""
_PORT_SIZE = 2


class Method(IntEnum):
    """How a client shows who it is (RFC 1928, section 3)."""

    NONE = 0x00
    PASSWORD = 0x02
    NOT_ACCEPTABLE = 0xFF


class AddressType(IntEnum):
    """What an address is (RFC 1928, section 5)."""

    IPV4 = 0x01
    NAME = 0x03
    IPV6 = 0x04


_TYPES = frozenset(AddressType)
_ADDRESS_SIZES: dict[int, int] = {AddressType.IPV4: 4, AddressType.IPV6: 16}


def methods(server: Server) -> bytes:
    """Return the methods to offer, an octet each: none at all, and a password where there is one."""
    return bytes([Method.NONE]) if server.password is None else bytes([Method.NONE, Method.PASSWORD])


def encode_greeting(offered: bytes) -> bytes:
    """Return the first thing that is said.

    Layout: VER 1 (5), NMETHODS 1, METHODS n.
    Source: RFC 1928, section 3.
    """
    return bytes((_VERSION, len(offered))) + offered


def encode_authentication(server: Server, destination: Place) -> bytes:
    """Return user and password.

    Layout: VER 1 (1), ULEN 1, UNAME n, PLEN 1, PASSWD n. An empty password is sent as such: the RFC wants one octet at
    least, but there are servers for which the user is a token, and the password nothing.
    Source: RFC 1929, section 2.

    Raises:
        SocksError: Either does not fit.
    """
    user = server.user.encode(errors="surrogateescape")
    password = (server.password or "").encode(errors="surrogateescape")
    if not 0 < len(user) <= MOST_FIELD or len(password) > MOST_FIELD:
        raise failure(Reason.BAD_CREDENTIALS, server.label, destination)
    return b"%c%c%b%c%b" % (_SUBNEGOTIATION_VERSION, len(user), user, len(password), password)


def encode_request(server: Server, command: Command, destination: Place) -> bytes:
    """Return a request.

    Layout: VER 1 (5), CMD 1, RSV 1 (0), ATYP 1, DST.ADDR 4, 16, or 1 + n, DST.PORT 2, big-endian.
    Source: RFC 1928, section 4.

    Raises:
        SocksError: The name does not fit.
    """
    if destination.name:
        kind, address = AddressType.NAME, _encode_name(server, destination)
    elif destination.is_ipv4:
        kind, address = AddressType.IPV4, (destination.address & IPV4_MASK).to_bytes(4, "big")
    else:
        kind, address = AddressType.IPV6, destination.address.to_bytes(16, "big")
    return struct.pack(">BBBB", _VERSION, command, 0, kind) + address + destination.port.to_bytes(_PORT_SIZE, "big")


def _encode_name(server: Server, destination: Place) -> bytes:
    name = destination.name
    if len(name) > MOST_FIELD or not name.isascii() or "\0" in name:
        raise failure(Reason.BAD_NAME, server.label, destination)
    return bytes([len(name)]) + name.encode("ascii")


def parse_method(octets: bytes) -> int | None:
    """Read which method the server chose.

    Layout: VER 1 (5), METHOD 1.
    Source: RFC 1928, section 3.

    Args:
        octets: What was received of it, `METHOD_SIZE` octets at most.

    Returns:
        The method, or None when octets are missing.

    Raises:
        WireError: No further octets can make this an answer.
    """
    return _parse_pair(octets, bytes([_VERSION]))


def parse_authenticated(octets: bytes) -> int | None:
    """Read whether the server takes user and password.

    Layout: VER 1 (1), STATUS 1.
    Source: RFC 1929, section 2.

    Args:
        octets: What was received of it, `AUTHENTICATED_SIZE` octets at most.

    Returns:
        The status, 0 for yes, or None when octets are missing.

    Raises:
        WireError: No further octets can make this an answer.
    """
    return _parse_pair(octets, _AUTHENTICATION_VERSIONS)


def _parse_pair(octets: bytes, versions: bytes) -> int | None:
    if octets and octets[0] not in versions:
        raise WireError
    return octets[1] if len(octets) > 1 else None


def parse_reply(octets: bytes) -> Reply | int:
    """Read a reply; they are the same for both commands, and for both replies of BIND.

    A refusal is complete with its code: servers may close before the rest has gone out, and the rest says nothing.

    Layout: VER 1 (5), REP 1, RSV 1, ATYP 1, BND.ADDR 4, 16, or 1 + n, BND.PORT 2, big-endian.
    Source: RFC 1928, section 6.

    Args:
        octets: What was received of it, and nothing beyond it.

    Returns:
        The reply, or how many octets can be asked for without reading beyond it.

    Raises:
        WireError: No further octets can make this a reply.
    """
    size = len(octets)
    if size and octets[0] != _VERSION:
        raise WireError
    if size > 1 and octets[1] != GRANTED:
        return Reply(octets[1], NOWHERE)
    if size > 3 and octets[3] not in _TYPES:
        raise WireError
    if size < REPLY_HEAD_SIZE:
        return REPLY_HEAD_SIZE - size
    missing = REPLY_HEAD_SIZE - 1 + _address_size(octets) + _PORT_SIZE - size
    return missing or Reply(octets[1], _parse_place(octets))


def _address_size(reply: bytes) -> int:
    """Return how many octets of a reply are its address, the length of a name included."""
    return _ADDRESS_SIZES.get(reply[3]) or 1 + reply[4]


def _parse_place(reply: bytes) -> Place:
    address, port = reply[4:-_PORT_SIZE], int.from_bytes(reply[-_PORT_SIZE:], "big")
    if reply[3] == AddressType.NAME:
        return Place(0, port, address[1:].decode("ascii", "backslashreplace"))
    number = int.from_bytes(address, "big")
    return Place(IPV4 << 32 | number if reply[3] == AddressType.IPV4 else number, port)
