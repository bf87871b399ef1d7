"""Makes sure that a store has a worker: starts one when none answers."""

from __future__ import annotations

import os
import re
import secrets
import selectors
import socket
import subprocess
import sys
import time
from pathlib import Path

from console.enforcement.fds import OwnedFd
from console.errors import WorkerError
from console.store.location import Location
from console.store.unix_path import connect

_READY_TIMEOUT_S = 20.0
"""A first start makes the store, which takes a second or two on a slow disk."""
_RETRY_S = 0.02
_LAST_WORDS_BYTES = 500


def ensure_worker(store_url: str, location: Location) -> None:
    """Return when a worker answers for a store, after starting one if need be.

    The worker outlives the caller; it is in a session of its own and writes what it has to say to a log beside the
    store. The URL goes through the environment, where other users cannot read it.

    Raises:
        WorkerError: None answers, and none can be started.
        StoreError: The store's directory is not there and cannot be made.
    """
    if _answers(location):
        return
    if not os.path.isdir(location.directory):
        # Rare, and the engine brings SQLAlchemy. A misspelt --store must not get a store, and with it another policy.
        from console.store.engine import make_directory

        make_directory(store_url)
    log = location.directory / f"{location.name}.worker.log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(f"\0greenwall-{secrets.token_hex(16)}")
        try:
            worker = _start(store_url, log, ready.getsockname())
        except OSError as error:
            raise WorkerError("GWL0412", reason=error.strerror, seconds=_READY_TIMEOUT_S, log=log) from error
        if not _becomes_ready(ready, worker) and not _answers_soon(location, worker):
            reason = _last_words(log) or "it did not say why"
            raise WorkerError("GWL0412", reason=reason, seconds=int(_READY_TIMEOUT_S), log=log)


def _answers(location: Location) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            connect(probe, location.worker_socket)
        except OSError:
            return False
    return True


_DEAF = ["-E"] if sys.flags.ignore_environment else []
"""The worker's Python heeds PYTHONPATH and its like where ours does."""


def _start(store_url: str, log: Path, ready: bytes) -> subprocess.Popen[bytes]:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        environment = os.environ | {"GREENWALL_STORE": store_url, "NOTIFY_SOCKET": "@" + ready[1:].decode()}
        return subprocess.Popen(
            # -P: the directory a job is started in must not be able to supply our modules.
            [sys.executable, "-P", *_DEAF, "-m", "console", "worker"],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _becomes_ready(ready: socket.socket, worker: subprocess.Popen[bytes]) -> bool:
    """Wait until the worker says that it is ready; False when it ends or takes too long."""
    deadline = time.monotonic() + _READY_TIMEOUT_S
    with OwnedFd(os.pidfd_open(worker.pid)) as pidfd, selectors.DefaultSelector() as selector:
        selector.register(ready, selectors.EVENT_READ)
        selector.register(pidfd.number, selectors.EVENT_READ)
        while (rest_s := deadline - time.monotonic()) > 0:
            readable = [key.fileobj for key, _ in selector.select(rest_s)]
            if ready in readable and b"READY=1" in ready.recv(4096):
                return True
            if pidfd.number in readable:
                return False
    return False


def _answers_soon(location: Location, worker: subprocess.Popen[bytes]) -> bool:
    """Say whether another worker answers; ours ends in order when it finds one that is just starting."""
    if worker.poll() != 0:
        return False
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if _answers(location):
            return True
        time.sleep(_RETRY_S)
    return False


def _last_words(log: Path) -> str:
    """Return what a worker said at last: its last message, without what to do about it, or else its last line."""
    lines = log.read_bytes()[-_LAST_WORDS_BYTES:].decode(errors="replace").strip().splitlines()
    messages = [line for line in lines if _MESSAGE.match(line)]
    return (messages or lines or [""])[-1].removesuffix(".")


_MESSAGE = re.compile(r"GWL[0-9A-F]{4} ")
