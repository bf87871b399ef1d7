"""getpeername of sockets that were connected through SOCKS servers, on a fake kernel."""

from __future__ import annotations

import errno
import socket
import struct

import pytest

from console.enforcement import layouts as k
from console.enforcement import streams
from tests.enforcement.guard.setting import LENGTH, NUMBER, PEER
from tests.enforcement.guard.test_routing import entry, of, routing


@pytest.fixture
def server():
    with socket.create_server(("0.0.0.0", 0)) as listening:
        yield listening


def peer_name(setting, client, room=128):
    """Return what a getpeername writes, and its length; or the name of the errno, or None where the kernel answers."""
    setting.kernel.descriptors[NUMBER] = client.fileno()
    setting.kernel.memory[LENGTH] = struct.pack("=i", room)
    setting.kernel.memory[PEER] = b"\xaa" * 128
    call = setting.kernel.call(k.SYS_GETPEERNAME, NUMBER, PEER, LENGTH)
    if setting.serve(call) is None:
        assert call in setting.kernel.went_on
        return None
    if setting.kernel.result(call):
        return errno.errorcode[setting.kernel.result(call)]
    return setting.kernel.memory[PEER].rstrip(b"\xaa"), struct.unpack("=i", setting.kernel.memory[LENGTH][:4])[0]


def test_peer_is_the_address_that_was_asked_for(server, client, socks):
    setting = routing(entry(socks()))
    assert setting.serve(setting.connect(client, of(server) + bytes(12))) == 0
    assert peer_name(setting, client) == (of(server), 16)
    assert peer_name(setting, client, 6) == (of(server)[:6], 16)
    assert peer_name(setting, client, 0) == (b"", 16)
    assert peer_name(setting, client, -1) == "EINVAL"


def test_peer_of_ipv6_is_the_address_that_was_asked_for(socks):
    setting = routing(entry(socks()))
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as far, socket.socket(socket.AF_INET6) as client:
        head = struct.pack("=H", socket.AF_INET6) + struct.pack(">H", far.getsockname()[1])
        address = (1).to_bytes(16, "big")
        assert setting.serve(setting.connect(client, head + b"flow" + address + b"scop")) == 0
        assert peer_name(setting, client) == (head + bytes(4) + address + bytes(4), 28)


def test_kernel_says_who_the_peer_of_any_other_socket_is(server, client, socks):
    setting = routing(entry(socks()))
    with socket.create_connection(("127.0.0.1", server.getsockname()[1])) as direct:
        assert peer_name(setting, direct) is None
        assert setting.serve(setting.connect(client, of(server))) == 0
        assert peer_name(setting, direct) is None
    setting.kernel.descriptors.clear()
    assert setting.serve(setting.kernel.call(k.SYS_GETPEERNAME, 77, PEER, LENGTH)) is None


def test_peer_is_forgotten_with_its_connection(server, client, socks):
    setting = routing(entry(socks()))
    assert setting.serve(setting.connect(client, of(server))) == 0
    streams.dissolve(client.fileno())
    assert peer_name(setting, client) is None
    client.connect(("127.0.0.1", server.getsockname()[1]))
    assert peer_name(setting, client) is None
