"""Programs that listen and accept, under a real filter."""

from __future__ import annotations

import signal
import socket

import pytest

from tests.enforcement.kernel.jobs import PATIENCE_S, outcomes
from tests.enforcement.kernel.ways import BOTH_WAYS

pytestmark = BOTH_WAYS

REFUSED = "127.0.0.2"


def dial(port, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", port), PATIENCE_S, source_address=(source, 0))


def is_reset(port, source=REFUSED):
    """Say whether a connection ends with a reset before any octet: while it is read from, or made already."""
    try:
        with dial(port, source) as client:
            return client.recv(1) and False
    except ConnectionResetError:
        return True


def test_refused_client_is_reset_and_the_server_goes_on_waiting(house):
    with house.running("servers", "one", "127.0.0.1") as server:
        port = int(server.line())
        assert is_reset(port)
        assert is_reset(port)
        with dial(port) as client:
            assert client.recv(2) == b"hi"
        assert server.rest() == ["accepted 127.0.0.1"]
        assert server.status() == 0
        assert outcomes(house.entries(server.name)) == [
            ("*LISTEN", "*ALLOWED", ""),
            ("*ACCEPT", "*REJECTED", REFUSED),
            ("*ACCEPT", "*REJECTED", REFUSED),
            ("*ACCEPT", "*ALLOWED", "127.0.0.1"),
        ]


def test_non_blocking_accept_of_a_refused_client_says_that_nobody_is_there(house):
    with house.running("servers", "epoll", "127.0.0.1") as server:
        port = int(server.line())
        assert is_reset(port)
        assert server.line() == "accept EAGAIN"
        with dial(port):
            assert server.rest()[-1] == "accept 127.0.0.1"


def test_server_that_looks_before_it_accepts_hears_signals_after_a_refused_client(house):
    with house.running("servers", "look", "127.0.0.1") as server:
        port = int(server.line())
        for _ in range(16):
            with dial(port) as client:
                assert client.recv(2) == b"hi"
        assert is_reset(port)
        assert [server.line() for _ in range(17)] == ["accept 0"] * 16 + ["accept ECONNABORTED"]
        server.process.send_signal(signal.SIGTERM)
        assert server.status() == 7


def test_server_whose_listener_is_in_an_epoll_set_hears_signals_even_if_its_first_client_is_refused(house):
    with house.running("servers", "look", "127.0.0.1", "epoll") as server:
        assert is_reset(int(server.line()))
        assert server.line() == "accept ECONNABORTED"
        server.process.send_signal(signal.SIGTERM)
        assert server.status() == 7


def test_accepts_in_all_forms_end_as_without_a_guard(house):
    def lines(*, guarded):
        with house.running("servers", "forms", "127.0.0.1", guarded=guarded) as server:
            port = int(server.line())
            clients = [dial(port) for _ in range(9)]
            found = server.rest()
            for client in clients:
                client.close()
            return found

    assert lines(guarded=True) == lines(guarded=False)


def test_listen_is_decided_on_the_address_it_ends_up_with(house):
    lines, entries = house.run("servers", "listen", "127.0.0.1", "127.0.0.66", "-")
    assert lines == [
        "127.0.0.1 0",
        "listens 1",
        "again 0",
        "127.0.0.66 EPERM",
        "listens 0",
        "again EPERM",
        "- EPERM",
        "listens 0",
        "again EPERM",
    ]
    assert [(outcome, local) for _, outcome, local, _, _ in entries] == [
        *[("*ALLOWED", "127.0.0.1")] * 2,
        *[("*REJECTED", "127.0.0.66")] * 2,
        *[("*REJECTED", "0.0.0.0")] * 2,
    ]


@pytest.mark.parametrize(("threads", "processes"), [(4, 0), (3, 3)])
def test_all_who_wait_at_one_listener_get_a_connection(house, threads, processes):
    with house.running("servers", "many", "127.0.0.1", threads, processes) as server:
        port = int(server.line())
        for _ in range(threads + processes):
            assert is_reset(port)
            with dial(port) as client:
                assert client.recv(2) == b"hi"
        assert server.rest() == ["accepted 0"] * (threads + processes)


def test_all_who_wait_are_served_when_connections_come_at_once(house):
    with house.running("servers", "many", "127.0.0.1", 10, 10) as server:
        port = int(server.line())
        clients = [dial(port) for _ in range(20)]
        for client in clients:
            with client:
                assert client.recv(2) == b"hi"
        assert server.rest() == ["accepted 0"] * 20


@pytest.mark.parametrize("waits_in", ["busy", "busy-epoll"])
def test_no_connection_is_lost_to_signals_that_come_all_the_time(house, waits_in):
    with house.running("servers", waits_in, "127.0.0.1", 200) as server:
        port = int(server.line())
        for _ in range(200):
            with dial(port) as client:
                assert client.recv(2) == b"hi"
        assert server.rest() == ["done 0"]
        assert server.status() == 0
        entries = house.entries(server.name)
        assert outcomes(entries[1:]) == [("*ACCEPT", "*ALLOWED", "127.0.0.1")] * 200


def test_server_without_a_descriptor_left_gets_its_connections_when_it_has_one(house):
    def lines(*, guarded):
        with house.running("servers", "full", "127.0.0.1", guarded=guarded) as server:
            port = int(server.line())
            with dial(port) as first, dial(port) as second:
                assert first.recv(2) + second.recv(2) == b"hihi"
            return server.rest()

    found = lines(guarded=True)
    assert found == lines(guarded=False)
    assert found[:2] == ["ready 1", "no descriptor EMFILE"]
    assert found[-3:] == ["ready 0", "nobody there EAGAIN", "no descriptor, blocks EMFILE"]
