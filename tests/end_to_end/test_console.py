"""The console by its keys, in a real terminal: the main job from the first screen to the entry in the journal."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.command import COMMAND

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]


@pytest.fixture(params=[(80, 24), (132, 30)], ids=["80x24", "132x30"])
def console(greenwall, terminal, request):
    """Return a terminal in which the console shows its main menu."""
    screen = terminal(greenwall.arguments(), request.param)
    screen.wait_for("Greenwall Main Menu")
    return screen


def add_rule_by_keys(console, port):
    """Write a rule that rejects connecting to a local port, on the list of socket rules, and leave it pending."""
    console.enter("2")
    console.wait_for("Work with Socket Rules")
    console.press("F6")
    console.wait_for("Add Socket Rule (ADDSOCRUL)")
    console.fill("Exit point", "*connect")
    console.fill("Action", "*reject")
    console.fill("Remote address", "127.0.0.1")
    console.fill("Remote port", str(port))
    console.press("Enter")
    console.wait_for("Rule 10 added to *CONNECT.")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_rule_written_by_keys_refuses_curl_and_the_refusal_is_on_the_journal_panel(greenwall, console, server_port):
    address = f"127.0.0.1:{server_port}"
    add_rule_by_keys(console, server_port)
    assert "Pending changes  . :  1" in console.screen()
    assert greenwall.run("curl", "-sS", f"http://{address}/").stdout == "hi\n", "a pending rule decides nothing"

    console.press("F10")
    console.wait_for("Confirm Activation of Pending Policy")
    console.press("Enter")
    console.wait_for("Revision 2 is active: 1 rule added.")

    refused = greenwall.run("curl", "-sSv", f"http://{address}/")
    assert (refused.returncode, refused.stdout) == (7, "")
    assert "Operation not permitted" in refused.stderr

    console.move_to("===>")
    console.enter("dspjrn")
    shown = console.wait_for("Display Journal Entries")
    (rejected,) = [line for line in shown.splitlines() if "*REJECTED" in line]
    assert "SK C" in rejected
    assert address in rejected
    (allowed,) = [line for line in shown.splitlines() if "*ALLOWED" in line]
    assert address in allowed

    console.move_to(rejected)
    console.enter("5")
    console.wait_for("Display Journal Entry")
    console.press("F9")
    first = console.wait_for("Rule that decided")
    for field, value in (
        ("Outcome", "*REJECTED  -  the call was refused"),
        ("Rule that decided", "10"),
        ("Remote IP address", "127.0.0.1"),
        ("Remote port", str(server_port)),
    ):
        (line,) = {line for line in first.splitlines() if line.startswith(f" {field}")}
        assert line.endswith(f":   {value}")
    console.press("PageDown")
    console.wait_for("Rule 10 of *CONNECT as revision 2 has it")

    console.press("F6")
    prompted = console.wait_for("From journal entry")
    (action,) = [line for line in prompted.splitlines() if line.startswith(" Action")]
    assert "> *ALLOW" in action
    (number,) = [line for line in prompted.splitlines() if line.startswith(" Sequence number")]
    assert "> 5" in number, "before the rule that decided"
    console.press("F12")
    console.wait_for("Rule 10 of *CONNECT as revision 2 has it")


def test_audit_report_counts_what_was_let_go_and_what_was_refused(greenwall, console, server_port):
    address = ("127.0.0.1", server_port)
    connect = f"import socket; socket.create_connection({address!r}).close()"
    assert greenwall.run("python3", "-c", connect).returncode == 0
    greenwall.cl("ADDSOCRUL *CONNECT 10 RMTADR(127.0.0.1) ACTION(*REJECT)", "ACTSOCPCY")
    assert greenwall.run("python3", "-c", connect).returncode == 1

    console.enter("dspaudrpt by(*port *outcome)")
    shown = console.wait_for("Display Audit Report")
    assert "Entries 2   accepted 1   refused 1" in shown
    assert shown.count("█") == 2
    (line,) = [line for line in shown.splitlines() if f" {server_port} " in line]
    assert line.split()[1:4] == ["2", "1", "1"]
    console.press("F11")
    console.wait_for("*REJECTED")

    console.press("S-F9")
    console.wait_for("Page with pictures")
    console.press("Tab", "Tab")
    console.enter("1")
    console.wait_for("Report on 2 entries written to")
    (path,) = greenwall.directory.glob("print-*.html")
    assert path.read_text(encoding="utf-8").count("<svg") == 2
    assert path.stat().st_mode & 0o777 == 0o600


def test_console_gives_the_terminal_back_as_it_was(greenwall, terminal):
    # The shell goes on afterwards: tmux scrolls the screen of a command that has ended.
    script = 'echo before; "$@"; echo "left with $?"; read -r line'
    screen = terminal(["sh", "-c", script, "sh", *greenwall.arguments()])
    screen.wait_for("Greenwall Main Menu")
    screen.enter("90")
    shown = screen.wait_for("left with 0")
    assert "before" in shown
    assert "Main Menu" not in shown


def test_demo_shows_its_own_traffic_and_leaves_nothing_behind(terminal, tmp_path):
    screen = terminal([COMMAND, "demo"], TMPDIR=str(tmp_path))
    screen.wait_for("Greenwall Main Menu", 60)
    assert list(tmp_path.glob("greenwall-demo-*"))
    screen.enter("5")
    screen.wait_for("Display Journal Entries")
    for wanted in ("*ALLOWED", "*REJECTED"):
        while wanted not in screen.screen():
            screen.press("F5")
            screen.wait_for("Display Journal Entries")
    screen.press("F3")
    screen.wait_for("Greenwall Main Menu")
    screen.enter("90")
    assert screen.wait_for_end(30) == 0
    assert not list(tmp_path.glob("greenwall-demo-*"))


def test_demo_that_cannot_guard_says_why_and_leaves_nothing_behind(terminal, programs, tmp_path):
    screen = terminal([programs.get("old_kernel"), COMMAND, "demo"], TMPDIR=str(tmp_path))
    assert screen.wait_for_end(60) == 1
    shown = screen.screen()
    assert "GWL0083" in shown
    assert "GWL0403" in shown
    assert not list(tmp_path.glob("greenwall-demo-*"))


def is_demo(process, directory):
    try:
        is_python = "python" in Path(process.exe()).name  # and not the terminal that it runs in
        return (
            is_python and process.cmdline()[-2:] == [COMMAND, "demo"] and process.environ()["TMPDIR"] == str(directory)
        )
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def test_demo_ended_by_a_signal_leaves_nothing_behind(terminal, tmp_path):
    screen = terminal([COMMAND, "demo"], TMPDIR=str(tmp_path))
    screen.wait_for("Greenwall Main Menu", 60)
    (demo,) = [process for process in psutil.process_iter() if is_demo(process, tmp_path)]
    below = demo.children(recursive=True)
    demo.terminate()
    assert screen.wait_for_end(30) == 128 + signal.SIGTERM
    assert not list(tmp_path.glob("greenwall-demo-*"))
    alive = [process for process in below if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    assert alive == []


def test_two_sessions_a_search_and_sign_off_by_keys_alone(console):
    screen = console
    screen.enter("go rules")
    screen.wait_for("Exit Points, Rules and Policy")
    screen.press("C-c")
    screen.wait_for("System request")
    screen.press("Enter")
    screen.wait_for("Begin a second session, B")
    screen.enter("1")
    screen.wait_for("Greenwall Main Menu")
    screen.press("F9")
    screen.wait_for("===> go rules")
    screen.press("F1")
    screen.wait_for("F11=Search index")
    screen.press("F11")
    screen.wait_for("Search Help Index")
    screen.enter("emergency")
    screen.wait_for("found)")
    screen.press("F12", "F12", "C-c")
    screen.wait_for("System request")
    screen.enter("1")
    screen.wait_for("Exit Points, Rules and Policy")
    screen.enter("signoff")
    assert screen.wait_for_end() == 0
