"""The name server of a guard, on real sockets: who is answered, and how whole."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading

import pytest

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.enforcement.guard import name_server
from console.enforcement.guard.name_server import Askers, NameServer
from tests.enforcement.guard.setting import PATIENCE_S, sockaddr
from tests.enforcement.guard.test_connect import sockaddr6

DATAGRAM, STREAM = socket.SOCK_DGRAM, socket.SOCK_STREAM
ASKED = sockaddr("192.0.2.53", 53)


def turned_round(octets):
    """Answer a message with its octets in reverse; with nothing if it says so."""
    return b"" if octets == b"nothing" else octets[::-1]


@pytest.fixture(scope="module")
def server():
    made = NameServer(lambda: turned_round)
    made.start()
    return made


@contextlib.contextmanager
def asker(server, kind=DATAGRAM, told=ASKED):
    """Return a socket that was let ask."""
    family = k.sockaddr_family(told)
    with socket.socket(family, kind) as made:
        stand_in = server.stand_in(kind, told)
        with server.askers.asking(kind, made.fileno()):
            assert syscalls.connect(made.fileno(), stand_in) == 0
        made.settimeout(PATIENCE_S)
        yield made


def framed(*messages):
    return b"".join(struct.pack(">H", len(message)) + message for message in messages)


def received(wire, size):
    octets = b""
    while len(octets) < size and (more := wire.recv(size - len(octets))):
        octets += more
    return octets


@pytest.mark.parametrize("told", [ASKED, sockaddr6("::ffff:192.0.2.53", 53), sockaddr6("2001:db8::53", 53)])
def test_socket_of_the_job_is_answered(server, told):
    if told == sockaddr6("2001:db8::53", 53) and not socket.has_dualstack_ipv6():
        pytest.skip("there is no IPv6 here")
    with asker(server, told=told) as client:
        client.send(b"abc")
        assert client.recv(10) == b"cba"
        assert server.told_of(DATAGRAM, syscalls.peer_sockaddr(client.fileno())) == told
        assert server.told_of(STREAM, syscalls.peer_sockaddr(client.fileno())) is None


def test_each_name_server_and_kind_has_a_stand_in_of_its_own(server):
    other = sockaddr("192.0.2.54", 53)
    made = {server.stand_in(kind, told) for kind in (DATAGRAM, STREAM) for told in (ASKED, other) for _ in range(3)}
    assert len({k.parse_sockaddr(each).port for each in made}) == len(made) == 4


def test_other_sockets_are_not_answered(server):
    with asker(server) as client, socket.socket(type=DATAGRAM) as stranger:
        stranger.connect(client.getpeername())
        stranger.send(b"abc")
        client.send(b"def")  # comes after it, and is answered
        assert client.recv(10) == b"fed"
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):
            stranger.recv(10)


def test_other_connections_are_closed(server):
    with asker(server, STREAM) as client, socket.create_connection(client.getpeername(), PATIENCE_S) as stranger:
        with contextlib.suppress(ConnectionError):
            stranger.sendall(framed(b"abc"))
            assert stranger.recv(10) == b""
        client.sendall(framed(b"abc"))
        assert received(client, 5) == framed(b"cba")


def test_messages_on_a_connection_are_taken_apart_and_answered_in_order(server):
    with asker(server, STREAM) as client:
        octets = framed(b"abc", b"", b"nothing", b"x" * 2000, b"def")
        for at in range(0, len(octets), 3):
            client.sendall(octets[at : at + 3])
        expected = framed(b"cba", b"x" * 2000, b"fed")
        assert received(client, len(expected)) == expected


def test_message_without_an_answer_gets_none(server):
    with asker(server) as client:
        client.send(b"nothing")
        client.send(b"abc")
        assert client.recv(10) == b"cba"


def test_connections_beyond_the_limit_end_the_oldest(server, monkeypatch):
    monkeypatch.setattr(name_server, "_MOST_CONNECTIONS", 2)
    with contextlib.ExitStack() as opened:
        clients = [opened.enter_context(asker(server, STREAM)) for _ in range(3)]
        clients[-1].sendall(framed(b"abc"))
        assert received(clients[-1], 5) == framed(b"cba")
        assert clients[0].recv(1) == b""


def test_name_servers_beyond_the_limit_have_no_stand_in():
    made = NameServer(lambda: turned_round)
    made.start()
    stand_ins = [made.stand_in(DATAGRAM, sockaddr(f"192.0.2.{number}", 53)) for number in range(65)]
    assert None not in stand_ins[:64]
    assert stand_ins[64] is None
    assert made.stand_in(DATAGRAM, sockaddr("192.0.2.0", 53)) == stand_ins[0]


@pytest.mark.parametrize("kind", [DATAGRAM, STREAM])
def test_port_is_its_sockets_as_long_as_that_is_there(kind, monkeypatch):
    """With no time in which a port is believed, each look goes to the kernel's tables."""
    monkeypatch.setattr(name_server, "_SURE_S", -1.0)
    askers = Askers()
    with socket.socket(type=kind) as made:
        with askers.asking(kind, made.fileno()):
            made.bind(("127.0.0.1", 0))
            if kind == STREAM:
                made.listen()
        port = made.getsockname()[1]
        assert askers.has(kind, made.fileno())
        assert [askers.know(kind, port) for _ in range(2)] == [True, True]
        assert not askers.know(STREAM + DATAGRAM - kind, port)
    with socket.socket(type=kind) as successor:
        successor.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        successor.bind(("127.0.0.1", port))
        if kind == STREAM:
            successor.listen()
        assert not askers.has(kind, successor.fileno())
        assert not askers.know(kind, port)


