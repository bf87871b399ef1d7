"""Programs that take an inbound connection through a SOCKS server: each bind is an Rbind, or they ask for it."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import time

import psutil
import pytest

from console.model.words import ExitPoint
from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import PATIENCE_S, activate_rules, guard_of, make_house, rejecting
from tests.enforcement.kernel.test_routing import place, read, through
from tests.loopback import serving
from tests.socks.server import BIND, Manners, SocksServer

HOST = "127.0.0.1"
EVERYTHING = ["bind", "name", "listen", "tell", "accept", "names", "read"]
READY = f"{select.EPOLLIN} {select.POLLIN}"
CONTROL = ["control 0"]


class Peer:
    """Where the program connects to: connects back to the place that it is told."""

    def __init__(self, source=HOST):
        self.source = source
        self.told = None
        self.came_from = None

    def __call__(self, control):
        with contextlib.suppress(OSError, ValueError), control.makefile() as lines:
            for line in lines:
                host, port = line.split()
                self.told = host, int(port)
                with socket.create_connection(self.told, PATIENCE_S, source_address=(self.source, 0)) as back:
                    self.came_from = back.getsockname()
                    back.sendall(b"hello")
                    back.shutdown(socket.SHUT_WR)
                    while back.recv(64):
                        pass


@pytest.fixture(scope="module")
def rbind_house(tmp_path_factory, programs):
    with make_house(tmp_path_factory.mktemp("rbind") / "store", programs, ()) as made:
        yield made


@pytest.fixture
def socks():
    """Return a function that starts a SOCKS server with the given manners."""
    with contextlib.ExitStack() as running:
        yield lambda **manners: running.enter_context(SocksServer(Manners(**manners)))


def entries(house, name):
    """Return the socket entries of a job: type, outcome, local and remote port, server, text."""
    return [
        (entry.sk_type, entry.outcome, entry.local_port, entry.remote_port, entry.socks_server, entry.text)
        for entry in read(house)
        if entry.entry_type == "SK" and entry.qualified_job_name.endswith("/" + name)
    ]


def run(house, peer, *steps, options=("--rbind",), program="rbind"):
    """Run the program to its end; returns its lines and its entries."""
    with serving(peer) as port:
        name, command = house.command(program, HOST, port, *steps, options=options)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
        assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines(), entries(house, name)


@pytest.mark.parametrize("version", ["4", "4A", "5"])
def test_bind_after_a_connect_through_a_server_takes_a_connection_there(rbind_house, socks, version):
    server, peer = socks(), Peer()
    activate_rules(rbind_house.store, **through(server, version=version))
    lines, found = run(rbind_house, peer, *EVERYTHING, "quiet", "accept")
    there = "{} {}".format(*peer.told)
    came = "{} {}".format(*peer.came_from)
    assert lines == [
        *CONTROL, "bind 0", f"name 0 {there}", "listen 0", "tell 0",
        f"accept 0 {came}", f"own 0 {there}", f"peer 0 {came}", "read 0", "got hello",
        f"quiet {0 if True else 0} 0", "accept EINVAL 0.0.0.0 0",
    ]  # fmt: skip
    (_, (command, host)) = [(asked.command, asked.host) for asked in server.asked]
    assert (command, host) == (BIND, HOST)
    label = place(server)
    bound, inbound = peer.told[1], peer.came_from[1]
    assert [(kind, outcome, local, server) for kind, outcome, local, _, server, _ in found[2:]] == [
        ("L", "*ALLOWED", bound, label),
        ("A", "*ALLOWED", bound, label),
    ]
    assert found[1][0] == "C"
    assert found[1][5] == f"Rbind; the server listens at {HOST}:{bound}"
    assert found[3][3] == inbound
