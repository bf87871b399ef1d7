"""Has the names of a job resolved where its connections are made: at the SOCKS server (greenwall run --remote-names).

What programs ask a name server, whichever, the guard answers (`name_server`, `name_answers`) with an address that
stands for the name. A connect to that address goes through a SOCKS server, which is told the name. So no name that a
program looks up leaves this machine but in a request to a SOCKS server:

* Port 53 of anything, by TCP and by UDP, connected or not, leads to the guard.
* The daemons that look names up for programs, and are asked by Unix sockets, are not there: glibc then goes on to what
  comes next in nsswitch.conf(5), which is files, and name servers.
* Datagrams to the ports at which neighbours are asked for names (mDNS, LLMNR, NetBIOS) cannot be sent.
* Nor can datagrams to an address that stands for a name, which no route leads to.

This keeps in what programs do without meaning to. One that means to tell somebody a name has a thousand ways to do so;
rules are there for that. Names in /etc/hosts are found there first, and by the program itself.

The exit point comes first, as everywhere: what a rule rejects is rejected, be it a name server, and rules and SOCKS
entries are asked about the address that stands for a name, whatever the name leads to.

Threads: any.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

from console.enforcement import layouts as k
from console.enforcement import streams, syscalls
from console.enforcement.guard.name_server import NameServer
from console.enforcement.guard.name_table import MOST_NAMES, NameTable, is_handed_out_from_here
from console.enforcement.guard.peer_names import as_told
from console.enforcement.guard.search_list import SearchMemory, parse_search_list
from console.enforcement.layouts import Endpoint
from console.messages import line, message

_DOMAIN = 53
_NEIGHBOURS = frozenset({137, 5353, 5355})
"""NetBIOS name service, multicast DNS, link-local multicast name resolution (IANA, Service Name and Transport Protocol
Port Number Registry)."""
_RESOLV_CONF = "/etc/resolv.conf"
_LOCAL_SERVICES = frozenset(
    f"{directory}/{name}".encode()
    for directory in ("/run", "/var/run")
    for name in ("nscd/socket", "systemd/resolve/io.systemd.Resolve", "avahi-daemon/socket")
)
"""Where nscd(8), nss-resolve(8) and nss-mdns find the daemons that they ask."""
_NAME_AT = 2
"""Where struct sockaddr_un has its path."""


class Led(NamedTuple):
    """Where a connect or a datagram is led."""

    sockaddr: bytes
    """To where it wanted, or to the guard."""
    failure: int = 0
    """Errno, if nowhere."""
    name: str = ""
    """What its address stands for; empty for itself."""
    to_guard: bool = False


class RemoteNames:
    """The names of one job."""

    def __init__(self, note: Callable[[str], None], network: int | None) -> None:
        """Begin without any.

        Args:
            note: Takes what the journal is to be told.
            network: Number of the guard's network namespace (`streams.network`).
        """
        self.table = NameTable()
        self._note = note
        self._network = network
        self._server = NameServer(self._make_answer)

    def start(self) -> None:
        """Begin to answer."""
        self._server.start()

    def led(self, number: int, sockaddr: bytes, remote: Endpoint) -> Led:
        """Return where a connect or a datagram of an internet socket is led, once it was decided.

        Args:
            number: The socket.
            sockaddr: Where it wants to go.
            remote: The same, for the policy; without a port on sockets that have none.

        Raises:
            OSError: It is no socket.
        """
        kind = syscalls.socket_option(number, socket.SO_TYPE)
        is_datagram = kind == socket.SOCK_DGRAM
        if not is_datagram and kind != socket.SOCK_STREAM:
            return Led(sockaddr)
        name = self.table.name_of(remote.address)
        if name or (is_datagram and remote.port in _NEIGHBOURS):
            return Led(sockaddr, errno.ENETUNREACH if is_datagram else 0, name)
        if remote.port != _DOMAIN:
            return Led(sockaddr)
        if k.sockaddr_family(sockaddr) == socket.AF_UNSPEC:  # what sends on IPv4 sockets take for AF_INET
            sockaddr = socket.AF_INET.to_bytes(2, "little") + sockaddr[2:]
        stand_in = self._server.stand_in(kind, as_told(sockaddr)) if self._is_near(number) else None
        return Led(sockaddr, errno.ENETUNREACH) if stand_in is None else Led(stand_in, to_guard=True)

    def text(self, remote: Endpoint, led: Led | None = None) -> str:
        """Return what the journal is told of a connect or a datagram.

        Args:
            remote: Where it wanted to go.
            led: Where it was led; None if it was rejected.
        """
        if led is not None and led.to_guard:
            return "asked the guard for names"
        name = self.table.name_of(remote.address)
        return f"name {name}" if name else ""

    def asking(self, number: int) -> AbstractContextManager[None]:
        """Let a socket ask the guard within a context, by a connect or a send to where it was led."""
        return self._server.askers.asking(syscalls.socket_option(number, socket.SO_TYPE), number)

    def has_asked(self, number: int) -> bool:
        """Say whether a datagram socket has asked the guard."""
        return self._server.askers.has(socket.SOCK_DGRAM, number)

    def connect(self, number: int, sockaddr: bytes) -> int | None:
        """Make a connect about which no rule was asked, if it is led elsewhere than it says.

        Returns:
            0 or the errno; None where it is what it says, and was not made.
        """
        remote = k.parse_known_sockaddr(sockaddr)
        if remote is None:
            return None
        try:
            led = self.led(number, sockaddr, remote)
        except OSError:  # no socket, which connect says better
            return None
        return self.connect_led(number, led) if led.failure or led.to_guard else None

    def connect_led(self, number: int, led: Led) -> int:
        """Connect a socket to the guard in the place of a name server; returns 0 or the errno, or why it is not led."""
        if led.failure:
            return led.failure
        with self.asking(number):
            return syscalls.connect(number, led.sockaddr)

    def concerns(self, remote: Endpoint) -> bool:
        """Say whether connects to somewhere may be led elsewhere than they say, now or later."""
        return remote.port == _DOMAIN or remote.port in _NEIGHBOURS or is_handed_out_from_here(remote.address)

    def told_of(self, number: int, sockaddr: bytes) -> bytes | None:
        """Return the name server that the guard stands in for.

        Args:
            number: A socket of the job.
            sockaddr: Where something came from, or what the socket is connected to.

        Returns:
            None where the address is what it says.
        """
        return self._server.told_of(syscalls.socket_option(number, socket.SO_TYPE), sockaddr)

    def _is_near(self, number: int) -> bool:
        """Say whether a socket is in our network namespace: in another one, loopback does not lead here."""
        try:
            return streams.network(number) == self._network
        except OSError:
            return False

    def _make_answer(self) -> Callable[[bytes], bytes]:
        # Here, because it takes a tenth of a second, which no job waits for unless it asks for a name at once.
        from console.enforcement.guard.name_answers import NameAnswers

        answers = NameAnswers(self.table, SearchMemory(parse_search_list(_read_resolv_conf())))
        was_full = False

        def answer(octets: bytes) -> bytes:
            nonlocal was_full
            said = answers.answer(octets)
            if answers.ran_out and not was_full:
                was_full = True
                self._note(line(message("GWL0862", most=MOST_NAMES)))
            return said

        return answer


def is_local_service(sockaddr: bytes) -> bool:
    """Say whether a socket address is that of a daemon that looks names up for programs."""
    if k.sockaddr_family(sockaddr) != socket.AF_UNIX:
        return False
    path, _, _ = sockaddr[_NAME_AT:].partition(b"\0")
    return os.path.normpath(path) in _LOCAL_SERVICES


def _read_resolv_conf() -> str:
    try:
        with open(_RESOLV_CONF, errors="replace") as file:
            return file.read(65_536)
    except OSError:
        return ""
