"""Binds of internet sockets in jobs whose audit levels want to know of ports that could not be had (SK P).

Nothing is decided here, and nothing may differ from a bind without us. To know how one ended it is made here, on the
caller's own socket with a copy of the address. Of who calls, a bind asks one thing only: whether it may have a
privileged port (ip(7)); the guard gives up its own capability where the caller has none. Where more could matter the
kernel carries the bind out, and nobody looks: on sockets of other families, in other network and user namespaces than
the guard's, and as soon as any process of the job has put itself under Landlock, whose rules about ports are made for
the thread that binds.

A bind that a signal took its caller out of has been made nevertheless. The caller may make it again (SA_RESTART), and
is then told that it is done, and not that its socket is bound already.

Source: net/ipv4/af_inet.c, __inet_bind; net/ipv6/af_inet6.c, __inet6_bind; security/landlock/net.c.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.credentials import own_capabilities, without_capability
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.acting import NET_BIND_SERVICE, is_in_our_network, is_privileged, may_bind_as_it_is
from console.enforcement.guard.interruption import was_interrupted
from console.enforcement.guard.listen import NO_PORT
from console.enforcement.guard.supervisor import Attempt, Supervisor, Undecidable, local_endpoint
from console.enforcement.layouts import Endpoint
from console.enforcement.records import Seen
from console.enforcement.sockets import bind
from console.errors import CallerGone

_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
_KINDS = frozenset({int(socket.SOCK_STREAM), int(socket.SOCK_DGRAM)})
_MOST_UNTOLD = 256


class BindPoint:
    """The handlers of bind, and of what makes binds none of our business."""

    def __init__(self) -> None:
        self._is_restricted = False
        """Some process of the job is under Landlock by its own will."""
        self._untold: dict[tuple[int, int], bytes] = {}
        """Thread and inode of a socket -> where it was bound, if nobody could be told."""

    def handle_restriction(self, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one landlock_restrict_self(2): it is carried out, and binds are let alone from now on."""
        self._is_restricted = True
        supervisor.backend.go_on(attempt.call)

    def handle(self, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one bind.

        Raises:
            CallerGone: The call no longer waits.
        """
        call = attempt.call
        try:
            sockaddr = b"" if self._is_restricted else _copy_address(supervisor, attempt)
            local = k.parse_known_sockaddr(sockaddr)
            taken = None if local is None else supervisor.take_socket(attempt)
        except Undecidable:  # what we cannot look at the kernel can
            local = taken = None
        if local is None:
            supervisor.backend.go_on(call)
            return
        if taken is None:
            return
        with taken:
            lacks = _lacked(supervisor, attempt, taken, local.port)
            if lacks is None:
                supervisor.backend.go_on(call)
                return
            place = call.thread, os.fstat(taken.number).st_ino
            with without_capability(lacks):
                result = self._bind(supervisor, attempt, taken, sockaddr, local, place)
        try:
            supervisor.backend.answer(call, result)
        except CallerGone:
            if not result:
                if len(self._untold) >= _MOST_UNTOLD:
                    self._untold.clear()
                self._untold[place] = sockaddr
            raise

    def _bind(
        self,
        supervisor: Supervisor,
        attempt: Attempt,
        taken: OwnedFd,
        sockaddr: bytes,
        local: Endpoint,
        place: tuple[int, int],
    ) -> int:
        """Bind, and tell the journal if there was no port to be had; returns 0 or the errno."""
        if self._untold and self._untold.pop(place, b"") == sockaddr:
            return 0
        result = bind(taken.number, sockaddr)
        if result == errno.EINVAL and local_endpoint(taken.number) == local:
            return 0 if was_interrupted(supervisor.backend, attempt.call, attempt.caller) else result
        if result in NO_PORT:
            with contextlib.suppress(Undecidable):
                supervisor.identify(attempt)
                supervisor.tell(Seen.PORT, attempt, local, text=f"bind: {errno.errorcode[result]}")
        return result


def _copy_address(supervisor: Supervisor, attempt: Attempt) -> bytes:
    """Copy the address out of the caller's memory; nothing where the kernel will refuse it."""
    size = attempt.call.arguments[2] & 0xFFFF_FFFF
    if not 0 < size <= k.SOCKADDR_STORAGE_SIZE:
        return b""
    try:
        return supervisor.backend.read_memory(attempt.call, attempt.call.arguments[1], size)
    except OSError:
        return b""


def _lacked(supervisor: Supervisor, attempt: Attempt, taken: OwnedFd, port: int) -> int | None:
    """Return the capability to be given up for a bind, 0 for none; None where the kernel must carry the bind out."""
    try:
        if (
            syscalls.socket_option(taken.number, socket.SO_DOMAIN) not in _INTERNET
            or syscalls.socket_option(taken.number, socket.SO_TYPE) not in _KINDS
            or not is_in_our_network(supervisor, attempt)
        ):
            return None
        if not is_privileged(port):
            return 0
        if not may_bind_as_it_is(supervisor, attempt):
            return NET_BIND_SERVICE
        return 0 if own_capabilities() & NET_BIND_SERVICE else None
    except (OSError, Undecidable):
        return None
