"""Moves the octets of an exchange over a socket: the one file here that has any.

The socket may be a program's own, of which a guard has a copy. So it is left as it is, blocking or not: each call says
for itself that it does not block (MSG_DONTWAIT), and waiting is done by poll(2). No octet is read that the exchange
does not want, so that what follows the server's answer is still there for the program.

Threads: any, one for an exchange.
"""

from __future__ import annotations

import errno
import math
import os
import select
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from console.errors import CallerGone, SocksError
from console.socks.exchange import RESTING, Exchange
from console.socks.refusals import CONNECT_ERRNOS, Reason
from console.socks.words import Place

_LOOK_S = 0.1
"""How long somebody who has gone can keep us waiting."""
_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_HANG_UPS = frozenset({errno.ECONNRESET, errno.EPIPE})


def _always() -> bool:
    return True


class Patience(NamedTuple):
    """How long an exchange may take, and for whom."""

    deadline: float
    """In seconds of the clock."""
    is_wanted: Callable[[], bool] = _always
    """Asked ten times a second while we wait: whether anybody still wants the connection."""
    clock: Callable[[], float] = time.monotonic


def perform(number: int, exchange: Exchange, patience: Patience) -> None:
    """Go on with an exchange until it rests: it is done, or bound.

    Args:
        number: A socket that is connected to the server; the caller goes on owning it.
        exchange: What is said; one that was bound must have been told to await the inbound connection.
        patience: How long it may take.

    Raises:
        SocksError: It came to nothing. The socket is still connected to the server, and of no use.
        CallerGone: Nobody wants the connection any more.
        ValueError: The exchange rests already.
    """
    if exchange.state in RESTING:
        raise ValueError("the exchange rests")
    wire = _borrowed(number)
    try:
        _move_octets(wire, exchange, patience)
    except OSError as error:
        if error.errno in _HANG_UPS:
            raise exchange.fail(Reason.CLOSED) from error
        raise not_connected(exchange, error.errno or 0) from error
    finally:
        wire.detach()


def await_connected(number: int, exchange: Exchange, patience: Patience) -> None:
    """Wait until the connect of a socket that does not block has come to its end.

    Raises:
        SocksError: The server cannot be reached.
        CallerGone: Nobody wants the connection any more.
    """
    _wait(select.poll(), number, select.POLLOUT, exchange, patience, "a connection")
    wire = _borrowed(number)
    try:
        result = wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    finally:
        wire.detach()
    if result:
        raise not_connected(exchange, result)


def not_connected(exchange: Exchange, number: int) -> SocksError:
    """End an exchange whose server cannot be connected to; returns the error to raise.

    Args:
        exchange: What was to be said.
        number: Errno of the connect, which is what the program is told.
    """
    return exchange.fail(CONNECT_ERRNOS.get(number, Reason.UNREACHABLE), os.strerror(number), number)


def dial(server: Place, exchange: Exchange, patience: Patience) -> socket.socket:
    """Return a socket of one's own that an exchange has been performed on.

    Args:
        server: Address and port of the server.
        exchange: What to say to it.
        patience: How long it may take.

    Raises:
        SocksError: It came to nothing.
        CallerGone: Nobody wants the connection any more.
    """
    own = socket.socket(socket.AF_INET if server.is_ipv4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        own.setblocking(False)
        _connect(own, server, exchange, patience)
        perform(own.fileno(), exchange, patience)
        own.setblocking(True)
    except BaseException:
        own.close()
        raise
    return own


def _connect(own: socket.socket, server: Place, exchange: Exchange, patience: Patience) -> None:
    result = own.connect_ex((server.host, server.port))
    if result not in (0, errno.EINPROGRESS):
        raise not_connected(exchange, result)
    await_connected(own.fileno(), exchange, patience)


def _borrowed(number: int) -> socket.socket:
    """Return a socket object that must be detached; no address is read or written by it, so its family is any."""
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, number)


def _move_octets(wire: socket.socket, exchange: Exchange, patience: Patience) -> None:
    poll = select.poll()
    while exchange.state not in RESTING:
        events = select.POLLOUT if exchange.outgoing else select.POLLIN
        try:
            if exchange.outgoing:
                exchange.sent(wire.send(exchange.outgoing, _FLAGS))
            else:
                exchange.receive(wire.recv(exchange.wanted, _FLAGS))
        except BlockingIOError:
            _wait(poll, wire.fileno(), events, exchange, patience)


def _wait(
    poll: select.poll, number: int, events: int, exchange: Exchange, patience: Patience, waited_for: str = ""
) -> None:
    """Wait until a socket is ready, or broken."""
    poll.register(number, events)
    while True:
        left_s = patience.deadline - patience.clock()
        if left_s <= 0:
            raise exchange.fail(Reason.SILENT, waited_for)
        if poll.poll(math.ceil(min(left_s, _LOOK_S) * 1000)):
            return
        if not patience.is_wanted():
            raise CallerGone("GWL0402")
