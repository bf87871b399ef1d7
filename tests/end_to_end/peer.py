"""A client of the servers under test: it can come from any loopback address, and tells what it saw."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket

_FIRST_PORT = 12_000
_PORTS = 20_000
_given = itertools.count()


def visit(port: int, source: str = "127.0.0.1", host: str = "127.0.0.1") -> str:
    """Connect, read to the end, and return what was read, or the name of the error that came instead."""
    try:
        with socket.create_connection((host, port), timeout=30, source_address=(source, 0)) as client:
            with contextlib.suppress(OSError):  # ENOTCONN after a reset, which the next read tells of
                client.shutdown(socket.SHUT_WR)
            received = b""
            while octets := client.recv(4096):
                received += octets
    except OSError as error:
        return type(error).__name__
    return received.decode()


def free_port() -> int:
    """Return a port that nobody uses now, and that the kernel gives to nobody who asks for any (ip(7)).

    Each is given once, and those of two runs of the tests at the same time are far apart.
    """
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("0.0.0.0", _FIRST_PORT + (os.getpid() * 97 + next(_given)) % _PORTS))
            return int(probe.getsockname()[1])
