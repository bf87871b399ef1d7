"""A worker that does what a test says, on the real socket of a store's location."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading

from console.enforcement.frames import PROTOCOL, End, Hello, Records, Taken, Welcome, decode, encode
from console.enforcement.intake import new_events
from console.enforcement.records import read_all
from console.model.words import ExitPoint, Mode
from console.policy.checks import default_rule, make_policy
from tests.enforcement.guard.setting import PATIENCE_S

POLICY = make_policy(dict.fromkeys(ExitPoint, Mode.ENFORCE), [default_rule(exit_point) for exit_point in ExitPoint])


class ScriptedWorker:
    """Takes events in as the real one does, acknowledges them or not, and can go away."""

    def __init__(self, location, journal=None, *, after_welcome=b""):
        self.journal = [] if journal is None else journal
        """Numbers taken, in order; hand it on to the next worker."""
        self.frames = queue.SimpleQueue()
        """Every frame that came, in order."""
        self.acknowledges = True
        self.commits = True
        self.after_welcome = after_welcome
        self._listener = socket.socket(socket.AF_UNIX)
        location.worker_socket.unlink(missing_ok=True)
        self._listener.bind(str(location.worker_socket))
        self._listener.listen()
        self._peer = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                self._peer, _ = self._listener.accept()
                self._converse(self._peer)
                self._peer.close()

    def _converse(self, peer):
        buffer = b""
        while octets := peer.recv(65536):
            buffer += octets
            while found := decode(buffer):
                frame, size = found
                buffer = buffer[size:]
                self._take(peer, frame)
                self.frames.put(frame)

    def _take(self, peer, frame):
        match frame:
            case Hello():
                last = self.journal[-1] if self.journal else 0
                peer.sendall(encode(Welcome(PROTOCOL, 1, last, 1, POLICY)) + self.after_welcome)
            case Records(octets=octets) if self.commits:
                last = self.journal[-1] if self.journal else 0
                self.journal += [event.number for event in new_events(read_all(octets), last)]
                if self.acknowledges:
                    peer.sendall(encode(Taken(self.journal[-1])))
            case End() if self.acknowledges:
                peer.sendall(encode(Taken(self.journal[-1] if self.journal else 0, ended=True)))

    def send(self, octets):
        self._peer.sendall(octets)

    def next(self, kind):
        while not isinstance(frame := self.frames.get(timeout=PATIENCE_S), kind):
            pass
        return frame

    def go(self):
        """End as a killed process does."""
        for endpoint in (self._listener, self._peer):
            if endpoint is not None:
                with contextlib.suppress(OSError):
                    endpoint.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_S)
        for endpoint in (self._listener, self._peer):
            if endpoint is not None:
                endpoint.close()
