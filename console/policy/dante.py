"""The routes of Dante's client (socks.conf, dante.conf) as SOCKS entries.

Pure: text in, entries and what could not be carried over out; `console.policy.dante_syntax` reads the words.

Which route a connection takes is not the order of the file alone. Dante looks for a direct route first, then for one
whose proxy speaks version 4, then version 5, then HTTP, each time from the top of the file (socks.conf(5), ROUTES;
socks_requestpolish in lib/config.c), so that a direct route wins wherever it stands. The entries are in that order. A
proxy that speaks both versions is asked with version 4, as by Dante; where names are looked up at the proxy, or IPv6
is among the destinations, with 5, for 4 has no way to say those. A route that is never the first is asked by Dante when
the proxy of the first does not answer: with the same destination it becomes the next server of that entry.

Dante's client routes IPv4 only: connections of IPv6 are made directly, whatever the routes say (lib/Rconnect.c).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import chain
from types import MappingProxyType

from console.model.words import SocksType, SocksVersion
from console.policy.carried import (
    IPV4,
    IPV6,
    STEP,
    Area,
    Carried,
    NotCarried,
    areas,
    goes_direct,
    in_order,
    not_carried,
    without,
)
from console.policy.dante_addresses import Origin, ServicePort, network_of, ports_of, server_of
from console.policy.dante_syntax import Option, Route, of_server, read
from console.policy.fields import MAX_PORT
from console.policy.rule import ANY, SocksEntry, SocksServer
from console.policy.socks_entries import MOST_SERVERS, make_socks_entry

_NEEDS_NONE = frozenset({"debug", "logoutput", "errorlog"})
_NOT_KEPT = frozenset({"route.badexpire", "route.maxfail", "timeout.connect", "connecttimeout"})
_OF_SERVERS = frozenset(
    {
        "barefoot", "block", "child", "client", "clientmethod", "compatibility", "cpu", "extension", "external",
        "hostid", "internal", "iotimeout", "libwrap", "method", "monitor", "pass", "socks", "socksmethod", "srchost",
        "timeout", "udp", "user",
    }
)  # fmt: skip
"""First parts of what only danted.conf, the configuration of Dante's server, has (sockd.conf(5))."""

_ROUTE_OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "command": frozenset({"bind", "bindreply", "connect", "udpassociate", "udpreply"}),
        "method": frozenset({"none", "gssapi", "username"}),
        "protocol": frozenset({"tcp", "udp"}),
        "proxyprotocol": frozenset({"socks_v4", "socks_v5", "http", "http_v1.0", "upnp", "msproxy_v2"}),
    }
)
"""Option that decides whether a route is taken -> its values; other options change nothing about that."""

_SOCKS = frozenset({"socks_v4", "socks_v5"})
_UDP = frozenset({"udp", "udpassociate", "udpreply"})
_DIRECT, _WITH_4, _WITH_5, _NEITHER = range(4)
"""When Dante looks for a way."""
_ALL_PORTS = f"1-{MAX_PORT}"


@dataclass(frozen=True, slots=True)
class _Way:
    """One way that connections may take."""

    route: Route
    destinations: tuple[tuple[str, str], ...]
    """Address and port, canonical: an entry for each."""
    type: SocksType | None
    """None: through a proxy that no entry can name."""
    version: SocksVersion = SocksVersion.V5
    server: SocksServer | None = None


@dataclass(slots=True)
class _File:
    origin: Origin
    names_at_proxy: bool = False
    ways: tuple[list[_Way], ...] = field(default_factory=lambda: ([], [], [], []))
    """Direct ones, then those of version 4, version 5 and neither: the order in which Dante looks for one."""
    left: list[NotCarried] = field(default_factory=list)


def parse(text: str, source: str = "", service_port: ServicePort = lambda _: None) -> Carried:
    """Read a configuration.

    Args:
        text: What the file holds.
        source: Its name, for messages.
        service_port: Knows the ports of service names; Dante looks them up when it reads its configuration.

    Raises:
        PolicyError: It is no configuration of Dante's client, or a value cannot be taken.
    """
    file = _File(Origin(source, service_port))
    settings, routes = read(text, source)
    for setting in settings:
        _take_setting(file, setting)
    for route in routes:
        _take_route(file, route)
    if not routes:
        return Carried((), in_order(file.left))
    return _carry(file)


