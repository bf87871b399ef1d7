"""Accepts that wait, with the room's own thread."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import struct
import subprocess
import time

import pytest

from console.enforcement.fake import Step
from console.enforcement.guard import accept
from console.model.words import ExitPoint
from tests.end_to_end.command import until
from tests.enforcement.guard.setting import PATIENCE_S, Setting, ended, reject

REFUSED = reject(ExitPoint.ACCEPT, remote_address="127.0.0.2")


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield listening


@pytest.fixture
def setting():
    return Setting(REFUSED, room=True)


def dial(server, source="127.0.0.1"):
    return socket.create_connection(server.getsockname(), PATIENCE_S, source_address=(source, 0))


def peer_of(delivery):
    with socket.socket(fileno=delivery.descriptor.release()) as served:
        return served.getpeername()


def waits(setting, count):
    queues = setting.room._queues
    until(lambda: sum(map(len, list(queues.values()))) == count, f"{count} accepts that wait")


def test_accept_that_waits_gets_the_next_allowed_connection(setting, server):
    call = setting.accept(server)
    setting.serve(call)
    with contextlib.suppress(ConnectionResetError), dial(server, "127.0.0.2") as refused:
        assert ended(refused) == "ECONNRESET"
    until(lambda: setting.outcomes == [("*REJECTED", "")], "the entry")
    assert setting.kernel.is_waiting(call)
    with dial(server) as client:
        assert setting.kernel.wait_for(call, PATIENCE_S)
        assert peer_of(setting.kernel.deliveries[0]) == client.getsockname()
    waits(setting, 0)


def test_those_who_wait_are_served_in_the_order_they_came(setting, server):
    calls = [setting.accept(server) for _ in range(3)]
    for call in calls:
        setting.serve(call)
    clients = [dial(server) for _ in calls]
    for call in calls:
        assert setting.kernel.wait_for(call, PATIENCE_S)
    assert [delivery.call for delivery in setting.kernel.deliveries] == calls
    for client in clients:
        client.close()


def test_interrupted_one_is_passed_over(setting, server):
    calls = [setting.accept(server) for _ in range(2)]
    for call in calls:
        setting.serve(call)
    setting.kernel.leave(calls[0])
    with dial(server):
        assert setting.kernel.wait_for(calls[1], PATIENCE_S)
    assert [delivery.call for delivery in setting.kernel.deliveries] == calls[1:]


def test_connection_of_one_interrupted_at_the_last_moment_goes_to_another_that_waits(setting, server):
    calls = [setting.accept(server) for _ in range(2)]
    for call in calls:
        setting.serve(call)
    setting.kernel.leave(calls[0], at=Step.DELIVER)
    with dial(server) as client:
        assert setting.kernel.wait_for(calls[1], PATIENCE_S)
        assert peer_of(setting.kernel.deliveries[0]) == client.getsockname()


def test_connection_kept_outside_of_the_room_reaches_one_who_waits_in_it(setting, server, monkeypatch):
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")  # then the room hears of it from us only
    with dial(server) as client:
        first = setting.accept(server)
        setting.kernel.leave(first, at=Step.DELIVER)
        waiting = setting.accept(server)
        kept = setting.accept_point.kept
        with monkeypatch.context() as patch:
            patch.setattr(kept, "take_unannounced", lambda inode: None)
            setting.serve(first)
            setting.serve(waiting)
        setting.room.wake()
        assert setting.kernel.wait_for(waiting, PATIENCE_S)
        assert peer_of(setting.kernel.deliveries[0]) == client.getsockname()


def test_kept_connection_is_reset_though_nobody_waits(server, monkeypatch):
    monkeypatch.setattr(accept.AcceptPoint.reset_given_up, "__kwdefaults__", {"older_than_s": 0.2})
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")  # then nobody can be told of it
    setting = Setting(room=True)
    with dial(server) as client:
        call = setting.accept(server)
        setting.kernel.leave(call, at=Step.DELIVER)
        setting.serve(call)
        assert ended(client) == "ECONNRESET"
    until(
        lambda: setting.outcomes[1:] == [("*ALLOWED", "reset: its accept was interrupted and no other came")],
        "the entry",
    )


def test_time_out_of_the_listener_ends_the_wait_in_time_even_when_others_are_busy(setting, server):
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("=qq", 0, 400_000))
    with socket.create_server(("127.0.0.1", 0), backlog=50) as busy:
        started = time.monotonic()
        call = setting.accept(server)
        setting.serve(call)
        while setting.kernel.is_waiting(call) and time.monotonic() - started < PATIENCE_S:
            other = setting.accept(busy)
            setting.serve(other)
            with dial(busy):
                assert setting.kernel.wait_for(other, PATIENCE_S)
            setting.kernel.deliveries.clear()  # thousands of them by the end
        took_s = time.monotonic() - started
    assert setting.kernel.result(call) == errno.EAGAIN
    assert 0.4 <= took_s < PATIENCE_S / 2


def test_listener_of_a_caller_that_ended_is_let_go(setting, server):
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        call = setting.accept(server, thread=sleeper.pid)
        setting.serve(call)
        waits(setting, 1)
        copies = len(os.listdir("/proc/self/fd"))
        setting.kernel.leave(call)
        sleeper.send_signal(signal.SIGKILL)
        sleeper.wait(PATIENCE_S)
        waits(setting, 0)
        until(lambda: len(os.listdir("/proc/self/fd")) < copies, "the copy of the listener to be closed")
    port = server.getsockname()[1]
    server.close()
    until(lambda: _can_bind(port), "the port")


def test_listeners_of_a_job_that_ended_are_let_go_before_its_end_is_told(setting, server):
    call = setting.accept(server)
    setting.serve(call)
    waits(setting, 1)
    setting.kernel.leave(call)
    port = server.getsockname()[1]
    server.close()
    setting.room.leave()
    assert _can_bind(port)


def _can_bind(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_listener_that_is_shut_down_ends_the_accepts_at_it(setting, server):
    calls = [setting.accept(server) for _ in range(2)]
    for call in calls:
        setting.serve(call)
    server.shutdown(socket.SHUT_RD)
    for call in calls:
        assert setting.kernel.wait_for(call, PATIENCE_S)
        assert setting.kernel.result(call) == errno.EINVAL
