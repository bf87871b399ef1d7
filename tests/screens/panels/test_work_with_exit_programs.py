"""Work with Exit Programs: what an exit point asks, and the way there and on."""

from __future__ import annotations

import pytest

from console.model.words import ExitPoint
from console.policy.rule import ExitProgram
from console.store.exit_programs import list_exit_programs
from console.store.revisions import active_policy
from console.store.session import reading
from screens.terminal.page import WIDE
from tests.screens.panels.operator import Operator

SOME = (
    "ADDEXITPGM *ACCEPT 2 site.exits:ask TEXT('Asks the list of partners')",
    "ADDEXITPGM *ACCEPT 10 company.networking.socket_exits.incoming:is_partner TIMLMT(250)",
)


def programs(store, point=ExitPoint.ACCEPT):
    with reading(store) as session:
        return list_exit_programs(session, point)


@pytest.fixture
def listed(operator, run):
    """Return an operator at the list of *ACCEPT: the rules, an exit program in force, and one that waits."""
    run(SOME[0], "ACTSOCPCY", SOME[1])
    return operator.command("WRKREGINF").option("*ACCEPT", "8").press("ENTER")


def test_the_list_looks_as_drawn(listed):
    assert listed.matches("work_with_exit_programs")


def test_a_wide_screen_shows_the_texts(listed, services):
    wide = Operator(services.open("WorkWithExitPrograms", {"EXITPNT": "*ACCEPT"}), WIDE)
    assert wide.matches("work_with_exit_programs_wide")


def test_without_exit_programs_the_rules_are_asked_alone(operator):
    operator.command("WRKREGINF").option("*LISTEN", "8").press("ENTER")
    assert operator.row(12).split() == ["1", "*SOCRUL", "Active"]
    assert operator.row(13).strip() == ""


def test_f12_goes_back_to_the_exit_points(listed):
    listed.press("F12")
    assert listed.title == "Work with Registration Information"
    assert listed.options == {}


def test_option_1_on_the_first_row_takes_the_number_and_the_name_typed_there(listed, store):
    listed.option("*ADD", "1").type(PGMNBR="5", PGM="late:ask").press("ENTER")
    assert (listed.buffer.values["PGMNBR"], listed.buffer.values["PGM"]) == ("5", "late:ask")
    listed.enter(TIMLMT="20")
    assert listed.message == "Exit program 5 added to *ACCEPT."
    assert ExitProgram(ExitPoint.ACCEPT, 5, "late:ask", 20) in programs(store)
    assert listed.row(14).split() == ["5", "late:ask", "20", "Added"]
    assert (listed.buffer.values["PGMNBR"], listed.buffer.values["PGM"]) == ("", "")


def test_the_prompter_looks_as_drawn(listed):
    assert listed.option("*ADD", "1").press("ENTER").matches("prompter_add_exit_program")


def test_f6_adds_one_too(listed, store):
    listed.press("F6").enter(PGMNBR="*LOW", PGM="late:ask")
    assert [each.number for each in programs(store)] == [2, 3, 10]


def test_option_10_replaces_with_the_values_that_are_there(listed, store):
    listed.option("2", "10").press("ENTER")
    assert listed.title == "Add Exit Program (ADDEXITPGM)"
    assert listed.buffer.values["PGM"] == "site.exits:ask"
    assert listed.buffer.values["REPLACE"] == "*YES"
    listed.enter(TIMLMT="5000")
    assert listed.message == "Exit program 2 of *ACCEPT replaced."
    assert programs(store)[0] == ExitProgram(ExitPoint.ACCEPT, 2, "site.exits:ask", 5000, "Asks the list of partners")
    assert listed.row(13).split() == ["2", "site.exits:ask", "5000", "Changed"]


def test_parameters_replace_without_prompting(listed, store):
    listed.option("2", "10").option("10", "10").type(CMD="TIMLMT(7)").press("ENTER")
    assert listed.message_ids == ["GWL0152", "GWL0152"]
    assert [each.time_limit_ms for each in programs(store)] == [7, 7]
    assert [each.number for each in programs(store)] == [2, 10]


def test_parameters_cannot_replace_another_than_that_of_the_row(listed, store):
    listed.option("2", "10").type(CMD="PGMNBR(10)").press("ENTER")
    assert listed.message_ids == ["GWL0776"]
    assert listed.message == "PGMNBR comes from the row; option 10 takes no other."
    assert listed.options == {"2": "10"}


def test_removing_asks_once_for_all(listed, store):
    listed.option("2", "4").option("10", "4").press("ENTER")
    assert listed.title == "Confirm Remove of Exit Programs"
    assert "site.exits:ask" in listed.shown
    listed.press("ENTER")
    assert listed.message_ids == ["GWL0153", "GWL0153"]
    assert programs(store) == []


@pytest.mark.parametrize("option", ["4", "10"])
def test_the_rules_can_be_neither_removed_nor_replaced(listed, store, option):
    listed.option("2", option).option("1", option).press("ENTER")
    assert listed.message_ids == ["GWL0329"]
    assert listed.outcome.errors == ("OPT.1",)
    assert len(programs(store)) == 2


def test_option_5_next_to_the_rules_leads_to_them(listed):
    listed.option("1", "5").press("ENTER")
    assert listed.title == "Work with Socket Rules"
    assert listed.buffer.values["EXITPNT"] == "*ACCEPT"
    listed.press("F12")
    assert listed.title == "Work with Exit Programs"
    assert listed.options == {}


def test_option_5_shows_what_is_registered_and_whether_it_is_in_force(listed):
    listed.option("2", "5").option("10", "5").press("ENTER")
    assert listed.matches("display_exit_program")
    listed.press("ENTER")
    assert "No: added, waits for activation" in listed.shown


def test_a_program_removed_by_another_operator_loses_its_option(listed, run):
    listed.option("2", "4").press("ENTER")
    run("RMVEXITPGM *ACCEPT 2")
    listed.press("ENTER")
    assert listed.message_ids == ["GWL0716"]
    assert listed.options == {}


def test_f10_shows_the_changes_and_enter_activates_them(listed, store):
    listed.press("F10")
    assert "Added *ACCEPT program 10" in listed.shown
    listed.press("ENTER")
    assert listed.message == "Revision 3 is active: 1 exit program added."
    with reading(store) as session:
        assert len(active_policy(session)[1].exit_programs) == 2
    assert listed.row(14).split()[-1] == "Active"


def test_a_mode_of_off_is_said_beside_the_rules(listed, run):
    run("CHGSOCEXT *ACCEPT *OFF", "ACTSOCPCY")
    listed.press("F5")
    assert listed.row(12).split() == ["1", "*SOCRUL", "*OFF"]
    assert "*OFF" in listed.row(4)
