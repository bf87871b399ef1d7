"""The lines of a configuration of proxychains and proxychains-ng (proxychains.conf): options and proxies.

What a line means is what proxychains-ng 4.16 makes of it (its sample proxychains.conf, and get_chain_data in
src/libproxychains.c): options are whole lines or begin with their name, the last chain option counts, lines it does not
know are passed over, and behind ``[ProxyList]`` every line is a proxy. Three differences are on purpose: a proxy may be
named, a number must be one to its end, and a comment behind a proxy is a comment, where proxychains takes it for a user
id. What becomes of it all is the matter of `console.policy.proxychains`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from console.errors import PolicyError
from console.model.words import SocksVersion
from console.policy.carried import NotCarried, not_carried, not_understood
from console.policy.fields import MAX_PORT, whole_number
from console.policy.rule import ANY
from console.policy.secret import NOT_SHOWN

_BLANKS = " \t\v\f\r"
"""What isspace() of C takes for one, in a line."""
_LIST = "[ProxyList]"

_MOST_MS = 2**31 - 1
"""What an int of C has room for."""

_MOST_LOCALNETS = 64
"""MAX_LOCALNET of src/core.h: proxychains sends what further ones name through the proxies."""

_WORD = re.compile(r"\S+", re.ASCII)
_LOCALNET = re.compile(r"\S+\s+(?P<address>[^/]+)/(?P<mask>\S+)", re.ASCII)
_ADDRESS_PORT = re.compile(r"(?P<address>[^:\[\]]+)(?::(?P<port>[0-9]+))?")
_BRACKETS = re.compile(r"\[(?P<address>[^\[\]]+)\](?::(?P<port>[0-9]+))?")
_BARE_IPV6 = re.compile(r"(?P<address>[0-9A-Fa-f:.]{3,45})(?P<port>)")
_LENGTH = re.compile(r"[^=]*=\s*(?P<number>[+-]?[0-9]*).*", re.ASCII | re.DOTALL)
_URL = re.compile(
    r"(?P<kind>socks4|socks5|http)://((?P<user>[^:]*):(?P<password>.*)@)?(?P<host>[^:@]*):(?P<port>[0-9]+)"
)
KINDS: Mapping[str, SocksVersion | None] = MappingProxyType(
    {"socks4": SocksVersion.V4, "socks5": SocksVersion.V5, "http": None, "raw": None}
)
"""Type of a proxy -> its version of SOCKS; None for one that does not speak it."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy of the list."""

    line: int
    kind: str
    """A key of `KINDS`."""
    host: str
    """As it stands there."""
    port: str
    """Digits, and not 0."""
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Return what may be shown of it."""
        parts = (self.kind, self.host, self.port, self.user, NOT_SHOWN if self.password else "")
        return " ".join(part for part in parts if part)

    @property
    def credentials(self) -> tuple[str, str, str]:
        """What one entry can have one of."""
        return self.kind, self.user, self.password


@dataclass(slots=True)
class Settings:
    """What a configuration says; the rest of the file adds to it."""

    source: str
    """Name of the file, for messages."""
    chain: str = "dynamic_chain"
    chain_line: int = 0
    """0 where the file names no chain."""
    length: int = 1
    """Proxies of a chain at random or in turn: 1, or 2 for any other number."""
    resolver_line: int = 0
    """0 where names are looked up by the system."""
    resolver: str = ""
    connect_ms: int | None = None
    read_ms: int | None = None
    direct: list[tuple[int, str, str]] = field(default_factory=list)
    """Line, address and port of what goes directly."""
    moved: list[tuple[int, str, str]] = field(default_factory=list)
    """Line, address and port of what proxychains connects to another address."""
    proxies: list[Proxy] = field(default_factory=list)
    left: list[NotCarried] = field(default_factory=list)

    def wrong(self, line: int, value: object, must: str) -> PolicyError:
        """Return the error for a line that proxychains does not take either."""
        return not_understood(value, must, line=line, source=self.source)


def read(text: str, source: str = "") -> Settings:
    """Read a configuration.

    Args:
        text: What the file holds.
        source: Its name, for messages.

    Raises:
        PolicyError: A line is one that proxychains would refuse, or cannot be understood.
    """
    file = Settings(source)
    in_list = False
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip(_BLANKS)
        if not line or line.startswith("#"):
            continue
        if in_list:
            _take_proxy(file, number, line)
        elif line == _LIST:
            in_list = True
        else:
            _take_option(file, number, line)
    return file


def _words(line: str) -> list[str]:
    """Return the words between what C takes for blanks: a no-break space is none."""
    return _WORD.findall(line)


def _take_option(file: Settings, number: int, line: str) -> None:
    take = _WHOLE_LINES.get(line)
    if take is None:
        take = next((take for name, take in _BEGINNINGS if line.startswith(name)), _take_unknown)
    take(file, number, line)


def _take_unknown(file: Settings, number: int, line: str) -> None:
    file.left.append(not_carried("GWL026E", line=number, value=line))


def _take_chain(file: Settings, number: int, line: str) -> None:
    file.chain, file.chain_line = line, number


def _take_quiet(file: Settings, number: int, line: str) -> None:
    file.left.append(not_carried("GWL0273", line=number, value=line))


def _take_resolver(file: Settings, number: int, line: str) -> None:
    file.resolver, file.resolver_line = line, number


def _take_length(file: Settings, number: int, line: str) -> None:
    found = _LENGTH.fullmatch(line)
    if found is None:
        raise file.wrong(number, line, "there is an equals sign behind chain_len")
    # Only whether it is 1 matters; 0 and no number at all are 1, too.
    file.length = 1 if found["number"].lstrip("+-0") in {"", "1"} and not found["number"].startswith("-1") else 2


def _take_connect_time_out(file: Settings, number: int, line: str) -> None:
    file.connect_ms = _milliseconds(file, number, line)


def _take_read_time_out(file: Settings, number: int, line: str) -> None:
    file.read_ms = _milliseconds(file, number, line)


def _milliseconds(file: Settings, number: int, line: str) -> int | None:
    words = _words(line)
    found = whole_number(words[1], 1, _MOST_MS) if len(words) > 1 else None
    if found is None:
        file.left.append(not_carried("GWL026F", line=number, value=line))
        return None
    return int(found)


def _take_localnet(file: Settings, number: int, line: str) -> None:
    found = _LOCALNET.fullmatch(line)
    if found is None:
        raise file.wrong(number, line, "localnet has an address, a slash and a mask, and nothing behind them")
    address, port = _address_port(file, number, line, found["address"])
    prefix = _prefix(file, number, line, address, found["mask"])
    if prefix is None:
        file.left.append(not_carried("GWL026B", line=number, value=line))
    elif len(file.direct) == _MOST_LOCALNETS:
        file.left.append(not_carried("GWL026C", line=number, value=line, most=_MOST_LOCALNETS))
    else:
        file.direct.append((number, f"{address}/{prefix}", port))


def _address_port(
    file: Settings, number: int, line: str, text: str
) -> tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, str]:
    """Return an address and the port behind it, the special value where there is none or where it is 0."""
    found = _ADDRESS_PORT.fullmatch(text) or _BRACKETS.fullmatch(text) or _BARE_IPV6.fullmatch(text)
    port = whole_number(found["port"] or "0", 0, MAX_PORT) if found else None
    if found is None or port is None or "%" in text:
        raise file.wrong(number, line, "an address or a port of it is none")
    try:
        address = ipaddress.ip_address(found["address"])
    except ValueError as error:
        raise file.wrong(number, line, "an address of it is none") from error
    return address, ANY if port == "0" else port


def _prefix(
    file: Settings, number: int, line: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address, mask: str
) -> int | None:
    """Return the length of a mask's prefix; None for a mask that has ones behind a zero."""
    if address.version == 4 and "." in mask:
        try:
            bits = f"{int(ipaddress.IPv4Address(mask)):032b}"
        except ValueError as error:
            raise file.wrong(number, line, "its mask is none") from error
        return None if "01" in bits else bits.count("1")
    length = whole_number(mask, 0, address.max_prefixlen)
    if length is None:
        raise file.wrong(number, line, "its mask is none")
    return int(length)


