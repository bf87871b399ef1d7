"""While a job runs: the policy changes, the worker dies; the job goes on and nothing is lost or counted twice."""

from __future__ import annotations

import signal

import pytest

from tests.end_to_end.command import end, until

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]

_REVISION_DEADLINE_S = 1.0
_BATCH = 1500


def ask(job, line="\n"):
    job.stdin.write(line)
    job.stdin.flush()
    return job.stdout.readline().strip()


def test_new_revision_decides_in_a_running_job_within_a_second(greenwall, programs, server_port):
    with greenwall.running(programs.get("client"), "127.0.0.1", str(server_port), "-") as job:
        assert ask(job) == "OK"
        greenwall.cl(f"ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTPORT({server_port}) ACTION(*REJECT)")
        assert ask(job) == "OK", "a pending rule decides nothing"
        greenwall.cl("ACTSOCPCY")
        until(lambda: ask(job) == "EPERM", "the new revision", _REVISION_DEADLINE_S)
        greenwall.cl("RMVSOCRUL EXITPNT(*CONNECT) SEQNBR(10)", "ACTSOCPCY")
        until(lambda: ask(job) == "OK", "the next revision", _REVISION_DEADLINE_S)
    revisions = {entry["revision"] for entry in greenwall.journal(sk_type="C", remote_port=server_port)}
    assert revisions == {1, 2, 3}


def connect_many(job, count):
    """Let the job connect so often; each connect gave a time, none an errno."""
    job.stdin.write(f"{count}\n")
    job.stdin.flush()


def taken(job):
    return [int(word) for word in job.stdout.readline().split()]


def test_killed_worker_costs_no_connection_and_no_entry(greenwall, programs, server_port):
    with greenwall.running(programs.get("latency"), "127.0.0.1", str(server_port)) as job:
        connect_many(job, 50)
        assert len(taken(job)) == 50
        for _ in range(3):
            connect_many(job, _BATCH)
            (worker,) = greenwall.workers()
            connect_many(job, _BATCH)
            end(worker, signal.SIGKILL)
            connect_many(job, _BATCH)
            assert [len(taken(job)) for _ in range(3)] == [_BATCH] * 3, "a connection failed"
            assert greenwall.run("true").returncode == 0  # starts the next worker
        job.stdin.close()
        assert job.wait(30) == 0
    expected = 50 + 9 * _BATCH
    until(lambda: len(greenwall.journal(remote_port=server_port)) >= expected, "all entries")
    entries = greenwall.journal(remote_port=server_port)
    assert len(entries) == expected
    assert {entry["outcome"] for entry in entries} == {"*ALLOWED"}
    numbers = [entry["sequence_number"] for entry in greenwall.show("journal")]
    assert numbers == list(range(1, len(numbers) + 1))
    greenwall.done("journal", "verify")


def test_job_that_ended_while_no_worker_ran_is_journalled_by_the_next(greenwall, programs, server_port):
    with greenwall.running(programs.get("latency"), "127.0.0.1", str(server_port)) as job:
        connect_many(job, 1)
        assert len(taken(job)) == 1
        (worker,) = greenwall.workers()
        end(worker, signal.SIGKILL)
        connect_many(job, 500)
        assert len(taken(job)) == 500
        job.stdin.close()
        assert job.wait(30) == 0
    assert greenwall.run("true").returncode == 0
    until(lambda: len(greenwall.journal(remote_port=server_port)) == 501, "the spooled entries")
    greenwall.done("journal", "verify")
