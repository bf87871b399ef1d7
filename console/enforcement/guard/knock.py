"""Puts a connection of the guard's own into the queue of a listener, in place of one that was taken out of it.

A connection cannot be put back. When it could not be handed over, those who poll the listener (select, poll, epoll, on
an edge too) would never hear of it again. So the guard knocks: it connects to where that connection came in, and the
listener is readable as before. Who accepts finds the knock, at the guard, and gets the connection that it stands for;
the program sees nothing of it. As long as the knock is in the queue, the listener is there; when the listener is
closed, the kernel resets the knock, and the guard hears of that without holding the listener open itself.

A knock is known by both its ends, which nobody else can have while it stands, and a Unix one by its name and by the
process that the kernel says it is. Whoever could pass for one would gain nothing: it is reset, and what it stands for
is decided as any other.

Not knocked at is where the connection could end up elsewhere, or nowhere: a listener in another network namespace; one
that shares its port with others (SO_REUSEPORT), which may be another job's; one that is bound to a device, or takes
what is meant for others (IP_TRANSPARENT); a Unix one whose name does not lead to its file, for us.

Source: tcp(7), unix(7), socket(7); net/ipv4/af_inet.c, inet_shutdown, inet_csk_listen_stop.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
from collections.abc import Callable

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.guard.socket_tables import is_alone, open_file

_SO_NETNS_COOKIE = 71
_IP_TRANSPARENT = 19
_IPV6_TRANSPARENT = 75
_TRANSPARENT = {
    socket.AF_INET: (socket.IPPROTO_IP, _IP_TRANSPARENT),
    socket.AF_INET6: (socket.IPPROTO_IPV6, _IPV6_TRANSPARENT),
}
_COOKIE_SIZE = 8
_DEVICE_NAME_SIZE = 16
_CREDENTIALS = struct.Struct("=iII")
"""struct ucred: process, user, group (unix(7), SO_PEERCRED)."""
_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
_TCP_ESTABLISHED, _TCP_CLOSE = 1, 7
"""First octet of struct tcp_info (linux/tcp.h; net/tcp_states.h)."""
_PATIENCE_MS = 100
"""How long what happens on loopback may take; on a machine that is busy it is left to ksoftirqd."""
_HEARD_MS = 5
"""How long it may take until the listener is readable, so that an accept made now finds the knock. Another one may have
found it already, and waits for us."""
_OCTET = b"\0"
"""A listener with TCP_DEFER_ACCEPT hears only of connections that something was sent on."""

Key = tuple[object, ...]
"""What tells a connection from all others: both its ends, or the name and the process of a Unix client."""


class Knock:
    """A connection that stands in a listener's queue for another one."""

    __slots__ = ("_socket", "key")

    def __init__(self, ours: socket.socket, connection: int) -> None:
        self._socket = ours
        self.key = _key(connection, syscalls.local_sockaddr(ours.fileno()), os.getpid)
        """The `key_of` that it has where it is accepted."""

    @property
    def is_over(self) -> bool:
        """Whether it stands in the queue no longer: the listener was closed, or it was accepted."""
        return _happens(self._socket.fileno(), select.POLLIN | select.POLLRDHUP, 0)

    def close(self) -> None:
        """Take leave; with a reset, so that no port is kept busy."""
        self._socket.close()


def key_of(descriptor: int, peer: bytes) -> Key:
    """Return the key of an accepted connection.

    Args:
        descriptor: The connection.
        peer: Socket address of its other end.
    """
    return _key(descriptor, peer, lambda: _peer_process(descriptor))


def _key(server_end: int, client: bytes, process: Callable[[], int]) -> Key:
    endpoint = k.parse_sockaddr(client)
    if endpoint is None:
        return client, process()
    return endpoint, k.parse_sockaddr(syscalls.local_sockaddr(server_end))


def _peer_process(descriptor: int) -> int:
    """Return the process at the other end of a connection, as the kernel remembers it; 0 where it does not."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as endpoint:
        credentials = endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return int(_CREDENTIALS.unpack(credentials)[0])
    return 0


def knock(listener: int, connection: int) -> Knock | None:
    """Let a listener be readable again.

    Args:
        listener: Where a connection was taken out.
        connection: That connection.

    Returns:
        What now stands in the queue, or None if nothing does: it is not tried there, or there is no room.
    """
    with (
        contextlib.suppress(OSError),  # no descriptor, no port, nobody there
        socket.socket(fileno=os.dup(listener)) as server,
        socket.socket(fileno=os.dup(connection)) as served,
        contextlib.ExitStack() as undo,
    ):
        if _namespace(server) != _own_namespace():
            return None
        ours = undo.enter_context(socket.socket(server.family, server.type))
        ours.setblocking(False)
        if server.family == socket.AF_UNIX:
            stands = _knock_at_name(ours, server)
        else:
            stands = _may_be_knocked_at(server) and _knock_at_port(ours, server, served.getsockname())
        if stands:
            made = Knock(ours, connection)
            undo.pop_all()
            return made
    return None


def _knock_at_name(ours: socket.socket, server: socket.socket) -> bool:
    """Connect to a Unix listener; say whether that was done."""
    ours.bind("")  # to a name that the kernel chooses
    name: str | bytes = server.getsockname()
    if isinstance(name, bytes):  # abstract, and its own as long as it is open
        ours.connect(name)
        return True
    file = open_file(server)
    if file is None:
        return False
    with file:
        ours.connect(f"/proc/self/fd/{file.number}")
    return True


def _may_be_knocked_at(server: socket.socket) -> bool:
    """Say whether what connects to where a connection of this listener came in is sure to come to this listener."""
    transparent = _TRANSPARENT.get(server.family)
    return not (
        transparent is None
        or server.getsockopt(*transparent)
        or server.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, _DEVICE_NAME_SIZE).strip(b"\0")
        or (server.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT) and not is_alone(server))
    )


def _knock_at_port(ours: socket.socket, server: socket.socket, name: tuple[str | int, ...]) -> bool:
    """Connect to a TCP listener; when it is said not to get through, it is certain that it never will."""
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    # To its own address and from the same one, which must be one of this system: nothing goes out on a wire.
    ours.bind((name[0], 0, *name[2:]))
    patience_ms = 0 if syscalls.is_readable(server.fileno()) else _PATIENCE_MS  # behind others there is time
    ours.connect_ex(name)
    _happens(ours.fileno(), select.POLLOUT, patience_ms)
    if _tcp_state(ours) != _TCP_ESTABLISHED:
        # The queue is full, or a firewall in the way. This takes the connect back, unless it has just got through.
        ours.shutdown(socket.SHUT_WR)
        return _tcp_state(ours) != _TCP_CLOSE
    ours.send(_OCTET)
    _happens(server.fileno(), select.POLLIN, _HEARD_MS)
    return True


def _tcp_state(ours: socket.socket) -> int:
    return ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def _namespace(endpoint: socket.socket) -> bytes:
    return endpoint.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, _COOKIE_SIZE)


def _own_namespace() -> bytes:
    with socket.socket(socket.AF_UNIX) as own:
        return _namespace(own)


def _happens(descriptor: int, events: int, patience_ms: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, events)
    return bool(poll.poll(patience_ms))
