"""Asks the SOCKS servers of an entry for a connection, to see whether they answer; what is made is closed at once."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from console.errors import SocksError
from console.messages import describe
from console.policy.request import MAPPED
from console.policy.rule import SocksEntry, SocksServer
from console.policy.wire import wire_server
from console.socks.client import Patience, dial
from console.socks.exchange import Exchange
from console.socks.refusals import Reason, failure
from console.socks.words import Command, Place, Server


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of asking one server."""

    server: SocksServer
    elapsed_ms: int
    error: SocksError | None
    """Why there was no connection; None for one that was made."""

    @property
    def answers(self) -> bool:
        """Whether the server does what a server does, if only to say that the destination does not answer it."""
        return self.error is None or not self.error.blames_server

    @property
    def said(self) -> str:
        """What came of it, in a sentence."""
        return "connected" if self.error is None else describe(self.error).text


def ask_servers(entry: SocksEntry, user: str, address: int, port: int) -> Iterator[Answer]:
    """Ask each server of an entry for a connection, whether those before it have answered or not.

    Args:
        entry: The entry, with its password in clear.
        user: Who connects.
        address: Destination, in the one 128-bit space.
        port: Destination port.
    """
    for server in entry.servers:
        began = time.monotonic()
        error = _refusal(entry, server, wire_server(entry, server, user), Place(address, port))
        yield Answer(server, round((time.monotonic() - began) * 1000), error)


def _refusal(entry: SocksEntry, server: SocksServer, wire: Server, destination: Place) -> SocksError | None:
    """Return why a server made no connection; one that has a name is tried at each of its addresses."""
    patience = Patience(time.monotonic() + entry.time_limit_ms / 1000)
    last: SocksError | None = None
    try:
        for place in _places(server, wire, destination):
            try:
                dial(place, Exchange(wire, Command.CONNECT, destination), patience).close()
            except SocksError as error:
                last = error
                if not error.blames_server:
                    return error
            else:
                return None
    except SocksError as error:
        return error
    return last


def _places(server: SocksServer, wire: Server, destination: Place) -> list[Place]:
    """Return the addresses of a server.

    Raises:
        SocksError: Its name is not known.
    """
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        raise failure(Reason.UNREACHABLE, wire.label, destination, reason) from error
    hosts = dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found)
    return [Place(_number(host), server.port) for host in hosts]


def _number(host: str) -> int:
    address = ipaddress.ip_address(host)
    return int(address) + (MAPPED if address.version == 4 else 0)
