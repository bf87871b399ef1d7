"""The prompter: fields from the command's definition, its keys, errors, and present values."""

from __future__ import annotations

import pytest

from console.commands.registry import COMMANDS
from console.model.words import Action, ExitPoint
from console.policy.checks import make_rule
from console.store.rules import add_rule, get_rule
from console.store.session import reading, transaction
from screens.panels.prompt_layout import Room, place
from screens.panels.prompter import Prompter
from tests.screens.panels.operator import Operator


@pytest.fixture
def prompt(services):
    """Return a way to prompt a command from the main menu."""

    def prompted(command: str) -> Operator:
        operator = Operator(services.open("MainMenu", {}))
        return operator.type(CMD=command).press("F4")

    return prompted


def rule(store, sequence):
    with reading(store) as session:
        return get_rule(session, ExitPoint.CONNECT, sequence)


def test_it_looks_as_drawn(prompt):
    assert prompt("ADDSOCRUL *CONNECT").matches("prompter")


def test_a_command_without_a_required_value_is_prompted_with_the_cursor_there(operator):
    operator.command("addsocrul *connect 40")
    assert operator.title == "Add Socket Rule (ADDSOCRUL)"
    assert operator.message_ids == ["GWL0106"]
    assert operator.outcome.errors == ("ACTION",)
    assert (operator.buffer.row, operator.buffer.column) == operator.buffer.start_of("ACTION")
    assert operator.buffer.values["SEQNBR"] == "40"
    assert operator.press("F12").title.endswith("Greenwall Main Menu")


@pytest.mark.parametrize(("values", "missing"), [("", "EXITPNT"), ("ACTION(*ALLOW)", "EXITPNT"), ("*LISTEN", "ACTION")])
def test_entering_a_command_puts_the_cursor_in_the_first_required_field_that_is_empty(operator, values, missing):
    operator.command(f"ADDSOCRUL {values}")
    assert operator.title == "Add Socket Rule (ADDSOCRUL)"
    assert operator.message_ids == ["GWL0106"]
    assert (operator.buffer.row, operator.buffer.column) == operator.buffer.start_of(missing)


@pytest.mark.parametrize("asked", ["F4", "?", "F6", "*ADD"])
def test_a_prompter_that_was_asked_for_begins_at_its_first_field_whatever_is_missing(operator, asked):
    """As on IBM i: who types ahead knows the fields by their order, and a value that is there is passed with Tab."""
    if asked == "F4":
        operator.type(CMD="ADDSOCRUL *CONNECT 40").press("F4")
    elif asked == "?":
        operator.command("?ADDSOCRUL *CONNECT 40")
    elif asked == "F6":
        operator.command("WRKSOCRUL").press("F6")
    else:
        operator.command("WRKSOCRUL").option("*ADD", "1").press("ENTER")
    assert operator.title == "Add Socket Rule (ADDSOCRUL)"
    assert not operator.message_ids
    assert operator.session.frame.page.cursor is None
    fields = operator.session.frame.page.fields
    assert next(iter(fields)) == "EXITPNT"
    assert "ACTION" in fields


def test_a_question_mark_alone_lists_the_commands(operator):
    assert type(operator.command("?").session.panel).__name__ == "SelectionWindow"
    assert "ADDALR" in operator.shown
    assert operator.press("F12").title.endswith("Greenwall Main Menu")


def test_a_wrong_value_stays_on_the_command_line(operator):
    operator.command("ADDSOCRUL *CONNECT X ACTION(*ALLOW)")
    assert operator.title.endswith("Greenwall Main Menu")
    assert operator.buffer.values["CMD"] == "ADDSOCRUL *CONNECT X ACTION(*ALLOW)"


def test_no_field_goes_on_in_a_next_row_for_a_cell_or_two():
    for cls in COMMANDS.values():
        for parameter in cls.parameters:
            _, *rest = place(parameter, 5, Room(20, 80, {})).stretches
            assert not rest or rest[-1].length > 2, f"{cls.name} {parameter.keyword}"


def test_f10_shows_additional_parameters_under_their_heading(prompt):
    assert prompt("ADDSOCRUL *CONNECT").press("F10").matches("prompter_additional")


def test_f9_shows_all_parameters(prompt):
    operator = prompt("ADDSOCRUL *CONNECT").press("F9")
    assert "More..." in operator.row(21)
    operator.press("ROLLUP")
    assert {"FAIL", "AUD", "MSG"} <= operator.buffer.contents.keys()
    assert 9 not in operator.session.frame.keys


