"""Rbind for programs in Python: bind a socket to a SOCKS server's address, for one inbound connection.

A program under ``greenwall run`` that has connected through a SOCKS server can take a connection back from the same
peer::

    control = socket.create_connection((peer, 21))      # goes through the SOCKS server
    data = socket.socket()
    rbind(data)                                         # asks that server for an inbound connection
    host, port = data.getsockname()                     # the server's address: tell the peer to connect there
    data.listen(1)
    connection, address = data.accept()                 # the peer's connection

Both calls must come from the same thread, with no direct connect in between. Without a guard, or where there is no
such connection, it raises OSError: ENOPROTOOPT without a guard or without SOCKS entries in its policy, ENOTCONN without
a connect before it; otherwise whatever the server answered, in the errno of connect(2).

The file needs nothing but Python and may be copied. The same for C is data/rbind/greenwall_rbind.h.
"""

from __future__ import annotations

import socket
import struct

_LEVEL = 0x4752_424E
_OPTION = 1


def rbind(endpoint: socket.socket, address: tuple[str, int] = ("", 0)) -> None:
    """Ask the SOCKS server of the thread's last connection for an inbound one.

    Args:
        endpoint: A TCP socket that is not bound.
        address: Local address and port to bind to if it is connected after all; any by default.

    Raises:
        OSError: It was not done; the socket is as before.
    """
    host, port = address
    port_be = struct.pack(">H", port)
    if endpoint.family == socket.AF_INET6:
        sockaddr = port_be + bytes(4) + socket.inet_pton(socket.AF_INET6, host or "::") + bytes(4)
    else:
        sockaddr = port_be + socket.inet_pton(socket.AF_INET, host or "0.0.0.0") + bytes(8)  # noqa: S104 -- any
    endpoint.setsockopt(_LEVEL, _OPTION, struct.pack("=H", endpoint.family) + sockaddr)
