"""Binds a job's socket before it is decided where it is, so that no other thread of the job can bind it afterwards.

An unbound socket is bound by listen and connect as they go, to a port the kernel chooses. Until then another thread may
bind it elsewhere, and a decision about where it was bound is then about another place.
"""

from __future__ import annotations

import contextlib
import os
import socket

from console.enforcement.fds import OwnedFd
from console.enforcement.guard.destination import ANYWHERE
from console.enforcement.guard.supervisor import local_endpoint
from console.enforcement.layouts import NO_ENDPOINT, Endpoint

_NO_PORT = 24
"""IP_BIND_ADDRESS_NO_PORT (linux/in.h): bind chooses no port, and the socket can be bound again."""


def bind_as_it_is(taken: OwnedFd) -> bool:
    """Bind a socket to the address that it has, and a port; say whether it could be.

    It cannot where it has a port already: whoever was faster shows in its address.
    """
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(taken.number)) as copy:
        copy.bind(copy.getsockname())
        return True
    return False


def choose_port(taken: OwnedFd) -> None:
    """Let the next bind choose a port, which IP_BIND_ADDRESS_NO_PORT leaves to connect and listen."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(taken.number)) as copy:
        if copy.getsockopt(socket.IPPROTO_IP, _NO_PORT):
            copy.setsockopt(socket.IPPROTO_IP, _NO_PORT, 0)


def hold(taken: OwnedFd) -> tuple[Endpoint, Endpoint]:
    """Bind a socket that is about to connect, if it is not.

    Returns:
        Where its caller has bound it, port 0 for nowhere; and where it is now (see `has_moved`). Nowhere again if every
        port is taken: bind needs one that no connection has, and connect, to another peer, does not.
    """
    bound = local_endpoint(taken.number) or NO_ENDPOINT
    if bound.port:
        return bound, bound
    if bound.address in ANYWHERE:
        choose_port(taken)
    is_ours = bind_as_it_is(taken)
    held = local_endpoint(taken.number) or NO_ENDPOINT
    return (bound if is_ours and held.address == bound.address else held), held


def is_loose(held: Endpoint) -> bool:
    """Say whether a socket could not be held: where it has connected from is then to be decided about afterwards."""
    return not held.port and held.address in ANYWHERE


def has_moved(held: Endpoint, local: Endpoint) -> bool:
    """Say whether a socket that was held has connected from elsewhere: bound again behind our back."""
    if held.port and local.port != held.port:
        return True
    return held.address not in ANYWHERE and local.address != held.address
