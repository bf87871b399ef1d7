"""A connection that lives no longer than a destination's time limit, whatever the server says meanwhile.

The time-outs of sockets begin anew with each octet: a server that says a little now and then, or never ends what it
says, would hold a delivery for ever.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from console.alerts.place import Place

MOST_SAID = 64 * 1024
"""Octets that a server may say in a session; what is more is no answer to a notice."""


_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""struct linger: on, 0 seconds. Source: socket(7)."""


@contextmanager
def connected(place: Place, host: str, port: int) -> Iterator[socket.socket]:
    """Connect, and cut the connection when the time is over; it is closed at the end of the block.

    Args:
        place: Whose time limit holds.
        host: Name or address of the server.
        port: Its port.

    Raises:
        OSError: The server cannot be reached.
        TimeoutError: The time was over before the block was.
    """
    endpoint = socket.create_connection((host, port), place.time_limit_s)
    is_over = threading.Event()
    # A second descriptor of the same connection: TLS takes the first one away from its socket.
    with endpoint, endpoint.dup() as same:

        def cut() -> None:
            is_over.set()
            with suppress(OSError):
                # A server that was held up by our full buffer is not told of the room that reading makes after a
                # shutdown (tcp_cleanup_rbuf), and would wait for tcp_fin_timeout: it gets a reset.
                same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
                same.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(place.time_limit_s, cut)
        timer.daemon = True
        timer.start()
        try:
            yield endpoint
        except Exception as error:
            if is_over.is_set() or isinstance(error, TimeoutError):
                raise TimeoutError(f"it did not end within {place.time_limit_s} seconds") from error
            raise
        finally:
            timer.cancel()
            timer.join()
