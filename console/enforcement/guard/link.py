"""The conversation of a guard with the worker: frames over the Unix socket beside the store.

It knows who speaks when (`console.enforcement.frames` draws it), and nothing of what is supervised.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket

from console.enforcement.frames import PROTOCOL, Frame, Hello, Welcome, decode, encode
from console.enforcement.trust import peer, trusted_users
from console.errors import WorkerError
from console.store.location import Location
from console.store.unix_path import connect

_CHUNK_BYTES = 256 * 1024
_GREETING_TIMEOUT_S = 10.0
"""A worker answers a Hello after at most one transaction of others; this is only so that nobody waits for ever."""


class WorkerLink:
    """One connection to the worker, from Hello on.

    Threads: One at a time.
    """

    def __init__(self, location: Location, hello: Hello) -> None:
        """Connect and introduce the guard.

        Raises:
            WorkerError: Nobody listens, or whoever does is no worker of our kind, or nobody to take a policy from.
        """
        self._buffer = bytearray()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connect(self._socket, location.worker_socket)
            _check_owner(self._socket, location)
            self._socket.settimeout(_GREETING_TIMEOUT_S)
            self.send(hello)
            greeting = self.receive()
            self._socket.settimeout(None)
        except OSError as error:
            self._socket.close()
            raise WorkerError("GWL0410", path=location.worker_socket, reason=error.strerror or str(error)) from error
        except WorkerError:
            self._socket.close()
            raise
        if greeting is None:
            self._socket.close()
            raise WorkerError("GWL0410", path=location.worker_socket, reason="it hung up")
        if not isinstance(greeting, Welcome) or greeting.protocol != PROTOCOL:
            self._socket.close()
            raise WorkerError("GWL0411", protocol=PROTOCOL)
        self.welcome = greeting
        """What the worker said first."""

    def fileno(self) -> int:
        """Return the descriptor of the connection."""
        return self._socket.fileno()

    def send(self, frame: Frame) -> None:
        """Send a frame whole, however long that takes.

        Raises:
            OSError: The worker has gone.
        """
        self._socket.sendall(encode(frame))

    def offer(self, octets: bytes | memoryview) -> int:
        """Send what the system takes at once; returns how many octets that was.

        Raises:
            OSError: The worker has gone.
        """
        try:
            return self._socket.send(octets, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def receive(self) -> Frame | None:
        """Wait for the next frame; None when the worker has gone.

        Raises:
            WorkerError: What came is no frame.
        """
        while True:
            found = decode(self._buffer)
            if found is not None:
                frame, size = found
                del self._buffer[:size]
                return frame
            try:
                octets = self._socket.recv(_CHUNK_BYTES)
            except ConnectionError:
                return None
            if not octets:
                return None
            self._buffer += octets

    def heard(self) -> list[Frame]:
        """Return the frames that have come, without waiting for any.

        Raises:
            OSError: The worker has gone.
            WorkerError: What came is no frame.
        """
        gone = False
        with contextlib.suppress(BlockingIOError):
            while octets := self._socket.recv(_CHUNK_BYTES, socket.MSG_DONTWAIT):
                self._buffer += octets
            gone = True
        frames: list[Frame] = []
        while found := decode(self._buffer):
            frame, size = found
            del self._buffer[:size]
            frames.append(frame)
        if gone and not frames:
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        return frames

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):  # the other side was faster
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _check_owner(endpoint: socket.socket, location: Location) -> None:
    """Refuse a worker of another user: its policy might allow everything, and it might drop what it is sent."""
    pid, uid = peer(endpoint)
    if uid not in trusted_users(location.directory):
        raise WorkerError("GWL0514", path=location.worker_socket, pid=pid, uid=uid)
