"""``greenwall run`` towards the shell that started it: it is as if the command had been started without it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.end_to_end.command import until

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]


@pytest.fixture
def greenwall(served_greenwall):
    """Return the command; what the tests here ask of a job another job does not change."""
    return served_greenwall


@pytest.mark.parametrize("status", [0, 1, 3, 125, 255])
def test_status_is_the_commands_own(greenwall, status):
    assert greenwall.run("sh", "-c", f"exit {status}").returncode == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_signal_that_ended_the_command_shows_as_128_and_its_number(greenwall, number):
    assert greenwall.run("sh", "-c", f"kill -{number.value} $$").returncode == 128 + number


def test_no_time_is_spent_on_what_only_a_database_needs(greenwall):
    words = [sys.executable, "-P", "-X", "importtime", "-m", "console", "--store", greenwall.url, "run", "--", "true"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "console.enforcement.launch" in loaded
    assert not loaded & {"sqlalchemy", "sqlmodel", "pydantic", "asyncio", "typer"}


def test_command_that_does_not_exist_gives_127_and_is_named(greenwall):
    done = greenwall.run("no-such-command-here")
    assert done.returncode == 127
    assert "GWL" in done.stderr
    assert "no-such-command-here" in done.stderr


def test_empty_command_is_one_that_does_not_exist(greenwall):
    done = greenwall.run("")
    assert (done.returncode, "GWL0407" in done.stderr) == (127, True)


def test_settings_of_python_are_for_the_command_and_not_for_greenwall(greenwall, tmp_path):
    package = tmp_path / "console"
    package.mkdir()
    for module in (package / "__init__.py", tmp_path / "secrets.py"):
        module.write_text("raise SystemExit('a module of the job')")
    settings = {"PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nowhere"}
    done = greenwall.run("sh", "-c", "echo $PYTHONPATH $PYTHONHOME", env=os.environ | settings)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path} /nowhere\n", "")


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_stream_that_is_closed_is_closed_to_the_command_and_nothing_else_changes(greenwall, closed):
    shell = f'exec {closed}>&-; exec "$0" "$@"'
    look = f"if [ -e /proc/self/fd/{closed} ]; then exit 8; else exit 7; fi"
    done = subprocess.run(
        ["sh", "-c", shell, *greenwall.arguments("run", "--", "bash", "-c", look)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_command_that_cannot_be_executed_gives_126_and_is_named(greenwall, tmp_path, kind):
    thing = tmp_path / "thing"
    if kind == "file":
        thing.write_text("#!/bin/sh\nexit 0\n")
    else:
        thing.mkdir()
    done = greenwall.run(str(thing))
    assert done.returncode == 126
    assert "GWL" in done.stderr
    assert str(thing) in done.stderr


def test_run_without_a_command_is_a_usage_error(greenwall):
    done = greenwall("run")
    assert done.returncode == 2
    assert "GWL0005" in done.stderr


def test_standard_streams_and_arguments_are_the_commands_own(greenwall):
    done = greenwall.run("sh", "-c", 'cat; echo "$1" >&2', "sh", "-x --json", stdin="from outside\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "from outside\n", "-x --json\n")


def test_directory_and_environment_are_the_callers(greenwall, tmp_path):
    done = greenwall.run("sh", "-c", 'pwd; echo "$WORD"', cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "WORD": "kept"})
    assert done.stdout == f"{tmp_path}\nkept\n"


def test_signal_to_run_reaches_the_command(greenwall):
    script = "trap 'echo got it; exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    with greenwall.running("sh", "-c", script) as job:
        assert job.stdout.readline() == "ready\n"
        job.send_signal(signal.SIGTERM)
        rest, _ = job.communicate(timeout=20)
    assert (rest, job.returncode) == ("got it\n", 7)


def test_first_job_makes_the_store_and_is_listed_with_its_end(greenwall_without_store):
    greenwall = greenwall_without_store
    greenwall("run", "--name", "NIGHTLY", "--", "sh", "-c", "exit 4")
    (job,) = greenwall.show("jobs")
    assert job["qualified_job_name"].endswith("/NIGHTLY")
    assert (job["status"], job["exit_status"]) == ("ended", 4)


def test_guard_inside_a_guard_is_refused_with_a_message_and_runs_nothing(greenwall):
    done = greenwall.run(*greenwall.arguments("run", "--", "echo", "ran"))
    assert done.returncode != 0
    assert "GWL" in done.stderr
    assert "ran" not in done.stdout.split()


def test_jobs_started_at_once_share_one_worker(greenwall_without_store):
    greenwall = greenwall_without_store
    jobs = [subprocess.Popen(greenwall.arguments("run", "--", "true")) for _ in range(4)]
    assert [job.wait(60) for job in jobs] == [0, 0, 0, 0]
    assert len(greenwall.workers()) == 1
    until(lambda: len(greenwall.show("jobs")) == 4, "the worker to know all of them")
