"""A guard or a worker that is killed, and a policy that changes, while a job runs."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from console.model.words import ExitPoint, Mode
from console.store.wakeup import notify
from tests.end_to_end.command import end, until
from tests.enforcement.kernel.jobs import PATIENCE_S, activate_rules, guard_of, outcomes, rejecting

REFUSE = rejecting(exit_point=ExitPoint.CONNECT, sequence=10, remote_address="127.0.0.1")


def connect(job):
    job.say()
    return job.line()


def test_socket_calls_of_a_job_whose_guard_was_killed_fail(house, port):
    with house.running("clients", "on-line", port, "127.0.0.1") as job:
        assert job.line() == "ready 0"
        assert connect(job) == "connect 0"
        guard = guard_of(job.process.pid)
        (child,) = guard.children()
        try:
            guard.kill()
            assert job.status() == 1
            assert "GWL0406" in job.process.stderr.readline()
            assert connect(job) == "connect ENOSYS"
        finally:
            child.kill()


def test_connections_go_on_without_a_worker_and_are_in_the_journal_once(fresh_house, port):
    house = fresh_house
    with house.running("clients", "on-line", port, "127.0.0.1") as job:
        assert job.line() == "ready 0"
        (worker,) = house.workers()
        for turn in range(20):
            if turn == 10:
                end(worker, signal.SIGKILL)
            assert connect(job) == "connect 0"
        # A run starts the next worker, which this job's guard finds by itself.
        assert house.greenwall.run("true").returncode == 0
        until(lambda: len(house.entries(job.name)) == 20, "the entries", PATIENCE_S)
        end(house.workers()[0], signal.SIGKILL)
        assert connect(job) == "connect 0"
        job.process.stdin.close()
        assert job.status() == 0
    assert house.greenwall.run("true").returncode == 0
    until(lambda: len(house.entries(job.name)) >= 21, "the entries in the spool", PATIENCE_S)
    assert outcomes(house.entries(job.name)) == [("*CONNECT", "*ALLOWED", "127.0.0.1")] * 21
    verified = house.greenwall("journal", "verify")
    assert verified.returncode == 0


def test_new_revision_reaches_a_running_job(fresh_house, port):
    house = fresh_house
    modes = {ExitPoint.CONNECT: Mode.MONITOR}
    with house.running("clients", "on-line", port, "127.0.0.1") as job:
        assert job.line() == "ready 0"
        assert connect(job) == "connect 0"
        for rules, options, expected in [
            ([REFUSE], {}, "connect EPERM"),
            ([], {}, "connect 0"),
            ([REFUSE], {}, "connect EPERM"),
            ([REFUSE], {"modes": modes}, "connect 0"),
            ([REFUSE], {}, "connect EPERM"),
            ([REFUSE], {"modes": {ExitPoint.CONNECT: Mode.OFF}}, "connect 0"),
        ]:
            activate_rules(house.store, *rules, **options)
            notify(house.store)
            until(lambda expected=expected: connect(job) == expected, expected, PATIENCE_S)
        job.process.stdin.close()
        assert job.status() == 0
    found = [outcome for _, outcome, _ in outcomes(house.entries(job.name))]
    assert [word for at, word in enumerate(found) if at == 0 or found[at - 1] != word] == [
        "*ALLOWED", "*REJECTED", "*ALLOWED", "*REJECTED", "*MONITOR", "*REJECTED",
    ]  # fmt: skip


def test_exit_point_that_is_off_journals_nothing_and_refuses_nothing(fresh_house, port):
    activate_rules(fresh_house.store, REFUSE, modes={ExitPoint.CONNECT: Mode.OFF})
    lines, entries = fresh_house.run("clients", "plain", port, "127.0.0.1", "127.0.0.2")
    assert (lines, entries) == (["127.0.0.1 0", "127.0.0.2 0"], [])


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM])
def test_stray_signal_to_the_guard_lets_no_call_through(house, port, number):
    with house.running("clients", "on-line", port, "127.0.0.2") as job:
        assert job.line() == "ready 0"
        guard = guard_of(job.process.pid)
        (child,) = guard.children()
        for _ in range(20):
            os.kill(guard.pid, number)
        answer = connect(job)
        assert answer == "connect EPERM"
        child.kill()


def test_program_whose_path_is_no_utf_8_does_not_end_its_guard(house, port, tmp_path):
    odd = bytes(tmp_path) + b"/cl\xffent"
    subprocess.run(["cp", house.programs / "clients", odd], check=True)
    done = subprocess.run(
        [*map(os.fsencode, house.greenwall.arguments("run", "--")), odd, b"plain", str(port).encode(), b"127.0.0.2"],
        capture_output=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"127.0.0.2 EPERM\n", b"")
