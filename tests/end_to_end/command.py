"""The `greenwall` command on a store of its own, used as a script uses it: nothing here knows the inside."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.end_to_end.warm import kitchen

COMMAND = _INSTALLED = str(Path(sys.executable).with_name("greenwall"))
"""May be replaced for a test: see tests/enforcement/kernel/ways.py."""
DEADLINE_S = 30.0
"""For whatever is waited for; reached only by a test that fails."""
_POLL_S = 0.02
_TIMEOUT_S = 60.0
_PLAIN_VERBS = {("cl",), ("engine",), ("journal",), ("policy",), ("show",), ("worker",)}
"""Those that do something in the store, or refuse to, and end: done by a process that has everything loaded."""

Record = Mapping[str, Any]


def until(condition: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """Return what a condition gives as soon as it is true.

    Raises:
        AssertionError: It was not within the deadline; says what was waited for.
    """
    end = time.monotonic() + deadline_s
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s:g} s for {what}; last: {found!r}")
        time.sleep(_POLL_S)
    return found


@dataclass(frozen=True, slots=True)
class Greenwall:
    """The command with ``--store`` naming one store."""

    directory: Path
    named: str = ""
    """URL of the store; of the file store.db in the directory if empty."""

    @property
    def url(self) -> str:
        """Return the URL of the store."""
        return self.named or f"sqlite:///{self.directory}/store.db"

    def arguments(self, *arguments: str) -> list[str]:
        """Return the whole command line."""
        return [COMMAND, "--store", self.url, *arguments]

    def __call__(self, *arguments: str, stdin: str | bytes = b"", **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end and return what came of it."""
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        words = self.arguments(*arguments)
        if self._is_plain(arguments, options):
            done = kitchen().run(words, stdin, _TIMEOUT_S, options.get("cwd"))
        else:
            done = subprocess.run(words, input=stdin, capture_output=True, timeout=_TIMEOUT_S, check=False, **options)
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )

    def _is_plain(self, arguments: tuple[str, ...], options: Mapping[str, Any]) -> bool:
        """Say whether it makes no difference to a verb how its process came to be."""
        return COMMAND == _INSTALLED and arguments[:1] in _PLAIN_VERBS and options.keys() <= {"cwd"}

    def run(self, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program under the exit points to its end."""
        return self("run", "--", *command, **options)

    def done(self, *arguments: str, **options: Any) -> str:
        """Run a verb that must succeed and return what it wrote to standard output."""
        done = self(*arguments, **options)
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def cl(self, *commands: str) -> str:
        """Run CL commands that must succeed."""
        return self.done("cl", *commands)

    def show(self, subject: str, *options: str) -> list[Record]:
        """Return a subject as records."""
        return [json.loads(line) for line in self.done("show", subject, "--json", *options).splitlines()]

    def journal(self, **wanted: Any) -> list[Record]:
        """Return the socket entries whose fields have the given values, oldest first."""
        entries = [entry for entry in self.show("journal") if entry["entry_type"] == "SK"]
        return [entry for entry in entries if all(entry[name] == value for name, value in wanted.items())]

    def workers(self) -> list[int]:
        """Return the process ids of the workers that run."""
        return [worker["pid"] for worker in self.show("workers") if worker["status"] == "running"]

    @contextlib.contextmanager
    def running(self, *command: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """Run a program under the exit points beside the test; ends it when the test has done with it."""
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        with started(self.arguments("run", "--", *command), **options) as job:
            yield job

    def end_jobs(self) -> None:
        """Kill what tests that failed have left of jobs under the rules of the store; their guards end with that."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if self._is_guard(process):
                    for child in process.children(recursive=True):
                        if not self._is_guard(child) and child.cmdline()[-1:] != ["worker"]:
                            child.kill()

    def _is_guard(self, process: psutil.Process) -> bool:
        """Return whether a process is a guard of the store, or the front of one."""
        words = process.cmdline()
        return self.url in words and "run" in words

    def end_workers(self) -> None:
        """End the workers of the store, in order, and wait until they are gone.

        Found as the administrator finds them when the store can no longer be asked: by what runs on the machine.
        """
        for process in psutil.process_iter(["cmdline"]):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                words = process.info["cmdline"] or [""]
                if words[-1] == "worker" and process.environ().get("GREENWALL_STORE") == self.url:
                    end(process.pid, signal.SIGTERM)


@contextlib.contextmanager
def started(arguments: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a program beside the test; ends it, and only it, when the test has done with it."""
    process = subprocess.Popen(arguments, text=True, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def end(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and wait until it has ended; one that is not there is fine."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, number)
        ended = select.poll()  # select(2) takes no descriptor above 1023
        ended.register(pidfd, select.POLLIN)
        assert ended.poll(DEADLINE_S * 1000), f"process {pid} did not end on {number.name}"
    finally:
        os.close(pidfd)
