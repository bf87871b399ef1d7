"""The configuration of proxychains and proxychains-ng (proxychains.conf) as SOCKS entries.

Pure: text in, entries and what could not be carried over out. What a line means is what proxychains-ng 4.16 makes of it
(its sample proxychains.conf, and get_chain_data in src/libproxychains.c): options are whole lines or begin with their
name, the last chain option counts, lines it does not know are passed over, and behind ``[ProxyList]`` every line is a
proxy. Three differences are on purpose: a proxy may be named, a number must be one to its end, and a comment behind a
proxy is a comment, where proxychains takes it for a user id.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from console.errors import PolicyError
from console.model.words import SocksType, SocksVersion
from console.policy.carried import (
    STEP,
    Carried,
    NotCarried,
    areas,
    at_line,
    goes_direct,
    in_order,
    not_carried,
    not_understood,
)
from console.policy.fields import MAX_PORT, check_address, whole_number
from console.policy.rule import ANY, SocksEntry, SocksServer
from console.policy.secret import NOT_SHOWN
from console.policy.socks_entries import LONGEST_TIME_LIMIT_MS, MOST_SERVERS, make_socks_entry, parse_servers

_BLANKS = " \t\v\f\r"
"""What isspace() of C takes for one, in a line."""
_LIST = "[ProxyList]"
_TAKE_SOME = frozenset({"random_chain", "round_robin_chain"})
"""Chains of chain_len proxies, 1 unless it is said; the others are of all proxies."""

_READ_MS = 4_000
_CONNECT_MS = 10_000
"""What proxychains waits when its configuration does not say."""
_MOST_MS = 2**31 - 1

_MOST_LOCALNETS = 64
"""MAX_LOCALNET of src/core.h: proxychains sends what further ones name through the proxies."""

_LOCALNET = re.compile(r"\S+\s+(?P<address>[^/]+)/(?P<mask>\S+)")
_ADDRESS_PORT = re.compile(r"(?P<address>[^:\[\]]+)(?::(?P<port>[0-9]+))?")
_BRACKETS = re.compile(r"\[(?P<address>[^\[\]]+)\](?::(?P<port>[0-9]+))?")
_BARE_IPV6 = re.compile(r"(?P<address>[^\[\]]*:[^\[\]]*:[^\[\]]*)(?P<port>)")
_LENGTH = re.compile(r"[^=]*=\s*(?P<number>[+-]?[0-9]*).*", re.DOTALL)
_URL = re.compile(
    r"(?P<kind>socks4|socks5|http)://((?P<user>[^:]*):(?P<password>.*)@)?(?P<host>[^:@]*):(?P<port>[0-9]+)"
)
_KINDS: Mapping[str, SocksVersion | None] = MappingProxyType(
    {"socks4": SocksVersion.V4, "socks5": SocksVersion.V5, "http": None, "raw": None}
)


@dataclass(frozen=True, slots=True)
class _Proxy:
    line: int
    kind: str
    host: str
    port: str
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
class _File:
    """What was read so far."""

    source: str
    chain: str = "dynamic_chain"
    chain_line: int = 0
    length: int = 1
    resolver_line: int = 0
    resolver: str = ""
    connect_ms: int | None = None
    read_ms: int | None = None
    direct: list[tuple[int, str, str]] = field(default_factory=list)
    """Line, address and port of what goes directly."""
    moved: list[tuple[int, str, str]] = field(default_factory=list)
    """Line, address and port of what proxychains connects to another address."""
    proxies: list[_Proxy] = field(default_factory=list)
    left: list[NotCarried] = field(default_factory=list)

    def wrong(self, line: int, value: object, must: str) -> PolicyError:
        """Return the error for a line that proxychains does not take either."""
        return not_understood(value, must, line=line, source=self.source)


def parse(text: str, source: str = "") -> Carried:
    """Read a configuration.

    Args:
        text: What the file holds.
        source: Its name, for messages.

    Raises:
        PolicyError: A line is one that proxychains would refuse, or a value cannot be taken.
    """
    file = _File(source)
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
    return _carry(file)


def _take_option(file: _File, number: int, line: str) -> None:
    take = _WHOLE_LINES.get(line)
    if take is None:
        take = next((take for name, take in _BEGINNINGS if line.startswith(name)), _take_unknown)
    take(file, number, line)


def _take_unknown(file: _File, number: int, line: str) -> None:
    file.left.append(not_carried("GWL026E", line=number, value=line))


def _take_chain(file: _File, number: int, line: str) -> None:
    file.chain, file.chain_line = line, number


def _take_quiet(file: _File, number: int, line: str) -> None:
    file.left.append(not_carried("GWL0273", line=number, value=line))


def _take_resolver(file: _File, number: int, line: str) -> None:
    file.resolver, file.resolver_line = line, number


def _take_length(file: _File, number: int, line: str) -> None:
    found = _LENGTH.fullmatch(line)
    if found is None:
        raise file.wrong(number, line, "there is an equals sign behind chain_len")
    # Only whether it is 1 matters; 0 and no number at all are 1, too.
    file.length = 1 if found["number"].lstrip("+-0") in {"", "1"} and not found["number"].startswith("-1") else 2


def _take_connect_time_out(file: _File, number: int, line: str) -> None:
    file.connect_ms = _milliseconds(file, number, line)


def _take_read_time_out(file: _File, number: int, line: str) -> None:
    file.read_ms = _milliseconds(file, number, line)


def _milliseconds(file: _File, number: int, line: str) -> int | None:
    words = line.split()
    found = whole_number(words[1], 1, _MOST_MS) if len(words) > 1 else None
    if found is None:
        file.left.append(not_carried("GWL026F", line=number, value=line))
        return None
    return int(found)


def _take_localnet(file: _File, number: int, line: str) -> None:
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
    file: _File, number: int, line: str, text: str
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
    file: _File, number: int, line: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address, mask: str
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


def _take_dnat(file: _File, number: int, line: str) -> None:
    words = line.split()
    if len(words) < 3:
        raise file.wrong(number, line, "dnat has two addresses")
    (address, port), (new, _) = (_address_port(file, number, line, word) for word in words[1:3])
    if (address.version, new.version) != (4, 4):
        raise file.wrong(number, line, "dnat has addresses of IPv4")
    file.moved.append((number, str(address), port))
    file.left.append(not_carried("GWL0267", line=number, value=line))


_WHOLE_LINES: Mapping[str, Callable[[_File, int, str], None]] = MappingProxyType(
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

_BEGINNINGS: tuple[tuple[str, Callable[[_File, int, str], None]], ...] = (
    ("tcp_read_time_out", _take_read_time_out),
    ("tcp_connect_time_out", _take_connect_time_out),
    ("remote_dns_subnet", _take_quiet),
    ("localnet", _take_localnet),
    ("chain_len", _take_length),
    ("proxy_dns_daemon", _take_resolver),
    ("dnat", _take_dnat),
)
"""Beginnings of lines, in the order in which proxychains tries them."""


def _take_proxy(file: _File, number: int, line: str) -> None:
    words = line.split()
    if len(words) > 2:
        kind, host, port, *more = words
    elif found := _URL.fullmatch(line):
        kind, host, port = found["kind"], found["host"], found["port"]
        more = [found["user"] or "", found["password"] or ""]
    else:
        raise file.wrong(number, f"{words[0].partition('://')[0]} ...", "a proxy has a type, an address and a port")
    shown = f"{kind} {host} {port}"
    if kind not in _KINDS:
        raise file.wrong(number, shown, "a proxy is socks4, socks5, http or raw")
    digits = whole_number(port, 0, MAX_PORT)
    if digits is None:
        raise file.wrong(number, shown, "a port is a number to 65535")
    if digits == "0":
        file.left.append(not_carried("GWL026F", line=number, value=shown))
        return
    user, password = _credentials(file, number, shown, more)
    file.proxies.append(_Proxy(number, kind, host, digits, user, password))


def _credentials(file: _File, number: int, shown: str, more: list[str]) -> tuple[str, str]:
    """Return the user id and the password behind a proxy's port."""
    if more and more[0].startswith("#"):
        file.left.append(not_carried("GWL0270", line=number, value=shown))
        return "", ""
    user, password = (*more[:2], "", "")[:2]
    if len(more) > 2:
        file.left.append(not_carried("GWL0270", line=number, value=f"{shown} {user} {NOT_SHOWN}"))
    return user, password


