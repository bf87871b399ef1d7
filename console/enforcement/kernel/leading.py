"""Leads one connection through a SOCKS server: what the relay does before any octet is passed on.

Which servers are tried, in which order, and what a failure means is as in a guard (`guard.routing`). Where to and for
whom is what the kernel has kept of the program's connect.

Threads: any.
"""

from __future__ import annotations

import errno
import pwd
import select
import socket
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from console.enforcement.guard.socks_servers import SocksServers
from console.enforcement.kernel.events import Underway
from console.errors import CallerGone, SocksError
from console.messages import describe, line
from console.model.words import SocksVersion
from console.policy.rule import SocksEntry, SocksServer
from console.policy.wire import wire_server
from console.socks.client import Patience, dial
from console.socks.exchange import Exchange
from console.socks.refusals import Reason, failure
from console.socks.words import Command, Place

_TRY_NEXT_ADDRESS = frozenset({Reason.UNREACHABLE, Reason.NOT_LISTENING})


class Led(NamedTuple):
    """What came of a connection."""

    far: socket.socket | None
    """Connected to the destination by way of the server; None where it came to nothing."""
    server: str = ""
    """The server that serves it, or the last that failed; host and port."""
    text: str = ""
    """Why it failed."""


class Leader:
    """Knows the servers."""

    def __init__(self, note: Callable[[str], object]) -> None:
        """Take what the journal is told when a server fails, or is back."""
        self._servers = SocksServers()
        self._take = note

    def _note(self, text: str) -> None:
        self._take(text)

    def lead(self, underway: Underway, entry: SocksEntry, near: socket.socket) -> Led:
        """Try the servers of an entry until one serves, or one decides.

        Args:
            underway: The connection.
            entry: That is about it.
            near: The program's end; when that is gone nobody wants the connection any more.
        """
        destination = Place(*underway.remote)
        led = Led(None, "", _said(errno.EHOSTUNREACH))
        for server in self._servers.in_order(entry.servers):
            started = time.monotonic()
            try:
                far = self._try_server(underway, entry, server, destination, near)
            except SocksError as error:
                led = Led(None, server.label, f"{_said(error.errno)}; {line(describe(error))}")
                if not error.blames_server:
                    self._servers.has_answered(server, self._note, time.monotonic() - started)
                    return led
                self._servers.has_failed(server, error, self._note)
            except CallerGone:
                return Led(None, server.label, "its caller has ended")
            else:
                self._servers.has_answered(server, self._note, time.monotonic() - started)
                return Led(far, server.label)
        return led

    def _try_server(
        self, underway: Underway, entry: SocksEntry, server: SocksServer, destination: Place, near: socket.socket
    ) -> socket.socket:
        """Return a socket of ours that the server has connected to the destination.

        Raises:
            SocksError: It came to nothing.
            CallerGone: The program has closed its end.
        """
        patience = Patience(time.monotonic() + entry.time_limit_ms / 1000, lambda: not _is_broken(near))
        try:
            addresses = self._servers.addresses(server, patience)
        except TimeoutError:
            raise failure(Reason.SILENT, server.label, destination, "the address of its name") from None
        if not addresses:
            raise failure(Reason.UNREACHABLE, server.label, destination, "its name is not known")
        told = wire_server(entry, server, _user_name(underway.uid) if _is_told(entry) else "")
        for address in addresses[:-1]:
            try:
                exchange = Exchange(told, Command.CONNECT, destination)
                return dial(Place(address, server.port), exchange, patience)
            except SocksError as error:
                if error.reason not in _TRY_NEXT_ADDRESS:
                    raise
        return dial(Place(addresses[-1], server.port), Exchange(told, Command.CONNECT, destination), patience)


def entries_by_sequence(entries: tuple[SocksEntry, ...]) -> Mapping[int, SocksEntry]:
    """Return entries by what the kernel calls them."""
    return {entry.sequence: entry for entry in entries}


def _is_told(entry: SocksEntry) -> bool:
    """Say whether a server is told who connects."""
    return entry.version is not SocksVersion.V5 and not entry.user_id


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _is_broken(near: socket.socket) -> bool:
    """Say whether a peer has gone, and not only said all that it has to say."""
    poll = select.poll()
    poll.register(near, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def _said(number: int) -> str:
    return errno.errorcode.get(number, str(number))
