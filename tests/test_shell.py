"""The verbs of the shell: what they print, where, and how they end."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.__main__ import main
from console.commands.registry import COMMANDS
from console.model.journal import JournalEntry
from console.shell.operator import SHOWN_BY
from console.shell.show import SUBJECTS
from console.store.engine import open_store
from console.store.guards import add_guard, end_guard
from console.store.outbox import waiting
from console.store.session import reading, transaction
from tests.stores import put_fresh_store

ADD = "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(40) RMTADR('10.0.0.0/8') ACTION(*REJECT)"

POLICY = """\
greenwall: 1
exit_points:
  connect: "*MONITOR"
rules:
  - exit_point: "*CONNECT"
    sequence: 10
    remote_port: "https"
    action: "*REJECT"
"""


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def bare_shell(tmp_path, monkeypatch, capsys):
    """Call greenwall where no store is yet; in this process, because a hundred new ones take a minute."""

    def call(*arguments, text="", **variables):
        monkeypatch.setattr(sys, "argv", ["greenwall", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            code = main()
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    monkeypatch.setenv("GREENWALL_STORE", f"sqlite:///{tmp_path}/shell.db")
    return call


@pytest.fixture
def shell(bare_shell, tmp_path):
    """Call greenwall on a fresh store."""
    put_fresh_store(tmp_path / "shell.db")
    return bare_shell


@contextmanager
def closing_store(directory):
    store = open_store(f"sqlite:///{directory}/shell.db")
    yield store
    store.close()


def refused(result, code, message_id):
    """Check a refusal: exit code, the message's id first, the way out on the next line, nothing on standard output."""
    lines = result.stderr.splitlines()
    assert (result.returncode, lines[0].split()[0], result.stdout) == (code, message_id, ""), result.stderr
    assert len(lines) == 2
    assert lines[1]
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "message_id", "value"),
    [
        (["shwo"], "GWL0001", "shwo"),
        (["--stroe", "x", "show", "rules"], "GWL0001", "--stroe"),
        (["show"], "GWL0001", "subject"),
        (["show", "sockets"], "GWL0004", "sockets"),
        (["show", "journal", "--last", "many"], "GWL0002", "many"),
        (["policy"], "GWL0001", "command"),
        (["policy", "check"], "GWL0001", "FILE"),
        (["policy", "check", "/no/such/file"], "GWL0006", "/no/such/file"),
        (["policy", "import", "/"], "GWL0006", "/"),
        (["run"], "GWL0005", ""),
        (["run", "--"], "GWL0005", ""),
        (["run", "--nmae", "X", "--", "true"], "GWL0001", "--nmae"),
        (["cl"], "GWL000A", ""),
        (["cl", "-f", "x.cl", "GO MAIN"], "GWL000B", "x.cl"),
        (["cl", "-f", "/no/such/file"], "GWL0006", "/no/such/file"),
        ([], "GWL000D", ""),
    ],
)
def test_wrong_usage_is_said_with_an_id_and_ends_with_two(bare_shell, tmp_path, arguments, message_id, value):
    assert value in refused(bare_shell(*arguments), 2, message_id)
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_shown(shell):
    assert shell("--version").stdout.startswith("greenwall ")


def test_the_installed_command_and_the_module_are_the_same(tmp_path):
    environment = {**os.environ, "GREENWALL_STORE": f"sqlite:///{tmp_path}/x.db"}
    for start in ([str(Path(sys.executable).with_name("greenwall"))], [sys.executable, "-m", "console"]):
        process = subprocess.run(
            [*start, "show", "sockets"], capture_output=True, text=True, env=environment, timeout=60
        )
        assert (process.returncode, process.stderr[:8]) == (2, "GWL0004 ")