def _carry(file: _File) -> Carried:
    if file.resolver_line:
        file.left.append(not_carried("GWL026D", line=file.resolver_line, value=file.resolver))
    proxies = _usable(file)
    if not proxies:
        return Carried((), in_order(file.left), tuple(proxy.line for proxy in file.proxies))
    made = _direct_entries(file)
    made.append(_socks_entry(file, proxies, (len(made) + 1) * STEP))
    # What moves a connection comes before the localnets, which do not see the address that was asked for.
    moved = (line for line, address, port in file.moved if goes_direct(areas(address, port), made))
    return Carried(tuple(made), in_order(file.left), tuple(moved))


def _usable(file: _File) -> list[_Proxy]:
    """Return the proxies of which each connection takes one, as far as they fit one entry; tell of the others."""
    takes_one = file.chain in _TAKE_SOME and file.length == 1
    if file.proxies and not (takes_one or (len(file.proxies) == 1 and file.chain not in _TAKE_SOME)):
        line = file.chain_line or file.proxies[0].line
        file.left.append(not_carried("GWL0264", line=line, value=file.chain, count=len(file.proxies)))
        return []
    usable = [proxy for proxy in file.proxies if _is_socks(file, proxy)]
    if len(usable) > 1:
        file.left.append(not_carried("GWL0268", line=file.chain_line, value=file.chain))
    same = [proxy for proxy in usable if proxy.credentials == usable[0].credentials]
    for proxy in usable:
        if proxy not in same:
            file.left.append(not_carried("GWL0269", line=proxy.line, value=proxy, first_line=same[0].line))
    return same