def _take_setting(file: _File, setting: Option) -> None:
    if setting.name in _NEEDS_NONE:
        file.left.append(not_carried("GWL0273", line=setting.line, value=setting))
    elif setting.name in _NOT_KEPT:
        file.left.append(not_carried("GWL0274", line=setting.line, value=setting))
    elif setting.name == "resolveprotocol":
        _take_resolver(file, setting)
    elif setting.name.partition(".")[0] in _OF_SERVERS:
        raise of_server(setting.name, line=setting.line, source=file.origin.source)
    else:
        raise file.origin.wrong(setting.line, setting, "that is no setting of Dante's client")


def _take_resolver(file: _File, setting: Option) -> None:
    if setting.values not in {("udp",), ("tcp",), ("fake",)}:
        raise file.origin.wrong(setting.line, setting, "names are looked up by udp, tcp or fake")
    file.names_at_proxy = setting.values == ("fake",)
    message_id = "GWL026D" if file.names_at_proxy else "GWL0273"
    file.left.append(not_carried(message_id, line=setting.line, value=setting))


def _take_route(file: _File, route: Route) -> None:
    for option in route.options:
        _check_option(file, option)
    protocols = route.values("proxyprotocol")
    if protocols & _SOCKS and protocols - _SOCKS:
        raise file.origin.wrong(route.line, "proxyprotocol", "a proxy speaks SOCKS or something else, not both")
    if not _connects(file, route):
        return
    destinations = _destinations(file, route)
    if route.gateway.text != "direct" or protocols:
        _take_proxied(file, route, destinations)
    elif destinations is not None and _allows(route, "none"):
        file.ways[_DIRECT].append(_Way(route, destinations, SocksType.DIRECT))


def _check_option(file: _File, option: Option) -> None:
    known = _ROUTE_OPTIONS.get(option.name)
    if known is None:
        file.left.append(not_carried("GWL0280", line=option.line, value=option))
        return
    wrong = next((value for value in option.values if value not in known), None)
    if wrong is not None:
        raise file.origin.wrong(option.line, option, f"{wrong} is no value of {option.name}")
    if _UDP.intersection(option.values):
        file.left.append(not_carried("GWL0279", line=option.line, value=option))


def _connects(file: _File, route: Route) -> bool:
    """Return whether connections of TCP may take a route at all."""
    commands, protocols = route.values("command"), route.values("protocol")
    if (commands and "connect" not in commands) or (protocols and "tcp" not in protocols):
        file.left.append(not_carried("GWL027A", line=route.line, value=route))
        return False
    return True


def _allows(route: Route, method: str) -> bool:
    methods = route.values("method")
    return not methods or method in methods


def _destinations(file: _File, route: Route) -> tuple[tuple[str, str], ...] | None:
    """Return what a route is for; None, and tell why, where that cannot be said in an entry."""
    source = route.source
    network = network_of(file.origin, source)
    ports = ports_of(file.origin, route.destination)
    if source.port is not None or network is None or not _is_everything(network):
        file.left.append(not_carried("GWL0276", line=source.line, value=f"from: {source}"))
        return None
    network = network_of(file.origin, route.destination)
    if network is None:
        file.left.append(not_carried("GWL0275", line=route.destination.line, value=f"to: {route.destination}"))
        return None
    if not ports:
        file.left.append(not_carried("GWL0281", line=route.destination.line, value=f"to: {route.destination}"))
    return tuple((network, port) for port in ports)


def _is_everything(network: str) -> bool:
    return network in {ANY, IPV4, IPV6}


def _take_proxied(file: _File, route: Route, destinations: tuple[tuple[str, str], ...] | None) -> None:
    protocols = route.values("proxyprotocol") or _SOCKS
    rank = _rank(route, protocols, destinations)
    gateway = route.gateway.text
    if destinations is None:
        _lose(file, route, rank, ((IPV4, port) for port in ports_of(file.origin, route.destination)))
    elif not protocols & _SOCKS or gateway == "broadcast" or "://" in gateway:
        file.left.append(not_carried("GWL0277", line=route.line, value=route))
        _lose(file, route, _NEITHER, destinations)
    elif rank == _NEITHER:
        message_id = "GWL0282" if _allows(route, "none") else "GWL0278"
        file.left.append(not_carried(message_id, line=route.line, value=route))
        _lose(file, route, rank, destinations)
    else:
        version = _version(file, route, rank, destinations)
        way = _Way(route, destinations, SocksType.SOCKS, version, server_of(file.origin, route.gateway))
        file.ways[rank].append(way)


