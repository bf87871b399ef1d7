"""What is known of what a server has got over TCP."""

from __future__ import annotations

import fcntl
import socket
import termios

import pytest

from console.journal.forwarding.places import Place
from console.journal.forwarding.streams import StreamChannel
from console.model.forwarding import Protocol
from tests.end_to_end.command import until

MUCH = b"x" * 100_000
"""More than the buffers below take at once."""


@pytest.fixture
def ends():
    """Return both ends of a connection in which most of what is written waits until it is read."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with socket.create_connection(server.getsockname()) as here, server.accept()[0] as there:
            here.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            here.setblocking(False)
            yield here, there


def channel_of(endpoint):
    return StreamChannel(Place(Protocol.TCP, "127.0.0.1", 514, None), endpoint, lambda: False, settle_s=0)


def read_all(endpoint, octets):
    while octets > 0:
        octets -= len(endpoint.recv(65536))


def test_what_nobody_has_read_is_not_settled(ends):
    here, there = ends
    channel = channel_of(here)
    channel.send([(7, MUCH)])
    assert channel.settled() == 0
    assert not channel.has_answered()
    read_all(there, len(MUCH))
    until(lambda: channel.settled() == 7, "the acknowledgement")


def test_acknowledgement_while_the_place_is_noted_is_counted_once(ends, monkeypatch):
    here, there = ends
    ask = fcntl.ioctl
    asked = []

    def ask_and_be_answered(descriptor, request, argument):
        found = ask(descriptor, request, argument)
        if not asked:
            asked.append(request)
            read_all(there, len(MUCH))
            until(lambda: not int.from_bytes(ask(descriptor, request, bytes(4)), "little"), "the acknowledgement")
        return found

    monkeypatch.setattr(fcntl, "ioctl", ask_and_be_answered)
    channel = channel_of(here)
    channel.send([(7, MUCH)])
    assert asked == [termios.TIOCOUTQ]
    assert channel.settled() == 7
