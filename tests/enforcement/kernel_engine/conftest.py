"""A cgroup of the test's own, programs in it, and the kernel engine attached to it."""

from __future__ import annotations

import os
import subprocess
import textwrap
import uuid
from pathlib import Path

import pytest

from console import compiled
from console.enforcement.kernel.engine import KernelEngine, find_cgroups
from console.enforcement.kernel.events import read_event
from console.enforcement.kernel.loading import put_in_force
from console.kernel_support import first_lack
from console.messages import message
from console.policy.checks import make_policy, make_rule
from console.policy.compiler import compile_policy
from console.policy.image import Account

ACCOUNTS = {0: Account("ROOT"), 65534: Account("NOBODY", frozenset({"NOGROUP"}))}
IN_C = pytest.mark.skipif(compiled.journalling is None, reason="there was no compiler")


@pytest.fixture(params=["in Python", pytest.param("in C", marks=IN_C)], scope="module")
def loop(request):
    """Have the loop run in one of the two languages."""
    module = compiled.journalling
    if request.param == "in Python":
        compiled.journalling = None
    yield
    compiled.journalling = module


def missing():
    """Return what the kernel engine lacks here; empty for nothing."""
    lack = first_lack()
    return "" if lack is None else message(lack.message_id, **lack.values).text


def consumed(engine):
    """Return what an engine has told, and give it back."""
    found = []
    while (batch := engine.ring.read(4096)).records:
        found += map(read_event, batch.records)
        engine.ring.give_back(batch.end)
    return found


class House:
    """One cgroup and the engine that decides for it."""

    def __init__(self, cgroup):
        self.cgroup = cgroup
        self.events = []
        self.engine = KernelEngine()
        self.put_in_force()
        self.engine.attachment.attach(cgroup)

    def begin_again(self, *rules):
        """Put another engine in the place of this one, as the next worker does."""
        before, self.engine = self.engine, KernelEngine()
        self.events += consumed(before)
        self.put_in_force(*rules)
        self.engine.attachment.attach(self.cgroup)
        before.close()

    def put_in_force(self, *rules, revision=1, modes=None, **settings):
        """Activate a policy of these rules."""
        policy = make_policy(modes or {}, [make_rule(**rule) for rule in rules], {}, **settings)
        put_in_force(self.engine, compile_policy(policy, revision), ACCOUNTS)

    def start(self, code, *arguments, **more):
        """Start a Python program in the cgroup."""
        return self.start_command(PYTHON, "-c", PRELUDE + textwrap.dedent(code), *arguments, **more)

    def start_command(self, *command, user=None, **more):
        """Start a program in the cgroup."""

        def enter():
            (self.cgroup / "cgroup.procs").write_text(str(os.getpid()))
            if user is not None:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)

        return subprocess.Popen(
            [*map(str, command)], preexec_fn=enter, stdout=subprocess.PIPE, text=True, **more
        )  # fmt: skip

    def run_command(self, *command, **more):
        """Run a program in the cgroup to its end; returns its lines."""
        with self.start_command(*command, **more) as program:
            return program.communicate(timeout=60)[0].splitlines()

    def run(self, code, *arguments, **more):
        """Run a Python program in the cgroup to its end; returns its lines and the events of it."""
        self.told()
        with self.start(code, *arguments, **more) as program:
            said, _ = program.communicate(timeout=60)
        assert program.returncode == 0
        return said.splitlines(), self.told()

    def told(self):
        """Return the events since the last time."""
        self.events += consumed(self.engine)
        found = [(event.exit_point.value, event.outcome.value, event.sequence) for event in self.events]
        self.last = self.events[:]
        self.events.clear()
        return found

    def close(self):
        self.engine.close()
        for process in (self.cgroup / "cgroup.procs").read_text().split():
            os.kill(int(process), 9)


PYTHON = "/usr/bin/python3"
"""One that every user may run."""
PRELUDE = """
import errno, os, select, socket, struct, sys, time
def tried(what, call):
    try:
        made = call()
    except OSError as error:
        print(what, errno.errorcode.get(error.errno, "timed out"), flush=True)
        return None
    print(what, 0, flush=True)
    return made
def connect(host, port, source=None, family=socket.AF_INET, limit=0.7):
    made = socket.socket(family)
    made.settimeout(limit)
    if source:
        made.bind((source, 0))
    made.connect((host, port))
    return made
"""


@pytest.fixture
def house():
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    cgroup = find_cgroups() / f"greenwall-test-{uuid.uuid4().hex[:12]}"
    cgroup.mkdir()
    made = House(cgroup)
    yield made
    made.close()
    remove(cgroup)


def remove(cgroup: Path) -> None:
    """Remove a cgroup whose processes are ending."""
    for _ in range(100):
        try:
            cgroup.rmdir()
        except OSError:
            continue
        return
    cgroup.rmdir()
