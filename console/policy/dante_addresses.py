"""What stands behind from, to and via in a route of Dante's client: networks, ports and servers.

Knows how Dante writes them. It must not know what a route is for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from console.errors import PolicyError
from console.policy.carried import at_line, not_understood
from console.policy.dante_syntax import Address, Port
from console.policy.fields import MAX_PORT, check_address, whole_number
from console.policy.rule import ANY, SOCKS_PORT, SocksServer
from console.policy.socks_entries import parse_servers

_BOTH_FAMILIES = "0"
"""Address of ``0/0``: all of IPv4 and of IPv6."""

ServicePort = Callable[[str], int | None]
"""Returns the TCP port of a service name, None where it is not known."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where routes come from, for what they do not say themselves."""

    source: str
    """Name of the file, for messages."""
    service_port: ServicePort

    def wrong(self, line: int, value: object, must: str) -> PolicyError:
        """Return the error for what Dante does not take either."""
        return not_understood(value, must, line=line, source=self.source)


def network_of(origin: Origin, address: Address) -> str | None:
    """Return the network of an address, canonical; None for a name or an interface.

    Raises:
        PolicyError: Its mask is none.
    """
    if (address.text, address.mask) == (_BOTH_FAMILIES, "0"):
        return ANY
    try:
        found = ipaddress.ip_address(address.text)
    except ValueError:
        if address.mask:
            raise origin.wrong(address.line, address, "a mask is behind an address") from None
        return None
    if found.version == 4 and "." in address.mask:
        length = _dotted(origin, address)
    else:
        length = whole_number(address.mask or str(found.max_prefixlen), 0, found.max_prefixlen)
    if length is None or "%" in address.text:
        raise origin.wrong(address.line, address, "that is no address with a mask")
    return check_address(f"{found}/{length}")


def _dotted(origin: Origin, address: Address) -> str | None:
    try:
        bits = f"{int(ipaddress.IPv4Address(address.mask)):032b}"
    except ValueError as error:
        raise origin.wrong(address.line, address, "its mask is none") from error
    return None if "01" in bits else str(bits.count("1"))


def ports_of(origin: Origin, address: Address) -> list[str]:
    """Return the ports of an address, canonical; none where its comparison is never true.

    Raises:
        PolicyError: A port is none, or a service is not known.
    """
    port = address.port
    if port is None:
        return [ANY]
    number = _number(origin, address, port, port.value)
    last = _number(origin, address, port, port.last) if port.last else MAX_PORT
    if port.last and last < number:
        raise origin.wrong(address.line, port, "a range of ports ascends")
    ranges = ((max(low, 1), min(high, MAX_PORT)) for low, high in _RANGES[port.operator](number, last))
    return [str(low) if low == high else f"{low}-{high}" for low, high in ranges if low <= high]


_RANGES: Mapping[str, Callable[[int, int], tuple[tuple[int, int], ...]]] = MappingProxyType(
    {
        **dict.fromkeys(("eq", "=", ":"), lambda number, _: ((number, number),)),
        **dict.fromkeys(("ne", "neq", "!="), lambda number, _: ((1, number - 1), (number + 1, MAX_PORT))),
        **dict.fromkeys(("ge", ">="), lambda number, _: ((number, MAX_PORT),)),
        **dict.fromkeys(("gt", ">"), lambda number, _: ((number + 1, MAX_PORT),)),
        **dict.fromkeys(("le", "<="), lambda number, _: ((1, number),)),
        **dict.fromkeys(("lt", "<"), lambda number, _: ((1, number - 1),)),
        "-": lambda first, last: ((first, last),),
    }
)
"""Comparison -> the ports it is true for."""


def _number(origin: Origin, address: Address, port: Port, text: str) -> int:
    if text.isdecimal():
        found = whole_number(text, 0, MAX_PORT)
        if found is None:
            raise origin.wrong(address.line, port, "a port is a number to 65535")
        return int(found)
    number = origin.service_port(text)
    if number is None:
        raise origin.wrong(address.line, port, "this system has no TCP port for the service")
    return number


def server_of(origin: Origin, gateway: Address) -> SocksServer:
    """Return the server of a gateway, on the usual port where it names none.

    Raises:
        PolicyError: It is no server.
    """
    port = 0
    if gateway.port is not None:
        if gateway.port.operator not in {"=", "eq"}:
            raise origin.wrong(gateway.line, gateway, "a proxy has one port, with an equals sign")
        port = _number(origin, gateway, gateway.port, gateway.port.value)
    host = f"[{gateway.text}]" if ":" in gateway.text else gateway.text
    try:
        found = parse_servers(f"{host}:{port or SOCKS_PORT}", "via")
    except PolicyError as error:
        raise at_line(error, gateway.line, origin.source) from error
    if len(found) != 1 or gateway.mask:
        raise origin.wrong(gateway.line, gateway, "via names one proxy")
    return found[0]
