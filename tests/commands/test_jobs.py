"""Listing jobs, and asking for their end."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.commands.execute import run_command
from console.commands.jobs import job_status, per_call
from console.errors import CommandError
from console.model.words import JobStatus
from console.store.guards import add_guard, end_guard, end_requests, find_guard, find_job
from console.store.outbox import waiting
from console.store.session import reading, transaction

STARTED = datetime(2026, 3, 1, 11, 0, tzinfo=UTC)
NIGHTLY = "000001/ALICE/NIGHTLY"


@pytest.fixture
def job(context):
    """Return a way to record a job; the first is NIGHTLY of ALICE."""

    def added(user="ALICE", name="NIGHTLY", **fields):
        with transaction(context.store) as session:
            guard = add_guard(
                session,
                guard_id=f"{len(name)}{user.encode().hex()}".ljust(32, "0")[:32],
                user=user,
                job_name=name,
                command=f"/usr/bin/{name.lower()}",
                pid=4711,
                started=STARTED,
            )
            for field, value in fields.items():
                setattr(guard, field, value)
            return guard.guard_id

    return added


def listed(context, command="WRKSOCJOB"):
    return [line.split()[0] for line in run_command(command, context).lines[1:]]


def test_jobs_that_run_are_listed_with_their_counters(context, job):
    job(decided=4, refused=1, decision_us=10, revision=3)
    result = run_command("WRKSOCJOB", context)
    assert result.lines[1].split()[:7] == [NIGHTLY, "*ACTIVE", "4", "1", "2.5", "3", "4711"]
    assert result.panel == "WorkWithJobs"


def test_jobs_that_have_ended_are_listed_on_request(context, job):
    job()
    ended = job(name="DAILY")
    with transaction(context.store) as session:
        end_guard(session, ended, at=STARTED, exit_status=0)
    assert listed(context) == [NIGHTLY]
    assert listed(context, "WRKSOCJOB STATUS(*ALL)") == ["000002/ALICE/DAILY", NIGHTLY]


@pytest.mark.parametrize(
    ("subset", "found"),
    [
        ("USRPRF(BOB)", ["000002/BOB/WEB"]),
        ("USRPRF(AL*)", [NIGHTLY]),
        ("JOB(night*)", [NIGHTLY]),
        ("JOB(2)", ["000002/BOB/WEB"]),
        ("JOB(000001/ALICE/NIGHTLY)", [NIGHTLY]),
        ("JOB(1/alice/nightly)", [NIGHTLY]),
        ("JOB(BOB)", ["000002/BOB/WEB"]),
        ("JOB(NIGHTLY) USRPRF(BOB)", ["(No"]),
    ],
)
def test_a_subset_of_jobs_can_be_listed(context, job, subset, found):
    job()
    job("BOB", "WEB")
    assert listed(context, f"WRKSOCJOB {subset}") == found


def test_the_status_of_a_job(context, job):
    guard_id = job()
    with transaction(context.store) as session:
        guard = find_guard(session, guard_id)
        assert job_status(guard) is JobStatus.ACTIVE
        assert per_call(guard) == ""
        guard.end_requested = "*CNTRLD 30"
        assert job_status(guard) is JobStatus.ENDING
        end_guard(session, guard_id, at=STARTED, exit_status=None)
        assert job_status(guard) is JobStatus.LOST
        guard.exit_status = 143
        assert job_status(guard) is JobStatus.ENDED


def test_the_end_of_a_job_is_asked_for_in_the_store_with_an_audit_entry(context, job):
    guard_id = job()
    result = run_command(f"ENDSOCJOB {NIGHTLY} DELAY(5)", context)
    assert result.messages[-1].text == f"Job {NIGHTLY} is asked to end, and is killed after 5 seconds."
    with reading(context.store) as session:
        assert end_requests(session) == {guard_id: ("*CNTRLD", 5)}
        (audit,) = waiting(session)
    assert (audit.entry_type, audit.detail) == ("CD", f"ENDSOCJOB JOB('{NIGHTLY}') DELAY(5)")


def test_without_a_worker_the_operator_is_told_that_the_request_waits(context, job):
    job()
    result = run_command(f"ENDSOCJOB {NIGHTLY}", context)
    assert [message.message_id for message in result.messages] == ["GWL0164", "GWL0163"]


def test_ending_at_once_has_no_delay_and_hastens_what_was_asked_for_before(context, job):
    guard_id = job()
    run_command(f"ENDSOCJOB {NIGHTLY}", context)
    result = run_command(f"ENDSOCJOB {NIGHTLY} OPTION(*IMMED)", context)
    assert result.messages[-1].message_id == "GWL0165"
    with reading(context.store) as session:
        assert end_requests(session) == {guard_id: ("*IMMED", 0)}


@pytest.mark.parametrize(("first", "second"), [("*CNTRLD", "*CNTRLD"), ("*IMMED", "*CNTRLD"), ("*IMMED", "*IMMED")])
def test_a_job_that_is_being_ended_is_not_ended_again_more_slowly(context, job, first, second):
    job()
    run_command(f"ENDSOCJOB {NIGHTLY} OPTION({first})", context)
    with pytest.raises(CommandError, match="GWL0162"):
        run_command(f"ENDSOCJOB {NIGHTLY} OPTION({second})", context)


def test_a_job_that_is_not_there_and_one_that_has_ended_are_told_apart(context, job):
    guard_id = job()
    with pytest.raises(CommandError, match="GWL0160"):
        run_command("ENDSOCJOB 000009/ALICE/NIGHTLY", context)
    with transaction(context.store) as session:
        end_guard(session, guard_id, at=STARTED, exit_status=0)
    with pytest.raises(CommandError, match="GWL0161"):
        run_command(f"ENDSOCJOB {NIGHTLY}", context)


def test_of_a_job_without_its_guard_nobody_says_that_it_has_ended(context, job):
    guard_id = job()
    with transaction(context.store) as session:
        end_guard(session, guard_id, at=STARTED, exit_status=None)
    with pytest.raises(CommandError, match="GWL0166"):
        run_command(f"ENDSOCJOB {NIGHTLY}", context)


def test_of_two_jobs_with_one_name_the_later_is_meant(context, job):
    job()
    second = job(name="OTHER")
    with transaction(context.store) as session:
        guard = find_guard(session, second)
        guard.job_number, guard.job_name = 1, "NIGHTLY"
    with reading(context.store) as session:
        assert find_job(session, 1, "ALICE", "NIGHTLY").guard_id == second


@pytest.mark.parametrize("name", ["NIGHTLY", "1/ALICE", "0/ALICE/NIGHTLY", "1/ALICE/A/B", "X/ALICE/NIGHTLY", "1//N"])
def test_what_is_no_qualified_job_name_is_refused(context, name):
    with pytest.raises(CommandError, match="GWL0126"):
        run_command(f"ENDSOCJOB JOB('{name}')", context)


def test_the_journal_can_be_shown_for_one_job(context):
    assert run_command("DSPJRN JOB(1/alice/nightly)", context).arguments["JOB"] == NIGHTLY
    assert run_command("DSPJRN JOB(12)", context).arguments["JOB"] == "000012"
    with pytest.raises(CommandError, match="GWL0126"):
        run_command("DSPJRN JOB(1/ALICE)", context)
