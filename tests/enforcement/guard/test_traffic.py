"""Datagrams that are told of: the first from a socket to a peer, and the first from a peer to a socket."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading

import pytest

from console.enforcement import layouts as k
from console.enforcement.fake import Step
from console.enforcement.guard import traffic as module
from console.enforcement.guard.traffic import Traffic
from console.enforcement.layouts import address_text
from console.enforcement.records import Seen
from console.model.words import Udp
from console.policy.audit_levels import Auditing, Levels
from tests.end_to_end.command import until
from tests.enforcement.guard.setting import NUMBER, PATIENCE_S, Setting, sockaddr
from tests.enforcement.guard.test_sending import sendmmsg, sendmsg, sendto, to


class Told(Setting):
    def __init__(self, levels=("*NETUDP",), **settings):
        super().__init__(**settings)
        self.supervisor.audit(Levels(Auditing(levels=levels)))
        self.supervisor.handlers = Traffic().handlers(self.supervisor.handlers)

    def receive(self, endpoint, number=k.SYS_RECVFROM, *, flags=0):
        self.kernel.descriptors[NUMBER] = endpoint.fileno()
        arguments = (NUMBER, 0, 100, flags) if number == k.SYS_RECVFROM else (NUMBER, 0, flags)
        return self.kernel.call(number, *arguments)

    @property
    def peers(self):
        return [(each.exit_point, address_text(each.remote.address), each.remote.port) for each in self.told]


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def server():
    with socket.socket(type=socket.SOCK_DGRAM) as endpoint:
        endpoint.bind(("127.0.0.1", 0))
        yield endpoint


@pytest.fixture
def client():
    with socket.socket(type=socket.SOCK_DGRAM) as endpoint:
        endpoint.bind(("127.0.0.1", 0))
        yield endpoint


def went_on(told, call):
    told.supervisor.serve(call)
    return call in told.kernel.went_on


def test_first_datagram_to_a_peer_is_told_and_the_kernel_sends_each(told, server, client):
    for _ in range(3):
        assert went_on(told, sendto(told, client, b"x", to(server)))
    assert told.peers == [(Seen.SENT, *server.getsockname())]
    assert told.told[0].local.port == client.getsockname()[1]
    assert told.recorded == []


def test_each_peer_and_each_socket_is_told_of(told, server, client):
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        went_on(told, sendto(told, client, b"x", to(server)))
        went_on(told, sendto(told, client, b"x", to(server, "127.0.0.2")))
        went_on(told, sendto(told, other, b"x", to(server)))
    port = server.getsockname()[1]
    assert told.peers == [(Seen.SENT, f"127.0.0.{last}", port) for last in (1, 2, 1)]


def test_messages_are_told_of_each_for_itself(told, server, client):
    assert went_on(told, sendmsg(told, client, [b"a"], to(server)))
    assert went_on(told, sendmmsg(told, client, ([b"a"], to(server)), ([b"b"], to(server, "127.0.0.3"))))
    assert [address for _, address, _ in told.peers] == ["127.0.0.1", "127.0.0.3"]


def test_connect_of_a_datagram_socket_is_told_and_what_it_sends_then_is_not_again(told, server, client):
    assert told.serve(told.connect(client, sockaddr(*server.getsockname()))) == 0
    assert went_on(told, sendmsg(told, client, [b"x"]))
    assert told.peers == [(Seen.SENT, *server.getsockname())]


def test_connect_that_dissolves_is_no_peer(told, client):
    told.serve(told.connect(client, struct.pack("=H", socket.AF_UNSPEC) + bytes(14)))
    assert told.told == []


def test_connect_of_a_stream_is_none_of_its_business(told):
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as stream:
        assert told.serve(told.connect(stream, sockaddr(*listener.getsockname()))) == 0
    assert told.told == []


def test_datagram_to_anywhere_is_told_with_the_address_it_gets_to(told, server, client):
    went_on(told, sendto(told, client, b"x", to(server, "0.0.0.0")))
    assert told.peers == [(Seen.SENT, "127.0.0.1", server.getsockname()[1])]


def test_what_a_policy_decides_is_its_decision_and_not_told_besides(server, client):
    told = Told(udp=Udp.DECIDE)
    told.supervisor.serve(sendto(told, client, b"x", to(server)))
    assert [each.exit_point for each in told.recorded] == [Seen.DATAGRAM]
    assert told.told == []


def test_nothing_is_told_of_a_user_whose_datagrams_nobody_wants(server, client):
    told = Told(levels=("*NETSCK",))
    went_on(told, sendto(told, client, b"x", to(server)))
    client.sendto(b"x", server.getsockname())
    went_on(told, told.receive(server))
    assert told.told == []


@pytest.mark.parametrize("number", [k.SYS_RECVFROM, k.SYS_RECVMSG, k.SYS_RECVMMSG])
def test_first_datagram_from_a_peer_is_told_and_left_to_the_kernel(told, server, client, number):
    client.sendto(b"x", server.getsockname())
    for _ in range(2):
        assert went_on(told, told.receive(server, number))
    assert told.peers == [(Seen.RECEIVED, *client.getsockname())]
    assert server.recv(10) == b"x"


def test_receive_that_does_not_wait_finds_nothing_and_is_the_kernels(told, server):
    assert went_on(told, told.receive(server, flags=socket.MSG_DONTWAIT))
    server.setblocking(False)
    assert went_on(told, told.receive(server))
    assert told.told == []


def test_receive_that_waits_is_the_kernels_as_soon_as_there_is_something(told, server, client):
    call = told.receive(server)
    thread = threading.Thread(target=told.supervisor.serve, args=(call,))
    thread.start()
    client.sendto(b"x", server.getsockname())
    thread.join(PATIENCE_S)
    assert call in told.kernel.went_on
    assert told.peers == [(Seen.RECEIVED, *client.getsockname())]


def test_receive_with_a_time_limit_ends_with_it(told, server):
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 50_000))
    assert told.serve(told.receive(server)) == errno.EAGAIN


def test_receive_of_a_socket_that_was_shut_down_is_the_kernels(told, server, client):
    client.connect(server.getsockname())
    client.shutdown(socket.SHUT_RD)
    assert went_on(told, told.receive(client))


def test_error_that_waits_on_a_socket_is_the_answer(told, client):
    with socket.socket(type=socket.SOCK_DGRAM) as gone:
        gone.bind(("127.0.0.1", 0))
        client.connect(gone.getsockname())
    client.send(b"x")
    assert told.serve(told.receive(client)) == errno.ECONNREFUSED


def test_errors_that_are_asked_for_are_the_kernels(told, server, client):
    client.sendto(b"x", server.getsockname())
    assert went_on(told, told.receive(server, flags=socket.MSG_ERRQUEUE))
    assert told.told == []


def test_caller_that_is_gone_waits_no_longer_and_keeps_no_port(told, server, monkeypatch):
    monkeypatch.setattr(module, "_LOOK_S", 0.01)
    call = told.receive(server)
    thread = threading.Thread(target=told.supervisor.serve, args=(call,))
    thread.start()
    before = len(os.listdir("/proc/self/fd"))
    told.kernel.leave(call)
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    until(lambda: len(os.listdir("/proc/self/fd")) <= before, "the copy of the socket to be closed", PATIENCE_S)


@pytest.mark.parametrize("kind", ["stream", "pipe", "missing", "unseen"])
def test_what_is_no_datagram_socket_is_the_kernels(told, kind):
    with socket.socket() as stream:
        reading, writing = os.pipe()
        call = told.receive(stream, k.SYS_RECVMSG)
        if kind == "pipe":
            told.kernel.descriptors[NUMBER] = reading
        if kind == "missing":
            told.kernel.descriptors.clear()
        if kind == "unseen":
            told.kernel.fail(call, Step.TAKE, errno.EPERM)
        assert went_on(told, call)
        os.close(reading)
        os.close(writing)


def test_what_was_told_is_bounded(told, server, client, monkeypatch):
    monkeypatch.setattr(module, "_MOST_KNOWN", 2)
    for last in (1, 2, 3, 1):
        went_on(told, sendto(told, client, b"x", to(server, f"127.0.0.{last}")))
    assert len(told.told) == 4
