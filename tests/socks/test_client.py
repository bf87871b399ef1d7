"""Exchanges over real sockets, with a server that behaves in every way there is."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import socket
import threading
import time

import pytest

from console.errors import CallerGone, SocksError
from console.socks.client import Patience, await_connected, dial, not_connected, perform
from console.socks.exchange import Exchange, State
from console.socks.refusals import Reason
from console.socks.words import Command, Place
from tests.end_to_end.peer import free_port
from tests.loopback import serving
from tests.socks.places import SECRET, ipv4, ipv6, named, server
from tests.socks.server import Asked, reply_five, reply_four

CONNECT, BIND = Command.CONNECT, Command.BIND
ALL_WAYS = {
    "4": server("4", user="ALICE"),
    "4A": server("4A", user="ALICE"),
    "5": server("5"),
    "5 with password": server("5", user="alice", password=SECRET),
}
every_way = pytest.mark.parametrize("spoken", ALL_WAYS.values(), ids=ALL_WAYS)


def patience(**more):
    """Return more patience than any test needs."""
    return Patience(time.monotonic() + 60, **more)


def place_of(address):
    host, port, *_ = address
    return ipv6(host, port) if ":" in host else ipv4(host, port)


def manners_for(spoken):
    return {} if spoken.password is None else {"users": {spoken.user: spoken.password}}


def echo(peer):
    with contextlib.suppress(OSError):
        while octets := peer.recv(65_536):
            peer.sendall(octets)


def talk(through, text=b"hello"):
    """Say something to an echo, and hear it."""
    through.sendall(text)
    through.shutdown(socket.SHUT_WR)
    heard = b"".join(iter(lambda: through.recv(65_536), b""))
    through.close()
    return heard


def failing(spoken, address, destination, command=CONNECT, limits=None):
    with pytest.raises(SocksError) as caught:
        dial(place_of(address), Exchange(spoken, command, destination), limits or patience())
    return caught.value


# CONNECT -------------------------------------------------------------------------------------------------------------


@every_way
@pytest.mark.parametrize("piecewise", [False, True])
def test_connection_is_made_and_its_octets_are_the_programs(socks_server, spoken, piecewise):
    running = socks_server(piecewise=piecewise, **manners_for(spoken))
    with serving(echo) as port:
        with dial(place_of(running.address), Exchange(spoken, CONNECT, ipv4("127.0.0.1", port)), patience()) as through:
            assert talk(through) == b"hello"
        assert [each[1:4] for each in running.asked] == [(1, "127.0.0.1", port)]
        assert running.asked[0].user == ("" if spoken.user == "alice" and not spoken.password else spoken.user)


@pytest.mark.parametrize("version", ["4A", "5"])
def test_name_is_the_servers_to_resolve(socks_server, version):
    running = socks_server(names={"far.test": "127.0.0.1"})
    with serving(echo) as port:
        exchange = Exchange(server(version), CONNECT, named("far.test", port))
        with dial(place_of(running.address), exchange, patience()) as through:
            assert talk(through) == b"hello"
    assert running.asked == [Asked(version, 1, "far.test", port)]


def test_server_and_destination_may_be_reached_by_ipv6(socks_server):
    running = socks_server("::1")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as far:
        exchange = Exchange(server("5"), CONNECT, place_of(far.getsockname()))
        with dial(place_of(running.address), exchange, patience()) as through:
            peer, _ = far.accept()
            with peer:
                peer.sendall(b"six")
                assert through.recv(3) == b"six"


@every_way
@pytest.mark.parametrize("is_blocking", [True, False])
def test_what_follows_the_answer_is_left_for_the_program_and_so_are_the_flags(socks_server, spoken, is_blocking):
    running = socks_server(tail=b"220 ready\r\n", **manners_for(spoken))
    with serving(echo) as port, socket.create_connection(running.address) as own:
        own.setblocking(is_blocking)
        before = fcntl.fcntl(own, fcntl.F_GETFL), fcntl.fcntl(own, fcntl.F_GETFD)
        perform(own.fileno(), Exchange(spoken, CONNECT, ipv4("127.0.0.1", port)), patience())
        assert (fcntl.fcntl(own, fcntl.F_GETFL), fcntl.fcntl(own, fcntl.F_GETFD)) == before
        own.setblocking(True)
        assert own.recv(11, socket.MSG_WAITALL) == b"220 ready\r\n"
        assert talk(own) == b"hello"


@pytest.mark.parametrize("tail", [b"", b"x", b"y" * 5_000])
def test_not_one_octet_too_many_is_read(tail):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"\x05\x00" + reply_five(0, "gate.test", 7) + tail)
        exchange = Exchange(server("5"), CONNECT, ipv4("192.0.2.1"))
        perform(ours.fileno(), exchange, patience())
        assert (exchange.state, exchange.bound) == (State.DONE, Place(0, 7, "gate.test"))
        theirs.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: ours.recv(65_536), b"")) == tail


def test_request_is_sent_in_pieces_where_there_is_no_room_for_it():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        stuffed = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                stuffed += ours.send(bytes(4096))

        def drain():
            theirs.recv(stuffed, socket.MSG_WAITALL)
            theirs.sendall(reply_four(90))
            return True

        exchange = Exchange(server("4", user="A"), CONNECT, ipv4("192.0.2.1"))
        perform(ours.fileno(), exchange, patience(is_wanted=drain))
        assert theirs.recv(100) == b"\x04\x01\x00\x50\xc0\x00\x02\x01A\x00"


def test_an_exchange_that_rests_is_not_performed():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(reply_four(90))
        exchange = Exchange(server("4"), BIND, ipv4("192.0.2.1"))
        perform(ours.fileno(), exchange, patience())
        with pytest.raises(ValueError, match="rests"):
            perform(ours.fileno(), exchange, patience())
        assert os.fstat(ours.fileno())


# How it fails --------------------------------------------------------------------------------------------------------


@every_way
def test_server_may_hang_up_after_any_octet(socks_server, spoken):
    sizes = {"4": 8, "4A": 8, "5": 12}[spoken.version] + (2 if spoken.password else 0)
    with serving(echo) as port:
        for size in range(sizes):
            running = socks_server(close_after=size, **manners_for(spoken))
            error = failing(spoken, running.address, ipv4("127.0.0.1", port))
            expected = Reason.CLOSED if spoken.version != "5" or size < sizes - 10 else Reason.HUNG_UP
            assert (error.reason, error.errno) == (expected, errno.ECONNREFUSED), size


def test_server_that_resets_has_hung_up():
    def reset(peer):
        peer.recv(1)  # with the rest unread, closing resets

    with serving(reset) as port:
        error = failing(server("4", user="ALICE"), ("127.0.0.1", port), ipv4("192.0.2.1"))
    assert error.reason is Reason.CLOSED


def test_server_that_is_gone_before_anything_is_said_has_hung_up():
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        with pytest.raises(SocksError) as caught:
            perform(ours.fileno(), Exchange(server("5"), CONNECT, ipv4("192.0.2.1")), patience())
    assert caught.value.reason is Reason.CLOSED


@pytest.mark.parametrize(("version", "code", "reason"), [
    ("4", 91, Reason.REFUSED), ("4", 92, Reason.USER_NOT_CONFIRMED), ("5", 2, Reason.NOT_ALLOWED),
    ("5", 3, Reason.NO_NETWORK), ("5", 6, Reason.DESTINATION_SILENT), ("5", 99, Reason.REFUSED),
])  # fmt: skip
def test_refusal_has_its_reason(socks_server, version, code, reason):
    running = socks_server(refuse=code)
    assert failing(server(version), running.address, ipv4("192.0.2.1")).reason is reason


def test_destination_that_refuses_is_told_from_a_server_that_does(socks_server):
    running, closed = socks_server(), free_port()
    error = failing(server("5"), running.address, ipv4("127.0.0.1", closed))
    assert (error.reason, error.errno, error.blames_server) == (Reason.DESTINATION_REFUSED, errno.ECONNREFUSED, False)
    error = failing(server("5"), ("127.0.0.1", closed), ipv4("127.0.0.1", 80))
    assert (error.reason, error.errno, error.blames_server) == (Reason.NOT_LISTENING, errno.ECONNREFUSED, True)


@pytest.mark.parametrize("spoken", [server("5", user="alice", password="wrong"), server("5", user="bob", password="")])
def test_wrong_user_or_password_is_told(socks_server, spoken):
    running = socks_server(users={"alice": SECRET})
    error = failing(spoken, running.address, ipv4("192.0.2.1"))
    assert (error.reason, error.errno) == (Reason.NOT_AUTHENTICATED, errno.EACCES)


def test_server_that_wants_a_password_where_there_is_none_is_told(socks_server):
    running = socks_server(users={"alice": SECRET})
    assert failing(server("5"), running.address, ipv4("192.0.2.1")).reason is Reason.NO_METHOD
    assert failing(server("4", user="BOB"), running.address, ipv4("192.0.2.1")).reason is Reason.USER_NOT_CONFIRMED


def test_method_that_was_not_offered_is_garbage(socks_server):
    running = socks_server(method=1)
    assert failing(server("5"), running.address, ipv4("192.0.2.1")).reason is Reason.GARBAGE


@every_way
@pytest.mark.parametrize("garbage", [b"H", b"SSH-2.0-OpenSSH\r\n", b"\xff" * 1000])
def test_garbage_is_told(socks_server, spoken, garbage):
    running = socks_server(garbage=garbage)
    error = failing(spoken, running.address, ipv4("192.0.2.1"))
    assert (error.reason, error.errno) == (Reason.GARBAGE, errno.ECONNREFUSED)


def jumping(after):
    """Return patience whose clock passes the deadline at its so-and-so-manieth look."""
    looks = itertools.count()
    return Patience(10.0, clock=lambda: 0.0 if next(looks) < after else 10.0)


@pytest.mark.parametrize(
    ("spoken", "silent_after", "reason"),
    [(server("4"), 0, Reason.SILENT), (server("4"), 7, Reason.SILENT), (server("5"), 0, Reason.SILENT),
     (server("5"), 2, Reason.NO_REPLY), (server("5"), 11, Reason.NO_REPLY)],
)  # fmt: skip
def test_silence_ends_with_the_time_limit(socks_server, spoken, silent_after, reason):
    running = socks_server(silent_after=silent_after)
    is_up = jumping(2).clock if reason is Reason.SILENT else lambda: 10.0 if running.asked else 0.0
    with serving(echo) as port:
        error = failing(spoken, running.address, ipv4("127.0.0.1", port), limits=Patience(10.0, clock=is_up))
    assert (error.reason, error.errno) == (reason, errno.ETIMEDOUT)


def test_time_limit_holds_for_a_server_that_dribbles():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"\x00\x5a\x00")
        with pytest.raises(SocksError) as caught:
            perform(ours.fileno(), Exchange(server("4"), CONNECT, ipv4("192.0.2.1")), jumping(1))
    assert caught.value.reason is Reason.SILENT


def test_answer_that_is_there_is_taken_however_late_it_is():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(reply_four(90))
        exchange = Exchange(server("4"), CONNECT, ipv4("192.0.2.1"))
        perform(ours.fileno(), exchange, jumping(0))
    assert exchange.state is State.DONE


def test_socket_that_was_never_connected_is_told_as_it_is():
    with socket.socket(socket.AF_UNIX) as own, pytest.raises(SocksError) as caught:
        perform(own.fileno(), Exchange(server("4"), CONNECT, ipv4("192.0.2.1")), patience())
    assert (caught.value.reason, caught.value.errno) == (Reason.UNREACHABLE, errno.ENOTCONN)


def test_caller_that_has_gone_ends_the_wait(socks_server):
    running, looks = socks_server(silent_after=0), iter([True, True, False])
    exchange = Exchange(server("5"), CONNECT, ipv4("192.0.2.1"))
    with pytest.raises(CallerGone):
        dial(place_of(running.address), exchange, patience(is_wanted=lambda: next(looks)))
    assert list(looks) == []


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ECONNREFUSED, Reason.NOT_LISTENING),
        (errno.ETIMEDOUT, Reason.SILENT),
        (errno.EHOSTUNREACH, Reason.UNREACHABLE),
        (errno.ENETUNREACH, Reason.UNREACHABLE),
        (errno.EADDRNOTAVAIL, Reason.UNREACHABLE),
    ],
)
def test_errno_of_the_connect_to_the_server_is_the_programs(number, reason):
    error = not_connected(Exchange(server("4"), CONNECT, ipv4("192.0.2.1")), number)
    assert (error.reason, error.errno, error.blames_server) == (reason, number, True)


def test_server_without_a_route_is_unreachable():
    error = failing(server("5"), ("255.255.255.255", 1080), ipv4("192.0.2.1"))
    assert error.reason is Reason.UNREACHABLE
    assert error.errno in (errno.EACCES, errno.ENETUNREACH)


def test_connect_that_does_not_end_ends_with_the_time_limit():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(8):
            own = waiting.enter_context(socket.socket())
            own.setblocking(False)
            own.connect_ex(full.getsockname())
        exchange = Exchange(server("5"), CONNECT, ipv4("192.0.2.1"))
        with pytest.raises(SocksError) as caught:
            await_connected(own.fileno(), exchange, Patience(time.monotonic() + 0.2))
    assert (caught.value.reason, caught.value.errno) == (Reason.SILENT, errno.ETIMEDOUT)


# BIND ----------------------------------------------------------------------------------------------------------------


def bound(running, spoken, expected="127.0.0.1"):
    """Return a socket whose server listens for an address, the exchange, and where it listens."""
    exchange = Exchange(spoken, BIND, ipv4(expected, 21))
    own = dial(place_of(running.address), exchange, patience())
    assert exchange.state is State.BOUND
    return own, exchange, exchange.bound.filled(ipv4("127.0.0.1").address)


@every_way
@pytest.mark.parametrize("hides_address", [False, True])
def test_inbound_connection_comes_on_the_socket_that_asked_for_it(socks_server, spoken, hides_address):
    running = socks_server(hides_address=hides_address, tail=b"first", **manners_for(spoken))
    own, exchange, at = bound(running, spoken)
    with own, socket.create_connection((at.host, at.port)) as far:
        exchange.await_inbound()
        perform(own.fileno(), exchange, patience())
        assert exchange.state is State.DONE
        assert hides_address or exchange.peer == place_of(far.getsockname())
        far.sendall(b" and second")
        assert own.recv(16, socket.MSG_WAITALL) == b"first and second"


def test_second_reply_can_be_polled_for(socks_server):
    own, exchange, at = bound(socks_server(), server("5"))
    with own, socket.create_connection((at.host, at.port)):
        own.settimeout(60)
        assert own.recv(1, socket.MSG_PEEK) == b"\x05"
        exchange.await_inbound()
        perform(own.fileno(), exchange, patience())


@pytest.mark.parametrize("version", ["4", "5"])
@pytest.mark.parametrize(
    ("manners", "source", "reason"),
    [
        ({"bind_limit_s": 0}, None, Reason.NOBODY_CAME),
        ({"refuse_inbound": 91}, "127.0.0.1", Reason.NOBODY_CAME),
        ({}, "127.0.0.2", Reason.NOBODY_CAME),
        ({"checks_peer": False}, "127.0.0.2", Reason.WRONG_PEER),
    ],
)
def test_inbound_connection_that_is_not_to_be_aborts(socks_server, version, manners, source, reason):
    own, exchange, at = bound(socks_server(**manners), server(version))
    with own, contextlib.ExitStack() as far:
        if source:
            far.enter_context(socket.create_connection((at.host, at.port), source_address=(source, 0)))
        exchange.await_inbound()
        with pytest.raises(SocksError) as caught:
            perform(own.fileno(), exchange, patience())
    assert (caught.value.reason, caught.value.errno) == (reason, errno.ECONNABORTED)
    assert not caught.value.blames_server


@pytest.mark.parametrize("version", ["4", "5"])
def test_waiting_for_nobody_ends_with_the_time_limit(socks_server, version):
    own, exchange, _ = bound(socks_server(), server(version))
    with own:
        exchange.await_inbound()
        with pytest.raises(SocksError) as caught:
            perform(own.fileno(), exchange, jumping(1))
    assert (caught.value.reason, caught.value.errno) == (Reason.NOBODY_CAME, errno.ECONNABORTED)


@pytest.mark.parametrize(
    ("version", "reason", "number"),
    [("4", Reason.REFUSED, errno.ECONNREFUSED), ("5", Reason.NO_COMMAND, errno.EOPNOTSUPP)],
)
def test_server_that_does_not_bind_says_so(socks_server, version, reason, number):
    error = failing(server(version), socks_server(binds=False).address, ipv4("127.0.0.1"), BIND)
    assert (error.reason, error.errno) == (reason, number)


def test_server_may_hang_up_between_the_replies(socks_server):
    own, exchange, at = bound(socks_server(close_after=8), server("4"))
    with own, socket.create_connection((at.host, at.port)):
        exchange.await_inbound()
        with pytest.raises(SocksError) as caught:
            perform(own.fileno(), exchange, patience())
    assert (caught.value.reason, caught.value.errno) == (Reason.NOBODY_CAME, errno.ECONNABORTED)


def test_many_threads_have_each_an_exchange_of_their_own(socks_server):
    running, heard = socks_server(), []
    with serving(lambda peer: peer.sendall(b"x")) as port:

        def visit():
            exchange = Exchange(server("5"), CONNECT, ipv4("127.0.0.1", port))
            with dial(place_of(running.address), exchange, patience()) as through:
                heard.append(through.recv(1))

        threads = [threading.Thread(target=visit) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert heard == [b"x"] * 20
