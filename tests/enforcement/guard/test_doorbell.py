"""A listener that is readable when the guard says so, and that nobody else reaches."""

from __future__ import annotations

import socket

import pytest

from console.enforcement import syscalls
from console.enforcement.guard.doorbell import Doorbell

FAMILIES = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


@pytest.mark.parametrize(("family", "host"), FAMILIES)
def test_listener_is_readable_from_ring_to_silence(family, host):
    with socket.socket(family) as listener:
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        doorbell = Doorbell(listener.fileno())
        assert listener.getsockname()[0] == host
        for _ in range(2):
            assert not syscalls.is_readable(listener.fileno())
            doorbell.ring()
            assert syscalls.is_readable(listener.fileno())
            doorbell.silence(listener.fileno())
            doorbell.arm()
        doorbell.close()


def test_same_port_of_another_address_is_not_let_in():
    with socket.socket() as listener, socket.socket() as stranger:
        doorbell = Doorbell(listener.fileno())
        stranger.bind(("127.0.0.2", doorbell._own_port))
        stranger.settimeout(0.5)
        with pytest.raises(TimeoutError):
            stranger.connect(listener.getsockname())
        doorbell.close()


def test_socket_that_could_not_be_bound_listens_to_everybody_afterwards():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="Invalid argument"):
            Doorbell(listener.fileno())
        listener.listen()
        socket.create_connection(listener.getsockname(), 5).close()