def test_commands_are_run_in_order_with_their_completion_messages(shell):
    result = shell("cl", ADD, "ACTSOCPCY TEXT('first')", "WRKSOCRUL")
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:2] == ["GWL0140 Rule 40 added to *CONNECT.", "GWL0148 Revision 2 is active: 1 rule added."]
    assert lines[-1].split()[1] == "*DFT"


def test_the_commands_are_listed_with_their_keywords(bare_shell, tmp_path):
    lines = bare_shell("cl", "--list").stdout.splitlines()
    (add,) = [line for line in lines if line.startswith("ADDSOCRUL ")]
    assert " EXITPNT [SEQNBR] [USRPRF] " in add
    assert " ACTION " in add
    assert list(tmp_path.iterdir()) == []


def test_the_first_command_that_fails_is_the_last(shell):
    result = shell("cl", ADD, ADD, "RMVSOCRUL *CONNECT 40")
    assert (result.returncode, result.stdout) == (1, "GWL0140 Rule 40 added to *CONNECT.\n")
    assert result.stderr.startswith("GWL0320 ")
    assert "GWL000C" in result.stderr
    assert len(shell("show", "rules", "--json").stdout.splitlines()) == 4


def test_a_fault_in_a_file_is_named_with_its_line_and_column(shell, tmp_path):
    script = tmp_path / "rules.cl"
    script.write_text("/* rules */\n\nADDSOCRUL *CONNECT 40 +\n    AKTION(*REJECT)\n")
    line = refused(shell("cl", "-f", str(script)), 1, "GWL0103")
    assert "AKTION in column 5" in line
    assert line.endswith("rules.cl, line 4)")


def test_commands_are_read_from_standard_input(shell):
    assert shell("cl", "-f", "-", text=ADD + "\n").returncode == 0


def test_commands_that_need_panels_are_refused(shell):
    refused(shell("cl", "GO MAIN"), 1, "GWL0115")
    refused(shell("cl", "?ADDSOCRUL"), 1, "GWL0114")


def test_a_named_store_that_is_not_there_is_not_made_by_looking(bare_shell, tmp_path):
    refused(bare_shell("show", "rules"), 1, "GWL0308")
    refused(bare_shell("policy", "export"), 1, "GWL0308")
    refused(bare_shell("journal", "verify"), 1, "GWL0308")
    assert list(tmp_path.glob("*.db")) == []


@pytest.mark.parametrize("url", ["nonsense", "sqlite:///:memory:", "sqlite:////no/such/directory/x.db"])
def test_a_store_that_cannot_be_opened_is_refused(shell, url):
    assert shell("--store", url, "cl", ADD).stderr.startswith("GWL03")


def test_the_option_wins_over_the_environment(bare_shell, tmp_path):
    bare_shell("--store", f"sqlite:///{tmp_path}/other.db", "cl", ADD)
    assert (tmp_path / "other.db").exists()
    assert not (tmp_path / "shell.db").exists()


def test_rules_are_shown_with_stable_names(shell):
    shell("cl", ADD)
    first = json.loads(shell("show", "rules", "--json").stdout.splitlines()[1])
    assert list(first) == [
        "exit_point", "sequence", "user", "local_address", "local_port", "remote_address", "remote_port", "program",
        "time_group", "action", "fail", "audit", "message", "active", "text",
    ]  # fmt: skip
    assert (first["exit_point"], first["sequence"], first["remote_address"]) == ("*CONNECT", 40, "10.0.0.0/8")


def test_the_active_rules_are_shown_when_asked_for(shell):
    shell("cl", ADD)
    assert len(shell("show", "rules", "--active", "--json").stdout.splitlines()) == 3


def test_every_subject_has_a_table_and_json(shell):
    shell("cl", ADD)
    for subject in ("rules", "exit-points", "policy", "journal", "jobs", "workers", "alerts", "messages"):
        table, lines = shell("show", subject), shell("show", subject, "--json")
        assert (table.returncode, lines.returncode) == (0, 0), table.stderr + lines.stderr
        assert table.stdout
        assert all(json.loads(line) for line in lines.stdout.splitlines())


