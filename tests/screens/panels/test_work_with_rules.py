"""Work with Socket Rules: options on many rows, positions, views, activation."""

from __future__ import annotations

import pytest

from console.model.words import ExitPoint
from console.store.revisions import active_number
from console.store.rules import list_rules
from console.store.session import reading
from screens.terminal.page import WIDE
from tests.screens.panels.operator import Operator

SOME = (
    "ADDSOCRUL *CONNECT 10 USRPRF(ALICE) RMTADR('10.0.0.0/8') RMTPORT(443) ACTION(*REJECT) TEXT('no printers')",
    "ADDSOCRUL *CONNECT 20 USRPRF(BATCH*) RMTADR('2001:db8:aaaa:bbbb:cccc:dddd:eeee:1') RMTPORT(1024-65535) "
    "ACTION(*ALLOW)",
    "ADDSOCRUL *CONNECT 30 PGM('/usr/bin/curl') ACTION(*REJECT) FAIL(*TIMEOUT) ACTIVE(*NO)",
)


def sequences(store, point=ExitPoint.CONNECT):
    with reading(store) as session:
        return [rule.sequence for rule in list_rules(session, point)]


def action(store, sequence):
    with reading(store) as session:
        return next(str(rule.action) for rule in list_rules(session, ExitPoint.CONNECT) if rule.sequence == sequence)


@pytest.fixture
def rules(operator, run):
    """Return an operator at the list, with three rules."""
    run(*SOME)
    return operator.command("WRKSOCRUL *CONNECT")


@pytest.fixture
def many(operator, run):
    """Return an operator at the list, with twenty rules on three pages."""
    run(*(f"ADDSOCRUL *CONNECT {number} RMTPORT({number}) ACTION(*ALLOW)" for number in range(10, 210, 10)))
    return operator.command("WRKSOCRUL *CONNECT")


def test_the_list_looks_as_drawn(rules):
    assert rules.matches("work_with_rules")


def test_the_other_views_look_as_drawn(rules):
    assert rules.press("F11").matches("work_with_rules_local")
    assert rules.press("F11").matches("work_with_rules_text")
    rules.press("F11")
    assert "Remote address" in rules.row(9)


def test_a_wide_screen_shows_all_columns(rules, services):
    wide = Operator(services.open("WorkWithRules", {"EXITPNT": "*CONNECT"}), WIDE)
    assert wide.matches("work_with_rules_wide")


def test_all_exit_points_together(rules):
    assert rules.enter(EXITPNT="*ALL").matches("work_with_rules_all")


def test_f6_adds_a_rule_and_the_list_shows_it(rules, store):
    rules.press("F6")
    assert rules.buffer.values["EXITPNT"] == "*CONNECT"
    rules.enter(ACTION="*REJECT", RMTPORT="25")
    assert rules.title == "Work with Socket Rules"
    assert rules.message == "Rule 40 added to *CONNECT."
    assert sequences(store) == [10, 20, 30, 40, 99999]
    assert "Pending changes  . :  4   F10 activates" in rules.row(4)


def test_a_number_on_the_first_row_without_an_option_is_told_of_and_nothing_done(rules):
    rules.option("*CONNECT.10", "5").type(SEQNBR="4").press("ENTER")
    assert rules.message_ids == ["GWL0771"]
    assert rules.buffer.values["SEQNBR"] == "4"
    rules.type(SEQNBR="").press("ENTER")
    assert rules.title == "Display Socket Rule"


def test_option_1_on_the_first_row_takes_the_number_typed_there(rules, store):
    rules.option("*ADD", "1").type(SEQNBR="15").press("ENTER")
    assert rules.buffer.values["SEQNBR"] == "15"
    rules.enter(ACTION="*ALLOW")
    assert sequences(store) == [10, 15, 20, 30, 99999]
    assert rules.options == {}
    assert rules.buffer.values["SEQNBR"] == ""


def test_option_1_elsewhere_is_refused(rules):
    rules.option("*CONNECT.10", "1").press("ENTER")
    assert rules.message_ids == ["GWL0709"]
    assert rules.outcome.errors == ("OPT.*CONNECT.10",)
    assert rules.options == {"*CONNECT.10": "1"}


def test_an_unknown_option_stops_everything_before_it_begins(many, store):
    many.option("*CONNECT.10", "5").option("*CONNECT.30", "7").press("ENTER")
    assert many.title == "Work with Socket Rules"
    assert many.message == "Option 7 is not allowed."
    assert many.options == {"*CONNECT.10": "5", "*CONNECT.30": "7"}
    assert many.outcome.errors == ("OPT.*CONNECT.30",)


def test_mixed_options_over_pages_are_carried_out_from_the_top(many, store):
    many.option("*CONNECT.20", "5").press("ROLLUP")
    many.option("*CONNECT.100", "3").option("*CONNECT.90", "2").press("ENTER")
    assert many.title == "Display Socket Rule"
    many.press("ENTER")
    assert many.title == "Change Socket Rule (CHGSOCRUL)"
    many.enter(ACTION="*REJECT")
    assert many.title == "Copy Socket Rule (CPYSOCRUL)"
    many.enter(TOSEQNBR="105")
    assert many.title == "Work with Socket Rules"
    assert many.options == {}
    assert 105 in sequences(store)
    assert action(store, 90) == "*REJECT"


