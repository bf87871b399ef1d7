"""The name server of a guard: sockets on loopback that stand in for the name servers that a job asks.

Each name server that the job knows has a port here of its own, so that the address an answer comes from tells which of
them it stands for. The sockets are the guard's, and so is the thread that answers on them. A question goes from the
job's socket to the guard's over loopback, and no further.

Others on this machine can send to these ports, too. They are not answered, because what the job's programs look up is
nobody's business: the guard knows the sockets of the job that ask (`Askers`), and where a port was seen some time ago
it makes certain that it is still that socket's, and not another's that got the port after it.

Knows messages only as octets, and must not know of rules or SOCKS servers.

Threads: `stand_in`, `told_of` and `Askers` from any; all else is the object's own thread.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.layouts import Endpoint, address_text
from console.policy.request import MAPPED

_MOST_STAND_INS = 64
"""Name servers of a job; resolv.conf(5) has room for three."""
_MOST_ASKERS = 4096
"""Sockets; the one that was seen first is forgotten first, and gets no answers any more."""
_MOST_CONNECTIONS = 64
_SURE_S = 1.0
"""How long a port is believed to be still that of the socket it was seen at."""
_IDLE_S = 10.0
_LONGEST = 65_535
_LENGTH_SIZE = 2
"""Before each message on a connection stands its length (RFC 1035, section 4.2.2)."""
_TABLES: Mapping[int, tuple[str, str]] = {socket.SOCK_DGRAM: ("udp", "udp6"), socket.SOCK_STREAM: ("tcp", "tcp6")}
_LOOPBACK = {socket.AF_INET: MAPPED + 0x7F00_0001, socket.AF_INET6: 1}
"""Family -> 127.0.0.1 or ::1, in the 128-bit space."""


class _Key(NamedTuple):
    """What a socket here stands in for: a name server, for a kind of socket."""

    kind: int
    """SOCK_DGRAM or SOCK_STREAM."""
    told: bytes
    """Socket address of the name server, in the family of the sockets that ask."""


class _Seen(NamedTuple):
    """A socket of the job that asks."""

    inode: int
    at: float
    """When it was last known to be there; seconds of the monotonic clock."""


class Askers:
    """The sockets of a job that ask, by kind and local port."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[int, int], _Seen] = OrderedDict()
        self._mutex = threading.RLock()

    @contextlib.contextmanager
    def asking(self, kind: int, number: int) -> Iterator[None]:
        """Let a socket of the job ask: what is done within sends its question, and binds it where it was not.

        Args:
            kind: SOCK_DGRAM or SOCK_STREAM.
            number: The socket.
        """
        with self._mutex:
            yield
            port = _port(number)
            if port:
                self._known.pop((kind, port), None)
                if len(self._known) >= _MOST_ASKERS:
                    self._known.popitem(last=False)
                self._known[kind, port] = _Seen(os.fstat(number).st_ino, time.monotonic())

    def know(self, kind: int, port: int) -> bool:
        """Say whether a port is that of a socket of the job that asks."""
        with self._mutex:
            seen = self._known.get((kind, port))
            if seen is None:
                return False
            now = time.monotonic()
            if now - seen.at < _SURE_S:
                return True
            if not _is_there(kind, port, seen.inode):
                del self._known[kind, port]
                return False
            self._known[kind, port] = seen._replace(at=now)
            return True

    def has(self, kind: int, number: int) -> bool:
        """Say whether a socket of the job has asked."""
        seen = self._known.get((kind, _port(number))) if self._known else None
        return seen is not None and seen.inode == os.fstat(number).st_ino


class _Connection:
    """A job's connection to a stand-in."""

    def __init__(self, wire: socket.socket) -> None:
        self.wire = wire
        self.received = b""
        self.at = time.monotonic()


