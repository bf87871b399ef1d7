"""A SOCKS server for tests: versions 4, 4A and 5, CONNECT and BIND, and every bad manner that can be asked for.

It reads and writes the wire with code of its own, which shares nothing with `console.socks`. As a program::

    python -m tests.socks.server [--host HOST] [--port PORT] [--user NAME:PASSWORD] [--no-bind] [--refuse CODE] ...

it prints where it listens, and then a line for each request, until it is ended.
"""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

CONNECT, BIND = 1, 2
_DEADLINE_S = 60
"""For whatever a test should have done long ago."""


class Asked(NamedTuple):
    """A request as it came in."""

    version: str
    command: int
    host: str
    port: int
    user: str = ""
    password: str | None = None


@dataclass(frozen=True)
class Manners:
    """How a server behaves; the default is well."""

    versions: frozenset[str] = frozenset({"4", "4A", "5"})
    users: Mapping[str, str] | None = None
    """User -> password; None for everybody. Version 4 has user ids only."""
    method: int | None = None
    """What a greeting is answered with, whatever was offered."""
    refuse: int | None = None
    """Reply code instead of doing what was asked for."""
    refuse_inbound: int | None = None
    """Reply code instead of BIND's second reply."""
    binds: bool = True
    bind_limit_s: float = _DEADLINE_S
    checks_peer: bool = True
    """Whether an inbound connection from elsewhere is refused; otherwise the client is told who came."""
    hides_address: bool = False
    """Whether 0.0.0.0 is said for the server's own address."""
    says_name: str = ""
    """Version 5: said in the place of each address in a reply."""
    close_after: int | None = None
    """Hang up after so many octets of answers."""
    silent_after: int | None = None
    """Say nothing more after so many octets of answers."""
    garbage: bytes | None = None
    """Said in the place of every answer."""
    piecewise: bool = False
    """Send each octet by itself."""
    tail: bytes = b""
    """Sent together with the last reply, as if the destination had spoken at once."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Host name -> address."""


class _HangUp(Exception):  # noqa: N818 -- an event to react to, not a fault
    """The client is to be hung up on."""


# What comes in -------------------------------------------------------------------------------------------------------


def read_four(read):
    """Read a request of version 4 or 4A after its first octet; `read` takes a number of octets."""
    command, port, address = struct.unpack(">BH4s", read(7))
    user = _read_string(read).decode()
    if address[:3] == b"\0\0\0" and address[3]:
        return Asked("4A", command, _read_string(read).decode(), port, user)
    return Asked("4", command, socket.inet_ntop(socket.AF_INET, address), port, user)


def _read_string(read):
    found = b""
    while (octet := read(1)) != b"\0":
        found += octet
    return found


def read_methods(read):
    """Read the methods of a greeting after its first octet."""
    return read(read(1)[0])


def read_password(read):
    """Read user and password."""
    version, length = read(2)
    if version != 1:
        raise _HangUp
    user = read(length).decode()
    return user, read(read(1)[0]).decode()


def read_five(read, user="", password=None):
    """Read a request of version 5."""
    version, command, reserved, kind = read(4)
    if (version, reserved) != (5, 0):
        raise _HangUp
    if kind == 3:
        host = read(read(1)[0]).decode()
    else:
        host = socket.inet_ntop(*((socket.AF_INET, read(4)) if kind == 1 else (socket.AF_INET6, read(16))))
    return Asked("5", command, host, struct.unpack(">H", read(2))[0], user, password)


# What goes out -------------------------------------------------------------------------------------------------------


def reply_four(code, host="0.0.0.0", port=0):
    """Return a reply of version 4."""
    return struct.pack(">BBH", 0, code, port) + socket.inet_aton(host if ":" not in host else "0.0.0.0")


