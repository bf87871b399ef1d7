"""Ending sockets by their ends: exactly the one that is meant, and nobody else's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from console.commands.execute import run_command
from console.commands.socket_diagnosis import TcpEnds, end_socket
from console.errors import CommandError

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="ending sockets needs CAP_NET_ADMIN")

ENOENT, EPERM = "GWL0752", "GWL0753"
UNPRIVILEGED = """
import os, sys
from console.commands.socket_diagnosis import TcpEnds, end_socket
from console.errors import CommandError
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    end_socket(TcpEnds("127.0.0.1", int(sys.argv[1])))
except CommandError as error:
    print(error.message_id, error.values["reason"])
"""


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


@pytest.fixture
def pair(listener):
    with socket.create_connection(listener.getsockname()) as client, listener.accept()[0] as server:
        yield client, server


def ends_of(endpoint):
    return TcpEnds(*endpoint.getsockname(), *endpoint.getpeername())


def test_a_connection_is_ended_at_both_ends(pair):
    client, server = pair
    end_socket(ends_of(client))
    with pytest.raises(ConnectionAbortedError):
        client.recv(1)
    with pytest.raises(ConnectionResetError):
        server.recv(1)


def test_a_connection_that_is_no_more_does_not_end_its_listener(listener, pair):
    ends = ends_of(pair[1])
    for each in pair:
        end_and_close(each)
    with pytest.raises(CommandError) as caught:
        end_socket(ends)
    assert caught.value.message_id == ENOENT
    with socket.create_connection(listener.getsockname()), listener.accept()[0]:
        pass


def end_and_close(endpoint):
    """Close without a trace: no TIME-WAIT that could stand for the connection."""
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    endpoint.close()


def test_a_listener_is_closed_to_new_connections(listener):
    end_socket(TcpEnds(*listener.getsockname()))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname())


def test_an_ipv4_connection_of_an_ipv6_socket_is_found_by_its_ipv4_ends():
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as both:
        port = both.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, both.accept()[0] as server:
            end_socket(TcpEnds("127.0.0.1", port, *client.getsockname()))
            with pytest.raises(ConnectionAbortedError):
                server.recv(1)


def test_who_may_not_is_told_so(listener):
    command = [sys.executable, "-c", UNPRIVILEGED, str(listener.getsockname()[1])]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert told.stdout.split(maxsplit=1) == [EPERM, "Operation not permitted\n"]


def test_the_command_ends_a_connection_and_says_which(pair, context):
    address, port = pair[0].getsockname()
    remote, remote_port = pair[0].getpeername()
    done = run_command(f"ENDTCPCNN '{address}' {port} '{remote}' {remote_port}", context)
    assert [said.message_id for said in done.messages] == ["GWL0751"]
    with pytest.raises(ConnectionAbortedError):
        pair[0].recv(1)


def test_an_address_without_its_port_is_refused(context):
    with pytest.raises(CommandError) as caught:
        run_command("ENDTCPCNN '127.0.0.1' 22 RMTADR('127.0.0.1')", context)
    assert (caught.value.message_id, caught.value.values["keyword"]) == ("GWL075C", "RMTPORT")
