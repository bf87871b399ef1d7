"""Signals, kills and what they leave behind."""

from __future__ import annotations

import os
import signal
import socket
import time

import psutil
import pytest

from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import PATIENCE_S, job_of, outcomes
from tests.enforcement.kernel.test_servers import dial
from tests.enforcement.kernel.ways import BOTH_WAYS

pytestmark = BOTH_WAYS


@pytest.fixture
def full_listener():
    """Return a listener in whose queue there is no room; a connect to it waits until `accept` makes some."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as server,
        socket.create_connection(server.getsockname()),
    ):
        yield server


def test_alarm_ends_an_accept_and_the_next_one_works(house):
    with house.running("servers", "alarm", "127.0.0.1", "interrupt") as server:
        port = int(server.line())
        assert [server.line(), server.line()] == ["rang", "accept EINTR"]
        with dial(port):
            assert server.rest() == ["again 0"]
        assert server.status() == 0
        assert outcomes(house.entries(server.name)) == [
            ("*LISTEN", "*ALLOWED", ""),
            ("*ACCEPT", "*ALLOWED", "127.0.0.1"),
        ]


def test_accept_is_made_again_after_an_alarm_that_restarts(house):
    with house.running("servers", "alarm", "127.0.0.1", "restart") as server:
        port = int(server.line())
        assert server.line() == "rang"
        with dial(port):
            assert server.rest() == ["accept 0"]


def test_alarm_ends_a_connect_that_waits_and_another_waits_for_the_same_connection(house, full_listener):
    with house.running("clients", "alarm", full_listener.getsockname()[1], "interrupt") as client:
        assert [client.line(), client.line()] == ["rang", "connect EINTR"]
        full_listener.accept()[0].close()
        assert client.rest() == ["again 0"]


def test_connect_is_made_again_after_an_alarm_that_restarts(house, full_listener):
    with house.running("clients", "alarm", full_listener.getsockname()[1], "restart") as client:
        assert client.line() == "rang"
        full_listener.accept()[0].close()
        assert client.rest() == ["connect 0"]


def test_port_of_a_server_killed_in_accept_is_free_at_once(house):
    with house.running("servers", "one", "127.0.0.1") as server:
        port = int(server.line())
        job = job_of(server.process.pid)
        assert psutil.Process(job.pid).status() in (psutil.STATUS_SLEEPING, psutil.STATUS_RUNNING)
        started = time.monotonic()
        job.kill()
        assert server.status() == 128 + signal.SIGKILL
        socket.create_server(("127.0.0.1", port)).close()
        assert time.monotonic() - started < PATIENCE_S


def test_job_killed_while_a_connect_waits_ends_and_so_does_its_guard(house, full_listener):
    with house.running("clients", "alarm", full_listener.getsockname()[1], "restart") as client:
        assert client.line() == "rang"
        job = job_of(client.process.pid)
        guard = job.parent()
        os.kill(job.pid, signal.SIGKILL)
        assert client.status() == 128 + signal.SIGKILL
        guard.wait(PATIENCE_S)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_signal_sent_to_the_front_reaches_the_job_and_is_its_status(house, number):
    with house.running("/bin/sh", "-c", "echo ready; exec cat") as job:
        assert job.line() == "ready"
        job.process.send_signal(number)
        assert job.status() == 128 + number


def _connecting(job, port):
    """Say whether the socket of a job waits for a server to answer."""
    sockets = [each for each in job.net_connections("tcp4") if each.raddr and each.raddr.port == port]
    return [each.status for each in sockets] == ["SYN_SENT"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_connect_is_journalled_that_was_under_way_when_the_last_process_of_its_job_was_killed(
    house, full_listener, number
):
    port = full_listener.getsockname()[1]
    with house.running("clients", "on-line", port, "127.0.0.1") as job:
        assert job.line() == "ready 0"
        job.say()
        process = job_of(job.process.pid)
        until(lambda: _connecting(process, port), "the connect", PATIENCE_S)
        process.send_signal(number)
        assert job.status() == 128 + number
    until(lambda: house.entries(job.name), "the entry", PATIENCE_S)
    assert [entry[1:] for entry in house.entries(job.name)] == [("*ALLOWED", "127.0.0.1", "127.0.0.1", "EINTR")]
