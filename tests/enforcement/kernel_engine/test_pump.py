"""Octets between two sockets: whole, in order, with their ends, and no descriptor left over."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading

import pytest

from console.enforcement.kernel.pump import Pump

BULK = 8 << 20


@pytest.fixture
def pump():
    made = Pump()
    yield made
    made.close()


def pair():
    """Return both ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        made, _ = server.accept()
    for each in (client, made):
        each.settimeout(20)
    return client, made


@pytest.fixture
def relayed(pump):
    """Return the two outer ends of a relayed connection, and a function that lets the pump work."""
    near, inner_near = pair()
    far, inner_far = pair()
    pump.add((inner_near, inner_far))

    def work(until):
        for _ in range(100_000):
            if until():
                return
            pump.move([number for number, _ in pump.epoll.poll(0.05, 64)])
        raise AssertionError("the pump has come to no end")

    with near, far:
        yield near, far, work


def is_readable(end):
    return bool(select.select([end], [], [], 0)[0])


def test_octets_go_both_ways(relayed):
    near, far, work = relayed
    near.sendall(b"there")
    work(lambda: is_readable(far))
    assert far.recv(10) == b"there"
    far.sendall(b"and back")
    work(lambda: is_readable(near))
    assert near.recv(10) == b"and back"


def test_end_of_one_direction_leaves_the_other(relayed, pump):
    near, far, work = relayed
    near.shutdown(socket.SHUT_WR)
    work(lambda: is_readable(far))
    assert far.recv(1) == b""
    far.sendall(b"still")
    work(lambda: is_readable(near))
    assert near.recv(10) == b"still"
    assert len(pump) == 1
    far.shutdown(socket.SHUT_WR)
    work(lambda: not len(pump))
    assert near.recv(1) == b""


def test_reset_is_passed_on_as_one(relayed, pump):
    near, far, work = relayed
    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    near.close()
    work(lambda: not len(pump))
    with pytest.raises(ConnectionResetError):
        far.recv(1)


def test_slow_reader_holds_up_and_loses_nothing(relayed, pump):
    near, far, work = relayed
    octets = os.urandom(BULK)
    sending = threading.Thread(target=lambda: (near.sendall(octets), near.shutdown(socket.SHUT_WR)))
    sending.start()
    got = bytearray()

    def take():
        if is_readable(far) and (more := far.recv(65_536)):
            got.extend(more)
        return len(got) == BULK

    work(take)
    sending.join()
    assert bytes(got) == octets


def test_no_descriptor_is_left(pump):
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(20):
        near, inner_near = pair()
        far, inner_far = pair()
        pump.add((inner_near, inner_far))
        near.close()
        far.close()
        while len(pump):
            pump.move([number for number, _ in pump.epoll.poll(1, 64)])
    spare = 2 * len(pump._pipes._spare)
    assert len(set(os.listdir("/proc/self/fd")) - before) == spare <= 4
