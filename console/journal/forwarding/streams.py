"""TCP and TLS: what can be known of what arrived, and what is done about the rest.

Syslog has no acknowledgement. What the sender can know is which octets the peer's kernel has acknowledged; from there
the server may still lose them, if it is killed before it has read them, or before it has written what it had read. So
an entry counts as delivered only when its octets have been acknowledged and the connection has lived on for a while
after that; after every broken connection all later entries are sent again. A server that is behind by more than that
while, and is then killed, loses what it had not read.

A connection that we end in order gives sure knowledge: we say that nothing more comes, and a server that answers with
its own end has read everything before; a kernel that throws away unread octets answers with a reset.
"""

from __future__ import annotations

import fcntl
import socket
import ssl
import struct
import termios
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from console.journal.forwarding.messages import frame
from console.journal.forwarding.places import CHUNK, Numbered, Place, failures, receive, send_all

_CLOSE_S = 2.0
_BYTES_ACKED = struct.Struct("=120xQ")
"""tcpi_bytes_acked in struct tcp_info: after eight octets, 24 words and two double words. Source: linux/tcp.h."""
_OUTQ = struct.Struct("=i")


@dataclass(slots=True)
class _Mark:
    """A place in the stream: everything up to this number lies before it."""

    number: int
    octets: int
    """As `_written` counts them."""
    acknowledged_at: float | None = None


class StreamChannel:
    """TCP or TLS, with octet counting (RFC 6587, RFC 5425)."""

    def __init__(self, place: Place, endpoint: socket.socket, is_stopped: Callable[[], bool], settle_s: float) -> None:
        self._place = place
        self._endpoint = endpoint
        self._is_stopped = is_stopped
        self._settle_s = settle_s
        self._marks: deque[_Mark] = deque()
        self._settled = 0
        self._finished = False
        self._last = 0
        self._answered = True

    def send(self, messages: Sequence[Numbered]) -> None:
        """Send messages, and note where in the stream the last of them ends.

        Raises:
            JournalError: The connection is broken.
            Stopped: Nobody wants more, and the server takes none.
        """
        with failures(self._place):
            receive(self._endpoint)
            send_all(self._endpoint, b"".join(frame(octets) for _, octets in messages), self._is_stopped)
            self._last = messages[-1][0]
            self._answered = False
            self._marks.append(_Mark(self._last, self._written()))

    def settled(self) -> int:
        """Return the number up to which what was sent was acknowledged, long enough ago.

        Raises:
            JournalError: The connection is broken.
        """
        if self._finished:
            return self._settled
        with failures(self._place):
            receive(self._endpoint)
            acknowledged = self._acknowledged()
        now = time.monotonic()
        for mark in self._marks:
            if mark.octets > acknowledged:
                break
            mark.acknowledged_at = mark.acknowledged_at or now
            self._answered = True
        while self._marks and (at := self._marks[0].acknowledged_at) is not None and now - at >= self._settle_s:
            self._settled = self._marks.popleft().number
        return self._settled

    def has_answered(self) -> bool:
        """Say whether the peer has acknowledged any of what was sent; yes if nothing was."""
        return self._answered

    def close(self) -> None:
        """Close the connection, however it is."""
        self._endpoint.close()

    def finish(self) -> None:
        """Say that nothing more comes, and wait for the server's own end, which says that it has read everything."""
        self._finished = True
        try:
            with failures(self._place):
                self._endpoint.settimeout(_CLOSE_S)
                if isinstance(self._endpoint, ssl.SSLSocket):
                    self._endpoint = self._unwrapped(self._endpoint)
                self._endpoint.shutdown(socket.SHUT_WR)
                ends = time.monotonic() + _CLOSE_S
                while self._endpoint.recv(CHUNK):
                    if time.monotonic() > ends:  # it talks without end
                        raise TimeoutError
                self._settled = self._last or self._settled
        finally:
            self._endpoint.close()

    def _unwrapped(self, endpoint: ssl.SSLSocket) -> socket.socket:
        """Say over TLS that nothing more comes; a server may answer that with the bare end of the connection."""
        try:
            return endpoint.unwrap()
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return endpoint

    def _acknowledged(self) -> int:
        """Return how many octets the peer's kernel has acknowledged since the connection was made."""
        found = self._endpoint.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
        if len(found) < _BYTES_ACKED.size:
            return 0
        return int(_BYTES_ACKED.unpack(found)[0])

    def _written(self) -> int:
        """Return how many octets were written, those of TLS itself included, counted as `_acknowledged` counts.

        An acknowledgement between the two questions would be counted twice. The mark would then lie behind all that was
        written, and be reached only when more is sent: at the end of a journal, never.
        """
        acknowledged = self._acknowledged()
        while True:
            waiting = _OUTQ.unpack(fcntl.ioctl(self._endpoint.fileno(), termios.TIOCOUTQ, bytes(_OUTQ.size)))[0]
            before, acknowledged = acknowledged, self._acknowledged()
            if acknowledged == before:
                return int(waiting) + acknowledged
