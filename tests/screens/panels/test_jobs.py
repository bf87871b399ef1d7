"""Work with Socket Jobs: figures, ending, entries, subsets."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.store.guards import add_guard, end_guard, end_requests, find_guard
from console.store.session import reading, transaction
from screens.terminal.page import NORMAL, WIDE
from tests.screens.panels.operator import Operator

JOBS = (
    ("ALICE", "NIGHTLY", "/usr/local/bin/nightly --all --report=/var/tmp/report.txt", {"decided": 41, "refused": 3}),
    ("NOBODY", "HTTPD", "httpd -D FOREGROUND", {"decided": 1_234_567, "refused": 0}),
    ("BACKUP", "RSYNC", "rsync -a /srv backup:/srv", {}),
)


@pytest.fixture
def ids(store, now):
    """Record jobs, an hour apart; return their ids by name."""
    made = {}
    with transaction(store) as session:
        for index, (user, name, command, fields) in enumerate(JOBS):
            guard_id = f"{index + 1:032x}"
            guard = add_guard(
                session,
                guard_id=guard_id,
                user=user,
                job_name=name,
                command=command,
                pid=4711 + index,
                started=now - timedelta(hours=3 - index),
            )
            guard.revision = 2
            guard.decision_us = fields.get("decided", 0) * 7
            for field, value in fields.items():
                setattr(guard, field, value)
            made[name] = guard_id
    return made


@pytest.fixture
def jobs(operator, ids):
    return operator.command("WRKSOCJOB")


def wanted(store):
    with reading(store) as session:
        return end_requests(session)


def test_the_list_looks_as_drawn(jobs):
    assert jobs.matches("work_with_jobs")
    assert jobs.press("F11").matches("work_with_jobs_command")


def test_a_wide_screen_shows_more(services, ids):
    wide = Operator(services.open("WorkWithJobs", {}), WIDE)
    assert wide.matches("work_with_jobs_wide")
    assert wide.press("F11").matches("work_with_jobs_command_wide")


@pytest.mark.parametrize("size", [NORMAL, WIDE])
def test_a_command_that_does_not_fit_says_that_there_is_more_of_it(services, ids, store, size):
    with transaction(store) as session:
        find_guard(session, ids["RSYNC"]).command = "rsync " + "x" * size.columns
    assert Operator(services.open("WorkWithJobs", {}), size).press("F11").row(10).rstrip().endswith("x>")


def test_option_5_shows_the_job_in_full(jobs, ids):
    assert jobs.option(ids["NIGHTLY"], "5").press("ENTER").matches("display_job")


def test_option_4_asks_then_ends_all_that_were_chosen(jobs, ids, store):
    jobs.option(ids["NIGHTLY"], "4").option(ids["RSYNC"], "4").press("ENTER")
    assert jobs.matches("confirm_end_jobs")
    assert wanted(store) == {}
    jobs.press("ENTER")
    assert wanted(store) == {ids["NIGHTLY"]: ("*CNTRLD", 30), ids["RSYNC"]: ("*CNTRLD", 30)}
    assert ["*ENDING" in jobs.row(row) for row in (10, 11, 12)] == [True, False, True]
    assert jobs.options == {}


def test_the_confirmation_counts_though_the_job_has_decided_more_meanwhile(jobs, ids, store):
    jobs.option(ids["HTTPD"], "4").press("ENTER")
    with transaction(store) as session:
        find_guard(session, ids["HTTPD"]).decided += 1
    jobs.press("ENTER")
    assert list(wanted(store)) == [ids["HTTPD"]]


def test_f12_on_the_confirmation_ends_nothing_and_keeps_the_option(jobs, ids, store):
    jobs.option(ids["HTTPD"], "4").press("ENTER").press("F12")
    assert wanted(store) == {}
    assert jobs.options == {ids["HTTPD"]: "4"}


def test_parameters_on_the_command_line_say_how_to_end(jobs, ids, store):
    jobs.option(ids["HTTPD"], "4").type(CMD="OPTION(*IMMED)").press("ENTER").press("ENTER")
    assert wanted(store) == {ids["HTTPD"]: ("*IMMED", 0)}


def test_a_job_that_ended_meanwhile_is_said_to_have(jobs, ids, store, now):
    jobs.option(ids["HTTPD"], "4").press("ENTER")
    with transaction(store) as session:
        end_guard(session, ids["HTTPD"], at=now, exit_status=0)
    jobs.press("ENTER")
    assert wanted(store) == {}


def test_option_8_shows_the_journal_entries_of_the_job(jobs, ids):
    jobs.option(ids["NIGHTLY"], "8").press("ENTER")
    assert jobs.title == "Display Journal Entries"
    assert "000001/ALICE/NIGHTLY" in jobs.row(7)


def test_f18_shows_jobs_that_have_ended(jobs, ids, store, now):
    with transaction(store) as session:
        end_guard(session, ids["RSYNC"], at=now, exit_status=143)
    jobs.press("F5")
    assert "RSYNC" not in jobs.shown
    jobs.press("F18").enter(STATUS="*ALL", USRPRF="BACKUP")
    assert "000003/BACKUP/RSYNC" in jobs.row(10)
    assert "*ENDED" in jobs.row(10)
    assert "Subset . . . :  BACKUP" in jobs.row(3)


@pytest.mark.parametrize(("text", "job"), [("2", "HTTPD"), ("NIGHT", "NIGHTLY"), ("*BOT", "RSYNC")])
def test_f17_leads_to_the_field_that_goes_to_a_job(jobs, text, job):
    jobs.press("F17").enter(POSTO=text)
    assert job in jobs.row(10)


def test_a_position_that_is_not_there_is_refused(jobs):
    jobs.enter(POSTO="LUNCH")
    assert jobs.message_ids == ["GWL0717"]
    assert jobs.buffer.values["POSTO"] == "LUNCH"


def test_no_jobs_are_said(operator):
    assert "(No jobs)" in operator.command("WRKSOCJOB").row(10)


def test_f4_prompts_the_end_of_one_job_and_lists_the_others(jobs, ids):
    jobs.option(ids["HTTPD"], "4").press("F4")
    assert jobs.title == "End Socket Job (ENDSOCJOB)"
    assert jobs.buffer.values["JOB"] == "000002/NOBODY/HTTPD"
    jobs.go_to("JOB").press("F4")
    assert "000003/BACKUP/RSYNC" in jobs.shown
