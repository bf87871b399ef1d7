"""`greenwall journal export` as a script uses it."""

from __future__ import annotations

import csv
import json
import os
import signal
import stat
import subprocess
from datetime import timedelta

import pytest

from console.journal.writer import append
from console.store.engine import open_store
from console.store.session import transaction
from tests.conftest import NOW
from tests.end_to_end.command import Greenwall, started
from tests.factories import entry

pytestmark = pytest.mark.end_to_end

ENTRIES = (
    entry(),
    entry(outcome="*REJECTED", rule_sequence=10, user_name="BOB", remote_address="10.1.2.3", remote_port=25),
    entry(sk_type="A", exit_point="*ACCEPT", local_port=80, remote_address="2001:db8::1", program="/opt/=x\n\x1b[31my"),
    entry(entry_type="CD", sk_type="", outcome="", exit_point="", rule_sequence=0, text="ADDSOCRUL TEXT('Grüße')",
          entry_timestamp=NOW + timedelta(days=1)),
)  # fmt: skip


@pytest.fixture
def here(tmp_path):
    """Return the command on a store with four entries."""
    command = Greenwall(tmp_path)
    store = open_store(command.url)
    with transaction(store) as session:
        append(session, ENTRIES)
    store.close()
    return command


def numbers(output):
    return [json.loads(line)["sequence_number"] for line in output.splitlines()]


def add(command, count):
    store = open_store(command.url)
    with transaction(store) as session:
        append(session, [entry()] * count)
    store.close()


def test_json_lines_are_those_of_show_journal(here):
    exported = here.done("journal", "export")
    assert exported == here.done("show", "journal", "--json")
    assert numbers(exported) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--type", "cd"), [4]),
        (("--type", "CD,GR"), [4]),
        (("--sk-type", "a"), [3]),
        (("--outcome", "rejected"), [2]),
        (("--exit-point", "*ACCEPT"), [3]),
        (("--user", "bob"), [2]),
        (("--user", "B*"), [2]),
        (("--address", "10.0.0.0/8"), [2]),
        (("--remote-address", "2001:db8::1"), [3]),
        (("--local-address", "10.0.0.0/8"), []),
        (("--port", "80"), [3]),
        (("--remote-port", "25"), [2]),
        (("--local-port", "80"), [3]),
        (("--rule", "10"), [2]),
        (("--program", "/opt/*"), [3]),
        (("--job", "curl"), [1, 2, 3, 4]),
        (("--since", "2"), [3, 4]),
        (("--since", "1", "--until", "3"), [2, 3]),
        (("--since", "999999999999"), []),
        (("--from", "2026-03-02T00:00:00Z"), [4]),
        (("--to", "2026-03-02T00:00:00+00:00"), [1, 2, 3]),
        (("--from", "*TODAY"), []),
        (("--receiver", "AUDRCV0001", "--user", "BOB"), [2]),
        (("--receiver", "AUDRCV0002"), []),
    ],
)
def test_options_say_which_entries(here, options, expected):
    assert numbers(here.done("journal", "export", *options)) == expected


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--format", "xml"), 2, "GWL0652"),
        (("--port", "65536"), 2, "GWL0654"),
        (("--since", "-1"), 2, "GWL0654"),
        (("--rule", "x"), 2, "GWL0654"),
        (("--from", "whenever"), 1, "GWL0630"),
        (("--follow", "--until", "7"), 2, "GWL0655"),
        (("--follow", "--output", "x"), 2, "GWL0655"),
        (("--output", "/nowhere/x"), 1, "GWL0651"),
    ],
)
def test_what_makes_no_sense_is_refused(here, options, code, said):
    done = here("journal", "export", *options)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_every_format_is_a_line_an_entry(here):
    for form, lines in {"csv": 5, "syslog": 4, "cef": 4, "leef": 4}.items():
        exported = here.done("journal", "export", "--format", form)
        assert len(exported.splitlines()) == lines, form
        assert "\x1b" not in exported
    rows = list(csv.DictReader(here.done("journal", "export", "--format", "csv").splitlines()))
    assert [row["PROGRAM_LIBRARY"] for row in rows] == ["/usr/bin", "/usr/bin", "/opt", "/usr/bin"]
    assert rows[2]["PROGRAM_NAME"] == "'=x\\n\\u001b[31my"


def test_file_is_private_and_is_not_written_over_unasked(here, tmp_path):
    path = tmp_path / "out.jsonl"
    said = here.done("journal", "export", "--output", str(path))
    assert said == f"GWL0653 4 journal entries are in {path}.\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = here("journal", "export", "--output", str(path), "--user", "BOB")
    assert (again.returncode, numbers(path.read_text())) == (1, [1, 2, 3, 4])
    assert "GWL0650" in again.stderr
    here.done("journal", "export", "--output", str(path), "--user", "BOB", "--replace")
    assert numbers(path.read_text()) == [2]
    assert sorted(each.name for each in tmp_path.iterdir() if "out" in each.name) == ["out.jsonl"]


def test_device_is_written_to_and_not_replaced(here):
    here.done("journal", "export", "--output", "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_store_that_is_not_there_is_not_made(tmp_path):
    assert Greenwall(tmp_path)("journal", "export").returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_follow_prints_what_comes_and_ends_with_ctrl_c(here):
    with started(here.arguments("journal", "export", "--follow", "--since", "3"), stdout=subprocess.PIPE) as process:
        assert numbers(process.stdout.readline()) == [4]
        add(here, 2)
        assert numbers(process.stdout.readline() + process.stdout.readline()) == [5, 6]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130


def test_follow_shows_only_what_is_asked_for(here):
    arguments = here.arguments("journal", "export", "--follow", "--user", "BOB", "--format", "cef")
    with started(arguments, stdout=subprocess.PIPE) as process:
        assert "suser=BOB" in process.stdout.readline()
        add(here, 3)
        store = open_store(here.url)
        with transaction(store) as session:
            append(session, [entry(user_name="BOB", text="late")])
        store.close()
        assert "externalId=8" in process.stdout.readline()


def test_follow_ends_quietly_when_its_reader_is_gone_though_nothing_comes(here):
    arguments = here.arguments("journal", "export", "--follow")
    with started(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert numbers(process.stdout.readline()) == [1]
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_export_into_a_closed_pipe_says_nothing(here):
    add(here, 20_000)
    script = '"$0" --store "$1" journal export | head -1'
    command, _, url = here.arguments()[:3]
    done = subprocess.run(["sh", "-c", script, command, url], capture_output=True, timeout=60, check=True)
    assert numbers(done.stdout.decode()) == [1]
    assert done.stderr == b""


def test_export_of_a_journal_that_grows_ends_where_it_was(here):
    add(here, 5)
    assert numbers(here.done("journal", "export")) == list(range(1, 10))
