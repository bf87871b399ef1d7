"""The guard's end of its line to the front, the process that the shell knows (`console.enforcement.launch`)."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from typing import Any

from console.errors import ConsoleError

_MOST_VALUE = 1000
"""Characters of a report, each at most six octets in JSON, so that it stays one datagram that the front takes whole."""


class Front:
    """The line: datagrams of JSON from the guard. It says nothing once the front has gone."""

    def __init__(self, line: socket.socket) -> None:
        """Take the front's only word, which it says at once: one octet for each signal that it got.

        Closed with something unread, the line would fail the front before it has read the last report (unix(7)).
        """
        self._line = line
        self._process = os.getppid()
        self.missed = frozenset(line.recv(signal.NSIG))
        """Signals that may be meant for the job and came when there was only the front."""

    @property
    def number(self) -> int:
        """The descriptor."""
        return self._line.fileno()

    def say(self, kind: str, **values: Any) -> None:  # noqa: ANN401 -- whatever JSON takes
        """Send one report."""
        with contextlib.suppress(OSError):
            self._line.send(json.dumps({"kind": kind, **values}).encode())

    def go_on(self) -> None:
        """Continue the front, which has stopped with the job: the shell does it only where it has continued both.

        A job can be continued, or killed, by any process. The front looks for another report before it stops.
        """
        self.say("continued")
        with contextlib.suppress(OSError):
            if os.getppid() == self._process:
                os.kill(self._process, signal.SIGCONT)

    def say_error(self, error: ConsoleError) -> None:
        """Send an error for the front to show; a value that is very long is cut."""
        values = {name: str(value)[:_MOST_VALUE] for name, value in error.values.items()}
        self.say("error", message_id=error.message_id, values=values)
