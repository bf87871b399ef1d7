"""Jobs under a real guard, and the same programs without one: lines with a time limit, entries by the job's name."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import queue
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from sqlmodel import col, select

from console.enforcement import syscalls
from console.model.journal import JournalEntry
from console.model.words import ExitPoint, Fail, Mode
from console.policy.checks import default_rule, make_policy, make_rule
from console.store.revisions import activate, set_pending
from console.store.session import reading, transaction
from tests.conftest import NOW
from tests.end_to_end.command import Greenwall
from tests.stores import open_fresh_store

PATIENCE_S = 20.0
"""For whatever is waited for; reached only by a test that fails."""
_numbers = itertools.count(1)


def rejecting(**fields):
    return make_rule(action="*REJECT", **fields)


RULES = (
    rejecting(exit_point=ExitPoint.CONNECT, sequence=10, remote_address="127.0.0.2"),
    rejecting(exit_point=ExitPoint.CONNECT, sequence=20, remote_address="127.0.0.3", fail=Fail.REFUSED),
    rejecting(exit_point=ExitPoint.CONNECT, sequence=30, remote_address="127.0.0.4", fail=Fail.TIMEOUT),
    rejecting(exit_point=ExitPoint.ACCEPT, sequence=10, remote_address="127.0.0.2"),
    rejecting(exit_point=ExitPoint.LISTEN, sequence=10, local_address="127.0.0.66"),
    rejecting(exit_point=ExitPoint.LISTEN, sequence=20, local_address="0.0.0.0", local_port="1-65535"),
)
"""Refused: connects to 127.0.0.2 to .4, connections from .2, listening on .66 and on all addresses with a port."""


def activate_rules(store, *rules, modes=None, **settings):
    """Make rules the active revision of a store, as an operator would from elsewhere; returns its number."""
    modes = dict.fromkeys(ExitPoint, Mode.ENFORCE) | (modes or {})
    policy = make_policy(modes, [*rules, *(default_rule(exit_point) for exit_point in ExitPoint)])
    policy = dataclasses.replace(policy, **settings)
    with transaction(store) as session:
        set_pending(session, policy)
        return activate(session, services={}, user="TEST", at=NOW)


class Running:
    """A program beside the test, whose lines come with a time limit."""

    def __init__(self, process, name=""):
        self.process = process
        self.name = name
        """Of the job; empty for a program without a guard."""
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def line(self):
        found = self._lines.get(timeout=PATIENCE_S)
        assert found is not None, f"no more lines; {self.process.stderr.read() if self.process.stderr else ''}"
        return found

    def say(self, text="\n"):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def rest(self):
        """Return the lines up to the end of the output."""
        return list(iter(lambda: self._lines.get(timeout=PATIENCE_S), None))

    def status(self):
        """Wait for the end and return the exit status."""
        return self.process.wait(PATIENCE_S)

    def end(self):
        """End the program and, of a job, all that is left of it; every stream is closed."""
        left = self._rest_of_job()
        if self.process.poll() is None:
            self.process.kill()
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        # Closing the stream would wait for the thread that reads it, for ever.
        assert not self._reader.is_alive(), f"somebody still has the output of {self.process.args}"
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def _rest_of_job(self):
        """Return what runs under the guard, which ends with it; also when the front, and so its family, has gone."""
        if not self.name:
            return []
        found = []
        words = self.process.args
        for guard in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if guard.pid != self.process.pid and guard.cmdline()[-len(words) :] == words:
                    found += guard.children(recursive=True)
        return found


def guard_of(front):
    """Return the guard that stands behind a front."""
    # The worker, if the front started it, is its child too, with a command line of its own.
    process = psutil.Process(front)
    (guard,) = (child for child in process.children() if child.cmdline() == process.cmdline())
    return guard


def job_of(front):
    """Return the first process of the job of a front."""
    (job,) = guard_of(front).children()
    return job


@dataclass(frozen=True)
class House:
    """A store, its worker, and jobs under its rules."""

    greenwall: Greenwall
    store: object
    programs: Path

    def argv(self, program, *arguments):
        return [str(self.programs / program) if "/" not in program else program, *map(str, arguments)]

    def command(self, program, *arguments, options=()):
        """Return the job's name, and the command line that runs a program as this job."""
        name = f"J{next(_numbers)}"
        return name, self.greenwall.arguments("run", "--name", name, *options, "--", *self.argv(program, *arguments))

    def run(self, program, *arguments, options=(), timeout=60, **more):
        """Run a job to its end; returns its lines and its entries."""
        name, command = self.command(program, *arguments, options=options)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL, **more
        )
        assert done.stderr == ""
        assert done.returncode == 0
        return done.stdout.splitlines(), self.entries(name)

    def native(self, program, *arguments):
        """Run a program without a guard to its end; returns its lines."""
        done = subprocess.run(
            self.argv(program, *arguments), capture_output=True, text=True, timeout=60, check=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.stdout.splitlines()

    @contextlib.contextmanager
    def running(self, program, *arguments, guarded=True, options=(), **more):
        """Run a program beside the test."""
        name, command = self.command(program, *arguments, options=options)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
        process = subprocess.Popen(command if guarded else self.argv(program, *arguments), text=True, **pipes)
        running = Running(process, name if guarded else "")
        try:
            yield running
        finally:
            running.end()

    def entries(self, name):
        """Return the socket entries of a job, oldest first, as (exit point, outcome, local, remote, text)."""
        fields = ("exit_point", "outcome", "local_address", "remote_address", "text")
        query = (
            select(*(getattr(JournalEntry, field) for field in fields))
            .where(JournalEntry.entry_type == "SK", col(JournalEntry.qualified_job_name).endswith("/" + name))
            .order_by(col(JournalEntry.sequence_number))
        )
        with reading(self.store) as session:
            return [tuple(row) for row in session.exec(query)]

    def workers(self):
        return [worker["pid"] for worker in self.greenwall.show("workers") if worker["status"] == "running"]


@contextlib.contextmanager
def make_house(directory, programs, rules=RULES):
    """Make a store with rules in a directory that is not there yet; its workers end with it."""
    if not syscalls.has_user_notification():
        pytest.skip("this kernel has no seccomp user notification")
    directory.mkdir(mode=0o700)
    greenwall = Greenwall(directory)
    store = open_fresh_store(directory / "store.db")
    activate_rules(store, *rules)
    try:
        yield House(greenwall, store, programs)
    finally:
        store.close()
        greenwall.end_jobs()
        greenwall.end_workers()


def outcomes(entries):
    """Return exit point, outcome and remote address of entries."""
    return [(exit_point, outcome, remote) for exit_point, outcome, _, remote, _ in entries]


def is_root():
    return os.geteuid() == 0
