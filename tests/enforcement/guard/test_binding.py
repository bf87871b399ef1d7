"""Sockets that are bound before it is decided where they are."""

from __future__ import annotations

import os
import socket

import pytest

from console.enforcement.fds import OwnedFd
from console.enforcement.guard.binding import has_moved, hold
from console.enforcement.layouts import Endpoint
from console.policy.request import MAPPED

LOOPBACK = MAPPED + 0x7F00_0001
ANY = MAPPED


def held(made):
    with OwnedFd(os.dup(made.fileno())) as taken:
        return hold(taken)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
@pytest.mark.parametrize("no_port", [0, 1])
def test_unbound_socket_counts_as_unbound_and_cannot_be_bound_any_more(kind, no_port):
    with socket.socket(type=kind) as made:
        made.setsockopt(socket.IPPROTO_IP, 24, no_port)  # IP_BIND_ADDRESS_NO_PORT
        bound, now = held(made)
        assert bound == Endpoint(ANY, 0)
        assert now == Endpoint(ANY, made.getsockname()[1])
        assert now.port
        with pytest.raises(OSError, match="Invalid argument"):
            made.bind(("127.0.0.3", 0))


def test_bound_socket_stays_where_it_is():
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        where = Endpoint(LOOPBACK, made.getsockname()[1])
        assert held(made) == (where, where)


def test_address_that_was_bound_without_a_port_is_held():
    with socket.socket() as made:
        made.setsockopt(socket.IPPROTO_IP, 24, 1)
        made.bind(("127.0.0.1", 0))
        assert held(made) == (Endpoint(LOOPBACK, 0), Endpoint(LOOPBACK, 0))


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (Endpoint(ANY, 5), Endpoint(LOOPBACK, 5), False),
        (Endpoint(ANY, 5), Endpoint(LOOPBACK, 6), True),
        (Endpoint(LOOPBACK, 5), Endpoint(LOOPBACK, 5), False),
        (Endpoint(LOOPBACK, 5), Endpoint(LOOPBACK + 1, 5), True),
        (Endpoint(LOOPBACK, 0), Endpoint(LOOPBACK, 7), False),
        (Endpoint(LOOPBACK, 0), Endpoint(LOOPBACK + 1, 7), True),
    ],
)
def test_connection_from_elsewhere_has_moved(before, after, moved):
    assert has_moved(before, after) == moved
