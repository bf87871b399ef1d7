"""The accept exit point, on a fake kernel and real connections."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import threading

import pytest

from console.enforcement import syscalls
from console.enforcement.fake import Step
from console.enforcement.guard.supervisor import Undecidable
from console.errors import CallerGone
from console.model.words import ExitPoint, Mode
from tests.enforcement.guard.setting import LENGTH, PATIENCE_S, PEER, Setting, ended, hears, policy, reject, sockaddr

REFUSED = reject(ExitPoint.ACCEPT, remote_address="127.0.0.2")


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield listening


@pytest.fixture
def dial(server):
    clients = []

    def connect(source="127.0.0.1"):
        clients.append(socket.create_connection(server.getsockname(), PATIENCE_S, source_address=(source, 0)))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def is_served(delivery, client):
    """Say whether a delivered descriptor is the other end of a client."""
    with socket.socket(fileno=delivery.descriptor.release()) as served:
        return served.getpeername() == client.getsockname()


def test_allowed_connection_is_delivered_with_the_peers_address(server, dial):
    setting = Setting(REFUSED)
    client = dial()
    assert setting.serve(setting.accept(server, room=128)) is None
    (delivery,) = setting.kernel.deliveries
    assert not delivery.close_on_exec
    host, port = client.getsockname()
    assert setting.kernel.memory[PEER][:16] == sockaddr(host, port)
    assert setting.kernel.memory[LENGTH] == struct.pack("=i", 16)
    assert is_served(delivery, client)
    (decided,) = setting.recorded
    assert (decided.local.port, decided.remote.port) == (server.getsockname()[1], port)


@pytest.mark.parametrize("room", [0, 1, 6, 15, 16, 17, 128])
def test_address_is_cut_to_the_callers_room_and_its_whole_length_is_told(server, dial, room):
    setting = Setting()
    client = dial()
    setting.serve(setting.accept(server, room=room))
    whole = sockaddr(*client.getsockname())
    assert setting.kernel.memory[PEER] == (whole[:room] + b"\xaa" * 128)[:128] if room < 16 else True
    assert setting.kernel.memory[LENGTH] == struct.pack("=i", 16)


def test_negative_room_is_invalid_and_loses_the_connection_as_without_us(server, dial):
    setting = Setting()
    client = dial()
    assert setting.serve(setting.accept(server, room=-1)) == errno.EINVAL
    assert ended(client) == b""
    assert setting.outcomes == [("*ALLOWED", "EINVAL")]


@pytest.mark.parametrize(
    "flags", [0, socket.SOCK_CLOEXEC, socket.SOCK_NONBLOCK, socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK]
)
def test_flags_of_accept4_are_the_descriptors(server, dial, flags):
    setting = Setting()
    dial()
    setting.serve(setting.accept(server, flags=flags))
    (delivery,) = setting.kernel.deliveries
    assert delivery.close_on_exec == bool(flags & socket.SOCK_CLOEXEC)
    assert os.get_blocking(delivery.descriptor.number) == (not flags & socket.SOCK_NONBLOCK)


def test_unknown_flag_is_invalid_and_takes_nothing(server, dial):
    setting = Setting()
    dial()
    assert setting.serve(setting.accept(server, flags=1)) == errno.EINVAL
    server.settimeout(PATIENCE_S)
    server.accept()[0].close()


def test_rejected_connection_is_reset_and_the_call_waits(server, dial):
    setting = Setting(REFUSED)
    client = dial("127.0.0.2")
    call = setting.accept(server)
    assert setting.serve(call) is None
    assert ended(client) == "ECONNRESET"
    assert setting.kernel.is_waiting(call)
    assert [acceptance.attempt.call for acceptance in setting.waiting] == [call]
    assert setting.outcomes == [("*REJECTED", "")]


def accepted_at_once(setting, server, dial, times):
    for _ in range(times):
        client = dial()
        assert setting.serve(setting.accept(server)) is None
        assert is_served(setting.kernel.deliveries[-1], client)


def test_program_that_always_looked_first_is_not_left_waiting_for_a_rejected_connection(server, dial):
    setting = Setting(REFUSED)
    accepted_at_once(setting, server, dial, 16)
    client = dial("127.0.0.2")
    assert setting.serve(setting.accept(server)) == errno.ECONNABORTED
    assert ended(client) == "ECONNRESET"
    assert setting.waiting == []
    dial("127.0.0.2")
    allowed = dial()
    setting.serve(setting.accept(server))
    assert is_served(setting.kernel.deliveries[-1], allowed)


def test_program_whose_listener_is_in_an_epoll_set_is_one_that_looks_from_its_first_accept_on(server, dial):
    setting = Setting(REFUSED)
    with select.epoll() as watching:
        watching.register(server, select.EPOLLIN)
        dial("127.0.0.2")
        assert setting.serve(setting.accept(server)) == errno.ECONNABORTED
    dial("127.0.0.2")
    call = setting.accept(server)
    assert setting.serve(call) is None
    assert setting.kernel.is_waiting(call)


def test_program_that_had_to_wait_once_goes_on_waiting_whatever_set_its_listener_is_in(server, dial):
    setting = Setting(REFUSED)
    setting.serve(setting.accept(server))
    with select.epoll() as watching:
        watching.register(server, select.EPOLLIN)
        dial("127.0.0.2")
        call = setting.accept(server)
        assert setting.serve(call) is None
        assert setting.kernel.is_waiting(call)


def test_program_that_had_to_wait_once_goes_on_waiting(server, dial):
    setting = Setting(REFUSED)
    accepted_at_once(setting, server, dial, 3)
    setting.serve(setting.accept(server))
    accepted_at_once(setting, server, dial, 20)
    dial("127.0.0.2")
    call = setting.accept(server)
    assert setting.serve(call) is None
    assert setting.kernel.is_waiting(call)


def test_rejected_connections_are_passed_over_for_an_allowed_one(server, dial):
    setting = Setting(REFUSED)
    refused = [dial("127.0.0.2") for _ in range(3)]
    allowed = dial()
    setting.serve(setting.accept(server))
    assert [ended(client) for client in refused] == ["ECONNRESET"] * 3
    assert is_served(setting.kernel.deliveries[0], allowed)


def test_non_blocking_accept_says_that_nobody_is_there(server, dial):
    setting = Setting(REFUSED)
    server.setblocking(False)
    assert setting.serve(setting.accept(server)) == errno.EAGAIN
    dial("127.0.0.2")
    assert setting.serve(setting.accept(server)) == errno.EAGAIN
    assert setting.waiting == []


@pytest.mark.parametrize(("mode", "outcomes"), [(Mode.MONITOR, [("*MONITOR", "")]), (Mode.OFF, [])])
def test_modes_that_let_pass_deliver(server, dial, mode, outcomes):
    setting = Setting(REFUSED, modes={ExitPoint.ACCEPT: mode})
    client = dial("127.0.0.2")
    setting.serve(setting.accept(server))
    assert is_served(setting.kernel.deliveries[0], client)
    assert setting.outcomes == outcomes


@pytest.mark.parametrize("step", [Step.READ, Step.WRITE, Step.DELIVER])
def test_connection_whose_caller_was_interrupted_is_the_next_ones(server, dial, step):
    setting = Setting(REFUSED)
    client = dial()
    first = setting.accept(server, room=16)
    setting.kernel.leave(first, at=step)
    setting.serve(first)
    assert setting.woken == [True]
    assert len(setting.accept_point.kept.entries) == 1
    # What is about to be delivered is recorded before: should the guard be killed just then, nothing is lost.
    assert setting.outcomes == [("*ALLOWED", "")] * (step is Step.DELIVER)
    hears(server)
    setting.serve(setting.accept(server))
    assert is_served(setting.kernel.deliveries[0], client)
    assert setting.outcomes == [("*ALLOWED", "")], "one connection is one entry"
    assert not setting.accept_point.kept.entries


def test_kept_connection_is_decided_anew(server, dial):
    setting = Setting()
    client = dial()
    first = setting.accept(server)
    setting.kernel.leave(first, at=Step.DELIVER)
    setting.serve(first)
    setting.supervisor.enforce(policy(reject(ExitPoint.ACCEPT), revision=2))
    hears(server)
    setting.serve(setting.accept(server))
    assert ended(client) == "ECONNRESET"
    decisions = [(decided.decision.outcome, decided.revision) for decided in setting.recorded]
    assert decisions == [("*ALLOWED", 1), ("*REJECTED", 2)]


def test_connection_is_kept_when_the_callers_table_is_full(server, dial):
    setting = Setting()
    client = dial()
    call = setting.accept(server)
    setting.kernel.fail(call, Step.DELIVER, errno.EMFILE)
    assert setting.serve(call) == errno.EMFILE
    hears(server)
    setting.serve(setting.accept(server))
    assert is_served(setting.kernel.deliveries[0], client)


@pytest.mark.parametrize("number", [errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_connection_that_cannot_be_taken_stays_where_it_is(server, dial, monkeypatch, number):
    setting = Setting()
    client = dial()
    with monkeypatch.context() as patch:
        patch.setattr(syscalls, "accept", lambda listener, flags: (-number, b""))
        assert setting.serve(setting.accept(server)) == number
    assert not setting.accept_point.kept.entries
    setting.serve(setting.accept(server))
    assert is_served(setting.kernel.deliveries[0], client)


def groups_unreadable(setting, error):
    def raise_error(_attempt):
        raise error

    setting.supervisor.groups = raise_error


def test_connection_is_kept_when_its_caller_ends_while_its_groups_are_read(server, dial):
    setting = Setting(reject(ExitPoint.ACCEPT, user="%NOGROUP"))
    client = dial()
    read_groups = setting.supervisor.groups
    groups_unreadable(setting, CallerGone("GWL0402"))
    assert setting.serve(setting.accept(server)) is None
    setting.supervisor.groups = read_groups
    hears(server)
    setting.serve(setting.accept(server))
    assert is_served(setting.kernel.deliveries[0], client)


def test_connection_about_which_nothing_can_be_decided_is_reset_and_the_call_rejected(server, dial):
    setting = Setting(reject(ExitPoint.ACCEPT, user="%NOGROUP"))
    client = dial()
    groups_unreadable(setting, Undecidable("groups not readable"))
    assert setting.serve(setting.accept(server)) == errno.EPERM
    assert ended(client) == "ECONNRESET"
    assert setting.outcomes == [("*REJECTED", "groups not readable")]


def test_socket_that_does_not_listen_is_told_so_and_does_not_wait():
    setting = Setting()
    one, other = socket.socketpair()
    with socket.socket() as fresh, socket.socket(type=socket.SOCK_DGRAM) as datagrams, one, other:
        assert setting.serve(setting.accept(fresh)) == errno.EINVAL
        assert setting.serve(setting.accept(datagrams)) == errno.EOPNOTSUPP
        assert setting.serve(setting.accept(one)) == errno.EINVAL
    with open(os.devnull, "rb") as nothing:
        assert setting.serve(setting.accept(nothing)) == errno.ENOTSOCK
    assert setting.waiting == setting.kernel.went_on == []


def test_unix_connection_is_handed_over_here_and_asks_nobody(tmp_path):
    setting = Setting(reject(ExitPoint.ACCEPT))
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
        setting.serve(setting.accept(server, room=128))
        client.sendall(b"x")
        with socket.socket(fileno=setting.kernel.deliveries[0].descriptor.release()) as served:
            assert served.recv(1) == b"x"
    assert setting.kernel.went_on == setting.recorded == []


def test_two_threads_that_see_one_connection_do_not_both_wait_for_it(server, dial):
    setting = Setting()
    for _ in range(30):
        client = dial()
        calls = [setting.accept(server) for _ in range(4)]
        threads = [threading.Thread(target=setting.serve, args=(call,), daemon=True) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        assert len(setting.kernel.deliveries) == 1
        assert is_served(setting.kernel.deliveries.pop(), client)


def test_program_that_looks_first_is_known_before_it_has_the_connection_that_tells(server, dial, monkeypatch):
    setting = Setting(REFUSED)
    deliver = setting.kernel.deliver
    answers = []

    def deliver_and_look(call, descriptor, **named):
        deliver(call, descriptor, **named)
        if len(setting.kernel.deliveries) == 16:  # its thread may be served again before ours goes on
            dial("127.0.0.2")
            hears(server)
            answers.append(setting.serve(setting.accept(server)))

    monkeypatch.setattr(setting.kernel, "deliver", deliver_and_look)
    for _ in range(16):
        dial()
        hears(server)
        setting.serve(setting.accept(server))
    assert answers == [errno.ECONNABORTED]


def test_refused_program_that_a_signal_takes_out_of_its_accept_hears_of_it_at_the_next(server, dial):
    setting = Setting(REFUSED)
    for _ in range(16):
        dial()
        hears(server)
        setting.serve(setting.accept(server))
    client = dial("127.0.0.2")
    hears(server)
    interrupted = setting.accept(server)
    setting.kernel.leave(interrupted, at=Step.ANSWER)
    setting.serve(interrupted)
    assert len(setting.accept_point.kept.entries) == 1, "it is there for the accept that is made again"
    hears(server)
    assert setting.serve(setting.accept(server)) == errno.ECONNABORTED
    assert ended(client) == "ECONNRESET"
    assert setting.outcomes == [("*ALLOWED", "")] * 16 + [("*REJECTED", "")]


def test_program_that_waits_after_refused_connections_is_not_taken_for_one_that_looks_first(server, dial):
    setting = Setting(REFUSED)
    calls = []
    for _ in range(4):
        dial("127.0.0.2")
        hears(server)
        calls.append(setting.accept(server))
        assert setting.serve(calls[-1]) is None
    assert all(map(setting.kernel.is_waiting, calls))