def reply_five(code, host="0.0.0.0", port=0):
    """Return a reply of version 5; the host may be a name."""
    try:
        address = ipaddress.ip_address(host)
        octets = bytes([1 if address.version == 4 else 4]) + address.packed
    except ValueError:
        octets = bytes([3, len(host)]) + host.encode()
    return bytes([5, code, 0]) + octets + struct.pack(">H", port)


class _Conversation:
    """One client, in a thread of its own."""

    def __init__(self, server, client):
        self.server, self.manners, self.client = server, server.manners, client
        self.said = 0

    def hold(self):
        """Serve the client until either side has done."""
        version = self.read(1)[0]
        if version == 4:
            self.serve(read_four(self.read), reply_four, granted=90, failed=91, command_unknown=91)
        elif version == 5:
            who = self.authenticate()
            self.serve(read_five(self.read, *who), reply_five, granted=0, failed=1, command_unknown=7)

    def read(self, count):
        octets = b""
        while len(octets) < count:
            more = self.client.recv(count - len(octets))
            if not more:
                raise _HangUp
            octets += more
        return octets

    def say(self, octets):
        if self.manners.garbage is not None:
            octets = self.manners.garbage
        for limit, end in ((self.manners.close_after, _HangUp), (self.manners.silent_after, None)):
            if limit is not None and self.said + len(octets) > limit:
                self.send(octets[: limit - self.said])
                if end is None:
                    self.client.recv(1)  # until the client has had enough
                raise _HangUp
        self.send(octets)
        self.said += len(octets)

    def send(self, octets):
        for piece in [octets[at : at + 1] for at in range(len(octets))] if self.manners.piecewise else [octets]:
            self.client.sendall(piece)

    def authenticate(self):
        offered = read_methods(self.read)
        users = self.manners.users
        method = 2 if users is not None else 0
        if method not in offered:
            method = 255
        if self.manners.method is not None:
            method = self.manners.method
        self.say(bytes([5, method]))
        if method == 0:
            return "", None
        if method != 2:
            raise _HangUp
        user, password = read_password(self.read)
        good = users is None or users.get(user) == password
        self.say(bytes([1, not good]))
        if not good:
            raise _HangUp
        return user, password

    def serve(self, asked, reply, *, granted, failed, command_unknown):
        self.server.note(asked)
        manners = self.manners
        code = manners.refuse
        if asked.version not in manners.versions:
            code = failed
        elif asked.version != "5" and manners.users is not None and asked.user not in manners.users:
            code = 93
        elif asked.command not in ((CONNECT, BIND) if manners.binds else (CONNECT,)):
            code = command_unknown
        if code is not None:
            self.say(reply(code))
        elif asked.command == CONNECT:
            self.connect(asked, reply, granted, failed)
        else:
            self.bind(asked, reply, granted, failed)

    def connect(self, asked, reply, granted, failed):
        try:
            far = socket.create_connection((self.address_of(asked.host), asked.port), _DEADLINE_S)
        except ConnectionRefusedError:
            self.say(reply(5 if asked.version == "5" else failed))
            return
        except OSError:
            self.say(reply(4 if asked.version == "5" else failed))
            return
        with far:
            far.settimeout(None)
            self.say(reply(granted, *self.as_said(far.getsockname())) + self.manners.tail)
            self.server.relay(self.client, far)

    def bind(self, asked, reply, granted, failed):
        own = self.client.getsockname()[0]
        with socket.create_server((own, 0), family=self.client.family) as listener:
            self.say(reply(granted, *self.as_said(listener.getsockname())))
            ready, _, _ = select.select([listener, self.client], [], [], self.manners.bind_limit_s)
            if self.client in ready:
                raise _HangUp
            if not ready or self.manners.refuse_inbound is not None:
                self.say(reply(self.manners.refuse_inbound or (6 if asked.version == "5" else failed)))
                return
            far, (host, port, *_) = listener.accept()
        with far:
            expected = ipaddress.ip_address(self.address_of(asked.host))
            if self.manners.checks_peer and not expected.is_unspecified and ipaddress.ip_address(host) != expected:
                self.say(reply(2 if asked.version == "5" else failed))
                return
            self.say(reply(granted, *self.as_said((host, port))) + self.manners.tail)
            self.server.relay(self.client, far)

    def address_of(self, host):
        return self.manners.names.get(host, host)

    def as_said(self, endpoint):
        host, port, *_ = endpoint
        if self.manners.says_name:
            return self.manners.says_name, port
        return ("0.0.0.0" if self.manners.hides_address else host), port


