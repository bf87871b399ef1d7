"""The traffic of the demo: visits a web server from two addresses, and tries what the sample policy refuses.

Run as a program of its own, under the exit points: it does plain socket calls, knows nothing of Greenwall, and cannot
tell that it is guarded except where it is refused.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import sys
import time
from collections.abc import Callable

_ROUNDS = 600
_PAUSE_S = 0.75
"""Between visits: lively on the journal panel, and no load on the machine. With `_ROUNDS` half an hour in all."""
_TIMEOUT_S = 5.0
_MAIL_PORT = 25


def _visit(port: int, source: str) -> None:
    """Fetch the front page from one of this machine's addresses."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S, source_address=(source, 0))
    with contextlib.closing(connection):
        connection.request("GET", "/")
        connection.getresponse().read()


def _send_mail() -> None:
    """Try to reach a mail server."""
    with socket.create_connection(("127.0.0.1", _MAIL_PORT), timeout=_TIMEOUT_S):
        pass


def _serve_the_world() -> None:
    """Try to listen on every address of this machine."""
    with socket.create_server(("0.0.0.0", 0)):  # noqa: S104  # refused by the sample policy; closed at once if not
        pass


def main() -> None:
    """Do a bounded number of rounds; a refusal is what the demo is about, so it ends nothing."""
    port = int(sys.argv[1])
    steps: tuple[Callable[[], None], ...] = (
        lambda: _visit(port, "127.0.0.1"),
        lambda: _visit(port, "127.0.0.2"),
        lambda: _visit(port, "127.0.0.1"),
        _send_mail,
    )
    for number in range(_ROUNDS):
        for step in (*steps, _serve_the_world) if number % 5 == 0 else steps:
            with contextlib.suppress(OSError, http.client.HTTPException):
                step()
            time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main()
