"""Where a syslog server is, how it is connected to, and what its failures are called."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from console.errors import JournalError
from console.model.forwarding import Protocol

_CONNECT_S = 10.0
_USER_TIMEOUT_MS = 120_000
"""Until a peer that acknowledges nothing is given up (TCP_USER_TIMEOUT); Linux would take a quarter of an hour."""
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 20), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 4))
_STEP_MS = 200
CHUNK = 65536
"""Octets that are sent or received at once."""


Numbered = tuple[int, bytes]
"""A message, and the sequence number of its entry."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is, and how to speak to it."""

    protocol: Protocol
    host: str
    port: int
    ca_file: str = ""
    """Certificates that may have signed the server's; empty for those that this system trusts."""


class Stopped(Exception):  # noqa: N818 -- an event to react to, not a fault
    """Nobody wants more to be sent."""


@contextlib.contextmanager
def failures(place: Place) -> Iterator[None]:
    """Turn what the system says into our error."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise JournalError("GWL0662", reason=f"its certificate is not accepted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise JournalError("GWL0662", reason=f"TLS failed: {error.reason or error}") from error
    except socket.gaierror as error:
        raise JournalError("GWL0662", reason=f"{place.host} is not known: {error.strerror}") from error
    except TimeoutError as error:
        raise JournalError("GWL0662", reason="it does not answer") from error
    except OSError as error:
        raise JournalError("GWL0662", reason=error.strerror or str(error)) from error


def connect(place: Place) -> socket.socket:
    """Connect, begin TLS where that is wanted, and return the connection, which does not block.

    Raises:
        JournalError: The server cannot be reached, or is not who it should be.
    """
    with failures(place):
        endpoint = socket.create_connection((place.host, place.port), timeout=_CONNECT_S)
        try:
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # many messages are handed over at once
            endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _USER_TIMEOUT_MS)
            for option, value in _KEEPALIVE:
                endpoint.setsockopt(socket.IPPROTO_TCP, option, value)
            if place.protocol is Protocol.TLS:
                endpoint = _secured(endpoint, place)
            endpoint.setblocking(False)
        except BaseException:
            endpoint.close()
            raise
        return endpoint


def _secured(endpoint: socket.socket, place: Place) -> socket.socket:
    """Begin TLS; the server must have a certificate for its name or address, signed by whom we trust (RFC 5425, 5)."""
    try:
        context = ssl.create_default_context(cafile=place.ca_file or None)
    except OSError as error:
        reason = error.strerror or "it holds no certificate"
        raise JournalError("GWL0662", reason=f"{place.ca_file}: {reason}") from error
    return context.wrap_socket(endpoint, server_hostname=place.host)


def send_all(endpoint: socket.socket, octets: bytes, is_stopped: Callable[[], bool]) -> None:
    """Send octets over a connection that does not block; waits while the server takes none.

    Raises:
        OSError: The connection is broken.
        Stopped: Nobody wants more, and the server takes none.
    """
    rest = memoryview(octets)
    poll = select.poll()
    poll.register(endpoint, select.POLLOUT)
    while rest:
        try:
            rest = rest[endpoint.send(rest[:CHUNK]) :]
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            if is_stopped():
                raise Stopped from None
            poll.poll(_STEP_MS)


def receive(endpoint: socket.socket) -> bytes:
    """Return what a server has said by now on a connection that does not block; nothing, mostly.

    No more than a chunk or two: one that talks without end must not be listened to without end.

    Raises:
        OSError: The connection is broken, or the server has ended it.
    """
    said = b""
    try:
        while octets := endpoint.recv(CHUNK):
            said += octets
            if len(said) >= CHUNK:
                return said
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return said
    raise ConnectionResetError(errno.ECONNRESET, "it closed the connection")
