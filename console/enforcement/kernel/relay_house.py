"""The worker's side of the relay: its listeners, its process, and what it must know.

The listeners are the worker's as well as the relay's. As long as one of the two lives, nobody else can take their
ports; when both have gone the kernel finds no listener that is marked as theirs, and refuses.

Threads: one at a time.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

from console.enforcement.frames import NewRevision, encode
from console.enforcement.kernel.engine import KernelEngine
from console.errors import KernelError
from console.policy.rule import Policy, SocksEntry

_BACKLOG = 4096
_PATIENCE_S = 30.0
"""For a process to begin on a busy machine."""
_DEAF = ["-E"] if sys.flags.ignore_environment else []
_REVISIONS_KEPT = 16


class RelayHouse:
    """One relay.

    Args:
        engine: That leads connections to it.
        directory: Where the engine is pinned; None where it is not.
    """

    def __init__(self, engine: KernelEngine, directory: Path | None = None) -> None:
        self._engine = engine
        self._directory = directory
        self._listeners: list[socket.socket] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._known: dict[int, tuple[SocksEntry, ...]] = {}

    @property
    def pid(self) -> int:
        """Process id of the relay; 0 while there is none."""
        return 0 if self._process is None else self._process.pid

    def tell(self, revision: int, entries: tuple[SocksEntry, ...]) -> None:
        """Have the relay know the entries of a revision, before connections go by them.

        Raises:
            KernelError: There is no relay.
        """
        self._known[revision] = entries
        while len(self._known) > _REVISIONS_KEPT:
            del self._known[next(iter(self._known))]
        if self.is_running():
            try:
                self._say(revision, entries)
            except OSError:
                self._start()
        elif entries:
            self._start()

    def is_running(self) -> bool:
        """Say whether there is a relay."""
        return self._process is not None and self._process.poll() is None

    def is_well(self) -> bool:
        """Say whether there is nothing to look after."""
        return self._process is None or self.is_running()

    def look_after(self) -> None:
        """Begin the relay again where it has ended.

        Raises:
            KernelError: It does not begin.
        """
        if not self.is_well():
            self._start()

    def close(self) -> None:
        """Leave the relay alone: it goes on as long as it is needed. Again is fine."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        while self._listeners:
            self._listeners.pop().close()

    def end(self) -> None:
        """End the relay, and break its connections."""
        self.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        """Begin a relay that knows all that the one before knew.

        Raises:
            KernelError: It does not begin.
        """
        if self._channel is not None:
            self._channel.close()
        try:
            if not self._listeners:
                self._listeners = _listeners()
            self._process, self._channel = self._begun()
            self._engine.let_guard(self._process.pid)
            for revision, entries in self._known.items():
                self._say(revision, entries)
            self._engine.lead_to(*((each.fileno(), each.getsockname()[1]) for each in self._listeners))
        except OSError as error:
            raise KernelError("GWL048F", reason=error.strerror or error) from error

    def _begun(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        ours, theirs = socket.socketpair()
        ours.settimeout(_PATIENCE_S)
        kept = [self._engine.descriptor(name) for name in ("underway", "relays", "settle")]
        kept += [each.fileno() for each in self._listeners]
        command = [sys.executable, "-P", *_DEAF, "-m", "console.enforcement.kernel.relay"]
        with theirs:
            process = subprocess.Popen(
                [*command, str(self._directory or ""), *map(str, kept)],
                stdin=theirs.fileno(),
                pass_fds=kept,
                cwd="/",
                start_new_session=True,
            )
        return process, ours

    def _say(self, revision: int, entries: tuple[SocksEntry, ...]) -> None:
        """Send the entries of a revision, and wait until they are known.

        Raises:
            OSError: The relay has gone, or does not answer.
        """
        if self._channel is None:
            raise OSError("no relay")
        self._channel.sendall(encode(NewRevision(revision, Policy(socks=entries))))
        if not self._channel.recv(1):
            raise OSError("the relay has ended")


def _listeners() -> list[socket.socket]:
    """Return what listens on loopback, for each family that there is.

    Raises:
        OSError: There is not even IPv4.
    """
    found = [socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)]
    with contextlib.suppress(OSError):
        found.append(socket.create_server(("::1", 0), family=socket.AF_INET6, backlog=_BACKLOG))
    return found