def test_the_first_option_that_fails_stops_the_rest_which_stay(many, store):
    many.option("*CONNECT.10", "2").option("*CONNECT.20", "3").option("*CONNECT.30", "2")
    many.type(CMD="TOSEQNBR(10)").press("ENTER")
    assert many.message_ids == ["GWL0775"]
    assert many.message == "TOSEQNBR is not a parameter of option 2."
    assert many.options == {"*CONNECT.10": "2", "*CONNECT.20": "3", "*CONNECT.30": "2"}
    many.option("*CONNECT.10", "3").option("*CONNECT.30", "3").type(CMD="TOSEQNBR(15)").press("ENTER")
    assert many.message_ids == ["GWL0143", "GWL0320"]
    assert many.options == {"*CONNECT.20": "3", "*CONNECT.30": "3"}
    assert many.outcome.errors == ("OPT.*CONNECT.20",)
    assert many.buffer.values["CMD"] == "TOSEQNBR(15)"


def test_a_row_that_fails_on_an_earlier_page_is_brought_back(many):
    many.option("*CONNECT.10", "9").press("ROLLUP").press("ENTER")
    assert many.message_ids == ["GWL0703"]
    assert "OPT.*CONNECT.10" in many.buffer.contents


def test_parameters_go_to_every_row_without_prompting(many, store):
    many.option("*CONNECT.10", "2").option("*CONNECT.20", "2").type(CMD="ACTION(*REJECT)").press("ENTER")
    assert many.message_ids == ["GWL0141", "GWL0141"]
    assert [action(store, number) for number in (10, 20, 30)] == ["*REJECT", "*REJECT", "*ALLOW"]
    assert many.buffer.values["CMD"] == ""


def test_f12_from_a_prompt_keeps_its_option_and_those_below(many):
    many.option("*CONNECT.10", "2").option("*CONNECT.20", "5").press("ENTER").press("F12")
    assert many.options == {"*CONNECT.10": "2", "*CONNECT.20": "5"}


def test_f12_from_a_display_keeps_only_those_below(many):
    many.option("*CONNECT.10", "5").option("*CONNECT.20", "5").press("ENTER").press("F12")
    assert many.options == {"*CONNECT.20": "5"}


def test_f3_from_a_display_leaves_all(many):
    many.option("*CONNECT.10", "5").option("*CONNECT.20", "5").press("ENTER").press("F3")
    assert "Greenwall Main Menu" in many.title


def test_removing_asks_once_for_all_rows(many, store):
    many.option("*CONNECT.10", "4").option("*CONNECT.30", "4").press("ENTER")
    assert many.matches("confirm_remove")
    many.press("ENTER")
    assert many.message_ids == ["GWL0144", "GWL0144"]
    assert sequences(store)[:2] == [20, 40]


def test_f12_from_the_confirmation_removes_nothing_and_keeps_the_options(many, store):
    many.option("*CONNECT.10", "4").option("*CONNECT.30", "4").press("ENTER").press("F12")
    assert many.options == {"*CONNECT.10": "4", "*CONNECT.30": "4"}
    assert sequences(store)[0] == 10


def test_a_default_rule_is_not_removed(rules, store):
    rules.option("*CONNECT.10", "4").option("*CONNECT.99999", "4").press("ENTER")
    assert rules.message_ids == ["GWL0322"]
    assert sequences(store) == [10, 20, 30, 99999]


def test_f4_on_an_option_prompts_its_command_and_does_it_for_that_row_only(rules, store):
    rules.option("*CONNECT.10", "4").option("*CONNECT.20", "2").go_to("OPT.*CONNECT.10").press("F4")
    assert rules.title == "Remove Socket Rule (RMVSOCRUL)"
    rules.press("ENTER")
    assert sequences(store) == [20, 30, 99999]
    assert rules.options == {"*CONNECT.20": "2"}


def test_f13_repeats_the_option_to_the_end_of_the_list(many):
    many.option("*CONNECT.50", "5").press("F13")
    assert many.options["*CONNECT.80"] == "5"
    assert "*CONNECT.40" not in many.options
    many.press("ROLLUP").press("ROLLUP")
    assert many.options["*CONNECT.99999"] == "5"


def test_f13_without_an_option_says_so(many):
    many.press("F13")
    assert many.message_ids == ["GWL0711"]


def test_positioning_goes_to_the_first_rule_not_less_and_keeps_options(many):
    many.option("*CONNECT.10", "5").type(POSTO="95").press("ENTER")
    assert many.row(11).split()[0] == "100"
    assert many.title == "Work with Socket Rules"
    many.enter(POSTO="*TOP")
    assert many.options == {"*CONNECT.10": "5"}
    many.enter(POSTO="*BOT")
    assert "*DFT" in many.row(18)


def test_a_position_that_is_no_number_is_refused(many):
    many.enter(POSTO="X")
    assert many.message_ids == ["GWL0712"]
    assert many.outcome.errors == ("POSTO",)