def test_f11_shows_keywords_and_then_choices_again(prompt):
    operator = prompt("ADDSOCRUL *CONNECT").press("F11")
    assert operator.matches("prompter_keywords")
    operator.press("F11")
    assert "*ALLOW, *REJECT" in operator.row(6)


def test_an_additional_parameter_that_is_given_shows_at_once(prompt):
    operator = prompt("ADDSOCRUL *CONNECT FAIL(*TIMEOUT)").press("ROLLUP")
    assert operator.buffer.values["FAIL"] == "*TIMEOUT"


def test_typed_values_stay_over_pages_and_views(prompt):
    operator = prompt("ADDSOCRUL *CONNECT").type(RMTPORT="25", USRPRF="ALICE").press("F10")
    operator.type(AUD="*ALL").press("ROLLDOWN").press("F11")
    assert operator.buffer.values["RMTPORT"] == "25"
    assert operator.press("ROLLUP").buffer.values["AUD"] == "*ALL"


def test_a_required_value_that_is_missing_is_asked_for_in_its_field(prompt):
    operator = prompt("ADDSOCRUL *CONNECT").enter(RMTPORT="25")
    assert operator.message_ids == ["GWL0106"]
    assert operator.outcome.errors == ("ACTION",)
    assert operator.buffer.values["RMTPORT"] == "25"


def test_every_wrong_field_is_marked_and_everything_typed_stays(prompt):
    operator = prompt("ADDSOCRUL *CONNECT").enter(ACTION="*DENY", RMTADR="10.0.0.256", RMTPORT="70000")
    assert operator.outcome.errors == ("RMTADR", "RMTPORT", "ACTION")
    assert len(operator.message_ids) == 3
    assert operator.buffer.values["RMTADR"] == "10.0.0.256"
    assert operator.buffer.row == operator.buffer.start_of("RMTADR")[0]


def test_values_that_contradict_each_other_mark_the_one_named(prompt):
    operator = prompt("ADDSOCRUL *LISTEN").enter(ACTION="*REJECT", RMTPORT="80")
    assert operator.outcome.errors == ("RMTPORT",)


def test_an_error_in_a_parameter_that_does_not_show_brings_it_up(prompt):
    operator = prompt("ADDSOCRUL *ACCEPT FAIL(*TIMEOUT)").enter(ACTION="*REJECT")
    assert operator.outcome.errors == ("FAIL",)
    assert "FAIL" in operator.buffer.contents


def test_the_end_of_an_old_special_value_is_asked_about_once(prompt, store):
    operator = prompt("ADDSOCRUL *CONNECT").enter(ACTION="*REJECT", USRPRF="BOBL")
    assert operator.message == "BOBL for USRPRF may keep the end of *ALL. Press Enter if it is right."
    operator.press("ENTER")
    assert rule(store, 10).user == "BOBL"


def test_the_end_of_an_old_value_is_named_before_it_is_called_wrong(prompt):
    operator = prompt("ADDSOCRUL *CONNECT").enter(ACTION="*REJECT", RMTADR="::1Y")
    assert operator.message_ids == ["GWL0710"]
    operator.press("ENTER")
    assert operator.message_ids != ["GWL0710"]
    assert operator.outcome.errors == ("RMTADR",)


def test_a_value_in_apostrophes_is_taken_without_them(prompt, store):
    prompt("ADDSOCRUL *CONNECT").enter(ACTION="*REJECT", RMTADR="'10.0.0.0/8'", TEXT="'it''s'")
    assert (rule(store, 10).remote_address, rule(store, 10).text) == ("10.0.0.0/8", "it's")


def test_a_value_longer_than_the_row_goes_on_in_the_next(prompt, store):
    value = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:1111-2001:db8:aaaa:bbbb:cccc:dddd:eeee:2222"
    prompt("ADDSOCRUL *CONNECT").enter(ACTION="*REJECT", RMTADR=value)
    assert rule(store, 10).remote_address == value


def test_choices_below_a_label_have_the_whole_row_beside_a_field_of_one_row(prompt):
    operator = prompt("DSPJRN")
    assert operator.row(7).rstrip() == "  Date time, *LAST n, *TODAY, *FIRST..."
    assert operator.press("ROLLUP").row(6).rstrip() == "  Address, network/n, generic*, *ALL"


