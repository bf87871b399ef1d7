"""The worker of a store as a process: whether it answers, starting it, and ending it.

Console and launcher start workers alike, and neither is one: a worker is ``greenwall worker`` in a session of its own.
What one does once it runs is not known here.
"""

from __future__ import annotations

import os
import re
import secrets
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from console.errors import WorkerError
from console.store.location import Location
from console.store.unix_path import connect

READY_TIMEOUT_S = 20.0
"""A first start makes the store, which takes a second or two on a slow disk."""
_RETRY_S = 0.02
_LAST_WORDS_BYTES = 500
_DEAF = ["-E"] if sys.flags.ignore_environment else []
"""The worker's Python heeds PYTHONPATH and its like where ours does."""
_STARTED: list[subprocess.Popen[bytes]] = []
"""The workers that this process has started: they outlive what calls them, and are reaped when the next is started."""
_HARMLESS = ("init.scope", "greenwall-ssh.service", "greenwall-worker.service")
"""Units that do not take a worker with them: the first never ends."""
_MESSAGE = re.compile(r"GWL[0-9A-F]{4} ")


def answers(location: Location) -> bool:
    """Say whether a worker takes connections."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            connect(probe, location.worker_socket)
        except OSError:
            return False
    return True


def log_file(location: Location) -> Path:
    """Return the file that workers which were started here write what they have to say to."""
    return location.directory / f"{location.name}.worker.log"


def start_worker(store_url: str, location: Location, options: Sequence[str] = ()) -> None:
    """Start a worker, and return when it answers.

    It outlives the caller; it is in a session of its own and writes what it has to say to a log beside the store. The
    URL goes through the environment, where other users cannot read it.

    Args:
        store_url: The store's.
        location: Of the store; its directory is there.
        options: What follows ``greenwall worker``.

    Raises:
        WorkerError: It cannot be started, or ends at once.
    """
    log = log_file(location)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        ready.bind(f"\0greenwall-{secrets.token_hex(16)}")
        try:
            worker = _start(store_url, log, ready.getsockname(), options)
        except OSError as error:
            raise WorkerError("GWL0412", reason=error.strerror, seconds=READY_TIMEOUT_S, log=log) from error
        _STARTED[:] = [worker, *(each for each in _STARTED if each.poll() is None)]
        if not _becomes_ready(ready, worker) and not _answers_soon(location, worker):
            reason = _last_words(log) or "it did not say why"
            raise WorkerError("GWL0412", reason=reason, seconds=int(READY_TIMEOUT_S), log=log)


def unit_over_us() -> str:
    """Return the unit or login session of systemd that this process belongs to; empty for none, or without systemd.

    Source: sd_booted(3): systemd runs where this directory is.
    """
    if not Path("/run/systemd/system").is_dir():
        return ""
    return unit_of(Path("/proc/self/cgroup").read_text(encoding="utf-8"))


def unit_of(cgroups: str) -> str:
    """Return the unit of systemd with which a process of some cgroups may be ended; empty for none.

    Of its own services it is the worker's and the SSH server's alone that leave a worker be (``KillMode=process``).

    Args:
        cgroups: As the kernel tells them in /proc/PID/cgroup (cgroups(7)).
    """
    paths = [line.split(":", 2)[2] for line in cgroups.splitlines() if line.startswith(("0::", "1:name=systemd:"))]
    name = paths[0].rpartition("/")[2] if paths else ""
    return name if name.endswith((".scope", ".service")) and name not in _HARMLESS else ""


def _start(store_url: str, log: Path, ready: bytes, options: Sequence[str]) -> subprocess.Popen[bytes]:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        environment = os.environ | {"GREENWALL_STORE": store_url, "NOTIFY_SOCKET": "@" + ready[1:].decode()}
        return subprocess.Popen(
            # -P: the directory a job is started in must not be able to supply our modules.
            [sys.executable, "-P", *_DEAF, "-m", "console", "worker", *options],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


@contextmanager
def _watched(pid: int) -> Iterator[int]:
    """Give a descriptor of a process, which no other process can get the number of."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _becomes_ready(ready: socket.socket, worker: subprocess.Popen[bytes]) -> bool:
    """Wait until the worker says that it is ready; False when it ends or takes too long."""
    deadline = time.monotonic() + READY_TIMEOUT_S
    with _watched(worker.pid) as process, selectors.DefaultSelector() as selector:
        selector.register(ready, selectors.EVENT_READ)
        selector.register(process, selectors.EVENT_READ)
        while (rest_s := deadline - time.monotonic()) > 0:
            readable = [key.fileobj for key, _ in selector.select(rest_s)]
            if ready in readable and b"READY=1" in ready.recv(4096):
                return True
            if process in readable:
                return False
    return False


def _answers_soon(location: Location, worker: subprocess.Popen[bytes]) -> bool:
    """Say whether another worker answers; ours ends in order when it finds one that is just starting."""
    if worker.poll() != 0:
        return False
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        if answers(location):
            return True
        time.sleep(_RETRY_S)
    return False


def _last_words(log: Path) -> str:
    """Return what a worker said at last: its last message, without what to do about it, or else its last line."""
    lines = log.read_bytes()[-_LAST_WORDS_BYTES:].decode(errors="replace").strip().splitlines()
    messages = [line for line in lines if _MESSAGE.match(line)]
    return (messages or lines or [""])[-1].removesuffix(".")


def end_process(pid: int, *, immediately: bool, wait_s: float) -> bool:
    """End a worker, and wait for that.

    Args:
        pid: Its process id; whoever calls has made sure that it is one.
        immediately: Whether it is killed; else it ends in order.
        wait_s: How long to wait for its end.

    Returns:
        Whether it has ended.

    Raises:
        WorkerError: This user may not end it.
    """
    try:
        with _watched(pid) as process:
            signal.pidfd_send_signal(process, signal.SIGKILL if immediately else signal.SIGTERM)
            poller = select.poll()
            poller.register(process, select.POLLIN)
            return bool(poller.poll(wait_s * 1000))
    except ProcessLookupError:
        return True
    except OSError as error:
        raise WorkerError("GWL0765", pid=pid, reason=error.strerror) from error
