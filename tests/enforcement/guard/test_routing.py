"""Connects through SOCKS servers, on a fake kernel and real sockets."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import socket
import struct
import threading

import pytest

from console.enforcement import streams
from console.enforcement.guard.turns import Turns
from console.model.words import ExitPoint
from console.policy.socks_entries import make_socks_entry
from tests.enforcement.guard.setting import PATIENCE_S, Setting, reject, sockaddr
from tests.socks.server import Asked, SocksServer

_NO_COOKIE = 34
"""TCP_FASTOPEN_NO_COOKIE (linux/tcp.h)."""


@pytest.fixture
def server():
    with socket.create_server(("0.0.0.0", 0)) as listening:
        yield listening


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.getsockname()[1]
    return number


def entry(*servers, sequence=10, **fields):
    """Return an entry for what is given as servers, addresses, or texts."""
    places = [place.address if isinstance(place, SocksServer) else place for place in servers]
    texts = [place if isinstance(place, str) else _text(*place) for place in places]
    return make_socks_entry(sequence=sequence, servers=" ".join(texts), **fields)


def _text(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def routing(*entries, rules=()):
    return Setting(*rules, socks=entries)


def of(listening, host="127.0.0.1"):
    return sockaddr(host, listening.getsockname()[1])


def label(server):
    return _text(*server.address)


def exchange(client, listening):
    """Send something each way."""
    far, _ = listening.accept()
    with far:
        far.settimeout(PATIENCE_S)
        client.settimeout(PATIENCE_S)
        client.sendall(b"to you")
        assert far.recv(16) == b"to you"
        far.sendall(b"to me")
        assert client.recv(16) == b"to me"


@pytest.mark.parametrize("version", ["4", "4A", "5"])
@pytest.mark.parametrize("blocks", [True, False])
@pytest.mark.parametrize("rules", [(), (reject(ExitPoint.CONNECT, remote_address="127.0.0.9"),)])
def test_connect_goes_through_the_server_and_the_socket_is_the_connection(
    server, client, socks, version, blocks, rules
):
    client.setblocking(blocks)
    through = socks()
    setting = routing(entry(through, version=version), rules=rules)
    assert setting.serve(setting.connect(client, of(server))) == 0
    assert client.getblocking() == blocks
    exchange(client, server)
    user = "" if version == "5" else pwd.getpwuid(os.geteuid()).pw_name
    asked_as = "4" if version == "4A" else version
    assert through.asked == [Asked(asked_as, 1, "127.0.0.1", server.getsockname()[1], user)]
    (decided,) = setting.recorded
    assert (decided.decision.outcome, decided.socks_server, decided.text) == ("*ALLOWED", label(through), "")
    assert decided.remote.port == server.getsockname()[1]
    assert decided.local.port == client.getsockname()[1]
    assert setting.notes == []


def test_options_of_the_socket_are_what_they_were(server, client, socks):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("=qq", 7, 500_000))
    for rules in ((), (reject(ExitPoint.CONNECT, remote_address="127.0.0.9"),)):
        setting = routing(entry(socks()), rules=rules)
        assert setting.serve(setting.connect(client, of(server))) == 0
        assert streams.send_timeout_s(client.fileno()) == pytest.approx(7.5, abs=0.01)
        streams.dissolve(client.fileno())
        assert client.getsockopt(socket.IPPROTO_TCP, _NO_COOKIE) == 0


def test_second_connect_finds_the_socket_connected(server, client, socks):
    setting = routing(entry(socks()))
    assert setting.serve(setting.connect(client, of(server))) == 0
    assert setting.serve(setting.connect(client, of(server))) == errno.EISCONN
    exchange(client, server)


def test_what_the_destination_says_at_once_is_there_for_the_program(server, client, socks):
    setting = routing(entry(socks(tail=b"220 banner")))
    assert setting.serve(setting.connect(client, of(server))) == 0
    client.settimeout(PATIENCE_S)
    assert client.recv(64) == b"220 banner"


def test_rejected_connect_never_reaches_the_server(server, client, socks):
    through = socks()
    setting = routing(entry(through), rules=[reject(ExitPoint.CONNECT, remote_address="127.0.0.1")])
    assert setting.serve(setting.connect(client, of(server))) == errno.EPERM
    assert through.asked == []
    assert [decided.socks_server for decided in setting.recorded] == [""]


def test_first_entry_that_matches_decides_and_direct_is_one(server, client, socks):
    through = socks()
    direct = make_socks_entry(sequence=5, type="*DIRECT", remote_address="127.0.0.0/8")
    setting = routing(direct, entry(through))
    assert setting.serve(setting.connect(client, of(server))) == 0
    assert client.getpeername() == ("127.0.0.1", server.getsockname()[1])
    assert through.asked == []


@pytest.mark.parametrize("fields", [{"remote_port": "9"}, {"user": "NOBODY2"}, {"remote_address": "10.0.0.0/8"}])
def test_connect_that_no_entry_matches_goes_directly(server, client, socks, fields):
    through = socks()
    setting = routing(entry(through, **fields))
    assert setting.serve(setting.connect(client, of(server))) == 0
    assert client.getpeername() == ("127.0.0.1", server.getsockname()[1])
    assert through.asked == []


def test_datagram_and_unix_sockets_go_directly(server, socks, tmp_path):
    through = socks()
    setting = routing(entry(through))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        assert setting.serve(setting.connect(datagrams, of(server))) == 0
    with socket.socket(socket.AF_UNIX) as local:
        setting.serve(setting.connect(local, of(server)))
    assert through.asked == []


def test_user_and_password_of_the_entry_are_told(server, client, socks):
    through = socks(users={"u": "secret"})
    setting = routing(entry(through, user_id="u", password="secret"))
    assert setting.serve(setting.connect(client, of(server))) == 0
    assert [(asked.user, asked.password) for asked in through.asked] == [("u", "secret")]
    assert "secret" not in repr(setting.recorded)


def test_user_id_of_the_entry_is_told_in_version_4(server, client, socks):
    through = socks()
    setting = routing(entry(through, version="4", user_id="someone"))
    assert setting.serve(setting.connect(client, of(server))) == 0
    assert [asked.user for asked in through.asked] == ["someone"]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_socket_of_ipv6_reaches_servers_of_both_families(socks, host):
    through = socks(host)
    setting = routing(entry(through))
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as far, socket.socket(socket.AF_INET6) as client:
        port = far.getsockname()[1]
        address = struct.pack("=H", socket.AF_INET6) + struct.pack(">H", port) + bytes(4) + (1).to_bytes(16, "big")
        assert setting.serve(setting.connect(client, address + bytes(4))) == 0
        assert [(asked.host, asked.port) for asked in through.asked] == [("::1", port)]
        exchange(client, far)


def test_server_that_the_socket_cannot_reach_is_passed_over_and_is_not_said_to_have_failed(server, client, socks):
    elsewhere, here = socks("::1"), socks()
    setting = routing(entry(elsewhere, here))
    assert setting.serve(setting.connect(client, of(server))) == 0
    assert elsewhere.asked == []
    assert [decided.socks_server for decided in setting.recorded] == [label(here)]
    assert setting.notes == []


def test_server_that_the_socket_cannot_reach_is_unreachable_if_there_is_no_other(server, client, socks):
    setting = routing(entry(socks("::1")))
    assert setting.serve(setting.connect(client, of(server))) == errno.EHOSTUNREACH
    assert "family" in setting.recorded[0].text


@pytest.mark.parametrize(
    ("manners", "number", "text"),
    [
        ({"refuse": 1}, errno.ECONNREFUSED, "GWL080A"),
        ({"refuse": 2}, errno.EACCES, "GWL080B"),
        ({"refuse": 3}, errno.ENETUNREACH, "GWL080C"),
        ({"refuse": 4}, errno.EHOSTUNREACH, "GWL080D"),
        ({"refuse": 5}, errno.ECONNREFUSED, "GWL080E"),
        ({"refuse": 6}, errno.ETIMEDOUT, "GWL080F"),
        ({"refuse": 8}, errno.ENETUNREACH, "GWL0811"),
        ({"method": 255}, errno.EACCES, "GWL0806"),
        ({"close_after": 0}, errno.ECONNREFUSED, "GWL0804"),
        ({"garbage": b"HTTP/1.0 400\r\n"}, errno.ECONNREFUSED, "GWL0805"),
        ({"silent_after": 0}, errno.ETIMEDOUT, "GWL0803"),
    ],
)
def test_failure_has_its_errno_and_its_reason_in_the_journal_and_leaves_a_socket_that_can_be_used(
    server, client, socks, manners, number, text
):
    through = socks(**manners)
    setting = routing(entry(through, time_limit_ms=300))
    assert setting.serve(setting.connect(client, of(server))) == number
    (decided,) = setting.recorded
    assert decided.socks_server == label(through)
    assert decided.text.startswith(f"{errno.errorcode[number]}; {text} ")
    assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    setting.supervisor.enforce(routing().supervisor.policy)
    assert setting.serve(setting.connect(client, of(server))) == 0
    exchange(client, server)


def test_version_4_server_that_refuses_is_a_refused_connection(server, client, socks):
    setting = routing(entry(socks(refuse=91), version="4"))
    assert setting.serve(setting.connect(client, of(server))) == errno.ECONNREFUSED


def test_server_that_does_not_listen_is_a_refused_connection(server, client, closed_port):
    setting = routing(entry(("127.0.0.1", closed_port)))
    assert setting.serve(setting.connect(client, of(server))) == errno.ECONNREFUSED
    assert "GWL0802" in setting.recorded[0].text


def test_name_that_nobody_knows_is_an_unreachable_server(server, client):
    setting = routing(entry("no-such-host.invalid:1080"))
    assert setting.serve(setting.connect(client, of(server))) == errno.EHOSTUNREACH
    assert "no-such-host.invalid:1080" in setting.recorded[0].text


def test_server_may_have_a_name(server, client, socks):
    through = socks()
    setting = routing(entry(f"localhost:{through.address[1]}"))
    assert setting.serve(setting.connect(client, of(server))) == 0
    assert [decided.socks_server for decided in setting.recorded] == [f"localhost:{through.address[1]}"]


def test_version_4_cannot_be_asked_for_ipv6(socks):
    setting = routing(entry(socks(), version="4"))
    with socket.socket(socket.AF_INET6) as client:
        address = struct.pack("=H", socket.AF_INET6) + struct.pack(">H", 80) + bytes(4) + (1).to_bytes(16, "big")
        assert setting.serve(setting.connect(client, address + bytes(4))) == errno.ENETUNREACH


@pytest.mark.parametrize(
    "manners",
    [{"close_after": 0}, {"close_after": 1}, {"garbage": b"\xff\xff"}, {"silent_after": 1}, {"method": 255}],
)
def test_next_server_steps_in_where_one_fails(server, client, socks, manners):
    bad, good = socks(**manners), socks()
    setting = routing(entry(bad, good, time_limit_ms=300))
    assert setting.serve(setting.connect(client, of(server))) == 0
    exchange(client, server)
    (decided,) = setting.recorded
    assert (decided.socks_server, decided.text) == (label(good), "")
    (note,) = setting.notes
    assert note.startswith(f"GWL0820 SOCKS server {label(bad)} failed at ")


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 8])
def test_next_server_is_not_asked_about_a_destination_that_one_refused(server, client, socks, code):
    first, second = socks(refuse=code), socks()
    setting = routing(entry(first, second))
    assert setting.serve(setting.connect(client, of(server))) != 0
    assert second.asked == []
    assert setting.notes == []


def test_server_that_failed_is_tried_last_and_its_failure_and_return_are_told_once(server, socks, closed_port):
    good = socks()
    setting = routing(entry(("127.0.0.1", closed_port), good))
    for _ in range(3):
        with socket.socket() as client:
            assert setting.serve(setting.connect(client, of(server))) == 0
    assert len(setting.notes) == 1
    setting.supervisor.enforce(routing(entry(("127.0.0.1", closed_port))).supervisor.policy)
    with SocksServer(port=closed_port), socket.socket() as client:
        assert setting.serve(setting.connect(client, of(server))) == 0
    assert [note.split()[0] for note in setting.notes] == ["GWL0820", "GWL0821"]
    assert " after 0:00:" in setting.notes[1]


def test_time_limit_of_the_socket_ends_the_handshake_and_blames_nobody(server, client, socks):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("=qq", 0, 200_000))
    second = socks()
    setting = routing(entry(socks(silent_after=0), second, time_limit_ms=60_000))
    assert setting.serve(setting.connect(client, of(server))) == errno.ETIMEDOUT
    assert second.asked == []
    assert setting.notes == []


def test_caller_that_a_signal_took_out_finds_its_connection_made(server, client, socks):
    came, go = threading.Event(), threading.Event()

    def wait(_asked):
        came.set()
        go.wait(PATIENCE_S)

    through = socks()
    through._on_request = wait
    setting = routing(entry(through))
    first, second = setting.connect(client, of(server)), setting.connect(client, of(server))
    serving = [threading.Thread(target=setting.serve, args=(call,)) for call in (first, second)]
    serving[0].start()
    assert came.wait(PATIENCE_S)
    setting.kernel.leave(first)
    serving[1].start()
    go.set()
    for thread in serving:
        thread.join(PATIENCE_S)
    assert setting.kernel.result(first) is None
    assert setting.kernel.result(second) == 0
    assert len(through.asked) == 1
    exchange(client, server)
    assert not setting.connect_point.router.underway


def test_nothing_else_can_be_done_to_a_socket_in_the_middle_of_a_handshake(server, client, socks):
    """Another thread that dissolves it could lead it elsewhere, and be told the password."""
    came, go = threading.Event(), threading.Event()

    def wait(_asked):
        came.set()
        go.wait(PATIENCE_S)

    through = socks()
    through._on_request = wait
    setting = routing(entry(through))
    first = setting.connect(client, of(server))
    serving = [threading.Thread(target=setting.serve, args=(first,))]
    serving[0].start()
    assert came.wait(PATIENCE_S)
    second = setting.connect(client, bytes(16))
    serving.append(threading.Thread(target=setting.serve, args=(second,)))
    serving[1].start()
    assert not setting.kernel.wait_for(second, 0.3)
    go.set()
    for thread in serving:
        thread.join(PATIENCE_S)
    assert setting.kernel.result(first) == setting.kernel.result(second) == 0
    assert streams.state(client.fileno()) == streams.CLOSED


def test_what_is_written_before_the_request_is_found_and_the_connection_reset(server, client, socks):
    through = socks()
    setting = routing(entry(through))
    forged = b"\5\1\0\1" + socket.inet_aton("127.0.0.1") + struct.pack(">H", server.getsockname()[1])

    def forge():
        while streams.state(client.fileno()) == streams.CLOSED:
            pass
        client.send(forged)

    real = streams.settle

    def settle(*arguments):
        forge()
        return real(*arguments)

    streams.settle = settle
    try:
        assert setting.serve(setting.connect(client, of(server))) == errno.EPERM
    finally:
        streams.settle = real
    assert streams.state(client.fileno()) == streams.CLOSED
    (decided,) = setting.recorded
    assert decided.decision.outcome == "*REJECTED"
    assert decided.text.startswith("written to during the exchange")


@pytest.fixture
def full():
    """Return a function that makes a listener whose queue is full, and one that makes room in it."""
    with contextlib.ExitStack() as undo:

        def make(family, host):
            listening = undo.enter_context(socket.create_server((host, 0), family=family, backlog=0))
            fillers = [undo.enter_context(socket.socket(family)) for _ in range(3)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listening.getsockname())

            def make_room():
                for filler in fillers:
                    filler.close()
                listening.settimeout(PATIENCE_S)
                listening.accept()[0].close()

            return listening, make_room

        yield make


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_connection_that_another_thread_takes_back_is_not_made_again(server, full, monkeypatch, family, host):
    """The octets of the request were with that one; into another a forged one could be written first."""
    through, make_room = full(family, host)
    rule = reject(ExitPoint.CONNECT, remote_address="127.0.0.9")
    setting = routing(entry((host, through.getsockname()[1]), version="4A", time_limit_ms=5000), rules=[rule])
    real = streams.connect_saying

    def connect_saying(number, *arguments):
        taken = real(number, *arguments)
        client.shutdown(socket.SHUT_WR)
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET
        make_room()
        return taken

    monkeypatch.setattr(streams, "connect_saying", connect_saying)
    with socket.socket(family) as client:
        address = of(server)
        if family == socket.AF_INET6:
            mapped = bytes(10) + b"\xff\xff" + address[4:8]
            address = struct.pack("=H", family) + address[2:4] + bytes(4) + mapped + bytes(4)
        assert setting.serve(setting.connect(client, address)) == errno.EPERM
    (decided,) = setting.recorded
    assert decided.decision.outcome == "*REJECTED"
    assert decided.text.startswith("led elsewhere during the exchange")
    assert setting.notes == []


def test_connection_that_has_not_what_went_with_the_syn_is_another(server, client, socks, monkeypatch):
    through = socks()
    rule = reject(ExitPoint.CONNECT, remote_address="127.0.0.9")
    setting = routing(entry(through, version="4"), rules=[rule])

    def settle(number):
        streams.dissolve(number)
        client.connect(through.address)
        return 0

    monkeypatch.setattr(streams, "settle", settle)
    assert setting.serve(setting.connect(client, of(server))) == errno.EPERM
    assert setting.recorded[0].text.startswith("led elsewhere during the exchange")


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_settling_neither_connects_nor_waits(full, family, host):
    listening, _ = full(family, host)
    with socket.socket(family) as client:
        assert streams.settle(client.fileno()) == streams.refuse_again(client.fileno()) == errno.EAFNOSUPPORT
        client.setblocking(False)
        assert client.connect_ex(listening.getsockname()) == errno.EINPROGRESS
        client.setblocking(True)
        assert streams.settle(client.fileno()) == errno.EALREADY


def test_reply_that_another_thread_has_read_is_no_failure_of_the_server(server, client, socks):
    rule = reject(ExitPoint.CONNECT, remote_address="127.0.0.9")
    setting = routing(entry(socks(), version="4", time_limit_ms=2000), rules=[rule])
    real = streams.settle

    def settle(*arguments):
        result = real(*arguments)
        client.settimeout(PATIENCE_S)
        client.recv(8)
        return result

    streams.settle = settle
    try:
        assert setting.serve(setting.connect(client, of(server))) == errno.EPERM
    finally:
        streams.settle = real
    assert setting.recorded[0].text.startswith("read from during the exchange")
    assert setting.notes == []


def test_first_message_comes_before_what_others_write(server, client, socks):
    """With version 4 that is all there is: the server is asked for what was decided on, and for nothing else."""
    through = socks()
    rule = reject(ExitPoint.CONNECT, remote_address="127.0.0.9")
    setting = routing(entry(through, version="4"), rules=[rule])
    real = streams.settle

    def settle(*arguments):
        client.send(b"\4\1\0\1\x7f\0\0\x09\0")
        return real(*arguments)

    streams.settle = settle
    try:
        assert setting.serve(setting.connect(client, of(server))) == 0
    finally:
        streams.settle = real
    assert [(asked.host, asked.port) for asked in through.asked] == [("127.0.0.1", server.getsockname()[1])]


def test_socket_that_is_being_connected_directly_is_left_to_it(server, client, socks):
    through = socks()
    client.connect(("127.0.0.1", server.getsockname()[1]))
    setting = routing(entry(through))
    assert setting.serve(setting.connect(client, of(server))) == errno.EISCONN
    assert through.asked == []
    assert client.getpeername()[1] == server.getsockname()[1]


def test_bound_socket_stays_bound_when_the_handshake_fails(server, client, socks):
    client.bind(("127.0.0.1", 0))
    bound = client.getsockname()
    setting = routing(entry(socks(refuse=2)))
    assert setting.serve(setting.connect(client, of(server))) == errno.EACCES
    assert client.getsockname() == bound


def test_other_threads_take_the_calls_while_one_waits_for_a_server_that_is_not_known_to_be_quick(server, socks):
    told = []

    class Watching(Turns):
        def __init__(self):
            pass

        def may_block(self):
            told.append(True)

        is_careful = False

    setting = routing(entry(socks()))
    setting.connect_point.router.turns = Watching()
    for quick, times in ((False, 1), (False, 2), (True, 2)):
        known = setting.connect_point.router.servers
        known.is_quick = lambda _server, quick=quick: quick
        with socket.socket() as client:
            assert setting.serve(setting.connect(client, of(server))) == 0
        assert len(told) == times