def test_f4_lists_the_values_of_the_field(prompt):
    operator = prompt("ADDSOCRUL *CONNECT").go_to("ACTION").press("F4")
    assert operator.matches("selection_window")
    operator.option("1", "1").press("ENTER")
    assert operator.buffer.values["ACTION"] == "*REJECT"
    assert operator.buffer.row == operator.buffer.start_of("ACTION")[0]


def test_a_question_mark_in_a_field_lists_its_values_too(prompt):
    operator = prompt("ADDSOCRUL").enter(EXITPNT="?")
    operator.option("2", "1").press("ENTER")
    assert operator.buffer.values["EXITPNT"] == "*LISTEN"


def test_f12_from_the_list_leaves_the_field_as_it_was(prompt):
    operator = prompt("ADDSOCRUL *CONNECT").type(RMTPORT="25").go_to("ACTION").press("F4").press("F12")
    assert operator.buffer.values["RMTPORT"] == "25"


@pytest.mark.parametrize(
    ("command", "field", "listed", "number"),
    [
        ("RMVSOCRUL *CONNECT", "SEQNBR", "*CONNECT *REJECT ALICE", "10"),
        ("DSPSOCRUL", "SEQNBR", "*ACCEPT *ALLOW; *CONNECT *ALLOW; *LISTEN *ALLOW", "*DFT"),
        ("CHGSOCKSE", "SEQNBR", "*SOCKS 10.0.0.0/8", "20"),
        ("RMVEXITPGM *ACCEPT", "PGMNBR", "*ACCEPT site:ask", "2"),
    ],
)
def test_f4_lists_the_numbers_of_what_is_there_with_what_it_is(prompt, run, command, field, listed, number):
    run("ADDSOCRUL *CONNECT 10 USRPRF(ALICE) ACTION(*REJECT)", "ADDSOCKSE 20 RMTADR('10.0.0.0/8') SERVER(a)")
    run("ADDEXITPGM *ACCEPT 2 site:ask")
    operator = prompt(command).go_to(field).press("F4")
    row = next(index for index, row in enumerate(operator.rows, 1) if listed in row)
    assert f" {number} " in operator.row(row)
    options = (name for name in operator.buffer.contents if operator.buffer.start_of(name)[0] == row)
    operator.type_into(next(options), "1").press("ENTER")
    assert operator.buffer.values[field] == number


@pytest.mark.parametrize(
    ("exit_point", "is_listed"), [("*CONNECT", False), ("*ACCEPT", True), ("*NONE", True), ("", True)]
)
def test_f4_lists_the_rules_of_the_exit_point_that_is_keyed_or_of_all(prompt, run, exit_point, is_listed):
    run("ADDSOCRUL *ACCEPT 10 USRPRF(ALICE) ACTION(*REJECT)")
    operator = prompt("RMVSOCRUL").type(EXITPNT=exit_point.ljust(16)).go_to("SEQNBR").press("F4")
    assert ("*ACCEPT *REJECT ALICE" in "".join(operator.rows)) is is_listed


def test_f4_where_there_is_no_list_says_so(prompt):
    operator = prompt("RNBSOCRUL *CONNECT").go_to("START").press("F4")
    assert operator.message == "F4 is not allowed here."


def test_f5_shows_the_values_that_were_there_at_first(prompt):
    operator = prompt("ADDSOCRUL *CONNECT").type(RMTPORT="25", EXITPNT="*LISTEN").press("F5")
    assert (operator.buffer.values["RMTPORT"], operator.buffer.values["EXITPNT"]) == ("*ANY", "*CONNECT")


def test_f14_shows_the_command_as_keyed_so_far(prompt):
    operator = prompt("ADDSOCRUL *CONNECT").type(RMTADR="10.0.0.0/8", ACTION="*REJECT").press("F14")
    assert "ADDSOCRUL EXITPNT(*CONNECT) RMTADR('10.0.0.0/8') ACTION(*REJECT)" in operator.shown
    operator.press("F12")
    assert operator.buffer.values["RMTADR"] == "10.0.0.0/8"


def test_a_change_command_asks_for_its_object_first(prompt, run):
    run("ADDSOCRUL *CONNECT 10 USRPRF(ALICE) ACTION(*REJECT)")
    operator = prompt("CHGSOCRUL")
    assert operator.buffer.contents.keys() == {"EXITPNT", "SEQNBR"}
    operator.enter(EXITPNT="*CONNECT", SEQNBR="10")
    assert operator.matches("prompter_change")


