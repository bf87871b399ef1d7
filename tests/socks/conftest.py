"""Servers to talk to."""

from __future__ import annotations

import contextlib

import pytest

from tests.socks.server import Manners, SocksServer


@pytest.fixture
def socks_server():
    """Return a function that starts a server with the given manners; all are ended with the test."""
    with contextlib.ExitStack() as running:
        yield lambda host="127.0.0.1", **manners: running.enter_context(SocksServer(Manners(**manners), host))
