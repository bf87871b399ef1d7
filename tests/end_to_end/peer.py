"""A client of the servers under test: it can come from any loopback address, and tells what it saw."""

from __future__ import annotations

import socket


def visit(port: int, source: str = "127.0.0.1", host: str = "127.0.0.1") -> str:
    """Connect, read to the end, and return what was read, or the name of the error that came instead."""
    try:
        with socket.create_connection((host, port), timeout=10, source_address=(source, 0)) as client:
            client.shutdown(socket.SHUT_WR)
            received = b""
            while octets := client.recv(4096):
                received += octets
    except OSError as error:
        return type(error).__name__
    return received.decode()


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
