"""Comparing policies by their names."""

from __future__ import annotations

import pytest

from console.commands import host
from console.commands.execute import run_command
from console.errors import ConsoleError

ADD = "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR({}) RMTPORT({}) ACTION(*REJECT)"


def compare(context, *given):
    """Return what is said, and the listing's lines as words."""
    result = run_command(" ".join(["CMPSOCPCY", *given]), context)
    (message,) = result.messages
    return message.text, [line.split() for line in result.lines]


@pytest.fixture
def revisions(context):
    """Return a context with three revisions and a pending change."""
    run_command(ADD.format(40, 25), context)
    run_command("ACTSOCPCY", context)
    run_command("CHGSOCRUL *CONNECT 40 RMTPORT(26)", context)
    run_command("CHGSOCEXT *LISTEN *OFF", context)
    run_command("ACTSOCPCY", context)
    run_command(ADD.format(50, 80), context)
    return context


def test_what_an_activation_would_change_is_what_it_says_without_more(revisions):
    told, (_, row) = compare(revisions)
    assert told == "From revision 3 to the pending policy: 1 rule added."
    assert row[:3] == ["Added", "*CONNECT", "50"]


@pytest.mark.parametrize(("old", "new", "told"), [
    ("2", "*ACTIVE", "From revision 2 to revision 3: 1 rule changed, 1 mode changed."),
    ("1", "2", "From revision 1 to revision 2: 1 rule added."),
    ("2", "1", "From revision 2 to revision 1: 1 rule removed."),
    ("*PENDING", "3", "From the pending policy to revision 3: 1 rule removed."),
    ("active", "003", "From revision 3 to revision 3: nothing differs."),
    ("*pending", "*pending", "From the pending policy to the pending policy: nothing differs."),
])  # fmt: skip
def test_any_two_can_be_compared(revisions, old, new, told):
    if old == "active":
        old = "*active"
    assert compare(revisions, f"FROM({old})", f"TO({new})")[0] == told


def test_a_change_shows_both_sides(revisions):
    _, (headings, *rows) = compare(revisions, "2", "3")
    assert headings == ["Change", "What", "Before", "After"]
    assert ["Changed", "*LISTEN", "mode", "*ENFORCE", "*OFF"] in rows
    assert ["Changed", "*CONNECT", "40", "remote_port", "25", "remote_port", "26"] in rows


def test_policies_that_are_alike_have_no_listing(context):
    assert compare(context) == ("From revision 1 to the pending policy: nothing differs.", [])


def test_services_whose_ports_have_changed_are_told_of(context, monkeypatch):
    run_command(ADD.format(40, "https"), context)
    run_command("ACTSOCPCY", context)
    monkeypatch.setattr(host, "service_port", lambda name: 4433)
    run_command("ACTSOCPCY", context)
    assert compare(context)[0] == "From revision 3 to the pending policy: nothing differs."
    assert compare(context, "2", "3")[0] == "From revision 2 to revision 3: services have other ports."


def test_no_password_is_shown(context):
    run_command("ADDSOCKSE SEQNBR(10) SERVER(a) USERID(u) PASSWORD(hunter2)", context)
    run_command("ACTSOCPCY", context)
    run_command("CHGSOCKSE SEQNBR(10) PASSWORD(hunter3)", context)
    told, lines = compare(context)
    assert told == "From revision 2 to the pending policy: 1 SOCKS entry changed."
    assert "hunter" not in repr(lines)


@pytest.mark.parametrize(
    ("value", "message_id"),
    [("0", "GWL0113"), ("-1", "GWL0113"), ("*ALL", "GWL0113"), ("2147483648", "GWL0113"), ("99", "GWL0325")],
)
def test_what_is_no_policy_is_refused(context, value, message_id):
    with pytest.raises(ConsoleError) as caught:
        run_command(f"CMPSOCPCY FROM({value})", context)
    assert caught.value.message_id == message_id
