"""Ways into other processes: into another job, the own guard, and what runs outside of any guard."""

from __future__ import annotations

import subprocess

import pytest

from tests.enforcement.kernel.jobs import guard_of, is_root, job_of

CLOSED = (
    "taken 0",
    "pidfd_getfd EPERM",
    "attach EPERM",
    "seize EPERM",
    "read EPERM",
    "write EPERM",
    "kcmp EPERM",
    "mem EACCES",
)
OWN_CHILD = ("own child 0", "own child traced 0")


@pytest.fixture(params=["another job", "its guard", "its front", "outside"])
def target(request, ground):
    """Return the id of a process that has descriptors, a socket among them, and lives as long as the test."""
    house = ground.house
    if request.param == "outside":
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
            yield process.pid
        return
    with house.running("clients", "on-line", ground.witness.open_port, "127.0.0.1") as job:
        assert job.line() == "ready 0"
        front = job.process.pid
        yield {"another job": lambda: job_of(front).pid, "its guard": lambda: guard_of(front).pid}.get(
            request.param, lambda: front
        )()


@pytest.mark.parametrize("options", [(), ("--user", "nobody")], ids=["root", "nobody"])
def test_no_process_outside_the_job_lends_its_descriptors_or_memory(ground, target, options):
    if options and not is_root():
        pytest.skip("--user needs root")
    lines = ground.run("attack_another_process", target, options=options).lines
    assert tuple(line for line in lines if line in CLOSED) == CLOSED
    assert tuple(lines[-2:]) == OWN_CHILD
    assert "mem of the thread EACCES" in lines
