"""The configuration of proxychains and proxychains-ng (proxychains.conf) as SOCKS entries.

Pure: text in, entries and what could not be carried over out; `console.policy.proxychains_syntax` reads the lines.

A proxychains of one proxy is one entry for everything, behind *DIRECT entries for what its localnet lines except. One
that takes a single proxy out of several for each connection is an entry with several servers. A chain, through several
proxies one behind the other, is nothing that an entry can say; without any the file would mean that everything is
direct, which nobody wants who has it, and so it is refused as a whole.
"""

from __future__ import annotations

from console.errors import PolicyError
from console.model.words import SocksType, SocksVersion
from console.policy.carried import STEP, Carried, areas, at_line, goes_direct, in_order, not_carried
from console.policy.fields import check_address
from console.policy.proxychains_syntax import KINDS, Proxy, Settings, read
from console.policy.rule import SocksEntry, SocksServer
from console.policy.socks_entries import LONGEST_TIME_LIMIT_MS, MOST_SERVERS, make_socks_entry, parse_servers

_READ_MS = 4_000
_CONNECT_MS = 10_000
"""What proxychains waits when its configuration does not say."""

_TAKE_SOME = frozenset({"random_chain", "round_robin_chain"})
"""Chains of chain_len proxies, 1 unless it is said; the others are of all proxies."""


def parse(text: str, source: str = "") -> Carried:
    """Make entries of a configuration.

    Args:
        text: What the file holds.
        source: Its name, for messages.

    Raises:
        PolicyError: A line is one that proxychains would refuse, or a value cannot be taken.
    """
    return _carry(read(text, source))


def _carry(file: Settings) -> Carried:
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


def _usable(file: Settings) -> list[Proxy]:
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


def _is_socks(file: Settings, proxy: Proxy) -> bool:
    if KINDS[proxy.kind] is not None:
        return True
    message_id = "GWL0265" if proxy.kind == "http" else "GWL0266"
    file.left.append(not_carried(message_id, line=proxy.line, value=proxy))
    return False


def _direct_entries(file: Settings) -> list[SocksEntry]:
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


def _socks_entry(file: Settings, proxies: list[Proxy], sequence: int) -> SocksEntry:
    first = proxies[0]
    version = KINDS[first.kind] or SocksVersion.V5
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


def _tell_of_user(file: Settings, proxy: Proxy) -> None:
    if proxy.password:
        file.left.append(not_carried("GWL0272", line=proxy.line, value=proxy))
    if not proxy.user:
        file.left.append(not_carried("GWL0271", line=proxy.line, value=proxy))


def _servers(file: Settings, proxies: list[Proxy]) -> list[SocksServer]:
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


def _server(file: Settings, proxy: Proxy) -> SocksServer:
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
