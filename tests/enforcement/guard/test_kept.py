"""Connections that could not be handed over: who polls their listener hears of them until somebody accepts them."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import socket
import threading

import pytest

from console.enforcement import syscalls
from console.enforcement.fake import Step
from console.enforcement.guard.knock import key_of, knock
from console.model.words import ExitPoint
from tests.end_to_end.command import until
from tests.enforcement.guard.setting import PATIENCE_S, Setting, ended, hears, policy, reject

GIVEN_UP = "reset: its accept was interrupted and no other came"
CLONE_NEWNET = 0x4000_0000


@contextlib.contextmanager
def listening(family, address, **options):
    with socket.socket(family, options.pop("kind", socket.SOCK_STREAM)) as server:
        for (level, option), value in options.pop("set", {}).items():
            server.setsockopt(level, option, value)
        server.bind(address)
        server.listen(options.pop("backlog", 50))
        server.setblocking(False)
        yield server


def on_ipv4(_directory):
    return listening(socket.AF_INET, ("127.0.0.1", 0))


def on_all_addresses(_directory):
    return listening(socket.AF_INET, ("0.0.0.0", 0))


def on_ipv6(_directory):
    return listening(socket.AF_INET6, ("::1", 0))


def on_ipv6_for_ipv4(_directory):
    return listening(socket.AF_INET6, ("::", 0), set={(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY): 0})


def deferring(_directory):
    return listening(socket.AF_INET, ("127.0.0.1", 0), set={(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT): 30})


def on_a_path(directory):
    return listening(socket.AF_UNIX, str(directory / "s"))


def on_an_abstract_name(directory):
    return listening(socket.AF_UNIX, f"\0{directory}/s")


def in_packets(directory):
    return listening(socket.AF_UNIX, str(directory / "s"), kind=socket.SOCK_SEQPACKET)


REUSE = {(socket.SOL_SOCKET, socket.SO_REUSEPORT): 1}


def alone_on_a_port_to_share(_directory):
    return listening(socket.AF_INET, ("127.0.0.1", 0), set=dict(REUSE))


def on_a_device(_directory):
    return listening(socket.AF_INET, ("127.0.0.1", 0), set={(socket.SOL_SOCKET, socket.SO_BINDTODEVICE): b"lo"})


LISTENERS = [
    on_ipv4, on_all_addresses, on_ipv6, on_ipv6_for_ipv4, deferring, alone_on_a_port_to_share, on_a_path,
    on_an_abstract_name, in_packets,
]  # fmt: skip


@contextlib.contextmanager
def dial(server):
    """Connect, and wait until the listener hears of it."""
    name = server.getsockname()
    if server.family != socket.AF_UNIX:
        host = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(name[0], name[0])
        with socket.create_connection((host, name[1]), PATIENCE_S) as client:
            client.sendall(b"x")
            yield client
        return
    with socket.socket(socket.AF_UNIX, server.type) as client:
        client.settimeout(PATIENCE_S)
        client.connect(name)
        client.sendall(b"x")
        yield client


def interrupted(setting, server, **more):
    """Let an accept be interrupted when its connection is about to be handed over."""
    hears(server)
    call = setting.accept(server, **more)
    setting.kernel.leave(call, at=Step.DELIVER)
    setting.serve(call)
    if setting.accept_point.kept.entries[-1].knock is not None:
        hears(server)


def is_served(setting, client):
    """Say whether what was delivered last is the other end of a client."""
    with socket.socket(fileno=setting.kernel.deliveries[-1].descriptor.release()) as served:
        served.settimeout(PATIENCE_S)
        answer = os.urandom(8)
        served.sendall(answer)
        return served.recv(1) + client.recv(8) == b"x" + answer


@pytest.fixture
def server():
    with listening(socket.AF_INET, ("127.0.0.1", 0)) as made:
        yield made


@pytest.mark.parametrize("make", LISTENERS)
def test_who_polls_the_listener_hears_of_a_kept_connection_and_of_nothing_more(make, tmp_path):
    setting = Setting()
    with make(tmp_path) as server, dial(server) as client:
        interrupted(setting, server)
        assert setting.serve(setting.accept(server)) is None
        assert is_served(setting, client)
        assert not syscalls.is_readable(server.fileno())
        assert setting.serve(setting.accept(server)) == errno.EAGAIN
        assert not setting.accept_point.kept.entries


def test_who_waits_for_the_edge_hears_of_it_too(server):
    setting = Setting()
    with select.epoll() as poll, dial(server) as client:
        poll.register(server.fileno(), select.EPOLLIN | select.EPOLLET)
        assert poll.poll(PATIENCE_S) == [(server.fileno(), select.EPOLLIN)]
        assert poll.poll(0) == []
        interrupted(setting, server)
        assert poll.poll(PATIENCE_S) == [(server.fileno(), select.EPOLLIN)]
        setting.serve(setting.accept(server))
        assert is_served(setting, client)


def test_connection_interrupted_time_and_again_is_still_there_and_journalled_once(server):
    setting = Setting()
    with dial(server) as client:
        for _ in range(20):
            interrupted(setting, server)
        setting.serve(setting.accept(server))
        assert is_served(setting, client)
    assert setting.outcomes == [("*ALLOWED", "")]


def test_no_connection_is_lost_where_others_came_before_and_after(server):
    setting = Setting()
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(5):
            clients += [stack.enter_context(dial(server)) for _ in range(2)]
            interrupted(setting, server)
        peers = []
        for _ in clients:
            hears(server)
            assert setting.serve(setting.accept(server)) is None
            with socket.socket(fileno=setting.kernel.deliveries[-1].descriptor.release()) as served:
                peers.append(served.getpeername())
        assert sorted(peers) == sorted(client.getsockname() for client in clients)


@pytest.mark.parametrize("flags", [0, socket.SOCK_NONBLOCK])
def test_kept_connection_blocks_as_the_accept_wants_that_gets_it(server, flags):
    setting = Setting()
    with dial(server):
        interrupted(setting, server, flags=socket.SOCK_NONBLOCK - flags)
        setting.serve(setting.accept(server, flags=flags))
        assert os.get_blocking(setting.kernel.deliveries[-1].descriptor.number) == (not flags)


def test_kept_connection_that_is_rejected_by_now_leaves_nothing_to_hear_of(server):
    setting = Setting()
    with dial(server) as client:
        interrupted(setting, server)
        setting.supervisor.enforce(policy(reject(ExitPoint.ACCEPT), revision=2))
        assert setting.serve(setting.accept(server)) == errno.EAGAIN
        assert ended(client) == "ECONNRESET"
        assert not syscalls.is_readable(server.fileno())


def test_kept_connection_outlives_any_wait_while_its_listener_is_there(server):
    setting = Setting()
    with dial(server) as client:
        interrupted(setting, server)
        setting.accept_point.reset_given_up(setting.supervisor, older_than_s=0.0)
        setting.serve(setting.accept(server))
        assert is_served(setting, client)


@pytest.mark.parametrize("make", LISTENERS)
def test_kept_connection_is_reset_when_its_listener_is_closed(make, tmp_path):
    setting = Setting(room=True)
    with make(tmp_path) as server, dial(server) as client:
        is_unix = server.family == socket.AF_UNIX
        interrupted(setting, server)
        setting.accept_point.reset_given_up(setting.supervisor)
        assert setting.accept_point.kept.entries
        server.close()
        assert ended(client) == "ECONNRESET"
    if not is_unix:
        until(lambda: setting.outcomes == [("*ALLOWED", ""), ("*ALLOWED", GIVEN_UP)], "the entry", PATIENCE_S)


def test_nothing_holds_a_closed_listener_open(server):
    setting = Setting()
    port = server.getsockname()[1]
    with dial(server):
        interrupted(setting, server)
        server.close()
        setting.accept_point.reset_given_up(setting.supervisor)
        socket.create_server(("127.0.0.1", port)).close()
        setting.accept_point.reset_kept(setting.supervisor)


def test_kept_connections_are_reset_when_the_job_has_ended(server):
    setting = Setting()
    with dial(server) as client:
        interrupted(setting, server)
        setting.accept_point.reset_kept(setting.supervisor)
        assert ended(client) == "ECONNRESET"
        assert not setting.accept_point.kept.entries
    assert setting.outcomes == [("*ALLOWED", ""), ("*ALLOWED", GIVEN_UP)]


def test_connection_of_a_listener_that_is_not_knocked_at_is_the_next_accepts(tmp_path):
    setting = Setting()
    with on_a_device(tmp_path) as server, dial(server) as client:
        interrupted(setting, server)
        assert not syscalls.is_readable(server.fileno())
        setting.serve(setting.accept(server))
        assert is_served(setting, client)


def test_connection_of_a_listener_that_is_not_knocked_at_is_reset_after_a_while(tmp_path):
    setting = Setting()
    with on_a_device(tmp_path) as server, dial(server) as client:
        interrupted(setting, server)
        setting.accept_point.reset_given_up(setting.supervisor)
        assert setting.outcomes == [("*ALLOWED", "")]
        setting.accept_point.reset_given_up(setting.supervisor, older_than_s=0.0)
        assert ended(client) == "ECONNRESET"
    assert setting.outcomes[1:] == [("*ALLOWED", GIVEN_UP)]


@pytest.mark.parametrize(
    ("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")]
)
def test_listener_that_shares_its_port_is_not_knocked_at(tmp_path, family, address):
    setting = Setting()
    with alone_on_a_port_to_share(tmp_path) as server, dial(server) as client:
        hears(server)
        with listening(family, (address, server.getsockname()[1]), set=dict(REUSE)) as other:
            interrupted(setting, server)
            assert not syscalls.is_readable(server.fileno())
            assert not syscalls.is_readable(other.fileno())
            setting.serve(setting.accept(server))
        assert is_served(setting, client)


def test_connection_is_the_next_accepts_where_the_queue_is_too_full_to_knock():
    setting = Setting()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(listening(socket.AF_INET, ("127.0.0.1", 0), backlog=0))
        first = stack.enter_context(dial(server))
        hears(server)
        call = setting.accept(server)
        setting.kernel.leave(call, at=Step.DELIVER)
        take = setting.accept_point.take

        def take_and_fill(acceptance):
            taken = take(acceptance)
            clients.append(stack.enter_context(dial(server)))
            hears(server)
            return taken

        clients = []
        setting.accept_point.take = take_and_fill
        setting.serve(call)
        setting.accept_point.take = take
        assert [entry.knock for entry in setting.accept_point.kept.entries] == [None]
        for client in (first, *clients):
            setting.serve(setting.accept(server))
            assert is_served(setting, client)
        assert setting.serve(setting.accept(server)) == errno.EAGAIN


def test_connection_from_the_same_port_to_another_listener_is_not_taken_for_a_knock(server):
    setting = Setting()
    with dial(server), listening(socket.AF_INET, ("127.0.0.1", 0)) as other:
        interrupted(setting, server)
        (entry,) = setting.accept_point.kept.entries
        peer = syscalls.local_sockaddr(entry.knock._socket.fileno())
        accepted, _ = server.accept()
        with accepted:
            assert key_of(accepted.fileno(), peer) == entry.knock.key
        with dial(other):
            hears(other)
            elsewhere, _ = other.accept()
            with elsewhere:
                assert key_of(elsewhere.fileno(), peer) != entry.knock.key
        setting.accept_point.reset_kept(setting.supervisor)


def test_listener_that_is_not_there_any_more_is_not_knocked_at(tmp_path):
    for make in (on_ipv4, on_a_path):
        with make(tmp_path) as server, dial(server), listening(socket.AF_INET, ("127.0.0.1", 0)) as other:
            hears(server)
            server.setblocking(True)
            connection, _ = server.accept()
            with connection:
                server.shutdown(socket.SHUT_RDWR)
                assert knock(server.fileno(), connection.fileno()) is None
            assert not syscalls.is_readable(other.fileno())


@pytest.mark.parametrize("as_link", [False, True])
def test_unix_socket_that_took_the_listeners_path_is_not_knocked_at(tmp_path, as_link):
    with on_a_path(tmp_path) as server, dial(server):
        hears(server)
        connection, _ = server.accept()
        (tmp_path / "s").rename(tmp_path / "moved")
        if as_link:
            (tmp_path / "other").mkdir()
            (tmp_path / "s").symlink_to(tmp_path / "other" / "s")
        with connection, on_a_path(tmp_path / "other" if as_link else tmp_path) as other:
            assert knock(server.fileno(), connection.fileno()) is None
            assert not syscalls.is_readable(other.fileno())


def test_unix_listener_with_a_relative_path_elsewhere_is_not_knocked_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with listening(socket.AF_UNIX, "s") as server, dial(server):
        hears(server)
        connection, _ = server.accept()
        monkeypatch.chdir("/")
        with connection:
            assert knock(server.fileno(), connection.fileno()) is None


@pytest.mark.kernel
def test_listener_in_another_network_namespace_is_not_knocked_at(server):
    if os.geteuid():
        pytest.skip("only root may make a network namespace")
    made = []

    def make_there():
        if not ctypes.CDLL(None).unshare(CLONE_NEWNET):
            made.append(socket.socket())
            made[0].bind(("127.0.0.1", server.getsockname()[1]))
            made[0].listen()

    thread = threading.Thread(target=make_there)
    thread.start()
    thread.join(PATIENCE_S)
    if not made:
        pytest.skip("no network namespace is to be had here")
    with made[0] as elsewhere, dial(server):
        hears(server)
        connection, _ = server.accept()
        with connection:
            assert knock(elsewhere.fileno(), connection.fileno()) is None
        assert not syscalls.is_readable(server.fileno())
