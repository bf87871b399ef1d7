"""The main menu and what every command line does."""

from __future__ import annotations

import pytest

from screens.panels.main_menu import MainMenu


def test_the_menu_looks_as_drawn(operator):
    assert operator.matches("main_menu")


@pytest.mark.parametrize(
    ("option", "title"),
    [
        ("1", "Exit Points, Rules and Policy"),
        ("2", "Work with Socket Rules"),
        ("02", "Work with Socket Rules"),
        ("3", "SOCKS Servers and Routes"),
        ("4", "Jobs, Connections and Workers"),
        ("5", "Display Journal Entries"),
        ("6", "Journal, Reports and Auditing"),
        ("10", "Confirm Activation of Pending Policy"),
        ("70", "Display Threat Model"),
    ],
)
def test_an_option_opens_its_panel_and_f12_comes_back(operator, option, title):
    operator.command(option)
    assert operator.title.endswith(title)
    operator.press("F12")
    assert operator.title == "MAIN                         Greenwall Main Menu"
    assert operator.buffer.values["CMD"] == ""


def test_a_number_that_is_no_option_is_refused_and_stays_typed(operator):
    operator.command("77")
    assert operator.message == "Option 77 is not on this menu."
    assert operator.buffer.values["CMD"] == "77"


def test_enter_with_the_cursor_on_an_option_chooses_it(operator):
    operator.buffer.move(6, 10)
    operator.press("ENTER")
    assert operator.title == "Work with Socket Rules"


def test_the_command_line_runs_any_command(operator):
    operator.command("wrksocrul *listen")
    assert operator.title == "Work with Socket Rules"
    assert operator.buffer.values["EXITPNT"] == "*LISTEN"


def test_a_command_that_fails_stays_on_the_line(operator):
    operator.command("WRKSOCRULE")
    assert operator.message_ids == ["GWL0101"]
    assert operator.buffer.values["CMD"] == "WRKSOCRULE"


def test_a_command_too_long_for_one_row_goes_on_in_the_next(operator, services):
    text = "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(40) ACTION(*REJECT) RMTADR('10.0.0.0/8') TEXT('goes on in the next row')"
    operator.command(text)
    assert operator.message == "Rule 40 added to *CONNECT."
    assert services.history.before(1) == text


def test_f4_prompts_the_command_that_is_typed(operator):
    operator.type(CMD="ADDSOCRUL *LISTEN LCLPORT(22)").press("F4")
    assert operator.title == "Add Socket Rule (ADDSOCRUL)"
    assert operator.buffer.values["EXITPNT"] == "*LISTEN"
    assert operator.buffer.values["LCLPORT"] == "22"


def test_a_question_mark_prompts_too(operator):
    operator.command("?ADDSOCRUL *LISTEN")
    assert operator.title == "Add Socket Rule (ADDSOCRUL)"


def test_f4_on_an_empty_line_lists_the_commands_and_prompts_the_one_chosen(operator):
    operator.press("F4")
    assert operator.matches("commands_window")
    operator.type(POSTO="RNB").press("ENTER")
    operator.type_into(next(name for name in operator.buffer.contents if name.startswith("OPT.")), "1")
    operator.press("ENTER")
    assert operator.title == "Renumber Socket Rules (RNBSOCRUL)"


def test_f4_on_an_option_number_prompts_its_command(operator):
    operator.type(CMD="2").press("F4")
    assert operator.title == "Work with Socket Rules (WRKSOCRUL)"


def test_f4_on_an_option_that_prompts_anyway_prompts_its_command(operator):
    operator.command("GO RULES").type(CMD="3").press("F4")
    assert operator.title == "Test Socket Rules (TSTSOCRUL)"


def test_f9_walks_back_through_the_commands_of_all_panels(operator):
    operator.command("WRKREGINF").command("WRKSOCRUL *ACCEPT").press("F3")
    operator.press("F9")
    assert operator.buffer.values["CMD"] == "WRKSOCRUL *ACCEPT"
    operator.press("F9")
    assert operator.buffer.values["CMD"] == "WRKREGINF"
    operator.press("F9")
    assert operator.message_ids == ["GWL0704"]
    assert operator.buffer.values["CMD"] == "WRKREGINF"


def test_a_command_run_twice_in_a_row_is_retrieved_once(operator):
    operator.command("WRKREGINF").press("F12").command("WRKREGINF").press("F12").press("F9").press("F9")
    assert operator.message_ids == ["GWL0704"]


def test_a_prompted_command_is_retrieved_with_its_values(operator):
    operator.type(CMD="ADDSOCRUL").press("F4")
    operator.enter(EXITPNT="*LISTEN", ACTION="*REJECT", LCLPORT="23")
    operator.press("F9")
    assert operator.buffer.values["CMD"] == "ADDSOCRUL EXITPNT(*LISTEN) LCLPORT(23) ACTION(*REJECT)"


def test_go_main_from_anywhere_shows_the_menu(operator):
    operator.command("WRKREGINF").command("GO MAIN")
    assert "Greenwall Main Menu" in operator.title
    operator.press("F12")
    assert operator.title == "Work with Registration Information"


def test_f3_ends_the_console_when_pressed_twice_in_a_row(operator):
    operator.press("F3")
    assert operator.message == "Press F3 again to sign off."
    operator.press("ENTER").press("F3")
    assert not operator.outcome.finished
    operator.press("F3")
    assert operator.outcome.finished


@pytest.mark.parametrize("text", ["90", "signoff"])
def test_signing_off_ends_the_console(operator, text):
    operator.command(text)
    assert operator.outcome.finished


def test_f12_on_the_first_menu_stays(operator):
    operator.press("F12")
    assert "Greenwall Main Menu" in operator.title


def test_a_menu_above_another_is_left_by_f3(services):
    from tests.screens.panels.operator import Operator

    operator = Operator(MainMenu(services, is_first=True)).command("GO MAIN").press("F3")
    assert operator.message_ids == []
    assert len(operator.session._stack) == 1