def test_a_job_that_lost_its_guard_is_not_shown_as_one_that_ended(shell, tmp_path):
    store, began = open_store(f"sqlite:///{tmp_path}/shell.db"), datetime(2026, 3, 1, tzinfo=UTC)
    with transaction(store) as session:
        fields = {"user": "ALICE", "command": "true", "pid": 1, "started": began}
        for number, (name, status) in enumerate((("DONE", 0), ("GONE", None))):
            add_guard(session, guard_id=f"{number:032x}", job_name=name, **fields)
            end_guard(session, f"{number:032x}", at=began, exit_status=status)
    store.close()
    assert [line.split()[:2] for line in shell("show", "jobs").stdout.splitlines()[1:]] == [
        ["000002/ALICE/GONE", "*LOST"],
        ["000001/ALICE/DONE", "*ENDED"],
    ]


def test_the_policy_says_how_many_changes_wait(shell):
    shell("cl", ADD)
    shown = json.loads(shell("show", "policy", "--json").stdout)
    assert (shown["active_revision"], shown["pending_changes"], shown["pending_rules"]) == (1, 1, 4)
    assert shown["made_at"].endswith("Z")


def test_exit_programs_and_settings_are_shown_pending_and_active(shell):
    shell("cl", "ADDEXITPGM *ACCEPT 2 site:ask TIMLMT(250) TEXT('Partners')", "CHGSOCPCY UDP(*DECIDE)")
    accept, connect, listen = map(json.loads, shell("show", "exit-points", "--json").stdout.splitlines())
    assert accept["exit_programs"] == [
        {"number": 2, "program": "site:ask", "time_limit_ms": 250, "text": "Partners"},
    ]
    assert connect["exit_programs"] == listen["exit_programs"] == []
    table = shell("show", "exit-points").stdout.splitlines()
    assert table[-1].split() == ["*ACCEPT", "2", "site:ask", "250", "Partners"]
    assert shell("show", "exit-points", "--active").stdout.splitlines()[-1] == "(No exit programs)"
    policy = json.loads(shell("show", "policy", "--json").stdout)
    assert (policy["exit_programs"], policy["udp"], policy["raw_sockets"]) == (0, "*IGNORE", "*REFUSE")
    assert (policy["pending_exit_programs"], policy["pending_udp"]) == (1, "*DECIDE")
    assert policy["pending_changes"] == 2
    assert "Pending UDP  . . . . . . . . : *DECIDE" in shell("show", "policy").stdout


def test_imported_exit_programs_leave_gr_entries_of_their_types(shell, tmp_path):
    document = POLICY + "exit_programs:\n  - {exit_point: accept, number: 2, program: 'site:ask'}\nudp: decide\n"
    assert "1 exit program added" in shell("policy", "import", "-", text=document).stdout
    shell("policy", "import", "-", text=document.replace("site:ask", "other:ask"))
    shell("policy", "import", "-", text=POLICY)
    store = open_store(f"sqlite:///{tmp_path}/shell.db")
    with reading(store) as session:
        found = [
            (json.loads(each.detail).get("type"), each.text) for each in waiting(session) if "program" in each.text
        ]
        settings = [each for each in waiting(session) if each.text.startswith("udp")]
    store.close()
    assert found == [
        ("A", "*ACCEPT program 2 added by import"),
        ("R", "*ACCEPT program 2 changed by import"),
        ("D", "*ACCEPT program 2 removed by import"),
    ]
    assert [each.exit_point for each in settings] == ["", ""]


