"""Verbs of `greenwall` in processes that begin with everything loaded: to load it takes most of a second each time.

A process of the tests' own loads the console, as the command's script would, and forks for each call: what runs there
is `console.__main__.main` with the call's arguments, directory, environment and streams, in a process of its own that
ends as a program does. How the installed script starts is shown by the tests that start it (`Greenwall.arguments`).
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from sqlalchemy import orm

_LENGTH_BYTES = 8
_STREAMS = 3
_MOST_DESCRIPTORS = 65_536


class Kitchen:
    """The process that forks; it ends with this one.

    Threads: any.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        words = [sys.executable, "-PE", __file__, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                words, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
        self._line = ours
        self._mutex = threading.Lock()

    def run(
        self, arguments: list[str], octets: bytes, timeout_s: float, cwd: str | Path | None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a verb to its end, as `subprocess.run` would with its output captured.

        Raises:
            TimeoutExpired: It took too long; it was killed.
        """
        order = {"argv": arguments, "cwd": str(cwd or Path.cwd()), "environment": dict(os.environ)}
        with contextlib.ExitStack() as files:
            # Files, not pipes: nobody has to read along.
            streams = [files.enter_context(os.fdopen(os.memfd_create("stream"), "w+b")) for _ in range(_STREAMS)]
            streams[0].write(octets)
            streams[0].seek(0)
            told, tells = files.enter_context(_socketpair())
            self._order(json.dumps(order).encode(), [*(each.fileno() for each in streams), tells.fileno()])
            tells.close()
            told.settimeout(timeout_s)
            pid = int(told.recv(64))
            try:
                status = int(told.recv(64))
            except TimeoutError:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(arguments, timeout_s) from None
            code = os.waitstatus_to_exitcode(status)
            return subprocess.CompletedProcess(arguments, code, *(_whole(each) for each in streams[1:]))

    def close(self) -> None:
        """End it."""
        self._line.close()
        self._process.wait()

    def _order(self, octets: bytes, descriptors: list[int]) -> None:
        with self._mutex:
            socket.send_fds(self._line, [len(octets).to_bytes(_LENGTH_BYTES)], descriptors)
            self._line.sendall(octets)


@contextlib.contextmanager
def _socketpair():
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with one, other:
        yield one, other


def _whole(file) -> bytes:
    file.seek(0)
    return file.read()


@functools.cache
def kitchen() -> Kitchen:
    """Return the one of this process."""
    made = Kitchen()
    atexit.register(made.close)
    return made


def _load() -> None:
    """Load what verbs load, which import it when it is needed."""
    for name in ("alembic.command", "alembic.config", "console.verbs", "console.model.tables"):
        importlib.import_module(name)
    for name in ("console.commands", "console.shell", "console.journal"):
        for module in pkgutil.iter_modules(importlib.import_module(name).__path__, f"{name}."):
            importlib.import_module(module.name)
    orm.configure_mappers()
    gc.freeze()  # the collector would write to memory that all share


def _serve(line: socket.socket) -> None:
    """Fork for each order; returns in the processes that are to do one, with everything as the order wants it."""
    running: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(line, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not line:
                    selector.unregister(key.fd)
                    _tell_end(key.fd, *running.pop(key.fd))
                    continue
                head, descriptors, _flags, _address = socket.recv_fds(line, _LENGTH_BYTES, _STREAMS + 1)
                if not head:
                    os._exit(0)
                order = json.loads(_exactly(line, int.from_bytes(head)))
                pid = os.fork()
                if not pid:
                    for _child, tells in running.values():
                        tells.close()
                    selector.close()
                    line.close()
                    _become(order, descriptors)
                    return
                for each in descriptors[:_STREAMS]:
                    os.close(each)
                tells = socket.socket(fileno=descriptors[_STREAMS])
                tells.send(b"%d" % pid)
                watched = os.pidfd_open(pid)
                running[watched] = pid, tells
                selector.register(watched, selectors.EVENT_READ)


def _tell_end(watched: int, pid: int, tells: socket.socket) -> None:
    os.close(watched)
    status = os.waitpid(pid, 0)[1]
    with tells, contextlib.suppress(OSError):  # whoever ordered does not wait any more
        tells.send(b"%d" % status)


def _exactly(line: socket.socket, count: int) -> bytes:
    octets = b""
    while len(octets) < count:
        octets += line.recv(count - len(octets))
    return octets


def _become(order: dict, descriptors: list[int]) -> None:
    for number, each in enumerate(descriptors[:_STREAMS]):
        os.dup2(each, number)
    os.closerange(_STREAMS, _MOST_DESCRIPTORS)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv = order["argv"]


if __name__ == "__main__":
    _load()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    from console.__main__ import main

    sys.exit(main())
