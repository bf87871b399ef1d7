"""An operator's round on the console, by keys alone: in a shell, and through OpenSSH's client."""

from __future__ import annotations

import contextlib
import shutil

import pytest

from tests.end_to_end.ssh import ssh_server
from tests.serve.people import PASSWORD, add_person

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]

NETWORKS = 25
"""Rules that there are: three pages at 24 rows."""


def sign_on_in_a_shell(greenwall, terminal, _directory, stack):
    del stack
    console = terminal(greenwall.arguments("--sign-on"))
    console.wait_for("Sign On")
    console.fill("User", "alice")
    console.type(PASSWORD)
    console.press("Enter")
    return console


def sign_on_over_ssh(greenwall, terminal, directory, stack):
    server = stack.enter_context(ssh_server(greenwall, directory))
    console = terminal(server.words(options=("-o", "PubkeyAuthentication=no")))
    console.wait_for("password:")
    console.enter(PASSWORD)
    return console


WAYS = {"in a shell": sign_on_in_a_shell, "over ssh": sign_on_over_ssh}


@pytest.fixture
def stack():
    with contextlib.ExitStack() as opened:
        yield opened


@pytest.fixture(params=WAYS)
def console(greenwall, terminal, tmp_path, stack, request):
    if request.param == "over ssh" and shutil.which("ssh") is None:
        pytest.skip("ssh is not installed")
    greenwall.cl(*(f"ADDSOCRUL *CONNECT {10 * n} RMTADR('10.9.{n}.0/24') ACTION(*ALLOW)" for n in range(1, NETWORKS)))
    add_person(greenwall.url, "ALICE")
    opened = WAYS[request.param](greenwall, terminal, tmp_path, stack)
    opened.wait_for("Greenwall Main Menu")
    return opened


def on_row(console, text, option):
    """Type an option on the row of a list that shows a text."""
    row = next(line for line in console.screen().splitlines() if text in line)
    console.move_to(row)
    console.type(option)


def fill_prompt(console, title, **values):
    console.wait_for(title)
    for label, value in values.items():
        console.fill(label.replace("_", " "), value)
    console.press("Enter")


def test_operator_adds_rules_over_two_pages_activates_and_makes_one_of_an_entry(greenwall, console, server_port):
    port = str(server_port)
    console.enter("wrksocrul")
    console.wait_for("Work with Socket Rules")
    console.type("1")  # on the row for input
    on_row(console, "10.9.2.0/24", "3")
    console.press("PageDown")
    console.wait_for("10.9.12.0/24")
    on_row(console, "10.9.12.0/24", "3")
    console.press("Enter")
    fill_prompt(console, "Add Socket Rule (ADDSOCRUL)", Sequence_number="5", Action="*reject",
                Remote_address="127.0.0.1", Remote_port=port)  # fmt: skip
    fill_prompt(console, "Copy Socket Rule (CPYSOCRUL)", To_sequence_number="21")
    fill_prompt(console, "Copy Socket Rule (CPYSOCRUL)", To_sequence_number="121")
    console.wait_for("Pending changes  . :  27")

    console.press("F10")
    console.wait_for("Confirm Activation of Pending Policy")
    console.press("Enter")
    console.wait_for("Revision 2 is active")
    fetch = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    assert greenwall.run("python3", "-c", fetch).returncode == 1

    console.move_to("===>")
    console.enter("dspjrn")
    console.wait_for("Display Journal Entries")
    on_row(console, "*REJECTED", "14")
    console.press("Enter")
    fill_prompt(console, "Add Socket Rule (ADDSOCRUL)")
    console.wait_for("added to *CONNECT.")
    rules = {rule["sequence"]: rule["action"] for rule in greenwall.show("rules") if rule["exit_point"] == "*CONNECT"}
    assert [number for number in rules if number in (5, 21, 121)] == [5, 21, 121]
    assert [number for number, action in rules.items() if number < 5 and action == "*ALLOW"], (
        "above the one that decided"
    )

    console.press("F9")  # the command line, in a window
    console.move_to("===>")
    console.enter("signoff")
    console.wait_until_gone("Display Journal Entries")
    assert "GWL" not in console.screen()
