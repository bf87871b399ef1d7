"""The demo: a throw-away store with a sample policy, real guarded traffic, and the console on top.

Everything runs through the public verbs, as processes of its own, so that what is shown is what can be had by hand. All
of it is ended, and the store removed, when the console is left, however it is left.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import psutil

from console.errors import ConsoleError, UsageError, WorkerError
from console.messages import line, message
from console.resources import data_path

_PYTHON = (sys.executable, "-P")
"""Without the working directory on its path: whatever lies there must not be able to supply our modules."""
_READY_TIMEOUT_S = 20.0
_END_TIMEOUT_S = 5.0
_LOOK_S = 0.02
_LONGEST_QUOTE = 200
_ENDING_SIGNALS = (signal.SIGHUP, signal.SIGTERM)


def run_demo() -> int:
    """Run the demo until the console is left; return the console's exit status.

    Raises:
        ConsoleError: There is no terminal, or a part of it could not be started.
    """
    if sys.stdout is None or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("GWL000D")
    with (
        _ended_by_signals(),
        tempfile.TemporaryDirectory(prefix="greenwall-demo-") as directory,
        contextlib.ExitStack() as stack,
    ):
        _say("GWL0080", directory=directory)
        demo = _Demo(Path(directory), stack)
        demo.prepare()
        _say("GWL0081", port=demo.start_traffic())
        status = demo.show_console()
    _say("GWL0082", directory=directory)
    return status


class _Demo:
    """The parts of the demo, each with a verb; a stack ends them in the reverse order."""

    def __init__(self, directory: Path, stack: contextlib.ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._verb = (*_PYTHON, "-m", "console", "--store", f"sqlite:///{directory}/demo.db")

    def prepare(self) -> None:
        """Make the store, put the sample policy in force, and start the worker."""
        for verb in (("policy", "import", str(data_path("policy", "demo.yaml"))), ("cl", "ACTSOCPCY")):
            done = subprocess.run([*self._verb, *verb], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise _failure(" ".join(verb[:2]), done.returncode, done.stderr)
        self._start_worker()

    def _start_worker(self) -> None:
        """Start the worker and wait for its READY=1, as systemd would (sd_notify(3))."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(f"\0greenwall-demo-{secrets.token_hex(16)}")
            ready.settimeout(_READY_TIMEOUT_S)
            address = "@" + ready.getsockname()[1:].decode()
            worker = self._start("worker", "worker", environment=os.environ | {"NOTIFY_SOCKET": address})
            try:
                ready.recv(4096)
            except TimeoutError as error:
                raise self._stopped("worker", worker) from error

    def start_traffic(self) -> int:
        """Start the web server and its visitors; return the server's port."""
        pages = self._directory / "pages"
        pages.mkdir()
        (pages / "index.html").write_text("<p>Served under the exit points.</p>\n", encoding="utf-8")
        port = _free_port()
        serve = ("-u", "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(pages))
        server = self._start_job("WEBSERVER", *serve)
        # Its first line says that it listens; none comes when it could not, or was not let.
        if server.stdout is None or not server.stdout.readline():
            raise self._stopped("WEBSERVER", server)
        self._start_job("VISITORS", "-m", "screens.demo_visitors", str(port))
        return port

    def show_console(self) -> int:
        """Run the console on the terminal until it is left; return its exit status."""
        console = subprocess.Popen(self._verb)
        self._stack.callback(_end, console)
        return console.wait()

    def _start_job(self, name: str, *python_arguments: str) -> subprocess.Popen[bytes]:
        return self._start(name, "run", "--name", name, "--", *_PYTHON, *python_arguments)

    def _start(self, name: str, *verb: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a verb beside the console; what it writes to standard error is kept for `_stopped`.

        It has a process group of its own: an interrupt from the keyboard is for the demo, which ends it in order.
        """
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(
                [*self._verb, *verb],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                process_group=0,
            )
        self._stack.callback(_end, process)
        return process

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _stopped(self, name: str, process: subprocess.Popen[bytes]) -> ConsoleError:
        _end(process)
        return _failure(name, process.returncode, self._log(name).read_text(encoding="utf-8", errors="replace"))


def _failure(step: str, status: int, said: str) -> ConsoleError:
    lines = said.strip().splitlines() or ["nothing"]
    return WorkerError("GWL0083", step=step, status=status, said=lines[0][:_LONGEST_QUOTE])


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that the demo started, with all it started; in order if it goes, by force if not."""
    if process.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            try:
                process.wait(_END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
            _end_rest(below)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _end_rest(processes: list[psutil.Process]) -> None:
    """End what outlives its front; psutil sees by the start time when a process id has gone to another."""
    deadline = time.monotonic() + _END_TIMEOUT_S
    while (left := [process for process in processes if _is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _is_alive(process: psutil.Process) -> bool:
    """Say whether a process runs; one that only waits for init to take note of its end does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(message_id: str, **values: object) -> None:
    """Show where the demo is; before and after the console, which takes the whole terminal."""
    sys.stdout.write(line(message(message_id, **values)) + "\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Turn the signals that end a process into an exit, so that everything is ended and removed on the way out."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