def test_socket_that_is_bound_by_its_question_is_known():
    askers = Askers()
    with socket.socket(type=DATAGRAM) as made:
        assert not askers.has(DATAGRAM, made.fileno())
        with askers.asking(DATAGRAM, made.fileno()):
            made.sendto(b"x", ("127.0.0.1", 9))
        assert askers.know(DATAGRAM, made.getsockname()[1])


def test_askers_beyond_the_limit_push_out_the_first(monkeypatch):
    monkeypatch.setattr(name_server, "_MOST_ASKERS", 2)
    askers = Askers()
    with contextlib.ExitStack() as opened:
        made = [opened.enter_context(socket.socket(type=DATAGRAM)) for _ in range(3)]
        for each in made:
            with askers.asking(DATAGRAM, each.fileno()):
                each.bind(("127.0.0.1", 0))
        assert [askers.has(DATAGRAM, each.fileno()) for each in made] == [False, True, True]


def test_answers_are_made_in_the_thread_that_gives_them():
    threads = []
    made = NameServer(lambda: threads.append(os.getpid()) or turned_round)
    assert threads == []
    made.start()
    with asker(made) as client:
        client.send(b"abc")
        assert client.recv(10) == b"cba"
    assert len(threads) == 1


def test_connection_that_was_closed_for_another_while_it_had_something_to_say_ends_nothing():
    busy, go_on = threading.Event(), threading.Event()

    def answer(octets):
        if octets == b"wait":
            busy.set()
            assert go_on.wait(PATIENCE_S)
        return octets

    server = NameServer(lambda: answer)
    server.start()
    with contextlib.ExitStack() as stack:
        oldest, *_, newest = [
            stack.enter_context(asker(server, STREAM)) for _ in range(name_server._MOST_CONNECTIONS)
        ]  # fmt: skip
        newest.sendall(framed(b"hello"))
        assert received(newest, 7) == framed(b"hello")
        newest.sendall(framed(b"wait"))
        assert busy.wait(PATIENCE_S)
        another = stack.enter_context(asker(server, STREAM))
        oldest.sendall(framed(b"too late"))
        go_on.set()
        another.sendall(framed(b"still there"))
        assert received(another, 13) == framed(b"still there")
