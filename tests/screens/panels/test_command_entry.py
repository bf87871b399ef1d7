"""Command Entry: what was run since sign-on with its messages, and what is typed next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.store.rules import list_rules
from console.store.session import reading
from screens.panels.main_menu import MainMenu
from screens.terminal.page import WIDE
from tests.screens.panels.operator import Operator

ADD = "ADDSOCRUL *CONNECT 10 RMTADR('10.0.0.0/8') ACTION(*REJECT)"


@pytest.fixture
def entry(operator):
    """Return an operator at Command Entry who has run one command that worked and one that did not."""
    operator.command("QCMD").command(ADD).command(ADD)
    return operator.type(CMD="")


def test_it_looks_as_drawn(entry):
    assert entry.matches("command_entry")
    assert entry.press("F10").matches("command_entry_detailed")


def test_it_looks_as_drawn_on_a_wide_screen(services):
    wide = Operator(MainMenu(services, is_first=True), WIDE)
    assert wide.command("QCMD").command(ADD).matches("command_entry_wide")


def test_what_went_well_is_in_the_log_alone_and_what_did_not_stays_on_the_line(operator):
    operator.command("QCMD").command(ADD)
    assert operator.message_ids == []
    assert operator.buffer.values["CMD"] == ""
    operator.command(ADD)
    assert operator.message_ids == ["GWL0320"]
    assert operator.buffer.values["CMD"] == ADD
    assert operator.shown.count("  > ADDSOCRUL") == 2


def test_f1_on_a_message_of_the_log_tells_its_cause(entry):
    panel, page = entry.session.panel, entry.buffer.page
    keys = [region.help_key for region in page.regions if region.help_key.startswith("MESSAGE.")]
    told = panel.help(keys[-1])
    assert "GWL" in told.title
    assert "Recovery:" in told.text


def test_f9_on_a_command_of_the_log_brings_that_one_back_and_elsewhere_the_last(entry, services):
    entry.command("SNDMSG 'hello'")
    row = next(number for number, text in enumerate(entry.rows, 1) if "> ADDSOCRUL" in text)
    entry.buffer.move(row, 6)
    entry.press("F9")
    assert entry.buffer.values["CMD"] == ADD
    entry.go_to("CMD").press("F9")
    assert entry.buffer.values["CMD"] == "SNDMSG 'hello'"


def test_a_command_may_run_on_over_three_rows(operator, services):
    operator.command("QCMD")
    operator.command(ADD.replace(" ACTION", f"{'':160}ACTION"))
    with reading(services.context.store) as session:
        assert 10 in {rule.sequence for rule in list_rules(session)}


def test_what_a_command_shows_is_opened_on_top_and_f3_comes_back(operator):
    operator.command("QCMD").command("WRKSOCRUL *CONNECT")
    assert "Work with Socket Rules" in operator.title
    operator.press("F3")
    assert operator.title == "Command Entry"
    assert "> WRKSOCRUL *CONNECT" in operator.shown
    assert "Greenwall Main Menu" in operator.press("F3").title


def test_prompted_commands_and_those_of_other_panels_are_in_it(operator):
    operator.command("SNDMSG 'before'").command("QCMD").type(CMD="SNDMSG").press("F4")
    operator.enter(MSG="prompted")
    assert "before" in operator.shown
    assert "> SNDMSG MSG('prompted')" in operator.shown


def test_what_a_menu_ran_is_a_detail(operator):
    operator.command("2").press("F3").command("QCMD")
    assert "> WRKSOCRUL" not in operator.shown
    assert "> WRKSOCRUL" in operator.press("F10").shown
    assert "> WRKSOCRUL" not in operator.press("F10").shown


def test_passwords_are_left_out(operator):
    operator.command("CRTUSRPRF ALICE PASSWORD('a long enough word 7')").command("QCMD")
    assert "> CRTUSRPRF ALICE" in operator.shown
    assert "enough" not in operator.shown


def test_the_log_rolls_and_a_command_comes_back_to_its_end(operator):
    operator.command("QCMD")
    for number in range(20):
        operator.command(f"SNDMSG 'number {number}'")
    assert "number 19" in operator.shown
    assert "number 0'" not in operator.shown
    while operator.message_ids != ["GWL0702"]:
        operator.press("ROLLDOWN")
    assert "number 0'" in operator.shown
    assert "More..." in operator.shown
    operator.command("SNDMSG 'last'")
    assert "'last'" in operator.shown
    assert operator.press("ROLLUP").message_ids == ["GWL0701"]


def test_limited_user_comes_to_it_by_the_menu_and_keys_only_what_limited_users_may(services):
    eve = replace(services, context=replace(services.context, limited=True))
    operator = Operator(MainMenu(eve, is_first=True))
    assert operator.command("QCMD").message_ids == ["GWL1007"]
    operator.command("20").command("6")
    assert operator.title == "Command Entry"
    assert operator.command(ADD).message_ids == ["GWL1007"]
    with reading(eve.context.store) as session:
        assert 10 not in {rule.sequence for rule in list_rules(session)}
    assert operator.command("SNDMSG 'hello'").message_ids == []


def test_an_empty_line_does_nothing(operator):
    operator.command("QCMD").press("ENTER")
    assert operator.title == "Command Entry"