class NameServer:
    """Sockets that stand in for name servers, and what answers on them."""

    def __init__(self, make_answer: Callable[[], Callable[[bytes], bytes]]) -> None:
        """Begin without any.

        Args:
            make_answer: Returns what answers a message, with nothing where there is no answer; called once, in the
                thread that answers.
        """
        self.askers = Askers()
        self._make_answer = make_answer
        self._mutex = threading.Lock()
        self._stand_ins: dict[_Key, Endpoint] = {}
        self._told: dict[tuple[int, Endpoint], bytes] = {}
        """(kind, where a stand-in is) -> what it stands for."""
        self._sockets: dict[int, tuple[int, socket.socket]] = {}
        """Descriptor -> kind and socket of a stand-in."""
        self._connections: OrderedDict[int, _Connection] = OrderedDict()
        self._poll = select.epoll()

    def start(self) -> None:
        """Begin to answer."""
        threading.Thread(target=self._run, name="name-server", daemon=True).start()

    def stand_in(self, kind: int, told: bytes) -> bytes | None:
        """Return the socket address that stands in for a name server's; None where there can be none.

        Args:
            kind: SOCK_DGRAM or SOCK_STREAM.
            told: Socket address of the name server, in the family of the socket that asks; of its full length, without
                a flow label.
        """
        key = _Key(kind, told)
        with self._mutex:
            place = self._stand_ins.get(key)
            if place is None:
                place = self._open(key)
                if place is None:
                    return None
        return k.with_address(told[:2] + place.port.to_bytes(2, "big") + told[4:], place.address)

    def told_of(self, kind: int, sockaddr: bytes) -> bytes | None:
        """Return the socket address of the name server that one here stands in for; None for any other."""
        place = k.parse_sockaddr(sockaddr)
        return None if place is None else self._told.get((kind, place))

    def _open(self, key: _Key) -> Endpoint | None:
        """Open a socket that stands in for a name server; the mutex is held."""
        told = k.parse_sockaddr(key.told)
        if told is None or len(self._stand_ins) >= _MOST_STAND_INS:
            return None
        family = socket.AF_INET if k.is_mapped(told.address) else socket.AF_INET6
        address = _LOOPBACK[family]
        made = socket.socket(family, key.kind | socket.SOCK_NONBLOCK)
        try:
            made.bind((address_text(address), 0))
            if key.kind == socket.SOCK_STREAM:
                made.listen()
        except OSError:  # no IPv6 here
            made.close()
            return None
        place = self._stand_ins[key] = Endpoint(address, made.getsockname()[1])
        self._told[key.kind, place] = key.told
        self._sockets[made.fileno()] = key.kind, made
        self._poll.register(made.fileno(), select.EPOLLIN)
        return place

    def _run(self) -> None:
        answer = self._make_answer()
        while True:
            for number, _ in self._poll.poll(_IDLE_S if self._connections else -1):
                connection = self._connections.get(number)
                if connection is not None:
                    self._serve_connection(connection, answer)
                    continue
                if number not in self._sockets:  # a connection that was closed for another, a moment ago
                    continue
                kind, stand_in = self._sockets[number]
                with contextlib.suppress(OSError):  # nothing there after all; whoever asked has gone
                    if kind == socket.SOCK_DGRAM:
                        self._serve_datagram(stand_in, answer)
                    else:
                        self._take_connection(stand_in)
            self._close_idle()

    def _serve_datagram(self, stand_in: socket.socket, answer: Callable[[bytes], bytes]) -> None:
        octets, source = stand_in.recvfrom(_LONGEST)
        if self.askers.know(socket.SOCK_DGRAM, source[1]) and (said := answer(octets)):
            stand_in.sendto(said, source)

    def _take_connection(self, stand_in: socket.socket) -> None:
        wire, source = stand_in.accept()
        if not self.askers.know(socket.SOCK_STREAM, source[1]):
            wire.close()
            return
        wire.setblocking(False)
        if len(self._connections) >= _MOST_CONNECTIONS:
            self._close(next(iter(self._connections.values())))
        self._connections[wire.fileno()] = _Connection(wire)
        self._poll.register(wire.fileno(), select.EPOLLIN)

    def _serve_connection(self, connection: _Connection, answer: Callable[[bytes], bytes]) -> None:
        """Answer the messages on a connection; one that reads no answers, or has ended, is closed."""
        try:
            octets = connection.wire.recv(_LONGEST)
            connection.received += octets
            connection.at = time.monotonic()
            said = b"".join(
                len(each).to_bytes(_LENGTH_SIZE, "big") + each for each in map(answer, _messages(connection)) if each
            )
            is_open = bool(octets) and (not said or connection.wire.send(said) == len(said))
        except OSError:
            is_open = False
        if not is_open:
            self._close(connection)

    def _close_idle(self) -> None:
        now = time.monotonic()
        for connection in [each for each in self._connections.values() if now - each.at > _IDLE_S]:
            self._close(connection)

    def _close(self, connection: _Connection) -> None:
        number = connection.wire.fileno()
        self._poll.unregister(number)
        del self._connections[number]
        connection.wire.close()


def _messages(connection: _Connection) -> Iterator[bytes]:
    """Return the messages that have come whole."""
    while len(connection.received) >= _LENGTH_SIZE:
        end = _LENGTH_SIZE + int.from_bytes(connection.received[:_LENGTH_SIZE], "big")
        if len(connection.received) < end:
            return
        message, connection.received = connection.received[_LENGTH_SIZE:end], connection.received[end:]
        yield message


def _port(number: int) -> int:
    place = k.parse_sockaddr(syscalls.local_sockaddr(number))
    return place.port if place is not None else 0


def _is_there(kind: int, port: int, inode: int) -> bool:
    """Say whether a socket of ours has a port still.

    Layout: A line a socket; its second word is the local address, a colon and the port in hexadecimal, its tenth the
    inode (proc_net(5)).
    """
    ending, number = f":{port:04X}", str(inode)
    for name in _TABLES[kind]:
        with contextlib.suppress(FileNotFoundError), open(f"/proc/thread-self/net/{name}") as table:  # no IPv6 here
            for line in table:
                words = line.split()
                if words[1].endswith(ending) and words[9] == number:
                    return True
    return False