def _take_dnat(file: Settings, number: int, line: str) -> None:
    words = _words(line)
    if len(words) < 3:
        raise file.wrong(number, line, "dnat has two addresses")
    (address, port), (new, _) = (_address_port(file, number, line, word) for word in words[1:3])
    if (address.version, new.version) != (4, 4):
        raise file.wrong(number, line, "dnat has addresses of IPv4")
    file.moved.append((number, str(address), port))
    file.left.append(not_carried("GWL0267", line=number, value=line))


_WHOLE_LINES: Mapping[str, Callable[[Settings, int, str], None]] = MappingProxyType(
    {
        "random_chain": _take_chain,
        "strict_chain": _take_chain,
        "dynamic_chain": _take_chain,
        "round_robin_chain": _take_chain,
        "quiet_mode": _take_quiet,
        "proxy_dns": _take_resolver,
        "proxy_dns_old": _take_resolver,
    }
)
"""Options that are the whole line."""

_BEGINNINGS: tuple[tuple[str, Callable[[Settings, int, str], None]], ...] = (
    ("tcp_read_time_out", _take_read_time_out),
    ("tcp_connect_time_out", _take_connect_time_out),
    ("remote_dns_subnet", _take_quiet),
    ("localnet", _take_localnet),
    ("chain_len", _take_length),
    ("proxy_dns_daemon", _take_resolver),
    ("dnat", _take_dnat),
)
"""Beginnings of lines, in the order in which proxychains tries them."""


def _take_proxy(file: Settings, number: int, line: str) -> None:
    words = _words(line)
    if len(words) > 2:
        kind, host, port, *more = words
    elif found := _URL.fullmatch(line):
        kind, host, port = found["kind"], found["host"], found["port"]
        more = [found["user"] or "", found["password"] or ""]
    else:
        raise file.wrong(number, f"{words[0].partition('://')[0]} ...", "a proxy has a type, an address and a port")
    shown = f"{kind} {host} {port}"
    if kind not in KINDS:
        raise file.wrong(number, shown, "a proxy is socks4, socks5, http or raw")
    digits = whole_number(port, 0, MAX_PORT)
    if digits is None:
        raise file.wrong(number, shown, "a port is a number to 65535")
    if digits == "0":
        file.left.append(not_carried("GWL026F", line=number, value=shown))
        return
    user, password = _credentials(file, number, shown, more)
    file.proxies.append(Proxy(number, kind, host, digits, user, password))


def _credentials(file: Settings, number: int, shown: str, more: list[str]) -> tuple[str, str]:
    """Return the user id and the password behind a proxy's port."""
    if more and more[0].startswith("#"):
        file.left.append(not_carried("GWL0270", line=number, value=shown))
        return "", ""
    user, password = (*more[:2], "", "")[:2]
    if len(more) > 2:
        file.left.append(not_carried("GWL0270", line=number, value=f"{shown} {user} {NOT_SHOWN}"))
    return user, password
