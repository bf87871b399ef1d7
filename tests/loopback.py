"""A server on every loopback address, outside of any exit point."""

from __future__ import annotations

import contextlib
import socket
import threading


@contextlib.contextmanager
def serving(answer, host="0.0.0.0"):
    """Run a server that does `answer` to each connection in turn, and closes it; yields its port.

    Args:
        answer: Gets the connected socket.
        host: Where it listens; "::" for a server that IPv4 and IPv6 both reach.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=4096, dualstack_ipv6=host == "::") as server:
        thread = threading.Thread(target=_serve, args=(server, answer))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def hang_up(peer):
    """Answer a connection with its end."""


def answer_http(peer):
    """Answer a connection with an HTTP response, so that curl and bare clients are both content."""
    with contextlib.suppress(OSError):
        peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhi\n")
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(4096):
            pass


def _serve(server, answer):
    while True:
        try:
            peer, _ = server.accept()
        except OSError:
            return
        with peer:
            answer(peer)