def test_a_policy_file_is_checked_without_a_store(shell, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    result = shell("policy", "check", str(file), GREENWALL_STORE="nonsense")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("GWL0010 ")


def test_a_fault_in_a_policy_is_named_with_its_place(shell):
    line = refused(shell("policy", "check", "-", text=POLICY.replace("*REJECT", "*REJCT")), 1, "GWL0201")
    assert "8" in line
    assert "*REJCT" in line


def test_an_unknown_service_is_a_warning(shell):
    result = shell("policy", "check", "-", text=POLICY.replace("https", "no-such-service"))
    assert result.returncode == 0
    assert result.stderr.startswith("GWL0125 Service no-such-service in rule 10 of *CONNECT")


def test_a_file_that_is_not_utf_8_is_refused_with_its_line(shell, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"greenwall: 1\n# caf\xe9\n")
    assert "octet E9 on line 2" in refused(shell("policy", "check", str(file)), 2, "GWL0007")


def test_a_policy_is_imported_as_pending_and_exported_the_same(shell, tmp_path):
    shell("cl", ADD)
    result = shell("policy", "import", "-", text=POLICY)
    assert result.stdout == (
        "GWL0011 4 rules are pending (1 rule added, 1 rule removed, 1 mode changed). ACTSOCPCY activates them.\n"
    )
    file = tmp_path / "out.yaml"
    assert shell("policy", "export", str(file)).returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = shell("policy", "import", str(file))
    assert "(nothing changed)" in again.stdout
    assert shell("policy", "export", "-").stdout == file.read_text()


def test_an_import_that_fails_leaves_the_pending_policy(shell):
    shell("cl", ADD)
    before = shell("policy", "export").stdout
    refused(shell("policy", "import", "-", text=POLICY + "  - {}\n"), 1, "GWL0229")
    assert shell("policy", "export").stdout == before


def test_the_active_policy_is_exported_when_asked_for(shell):
    shell("cl", ADD)
    assert "10.0.0.0/8" in shell("policy", "export").stdout
    assert "10.0.0.0/8" not in shell("policy", "export", "--active").stdout


def test_a_file_that_cannot_be_written_is_refused(shell, tmp_path):
    shell("cl", ADD)
    refused(shell("policy", "export", str(tmp_path / "no" / "such.yaml")), 2, "GWL0009")


def test_an_export_onto_a_device_leaves_the_device(shell):
    shell("cl", ADD)
    assert shell("policy", "export", "/dev/null").returncode == 0
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_fresh_journal_verifies(shell):
    shell("cl", ADD)
    assert shell("journal", "verify").stdout.startswith("GWL0601 ")


def test_a_reader_that_goes_away_is_no_error(shell, tmp_path):
    shell("cl", ADD)
    command = f"{sys.executable} -m console --store sqlite:///{tmp_path}/shell.db show rules | true"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert result.stderr == ""


def test_running_a_command_loads_no_database_and_no_screen():
    probe = (
        "import sys; sys.argv = ['greenwall', 'run']; import console.__main__ as m; m.main();"
        "print(sorted({'sqlalchemy', 'sqlmodel', 'textual', 'rich'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout == "[]\n"


def write_entries(url, count):
    store = open_store(url)
    with transaction(store) as session:
        for number in range(1, count + 1):
            fields = dict.fromkeys(JournalEntry.model_fields, "")
            numbers = ("rule_sequence", "revision", "pid", "local_port", "remote_port", "decision_us", "guard_number")
            fields |= dict.fromkeys(numbers, 0)
            moment = datetime(2026, 3, 1, 12, 0, number, tzinfo=UTC)
            fields |= {"sequence_number": number, "entry_timestamp": moment, "chain_hash": "0" * 64}
            session.add(JournalEntry.model_validate(fields | {"receiver_name": "AUDRCV0001", "entry_type": "SK"}))
    store.close()


def test_the_journal_is_shown_whole_or_its_newest_entries_oldest_first(shell, tmp_path):
    write_entries(f"sqlite:///{tmp_path}/shell.db", 3)
    whole = [json.loads(line) for line in shell("show", "journal", "--json").stdout.splitlines()]
    newest = [json.loads(line) for line in shell("show", "journal", "--json", "--last", "2").stdout.splitlines()]
    assert [entry["sequence_number"] for entry in whole] == [1, 2, 3]
    assert newest == whole[1:]
    assert whole[0]["entry_timestamp"] == "2026-03-01T12:00:01.000000Z"
    assert list(whole[0])[:22] == [
        "sequence_number", "entry_timestamp", "receiver_name", "journal_code", "entry_type", "sk_type", "outcome",
        "exit_point", "rule_sequence", "revision", "user_name", "qualified_job_name", "pid", "program",
        "address_family", "local_address", "local_port", "remote_address", "remote_port", "socks_server",
        "decision_us", "text",
    ]  # fmt: skip


def test_a_journal_that_was_tampered_with_does_not_verify(shell, tmp_path):
    write_entries(f"sqlite:///{tmp_path}/shell.db", 1)
    result = shell("journal", "verify")
    refused(result, 1, result.stderr.split()[0])
    assert result.stderr.startswith("GWL06")


def test_a_file_that_is_too_large_is_refused(shell, tmp_path):
    file = tmp_path / "huge"
    with file.open("wb") as sparse:
        sparse.truncate(64 * 1024 * 1024 + 1)
    refused(shell("policy", "check", str(file)), 2, "GWL0008")


def test_an_export_that_fails_leaves_the_file_that_was_there(shell, tmp_path, monkeypatch):
    shell("cl", ADD)
    file = tmp_path / "out.yaml"
    file.write_text("before")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    refused(shell("policy", "export", str(file)), 2, "GWL0009")
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.glob(".out*")] == []


ADD_SOCKS = (
    "ADDSOCKSE 10 RMTADR('10.0.0.0/8') TYPE(*DIRECT)",
    "ADDSOCKSE 20 SERVER(proxy.example [2001:db8::1]:9050) USERID('anna') PASSWORD('hunter2') TEXT('out')",
)


def test_socks_entries_are_shown_with_names_that_stay_and_without_their_passwords(shell):
    shell("cl", *ADD_SOCKS)
    result = shell("show", "socks", "--json")
    assert [json.loads(line) for line in result.stdout.splitlines()][1] == {
        "sequence": 20,
        "remote_address": "*ANY",
        "remote_port": "*ANY",
        "user": "*ALL",
        "type": "*SOCKS",
        "servers": ["proxy.example", "[2001:db8::1]:9050"],
        "version": "5",
        "user_id": "anna",
        "password": "*SET",
        "time_limit_ms": 30_000,
        "text": "out",
    }
    assert shell("show", "socks").stdout.splitlines()[2].split()[:6] == [
        "20", "*ALL", "*ANY", "*ANY", "*SOCKS", "proxy.example"
    ]  # fmt: skip
    assert shell("show", "socks", "--active", "--json").stdout == ""


def test_an_export_has_passwords_only_when_it_is_asked_to(shell, tmp_path):
    shell("cl", *ADD_SOCKS)
    plain, full = shell("policy", "export").stdout, shell("policy", "export", "--with-secrets").stdout
    assert "hunter2" not in plain
    assert 'password: "hunter2"' in full
    assert "\n".join(line for line in full.splitlines() if "password" not in line) + "\n" == plain
    path = tmp_path / "full.yaml"
    shell("policy", "export", "--with-secrets", str(path))
    assert path.read_text() == full
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_importing_what_was_exported_changes_nothing_with_passwords_or_without(shell):
    shell("cl", *ADD_SOCKS)
    for option in ([], ["--with-secrets"]):
        text = shell("policy", "export", *option).stdout
        result = shell("policy", "import", "-", text=text)
        assert "(nothing changed)" in result.stdout
        assert result.stderr == ""
    assert 'password: "hunter2"' in shell("policy", "export", "--with-secrets").stdout


def test_an_import_without_its_password_says_so_and_one_with_it_keeps_it_sealed(shell, tmp_path):
    shell("cl", *ADD_SOCKS)
    plain, full = shell("policy", "export").stdout, shell("policy", "export", "--with-secrets").stdout
    shell("cl", "RMVSOCKSE 20")
    result = shell("policy", "import", "-", text=plain)
    assert result.returncode == 0
    assert result.stderr.startswith("GWL012A SOCKS entry 20 has user id anna and no password yet.\n")
    assert json.loads(shell("show", "socks", "--json").stdout.splitlines()[1])["password"] == "*MISSING"
    assert shell("policy", "check", "-", text=plain).stderr.startswith("GWL012A ")
    shell("policy", "import", "-", text=full)
    assert shell("policy", "export", "--with-secrets").stdout == full


def test_no_password_is_in_the_store_or_in_what_is_printed(shell, tmp_path):
    said = [
        shell(
            "cl",
            *ADD_SOCKS,
            "CHGSOCKSE 20 PASSWORD('hunter3')",
            "CPYSOCKSE 20",
            "DSPSOCKSE 20",
            "WRKSOCKSE",
            "CFGSOCKS",
        ),
        shell("policy", "export"),
        shell("policy", "import", "-", text=shell("policy", "export", "--with-secrets").stdout),
        shell("cl", "ADDSOCKSE 20 SERVER(a) USERID(x) PASSWORD('hunter2')"),
        shell("cl", f"ADDSOCKSE 30 SERVER(a) USERID(x) PASSWORD('hunter2{'x' * 300}')"),
        shell("cl", "ADDSOCKSE 30 SERVER(a) USERID(x) PASSWORD(hunter2 hunter3)"),
        shell("cl", "ADDSOCKSE 30 SERVER(a) PASSWORD(hunter2)"),
        shell("show", "socks", "--json"),
    ]
    assert [result.returncode for result in said] == [0, 0, 0, 1, 1, 1, 1, 0]
    assert "hunter" not in "".join(result.stdout + result.stderr for result in said)
    with closing_store(tmp_path) as store, reading(store) as session:
        assert "hunter" not in "".join(f"{entry.text} {entry.detail}" for entry in waiting(session))
    for path in tmp_path.iterdir():
        assert b"hunter" not in path.read_bytes(), path


def test_a_policy_with_socks_servers_is_activated(shell):
    shell("cl", *ADD_SOCKS)
    assert "SOCKS entries added" in shell("cl", "ACTSOCPCY").stdout
    assert json.loads(shell("show", "policy", "--json").stdout)["active_revision"] == 2


def test_an_entry_that_no_connection_can_take_is_warned_of(shell):
    text = "greenwall: 1\nsocks:\n- {sequence: 10, type: direct}\n- {sequence: 20, servers: a}\n"
    result = shell("policy", "check", "-", text=text)
    assert result.returncode == 0
    assert result.stderr.startswith("GWL024E SOCKS entry 20 can never be taken; entry 10 matches all that it matches.")


def test_each_subject_of_show_has_the_authority_of_a_command():
    assert SHOWN_BY.keys() == SUBJECTS.keys()
    assert set(SHOWN_BY.values()) <= COMMANDS.keys()


def test_revisions_are_shown_with_stable_names(shell):
    shell("cl", ADD, "ACTSOCPCY 'first' CONFIRM(5)")
    first, second = (json.loads(line) for line in shell("show", "revisions", "--json").stdout.splitlines())
    assert list(first) == ["revision", "active", "confirm_until", "made_at", "made_by", "text"]
    assert (first["revision"], first["active"], first["text"]) == (2, True, "first")
    assert (second["active"], second["confirm_until"]) == (False, None)


def test_connections_are_shown_as_coverage_is(shell):
    lines = shell("show", "connections", "--json").stdout.splitlines()
    assert all({"local_address", "state", "engine", "processes"} <= json.loads(line).keys() for line in lines)