def test_an_object_that_is_not_there_is_refused_before_its_values_are_asked_for(prompt):
    operator = prompt("CHGSOCRUL").enter(EXITPNT="*CONNECT", SEQNBR="10")
    assert operator.message_ids == ["GWL0321"]


def test_only_changed_values_are_given(prompt, run):
    run("ADDSOCRUL *CONNECT 10 USRPRF(ALICE) RMTPORT(25) ACTION(*REJECT)")
    operator = prompt("CHGSOCRUL *CONNECT 10").type(ACTION="*ALLOW").press("F14")
    assert "CHGSOCRUL EXITPNT(*CONNECT) SEQNBR(10) ACTION(*ALLOW)" in operator.shown


def test_same_leaves_a_value_as_it_is(prompt, run, store):
    run("ADDSOCRUL *CONNECT 10 USRPRF(ALICE) ACTION(*REJECT)")
    prompt("CHGSOCRUL *CONNECT 10").enter(USRPRF="*SAME", RMTPORT="25")
    assert (rule(store, 10).user, rule(store, 10).remote_port) == ("ALICE", "25")


def test_a_text_that_is_cleared_becomes_blank(prompt, run, store):
    run("ADDSOCRUL *CONNECT 10 ACTION(*REJECT) TEXT('old')")
    prompt("CHGSOCRUL *CONNECT 10").enter(TEXT="")
    assert rule(store, 10).text == ""


def test_it_can_give_the_command_back_instead_of_running_it(services, store):
    panel = Prompter(services, services.commands["RNBSOCRUL"], {"EXITPNT": "*CONNECT"}, runs=False)
    reply = panel.handle(submission_of(panel))
    assert reply.value.values["STEP"] == "10"


def submission_of(panel):
    from screens.panel import Cursor, Submission
    from screens.terminal.page import NORMAL

    values = {name: field.value for name, field in panel.page(NORMAL).fields.items()}
    return Submission("ENTER", values, frozenset(), Cursor(5, 37))


def test_f1_explains_the_parameter_the_command_and_the_keys(prompt):
    panel = prompt("ADDSOCRUL *CONNECT").session.panel
    assert panel.help("RMTADR").title == "Remote address (RMTADR)"
    assert panel.help("*PANEL").title == "Add Socket Rule"
    assert "F14=Command string: Shows" in panel.help("*KEYS").text
    assert panel.help("NOTHING") is None


@pytest.mark.parametrize("program", ["/opt/" + "long/" * 30 + "program", "/opt/\N{CJK UNIFIED IDEOGRAPH-65E5}/program"])
def test_value_that_cannot_be_shown_whole_stays_when_another_is_changed(services, store, program):
    with transaction(store) as session:
        add_rule(session, make_rule(exit_point="*CONNECT", sequence=77, program=program, action="*REJECT"))
    operator = Operator(services.open("MainMenu", {}))
    operator.type(CMD="CHGSOCRUL *CONNECT 77").press("F4").press("F9")
    while "ACTION" not in operator.buffer.contents:
        operator.press("ROLLUP")
    operator.enter(ACTION="*ALLOW")
    assert operator.message_ids == ["GWL0141"]
    assert (rule(store, 77).program, rule(store, 77).action) == (program, Action.ALLOW)


def test_f4_lists_the_words_of_the_system_value_that_is_changed(prompt):
    operator = prompt("CHGSYSVAL QAUDENDACN").go_to("VALUE").press("F4")
    assert "*NOTIFY" in "".join(operator.rows)
    assert "*NETSCK" not in "".join(operator.rows)


def test_f4_on_a_list_takes_several_values_and_keeps_those_there(prompt):
    operator = prompt("CHGSYSVAL QAUDLVL")
    operator.type(VALUE="*NETSCK *CREATE".ljust(480)).press("F4")
    assert 21 in operator.session.frame.keys
    operator.enter(POSTO="*SECURITY")
    wanted = next(name[4:] for name in operator.buffer.contents if name.startswith("OPT."))
    operator.option(wanted, "1").press("ENTER")
    assert sorted(operator.buffer.values["VALUE"].split()) == ["*CREATE", "*NETSCK", "*SECURITY"]


