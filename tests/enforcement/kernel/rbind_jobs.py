"""Jobs that take inbound connections through SOCKS servers, and who comes to them."""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import subprocess
import sys
import time

from tests.enforcement.kernel.jobs import PATIENCE_S, activate_rules
from tests.enforcement.kernel.test_routing import read, through
from tests.loopback import serving
from tests.socks.server import Manners, SocksServer

HOST = "127.0.0.1"
EVERYTHING = ["bind", "name", "listen", "tell", "accept", "names", "read"]
READY = f"{select.EPOLLIN} {select.POLLIN}"
CONTROL = ["control 0"]


class Peer:
    """Where the program connects to: connects back to the place that it is told."""

    def __init__(self, source=HOST, pause_s=0):
        self.source = source
        self.pause_s = pause_s
        self.told = None
        self.came_from = None

    def __call__(self, control):
        with contextlib.suppress(OSError, ValueError), control.makefile() as lines:
            for line in lines:
                host, port = line.split()
                self.told = host, int(port)
                time.sleep(self.pause_s)
                with socket.create_connection(self.told, PATIENCE_S, source_address=(self.source, 0)) as back:
                    self.came_from = back.getsockname()
                    back.sendall(b"hello")


def entries(house, name):
    """Return the socket entries of a job: type, outcome, local and remote port, server, text."""
    return [
        (entry.sk_type, entry.outcome, entry.local_port, entry.remote_port, entry.socks_server, entry.text)
        for entry in read(house)
        if entry.entry_type == "SK" and entry.qualified_job_name.endswith("/" + name)
    ]


def run(house, peer, *steps, options=("--rbind",), program="rbind", host=HOST):
    """Run the program to its end; returns its lines and its entries."""
    with serving(peer, "::" if ":" in host else "0.0.0.0") as port:
        name, command = house.command(program, host, port, *steps, options=options)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
        assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines(), entries(house, name)


@contextlib.contextmanager
def turning(**manners):
    """Run a server that connects well and has other manners from then on."""
    server = SocksServer(on_request=lambda _: setattr(server, "manners", Manners(**manners)))
    with server:
        yield server


def failing(house, manners, *steps, version="4", **entry):
    """Return what steps end with at a server that has manners of its own when it is asked to bind."""
    with turning(**manners) as server:
        activate_rules(house.store, **through(server, version=version, **entry))
        lines, found = run(house, Peer(), *steps)
    return lines[1:], found


def connections(process, server):
    """Return the connections of a process to a server."""
    return [found for found in process.net_connections("tcp") if found.raddr == server.address]


AFTER_CONTROL = """
import ctypes, os, socket, sys, threading
def tell(what, call, *arguments):
    try:
        said = f"{what} 0 {call(*arguments)}"
    except OSError as error:
        said = f"{what} {error.errno}"
    os.write(1, f"{said}\\n".encode())  # whole, whichever thread
control = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
data = socket.socket()
"""


def script(house, text, peer, *, options=("--rbind",)):
    """Run a program in Python that has connected through the server; returns its lines and its entries."""
    with serving(peer) as port:
        name, command = house.command(shutil.which("python3", path="/usr/bin:/bin") or sys.executable, "-c",
                                      AFTER_CONTROL + text, port, options=options)  # fmt: skip
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout.splitlines(), entries(house, name)