class SocksServer:
    """The server; a context in which it runs.

    Attributes:
        address: Host and port that it listens at.
        asked: The requests that have come, in order.
    """

    def __init__(self, manners=None, host="127.0.0.1", port=0, on_request=None):
        self.manners = manners or Manners()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=1024)
        self.address = self._listener.getsockname()[:2]
        self.asked = []
        self._on_request = on_request
        self._sockets = set()
        self._threads = []
        self._is_closing = False
        self._mutex = threading.Lock()
        self._acceptor = threading.Thread(target=self._accept, name="socks-server")

    def __enter__(self):
        self._acceptor.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        with self._mutex:
            self._is_closing = True
            for each in self._sockets:
                _shut_down(each)
        for thread in self._threads:
            thread.join()

    def note(self, asked):
        """Remember a request."""
        self.asked.append(asked)
        if self._on_request is not None:
            self._on_request(asked)

    def relay(self, near, far):
        """Pass octets between two sockets, each way until its end."""
        with self._watched(far):
            back = threading.Thread(target=_pass_on, args=(far, near), name="socks-relay")
            back.start()
            _pass_on(near, far)
            back.join()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,), name="socks-client")
            self._threads.append(thread)
            thread.start()

    def _serve(self, client):
        with client, self._watched(client), contextlib.suppress(_HangUp, OSError, ValueError):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Conversation(self, client).hold()

    @contextlib.contextmanager
    def _watched(self, each):
        """Have a socket shut down when the server is closed."""
        with self._mutex:
            self._sockets.add(each)
            if self._is_closing:
                _shut_down(each)
        try:
            yield
        finally:
            with self._mutex:
                self._sockets.discard(each)


def _shut_down(each):
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


def _pass_on(source, sink):
    with contextlib.suppress(OSError):
        while octets := source.recv(65_536):
            sink.sendall(octets)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _parse(arguments):
    parser = argparse.ArgumentParser(prog="python -m tests.socks.server")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--user", action="append", metavar="NAME:PASSWORD")
    parser.add_argument("--name", action="append", default=[], metavar="NAME=ADDRESS")
    parser.add_argument("--no-bind", action="store_true")
    parser.add_argument("--piecewise", action="store_true")
    parser.add_argument("--tail", default="")
    for number in ("refuse", "refuse-inbound", "close-after", "silent-after"):
        parser.add_argument(f"--{number}", type=int)
    parser.add_argument("--bind-limit", type=float, default=_DEADLINE_S)
    parser.add_argument("--garbage", metavar="HEXADECIMAL")
    return parser.parse_args(arguments)


def main(arguments):
    """Run the server until a signal ends it."""
    given = _parse(arguments)
    manners = Manners(
        users=dict(each.split(":", 1) for each in given.user) if given.user else None,
        names=dict(each.split("=", 1) for each in given.name),
        binds=not given.no_bind,
        piecewise=given.piecewise,
        tail=given.tail.encode(),
        refuse=given.refuse,
        refuse_inbound=given.refuse_inbound,
        close_after=given.close_after,
        silent_after=given.silent_after,
        bind_limit_s=given.bind_limit,
        garbage=None if given.garbage is None else bytes.fromhex(given.garbage),
    )

    def show(asked):
        print(asked.version, asked.command, asked.host, asked.port, asked.user, flush=True)

    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with SocksServer(manners, given.host, given.port, show) as server:
        print(*server.address, flush=True)
        signal.sigwait(ends)


if __name__ == "__main__":
    main(sys.argv[1:])
