"""Talks to one SOCKS server on a program's own socket, and sees to it that nobody else does.

The socket stays the program's while we talk: its threads, and its children, may write to it. What they could write is
a request of their own, for a destination that the rules forbid, in front of ours. So it must be certain that what the
server has been told up to our request is what we told it, and nothing besides:

* The first message goes with the SYN (`streams.connect_saying`), where rules could be got round by a forged one. Then
  nothing can come before it. Versions 4 and 4A have no other: with them nothing can be forged, wherever a SYN can take
  it along.
* It was that connection which came about. As long as it is on its way, another thread can take it back (shutdown(2)),
  and no error of that need be left; so the second connect, which settles it, is one that cannot make another
  (`streams.settle`), and what went with the SYN must be among what was written to the socket since.
* Before and after each message the octets that were written to the socket are counted, and the peer is looked at
  (another thread may have dissolved the connection and made another). If anybody else has written, the connection is
  reset. With version 5 a request that was forged in the moment between the greeting and ours can so reach the server,
  and live until we look, which we do when the server answers the greeting: whoever forged it gets no connection, but
  the server may have begun to make one.

What is written to the socket after our request goes to the destination that was decided on, and does no harm.

Knows one server and one destination; must not know of entries, or of what happens when it fails.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import NamedTuple

from console.enforcement import streams, syscalls
from console.errors import SocksError
from console.socks.client import Patience, await_connected, not_connected, perform
from console.socks.exchange import Exchange, State
from console.socks.words import Command, Place, Server

_DROPPED_S = 0.9
"""A connect that takes so long has sent its SYN again (RFC 6298: after a second)."""
_NOT_HERE = frozenset({errno.EOPNOTSUPP, errno.ENOPROTOOPT})
_NOT_OURS = frozenset({errno.EAFNOSUPPORT, errno.EALREADY, errno.EINVAL})
"""How a connect is settled that somebody has taken back, or that is not what we have waited for."""
OWN_FAULTS = frozenset(
    {
        errno.EISCONN, errno.EALREADY, errno.EADDRNOTAVAIL, errno.EADDRINUSE, errno.EAGAIN, errno.EINVAL,
        errno.ENOBUFS, errno.ENOMEM,
    }
)  # fmt: skip
"""How a connect fails that could not even be begun: because of the socket, or this system, and no server."""


class Interfered(Exception):  # noqa: N818 -- an event to react to
    """Somebody else wrote to the socket or read from it, or led it elsewhere; the text says which."""


class NotBegun(Exception):  # noqa: N818 -- an event to react to
    """The socket cannot be connected; nothing was done to it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        """Errno."""


class Talk(NamedTuple):
    """What is to be said to whom."""

    number: int
    """The program's socket."""
    sockaddr: bytes
    """Of the server, in the socket's family."""
    exchange: Watched
    first_with_syn: bool
    """Whether the first message must come first."""


class Watched(Exchange):
    """An exchange on a socket that others can write to.

    Raises `Interfered` from the methods by which octets come and go.
    """

    __slots__ = ("_is_at_peer", "_number", "_read", "_written")

    def __init__(self, server: Server, destination: Place, number: int) -> None:
        """Begin; see `Exchange`.

        Args:
            server: Whom we talk to.
            destination: Where the program wants to be connected to.
            number: The socket.
        """
        super().__init__(server, Command.CONNECT, destination)
        self._number = number
        self._written = self._read = 0
        self._is_at_peer: Callable[[], bool] = lambda: True

    def begin(self, taken: int, is_at_peer: Callable[[], bool]) -> None:
        """Go on after the connect.

        Args:
            taken: How many octets of the first message the system has at the front of what it sends.
            is_at_peer: Says whether the socket is connected to the server.
        """
        self._is_at_peer = is_at_peer
        if taken and streams.octets_written(self._number) < taken:
            raise Interfered("led elsewhere")  # to a connection that has nothing of ours
        self._written = taken
        super().sent(taken)
        if self.outgoing or self.state is not State.REPLY:
            self._look()

    def sent(self, count: int) -> None:
        """Say that the first octets of `outgoing` have been sent; look who else has."""
        super().sent(count)
        self._written += count
        self._look()

    def receive(self, octets: bytes) -> None:
        """Take what was received; if it is not the end, look before it is answered."""
        self._read += len(octets)
        if self.state is not State.REPLY:
            self._look()
        super().receive(octets)

    def has_lost_octets(self) -> bool:
        """Say whether somebody else has read what the server said; one more octet is counted for its end."""
        return streams.octets_taken(self._number) > self._read + 1

    def _look(self) -> None:
        # More than ours: fewer were counted only where the system had no memory to send some again.
        if streams.octets_written(self._number) > self._written:
            raise Interfered("written to")
        if not self._is_at_peer():
            raise Interfered("led elsewhere")


def shake_hands(talk: Talk, patience: Patience) -> bool:
    """Connect a program's socket to a server, and have that connect to the destination.

    Returns:
        Whether the server's side takes a SYN with octets; if not, a second is lost with each.

    Raises:
        NotBegun: The socket cannot be connected now; nothing was done to it. After everything else it must be
            dissolved.
        SocksError: It came to nothing.
        Interfered: Somebody else has used the socket.
        CallerGone: Nobody wants the connection any more.
    """
    started = time.monotonic()
    taken = _connect(talk, patience)
    was_dropped = taken > 0 and time.monotonic() - started > _DROPPED_S
    result = streams.settle(talk.number)
    if result in _NOT_OURS:
        raise Interfered("led elsewhere")
    if result:
        raise not_connected(talk.exchange, result)
    talk.exchange.begin(taken, lambda: _is_connected_to(talk))
    if not _is_connected_to(talk):
        raise Interfered("led elsewhere")
    try:
        perform(talk.number, talk.exchange, patience)
    except SocksError as error:
        if talk.exchange.has_lost_octets():  # no fault of the server
            raise Interfered("read from") from error
        raise
    return not was_dropped


def _connect(talk: Talk, patience: Patience) -> int:
    """Connect to the server; returns how many octets of the first message are on the way with it."""
    taken = -errno.EOPNOTSUPP
    if talk.first_with_syn:
        taken = streams.connect_saying(talk.number, talk.sockaddr, talk.exchange.outgoing)
    result = -taken if taken < 0 else errno.EINPROGRESS
    if result in _NOT_HERE:
        result = streams.begin_connect(talk.number, talk.sockaddr)
    if result in OWN_FAULTS:
        raise NotBegun(result)
    if result not in (0, errno.EINPROGRESS):
        raise not_connected(talk.exchange, result)
    await_connected(talk.number, talk.exchange, patience)
    return max(taken, 0)


def _is_connected_to(talk: Talk) -> bool:
    """Say whether the socket is connected to the server: its address and port, whatever its scope is now."""
    try:
        peer = syscalls.peer_sockaddr(talk.number)
    except OSError:
        return True  # a server that has hung up is no interference
    return _place(peer) == _place(talk.sockaddr)


def _place(sockaddr: bytes) -> bytes:
    """Return family, port and address of a socket address."""
    return sockaddr[:4] + (sockaddr[8:24] if len(sockaddr) > 16 else sockaddr[4:8])