def _rank(route: Route, protocols: AbstractSet[str], destinations: tuple[tuple[str, str], ...] | None) -> int:
    """Return when Dante looks for a route through a proxy."""
    if _speaks_4(route, protocols, destinations or ()):
        return _WITH_4
    return _WITH_5 if _speaks_5(route, protocols) else _NEITHER


def _speaks_4(route: Route, protocols: AbstractSet[str], destinations: tuple[tuple[str, str], ...]) -> bool:
    # Version 4 knows neither passwords nor IPv6.
    is_ipv6 = any(":" in address for address, _ in destinations)
    return "socks_v4" in protocols and _allows(route, "none") and not is_ipv6


def _speaks_5(route: Route, protocols: AbstractSet[str]) -> bool:
    return "socks_v5" in protocols and (_allows(route, "none") or _allows(route, "username"))


def _version(file: _File, route: Route, rank: int, destinations: tuple[tuple[str, str], ...]) -> SocksVersion:
    """Return the version of the entries of a route; tell what the operator has to know about it."""
    if "username" in route.values("method"):
        file.left.append(not_carried("GWL0283", line=route.line, value=route))
    if rank == _WITH_5:
        return SocksVersion.V5
    speaks_both = _speaks_5(route, route.values("proxyprotocol") or _SOCKS)
    if speaks_both and (file.names_at_proxy or any(address == ANY for address, _ in destinations)):
        return SocksVersion.V5
    if speaks_both:
        file.left.append(not_carried("GWL0284", line=route.line, value=route))
    return SocksVersion.V4


def _lose(file: _File, route: Route, rank: int, destinations: Iterable[tuple[str, str]]) -> None:
    """Keep in mind that what went through a proxy has to go another way."""
    file.ways[rank].append(_Way(route, tuple(destinations), None))


@dataclass(slots=True)
class _Entries:
    """The entries that ways become, in the order in which Dante looks for them."""

    made: list[SocksEntry] = field(default_factory=list)
    covered: list[Area] = field(default_factory=list)

    def add(self, way: _Way, left: list[NotCarried]) -> None:
        """Make the entries of a way; those that would never be the first become servers of one that is there."""
        for address, port in way.destinations:
            covers = areas(address, port)
            if without(covers, self.covered):
                self.covered.extend(covers)
                self.made.append(self._entry(way, address, port))
            elif way.server is not None and not self._joined(way.server, way.version, address, port):
                left.append(not_carried("GWL027B", line=way.route.line, value=way.route))

    def _entry(self, way: _Way, address: str, port: str) -> SocksEntry:
        fields: dict[str, object] = {"type": way.type, "text": f"socks.conf line {way.route.line}"}
        if way.server is not None:
            fields |= {"servers": way.server, "version": way.version}
        sequence = (len(self.made) + 1) * STEP
        return make_socks_entry(sequence=sequence, remote_address=address, remote_port=port, **fields)

    def _joined(self, server: SocksServer, version: SocksVersion, address: str, port: str) -> bool:
        """Return whether a server is one of an entry for the same, or could be made one."""
        wanted = (address, port, version, SocksType.SOCKS)
        for index, entry in enumerate(self.made):
            if (entry.remote_address, entry.remote_port, entry.version, entry.type) == wanted:
                if server not in entry.servers and len(entry.servers) < MOST_SERVERS:
                    entry = replace(entry, servers=(*entry.servers, server))
                    self.made[index] = entry
                return server in entry.servers
        return False


def _carry(file: _File) -> Carried:
    entries = _Entries()
    lost: list[tuple[int, list[Area], int]] = []
    for way in chain.from_iterable(file.ways):
        if way.type is not None:
            entries.add(way, file.left)
        elif rest := without(_areas_lost(way), entries.covered):
            lost.append((way.route.line, rest, len(entries.made)))
    made = entries.made
    if any(entry.type is SocksType.SOCKS for entry in made):
        file.left.append(not_carried("GWL027C"))
    if made:
        _tell_what_is_direct(file, entries.covered)
    direct = {line for line, rest, before in lost if goes_direct(rest, made[before:])}
    return Carried(tuple(made), in_order(file.left), tuple(sorted(direct)))


def _areas_lost(way: _Way) -> list[Area]:
    # No connection has port 0, and no comparison of ports covers it.
    return [area for address, port in way.destinations for area in areas(address, _ALL_PORTS if port == ANY else port)]


def _tell_what_is_direct(file: _File, covered: list[Area]) -> None:
    for message_id, family in (("GWL027D", IPV4), ("GWL027E", IPV6)):
        if without(areas(family, _ALL_PORTS), covered):
            file.left.append(not_carried(message_id))
