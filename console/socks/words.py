"""What a SOCKS exchange is about: a server, a command and a place.

Addresses are integers in the one 128-bit space that the whole of Greenwall uses: IPv6 as it is, IPv4 as its mapped form
(RFC 4291, section 2.5.5.2). Ports are in host order. Knows nothing of octets, sockets or policies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

IPV4 = 0xFFFF
"""The upper 96 bits of an IPv4 address in its mapped form."""
IPV4_MASK = 0xFFFF_FFFF
DEFAULT_PORT = 1080
"""Source: IANA, Service Name and Transport Protocol Port Number Registry, ``socks``."""


class WireError(ValueError):
    """What was received is no answer, whatever may follow it."""


class Version(StrEnum):
    """What is spoken with a server, as operators write it."""

    FOUR = "4"
    """SOCKS: A protocol for TCP proxy across firewalls (Ying-Da Lee); IPv4 addresses, a user id."""
    FOUR_A = "4A"
    """The same with host names (SOCKS 4A: A Simple Extension to SOCKS 4 Protocol)."""
    FIVE = "5"
    """RFC 1928; IPv6, host names, user and password (RFC 1929)."""


class Command(IntEnum):
    """What a server is asked for; the numbers are the same in all versions (RFC 1928, section 4)."""

    CONNECT = 1
    BIND = 2


class Place(NamedTuple):
    """Where a connection leads, or comes from."""

    address: int
    """In the 128-bit space. Beside a name it is told to nobody: 0, or what stands for the name here."""
    port: int
    name: str = ""
    """A host name, which the server resolves; empty for an address."""

    @property
    def is_ipv4(self) -> bool:
        """Whether the address is one of IPv4."""
        return self.address >> 32 == IPV4

    @property
    def is_anywhere(self) -> bool:
        """Whether it is neither a name nor an address: 0.0.0.0 or ::, which a server says for its own."""
        return not self.name and self.address in _ANYWHERE

    def filled(self, address: int) -> Place:
        """Return the place with an address where it has none: servers say 0.0.0.0 for their own."""
        return Place(address, self.port) if self.is_anywhere else self

    @property
    def host(self) -> str:
        """The name, or the address as people write it."""
        if self.name:
            return self.name
        return str(IPv4Address(self.address & IPV4_MASK) if self.is_ipv4 else IPv6Address(self.address))

    def __str__(self) -> str:
        host = self.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


class Reply(NamedTuple):
    """What a server answers to a request."""

    code: int
    """As in `refusals.REPLIES_4` and `REPLIES_5`."""
    place: Place
    """Where it listens or whom it has connected; `NOWHERE` in a refusal."""


NOWHERE = Place(0, 0)
_ANYWHERE = frozenset({0, IPV4 << 32})


@dataclass(frozen=True, slots=True)
class Server:
    """A SOCKS server as an exchange knows it. What it shows of itself never has the password in it."""

    version: Version
    label: str = ""
    """What messages call it, for example ``proxy.example:1080``."""
    user: str = ""
    password: str | None = field(default=None, repr=False)
    """Version 5 only. None: user and password are not offered to the server at all."""
