"""A job, and of its guard all that plain calls go through, in one process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from console.enforcement import records
from console.enforcement.fds import OwnedFd
from console.enforcement.frames import PROTOCOL, Hello
from console.enforcement.guard import plain_calls, turns
from console.enforcement.guard.backlog import Backlog
from console.enforcement.guard.child import JobStart
from console.enforcement.guard.notify import SeccompBackend
from console.enforcement.guard.process import _open_exit_points
from console.enforcement.guard.supervisor import Supervisor

ROOT = Path(__file__).parents[3]
PATIENCE_S = 30.0
_LOOK_S = 0.5
_ASKING = JobStart(("true",), frozenset(), frozenset(), frozenset(), identity=None, environment={})


class House:
    """A job, and of its guard all that plain calls go through."""

    def __init__(self, directory, in_force, program="connector"):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.job = subprocess.Popen(
            [sys.executable, "-m", f"tests.enforcement.kernel.programs.{program}", str(theirs.fileno())],
            cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        theirs.close()
        self.status = 0
        with ours:
            _, (listener,), _, _ = socket.recv_fds(ours, 16, 1)
        backend = SeccompBackend(OwnedFd(listener))
        if not plain_calls.is_possible(backend):
            pytest.skip("this kernel has no pidfd that names a thread")
        self.bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        hello = Hello(PROTOCOL, "ab" * 16, os.getpid(), "USER", "JOB", "connector", 0)
        self.backlog = Backlog(directory, hello, time.time_ns, lambda: None)
        self.supervisor = Supervisor(backend, in_force, self.backlog)
        self.by_python = []
        serve = self.supervisor.serve
        self.supervisor.serve = lambda call: (self.by_python.append(call), serve(call))
        self.supervisor.plain_calls = plain_calls.PlainCalls(backend, self.bell)
        self.backlog.share(self.supervisor.plain_calls.native)
        self.supervisor.enforce(in_force)
        self._others = set(threading.enumerate())
        self.turns, _, self.accept_point = _open_exit_points(self.supervisor, None, _ASKING)
        self.turns.start()

    def order(self, **words):
        """Let the job do something; returns what it says to it."""
        print(json.dumps(words), file=self.job.stdin, flush=True)
        return json.loads(self.job.stdout.readline())

    def connect(self, port, *, host="127.0.0.1", count=1, **more):
        """Let the job connect; returns {errno: how often}."""
        told = self.order(host=host, port=port, count=count, **more)
        return {int(number): times for number, times in told.items()}

    @property
    def lanes(self):
        """The lanes of the threads that take turns."""
        return range(self.turns._threads)

    def seen(self, port, **more):
        """Let the job connect; returns the results, and the calls that Python saw."""
        before = len(self.by_python)
        return self.connect(port, **more), self.by_python[before:]

    def events(self):
        """Return what was recorded."""
        return [event for event, _ in records.read(self.backlog.unsent())]

    def kill(self):
        """End the job."""
        self.job.kill()
        self.status = -signal.SIGKILL
        self.job.wait(PATIENCE_S)

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self.job.stdin.close()
        assert self.job.wait(PATIENCE_S) == self.status
        self.job.stdout.close()
        self.turns.wait()
        for thread in set(threading.enumerate()) - self._others:
            # Each finds out for itself, one after the other; a watchdog that is late would say that nobody looks.
            if thread.name.startswith(("turn-", "watchdog")):
                thread.join(PATIENCE_S)
        self.backlog.remove()
        self.supervisor.plain_calls.native.open(-1, -1, True)
        os.close(self.bell)


@pytest.fixture
def house_of(tmp_path, monkeypatch):
    """Return a function that makes a house with a policy in force, and a program.

    The first call after two looks at nothing, 40 ms, is Python's; on a busy machine any call of a test may be that.
    """
    monkeypatch.setattr(turns, "_LOOK_S", _LOOK_S)
    made = []

    def make(in_force, *program):
        made.append(House(tmp_path / "spool", in_force, *program))
        return made[-1]

    yield make
    for house in made:
        house.end()
