"""Remembers the last connect of each thread that went through a SOCKS server, for an Rbind of that thread.

What the server is told, a password among it, is not kept: an Rbind takes it from the policy in force then.

A connect that the thread makes directly breaks the pair, as on IBM i; one that a server refused does not, because it
was meant for the same server and made nothing.

Threads: any.
"""

from __future__ import annotations

import socket
import threading
from typing import NamedTuple

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.backend import Caller
from console.enforcement.fds import OwnedFd
from console.enforcement.layouts import Endpoint
from console.socks.words import Place

_MOST = 4096
"""Threads; the one that connected first is forgotten first."""


class Pair(NamedTuple):
    """A connection through a server."""

    pidfd: OwnedFd
    """Of the thread: its number may come to be another's."""
    label: str
    """What messages call the server: host and port."""
    at: Endpoint
    """Where it is."""
    destination: Place


class Pairs:
    """The pairs of a job."""

    def __init__(self) -> None:
        self._known: dict[int, Pair] = {}
        """Thread -> its last connection through a server."""
        self._mutex = threading.Lock()

    def remember(self, caller: Caller, number: int, label: str, destination: Place) -> None:
        """Keep a connection, now that a socket has it."""
        try:
            at = k.parse_sockaddr(syscalls.peer_sockaddr(number))
        except OSError:  # the server has hung up meanwhile
            at = None
        with self._mutex:
            self._known.pop(caller.thread, None)
            if at is None:
                return
            if len(self._known) >= _MOST:
                del self._known[next(iter(self._known))]
            self._known[caller.thread] = Pair(caller.pidfd, label, at, destination)

    def break_up(self, thread: int, number: int) -> None:
        """Forget what a thread's last connection was: it makes one with another socket, directly.

        Datagram sockets have no connections: resolvers, and getaddrinfo(3) for its order, connect them at any time.
        """
        if thread in self._known and syscalls.socket_option(number, socket.SO_TYPE) == socket.SOCK_STREAM:
            with self._mutex:
                self._known.pop(thread, None)

    def forget(self, caller: Caller) -> None:
        """Forget what a thread's last connection was."""
        with self._mutex:
            self._known.pop(caller.thread, None)

    def of(self, caller: Caller) -> Pair | None:
        """Return the pair of a thread, if it has one."""
        pair = self._known.get(caller.thread)
        if pair is None or not syscalls.is_readable(pair.pidfd.number):
            return pair
        with self._mutex:  # that thread has ended, and this one has its number
            if self._known.get(caller.thread) is pair:
                del self._known[caller.thread]
        return None