def _is_socks(file: _File, proxy: _Proxy) -> bool:
    if _KINDS[proxy.kind] is not None:
        return True
    message_id = "GWL0265" if proxy.kind == "http" else "GWL0266"
    file.left.append(not_carried(message_id, line=proxy.line, value=proxy))
    return False


def _direct_entries(file: _File) -> list[SocksEntry]:
    made: list[SocksEntry] = []
    seen: set[tuple[str, str]] = set()
    for line, address, port in file.direct:
        destination = (check_address(address), port)
        if destination not in seen:
            seen.add(destination)
            made.append(
                make_socks_entry(
                    sequence=(len(made) + 1) * STEP,
                    remote_address=destination[0],
                    remote_port=port,
                    type=SocksType.DIRECT,
                    text=_text(line),
                )
            )
    return made


def _socks_entry(file: _File, proxies: list[_Proxy], sequence: int) -> SocksEntry:
    first = proxies[0]
    version = _KINDS[first.kind] or SocksVersion.V5
    if version is SocksVersion.V4 and file.resolver:
        version = SocksVersion.V4A
    if version is not SocksVersion.V5:
        _tell_of_user(file, first)
    fields: dict[str, object] = {"user_id": first.user}
    if version is SocksVersion.V5 and first.user:
        fields["password"] = first.password
    if file.connect_ms or file.read_ms:
        wanted = (file.connect_ms or _CONNECT_MS) + (file.read_ms or _READ_MS)
        fields["time_limit_ms"] = min(wanted, LONGEST_TIME_LIMIT_MS)
    servers = " ".join(map(str, _servers(file, proxies)))
    try:
        return make_socks_entry(sequence=sequence, servers=servers, version=version, text=_text(first.line), **fields)
    except PolicyError as error:
        raise at_line(error, first.line, file.source) from error


def _tell_of_user(file: _File, proxy: _Proxy) -> None:
    if proxy.password:
        file.left.append(not_carried("GWL0272", line=proxy.line, value=proxy))
    if not proxy.user:
        file.left.append(not_carried("GWL0271", line=proxy.line, value=proxy))


def _servers(file: _File, proxies: list[_Proxy]) -> list[SocksServer]:
    servers: list[SocksServer] = []
    for proxy in proxies:
        server = _server(file, proxy)
        if server in servers:
            continue
        if len(servers) < MOST_SERVERS:
            servers.append(server)
        else:
            file.left.append(not_carried("GWL026A", line=proxy.line, value=proxy, most=MOST_SERVERS))
    return servers


def _server(file: _File, proxy: _Proxy) -> SocksServer:
    host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
    try:
        found = parse_servers(f"{host}:{proxy.port}", "Server")
    except PolicyError as error:
        raise at_line(error, proxy.line, file.source) from error
    if len(found) != 1:
        raise file.wrong(proxy.line, proxy, "it names one proxy")
    return found[0]


def _text(line: int) -> str:
    return f"proxychains.conf line {line}"