def test_a_plus_opens_a_field_for_each_value(prompt):
    operator = prompt("CHGSYSVAL QAUDLVL").type(VALUE="*NETSCK *CREATE +".ljust(480)).press("ENTER")
    assert operator.title == "Specify More Values for Parameter VALUE"
    assert (operator.buffer.values["VALUE.0"], operator.buffer.values["VALUE.1"]) == ("*NETSCK", "*CREATE")
    operator.type_into("VALUE.2", "*DELETE".ljust(10)).type_into("VALUE.0", "<".ljust(10)).press("ENTER")
    assert operator.buffer.values["VALUE.0"] == "*CREATE"
    operator.press("ROLLUP").press("ROLLDOWN").press("ENTER")
    assert operator.buffer.values["VALUE"] == "*CREATE *DELETE"


def test_f12_leaves_the_values_of_a_list_as_they_were(prompt):
    operator = prompt("CHGSYSVAL QAUDLVL").type(VALUE="*NETSCK +".ljust(480)).press("ENTER")
    operator.type_into("VALUE.0", "*DELETE").press("F12")
    assert operator.buffer.values["VALUE"].split()[0] == "*NETSCK"


def test_an_ampersand_makes_a_field_longer_and_keeps_its_value(prompt):
    operator = prompt("IMPAUDJRN '/tmp/x.csv' OLD")
    before = len(operator.buffer.contents["FILE"])
    operator.type(FILE="&").press("ENTER")
    assert len(operator.buffer.contents["FILE"]) > 2 * before
    assert operator.buffer.values["FILE"] == "/tmp/x.csv"


def test_a_value_longer_than_its_field_gets_the_room_it_needs(services):
    path = "/tmp/" + "long/" * 60 + "x.csv"
    operator = Operator(Prompter(services, services.commands["IMPAUDJRN"], {"FILE": path, "JRN": "OLD"}))
    assert operator.buffer.values["FILE"] == path


@pytest.mark.parametrize("typed", ["?", "?CONNECT"])
def test_a_question_mark_over_a_value_asks_for_the_list_and_keeps_the_value(prompt, typed):
    operator = prompt("ADDSOCRUL *CONNECT").type(EXITPNT=typed.ljust(16)).press("ENTER")
    assert "Exit point (EXITPNT)" in operator.shown
    assert operator.press("F12").press("F11").buffer.values["EXITPNT"] == "*CONNECT"


def test_f15_shows_every_message_of_the_last_enter_in_full(prompt):
    operator = prompt("ADDSOCRUL *CONNECT")
    assert 15 not in operator.session.frame.keys
    operator.enter(ACTION="*DENY", RMTPORT="70000").press("F15")
    assert "Error Messages" in operator.shown
    assert "GWL" in operator.shown


def test_f16_runs_the_command_from_any_page(prompt):
    operator = prompt("ADDSOCRUL *CONNECT ACTION(*REJECT) RMTPORT(9)").press("F9")
    operator.press("F16")
    assert operator.message.startswith("Rule 10 added")


def test_no_field_of_any_command_leaves_its_page(services):
    from console.commands.registry import COMMANDS
    from screens.panels.prompt_layout import Room, lay_out

    for cls in COMMANDS.values():
        needed = {parameter.keyword: 5000 for parameter in cls.parameters}
        for lengths in ({}, needed):
            for page in lay_out(cls.parameters, (), Room(20, 80, lengths)):
                for placed in page.parameters:
                    assert placed.row + placed.rows - 1 <= 20, (cls.name, placed.parameter.keyword)


def test_special_values_that_a_list_lacks_are_in_it(prompt):
    operator = prompt("CHGSOCRUL *CONNECT *DFT")
    if "USRPRF" in operator.buffer.contents:
        operator.go_to("USRPRF").press("F4")
        assert "*SAME" in operator.shown


def test_two_question_marks_prompt_only_that_keyword_and_what_is_missing(operator, store):
    operator.command("ADDSOCRUL *CONNECT ??RMTADR('10.0.0.0/8') ??FAIL() TEXT('kept')")
    assert list(operator.buffer.contents) == ["RMTADR", "ACTION", "FAIL"]
    assert operator.buffer.values["RMTADR"] == "10.0.0.0/8"
    operator.enter(ACTION="*REJECT")
    found = rule(store, 10)
    assert (found.action, found.text, str(found.remote_address)) == (Action.REJECT, "kept", "10.0.0.0/8")