def test_paging_stops_at_both_ends(many):
    many.press("ROLLDOWN")
    assert many.message == "Already at the top of the list."
    many.press("ROLLUP").press("ROLLUP").press("ROLLUP")
    assert many.message == "Already at the bottom of the list."


def test_the_cursor_comes_back_to_its_row(many):
    many.option("*CONNECT.30", "5").press("ENTER").press("ENTER")
    assert many.buffer.row == many.buffer.start_of("OPT.*CONNECT.30")[0]


def test_f5_drops_what_is_typed_and_reads_anew(rules, run):
    run("ADDSOCRUL *CONNECT 40 ACTION(*ALLOW)")
    rules.option("*CONNECT.10", "4").press("F5")
    assert rules.options == {}
    assert "40" in rules.row(14)


def test_f4_on_the_exit_point_lists_them(rules):
    rules.go_to("EXITPNT").press("F4")
    rules.option("3", "1").press("ENTER")
    assert rules.buffer.values["EXITPNT"] == "*LISTEN"
    assert "*DFT" in rules.row(11)


def test_an_exit_point_that_is_none_is_refused(rules):
    rules.enter(EXITPNT="*SEND")
    assert rules.message_ids == ["GWL0201"]


def test_f10_shows_the_changes_and_enter_activates_them(rules, store):
    rules.press("F10")
    assert rules.matches("confirm_activation")
    rules.press("ENTER")
    assert rules.message == "Revision 2 is active: 3 rules added."
    assert "Pending changes  . :  0" in rules.row(4)
    with reading(store) as session:
        assert active_number(session) == 2


def test_f12_from_the_changes_activates_nothing(rules, store):
    rules.press("F10").press("F12")
    with reading(store) as session:
        assert active_number(session) == 1


def test_a_rule_removed_by_another_operator_loses_its_option(rules, run):
    rules.option("*CONNECT.10", "5")
    run("RMVSOCRUL *CONNECT 10")
    rules.press("ENTER")
    assert rules.message_ids == ["GWL0321"]
    assert rules.options == {}
    assert rules.row(11).split()[0] == "20"


def test_a_rule_that_another_operator_put_in_the_place_of_a_confirmed_one_is_not_removed(rules, run, store):
    rules.option("*CONNECT.10", "4").press("ENTER")
    run("RMVSOCRUL *CONNECT 10", "ADDSOCRUL *CONNECT 10 USRPRF(BOB) ACTION(*REJECT)")
    rules.press("ENTER")
    assert rules.message_ids == ["GWL0716"]
    assert sequences(store) == [10, 20, 30, 99999]
    assert "BOB" in rules.row(11)
    rules.press("ENTER").press("ENTER")
    assert sequences(store) == [20, 30, 99999]


def test_changes_of_another_operator_are_shown_before_they_are_activated(rules, run, store):
    rules.press("F10")
    run("ADDSOCRUL *LISTEN 77 ACTION(*REJECT)")
    rules.press("ENTER")
    assert rules.message_ids == ["GWL0716"]
    assert "*LISTEN 77" in rules.shown
    with reading(store) as session:
        assert active_number(session) == 1
    rules.press("ENTER")
    with reading(store) as session:
        assert active_number(session) == 2


def test_option_8_fills_in_the_rule_to_test(rules):
    rules.option("*CONNECT.10", "8").press("ENTER")
    assert rules.title == "Test Socket Rules (TSTSOCRUL)"
    assert rules.buffer.values["USRPRF"] == "ALICE"
    assert rules.buffer.values["RMTPORT"] == "443"
    assert rules.buffer.values["RMTADR"] == "*NONE"


def test_parameters_that_an_option_cannot_take_do_nothing(rules, store):
    rules.option("*CONNECT.10", "5").type(CMD="DSPJRN").press("ENTER")
    assert rules.title == "Work with Socket Rules"
    assert rules.options == {"*CONNECT.10": "5"}
    assert rules.buffer.values["CMD"] == "DSPJRN"


def test_a_command_runs_from_the_list_and_the_list_comes_back_fresh(rules):
    rules.command("ADDSOCRUL *CONNECT 50 ACTION(*ALLOW)")
    assert rules.message == "Rule 50 added to *CONNECT."
    assert rules.row(14).split()[0] == "50"
    assert rules.buffer.values["CMD"] == ""


def test_f9_keeps_the_options_that_are_typed(rules):
    rules.option("*CONNECT.10", "2").press("F9")
    assert rules.buffer.values["CMD"] == "WRKSOCRUL *CONNECT"
    assert rules.options == {"*CONNECT.10": "2"}


def test_f17_puts_the_cursor_into_the_position_field(rules):
    rules.press("F17")
    assert rules.outcome.cursor == "POSTO"


def test_a_rule_is_displayed_with_what_the_active_revision_says(rules):
    rules.option("*CONNECT.10", "5").option("*CONNECT.99999", "5").press("ENTER")
    assert rules.matches("display_rule")
    rules.press("ENTER")
    assert rules.row(18).split(":")[1].strip() == "Yes"
