"""Bad input gets a message with an id that names the value, the place and the way out, and changes nothing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess

import pytest

from tests.end_to_end.command import COMMAND, Greenwall

pytestmark = pytest.mark.end_to_end

LOOK = "DSPSOCRUL EXITPNT(*CONNECT) SEQNBR(*DFT)"
"""Makes the store and changes nothing in it."""


BAD_COMMANDS = {
    "ADDSOCRUL EXITPNT(*CONNECT) RMTADR('300.1.1.1') ACTION(*REJECT)": "RMTADR cannot be 300.1.1.1",
    "ADDSOCRUL EXITPNT(*CONNECT) RMTPORT(70000) ACTION(*REJECT)": "RMTPORT cannot be 70000",
    "ADDSOCRUL EXITPNT(*SEND) ACTION(*REJECT)": "*SEND",
    "ADDSOCRUL EXITPNT(*CONNECT) COLOUR(GREEN) ACTION(*REJECT)": "COLOUR",
    "ADDSOCRUL EXITPNT(*CONNECT) RMTADR('10.0.0.1": "column 36",
    "CHGSOCRUL EXITPNT(*CONNECT) SEQNBR(77) ACTION(*REJECT)": "77",
    "FRYEGGS SIDES(2)": "FRYEGGS",
    "ADDSOCRUL EXITPNT(*CONNECT) TEXT('\x1b[2J') ACTION(*REJECT)": "U+001B",
}
"""Command -> what its message must name."""


def test_bad_commands_are_refused_and_change_nothing(greenwall):
    greenwall.cl(LOOK)
    before = greenwall.show("rules"), greenwall.show("journal")
    for command, named in BAD_COMMANDS.items():
        done = greenwall("cl", command)
        assert done.returncode == 1, command
        assert "GWL" in done.stderr
        assert named in done.stderr
        assert "\x1b" not in done.stderr
    assert (greenwall.show("rules"), greenwall.show("journal")) == before


def test_commands_before_the_bad_one_stay_and_those_after_it_do_not_run(greenwall):
    good = "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR({}) ACTION(*REJECT)"
    done = greenwall("cl", good.format(10), "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) ACTION(*REJECT)", good.format(20))
    assert done.returncode == 1
    sequences = [rule["sequence"] for rule in greenwall.show("rules") if rule["exit_point"] == "*CONNECT"]
    assert sequences == [10, 99999]


BAD_POLICIES = {
    "greenwall: 1\nrules:\n  - exit_point: '*CONNECT'\n    sequence: 10\n    remote_address: 10.0.0.300\n": "5",
    "greenwall: 1\nrules:\n  - exit_point: '*CONNECT'\n    sequence: 10\n    colour: green\n": "5",
    "greenwall: 1\nrules: [\n": "line",
    "greenwall: 99\n": "99",
}
"""Document -> what its message must name."""


def test_bad_policies_are_refused_at_their_line_and_change_nothing(greenwall, tmp_path):
    greenwall.cl(LOOK)
    before = greenwall.show("rules"), greenwall.show("journal")
    file = tmp_path / "bad.yaml"
    for document, place in BAD_POLICIES.items():
        file.write_text(document)
        for verb in ("check", "import"):
            done = greenwall("policy", verb, str(file))
            assert done.returncode == 1
            assert "GWL" in done.stderr
            assert place in done.stderr
    assert (greenwall.show("rules"), greenwall.show("journal")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["fry"],
        ["--colour"],
        ["run"],
        ["show"],
        ["show", "eggs"],
        ["cl"],
        ["policy"],
        ["policy", "check"],
        ["run", "--eggs"],
    ],
)
def test_wrong_usage_ends_with_2_and_makes_no_store(greenwall_without_store, arguments):
    greenwall = greenwall_without_store
    done = greenwall(*arguments)
    assert done.returncode == 2
    assert "GWL" in done.stderr or "Usage" in done.stdout + done.stderr
    assert not (greenwall.directory / "store.db").exists()


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory):
    """Return the command on a store that is there."""
    directory = tmp_path_factory.mktemp("looked-at")
    directory.chmod(0o700)
    command = Greenwall(directory)
    command.cl(LOOK)
    return command


UNBUFFERED = {"PYTHONUNBUFFERED": "1"}


@pytest.mark.parametrize("output", [">/dev/full", ">&-"], ids=["full", "closed"])
@pytest.mark.parametrize(
    ("verb", "environment"),
    [("show rules", {}), ("policy export -", {}), ("--version", {}), ("cl --list", {}), ("--version", UNBUFFERED)],
)
def test_output_that_cannot_be_written_is_said_in_a_message(looked_at, verb, environment, output):
    done = subprocess.run(
        ["sh", "-c", f'"$@" {verb} {output}', "sh", *looked_at.arguments()], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False, env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("GWL0009")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", [(), ("demo",)], ids=["console", "demo"])
def test_console_without_a_terminal_says_so(greenwall, verb):
    done = greenwall(*verb)
    assert done.returncode == 2
    assert "GWL000D" in done.stderr


def refused_by_all(command):
    """Return what is said when a store cannot be opened, the same by each verb, which runs nothing."""
    said = set()
    for verb in (["show", "rules"], ["cl", LOOK], ["worker"]):
        done = command(*verb)
        assert done.returncode == 1
        said.add(done.stderr.splitlines()[0])
    assert len(said) == 1
    job = command.run("echo", "ran")
    assert job.returncode not in (0, 126, 127)
    assert "GWL" in job.stderr
    assert job.stdout == ""
    reason = said.pop()
    assert reason.removesuffix(".") in job.stderr
    return reason


def test_file_that_is_no_store_is_refused_and_left_alone(tmp_path):
    file = tmp_path / "store.db"
    file.write_text("colour: green\n" * 100)
    said = refused_by_all(Greenwall(tmp_path))
    assert "GWL03" in said
    assert str(file) in said
    assert file.read_text() == "colour: green\n" * 100


def test_store_of_a_newer_version_is_refused_and_left_alone(greenwall):
    greenwall.cl(LOOK)
    with contextlib.closing(sqlite3.connect(greenwall.directory / "store.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    said = refused_by_all(greenwall)
    assert "GWL03" in said
    with contextlib.closing(sqlite3.connect(greenwall.directory / "store.db")) as database, database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_store_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    said = refused_by_all(Greenwall(tmp_path, f"sqlite:///{tmp_path}/file/store.db"))
    assert f"{tmp_path}/file" in said


def test_directory_that_is_not_there_is_named_and_not_made(tmp_path):
    said = refused_by_all(Greenwall(tmp_path / "no" / "such"))
    assert "GWL0303" in said
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("verb", [["show", "rules"], ["run", "--", "echo", "ran"]], ids=["show", "run"])
def test_empty_store_option_does_not_mean_the_default_store(verb):
    done = subprocess.run([COMMAND, "--store", "", *verb], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "GWL0301" in done.stderr


@pytest.mark.parametrize("url", ["nonsense", "sqlite://", "sqlite:///:memory:", "redis://127.0.0.1/"])
def test_url_that_names_no_store_is_refused(tmp_path, url):
    said = refused_by_all(Greenwall(tmp_path, url))
    assert "GWL03" in said
    assert url in said


@pytest.mark.kernel
def test_kernel_without_user_notification_is_named_and_nothing_is_started(greenwall_without_store, programs):
    greenwall = greenwall_without_store
    command = [programs.get("old_kernel"), *greenwall.arguments("run", "--", "echo", "ran")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "GWL0403" in done.stderr
    assert done.stdout == ""
    assert not (greenwall.directory / "store.db").exists()
