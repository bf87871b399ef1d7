"""Attacks on the guard itself by its job, which runs as the same user and so may signal and limit it."""

from __future__ import annotations

import subprocess

import pytest

from tests.end_to_end.command import until
from tests.enforcement.kernel.escapes.expectations import ALLOWED


def run_under_attack(ground, technique, *more):
    """Run a technique that its front may not outlive in order; returns its lines and the job's name."""
    name, command = ground.house.command(str(ground.techniques.get(technique)), *ground.arguments(0, *more))
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    return done.stdout.splitlines(), name


def test_job_that_kills_its_guard_has_no_socket_calls_left(ground):
    lines, _ = run_under_attack(ground, "kill_guard_then")
    assert lines == [
        "before 0",
        "connect ENOSYS",
        "connect a Unix socket ENOSYS",
        "listen ENOSYS",
        "listens 0",
        "accept ENOSYS",
        "fast open EOPNOTSUPP",
        "ring ENOSYS",
        "raw socket ENOSYS",
    ]
    assert ground.witness.counts() == {("tcp", ALLOWED, ground.witness.open_port): 1}


def test_job_that_limits_its_guard_gains_nothing(ground):
    lines, _ = run_under_attack(ground, "limit_guard")
    assert lines == ["connects 0", "listens 0 0"] * 2
    assert ground.witness.counts() == {}


@pytest.mark.parametrize("attempt", range(5))
def test_connection_is_in_the_journal_though_the_guard_is_killed_at_once(ground, attempt):
    lines, name = run_under_attack(ground, "kill_guard_when_connected")
    assert lines == ["connected"]
    assert ground.witness.counts() == {("tcp", ALLOWED, ground.witness.open_port): 1}
    until(lambda: ground.journal(name) == {("*CONNECT", "*ALLOWED", ALLOWED): 1}, "the entry of a killed guard")
