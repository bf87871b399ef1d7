"""Fixtures of more than one file of tests of the guard."""

from __future__ import annotations

import contextlib
import socket

import pytest

from tests.enforcement.guard.asking import Asking, hosts, until
from tests.socks.server import Manners, SocksServer


@pytest.fixture
def asking(tmp_path):
    """Return a setting with exit programs, whose processes are ended with the test."""
    tmp_path.chmod(0o700)
    made = Asking(tmp_path)
    yield made
    made.asker.end()
    until(lambda: hosts() == [])


@pytest.fixture
def server():
    """Return the address of a server on loopback that accepts nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        yield listening.getsockname()


@pytest.fixture
def client():
    """Return a socket of TCP."""
    with socket.socket() as made:
        yield made


@pytest.fixture
def socks():
    """Return a function that starts a SOCKS server with the given manners."""
    with contextlib.ExitStack() as running:
        yield lambda host="127.0.0.1", **manners: running.enter_context(SocksServer(Manners(**manners), host))
