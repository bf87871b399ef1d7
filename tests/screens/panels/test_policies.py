"""Work with Socket Policies: revisions, the difference of any two, and the way back."""

from __future__ import annotations

import pytest

from console.model.revision import PolicyConfirmation, Revision
from console.store.session import transaction
from screens.banner import Banner
from screens.terminal.page import WIDE
from tests.screens.panels.operator import Operator


@pytest.fixture
def policies(operator, run, store, now):
    with transaction(store) as session:
        session.get_one(Revision, 1).made_at = now  # the store was made by the real clock
    run("ADDSOCRUL *CONNECT 10 RMTADR('10.0.0.0/8') RMTPORT(25) ACTION(*REJECT)", "ACTSOCPCY 'No mail from here'")
    run("CHGSOCRUL *CONNECT 10 RMTPORT(25-26)", "ADDSOCRUL *LISTEN 10 LCLPORT(8080) ACTION(*REJECT)", "ACTSOCPCY")
    run("CHGSOCEXT *ACCEPT *MONITOR")
    return operator.command("WRKSOCPCY")


def test_the_list_looks_as_drawn(policies, services):
    assert policies.matches("work_with_policies")
    assert Operator(services.open("WorkWithPolicies", {}), WIDE).matches("work_with_policies_wide")


def test_option_8_compares_any_two(policies):
    policies.option("1", "14").enter(CMD="TO(3)")
    assert policies.matches("display_comparison")
    policies.press("F12").option("2", "14").enter(CMD="")
    assert policies.title == "Compare Socket Policies (CMPSOCPCY)"
    policies.enter(TO="*PENDING")
    assert "Changes from revision 2 to the pending policy: 3" in policies.shown


def test_option_9_shows_what_a_revision_changed(policies):
    policies.option("3", "8").press("ENTER")
    assert "Changes from revision 2 to revision 3: 2" in policies.shown
    policies.press("F12").option("1", "8").press("ENTER")
    assert policies.message_ids == ["GWL0298"]


def test_option_5_lists_what_a_revision_holds(policies):
    policies.option("2", "5").press("ENTER")
    assert policies.matches("display_policy")


def test_option_10_asks_then_goes_back(policies):
    policies.option("2", "10").press("ENTER")
    assert policies.title == "Roll Back Socket Policy (RBKSOCPCY)"
    policies.press("ENTER")
    assert policies.message == "Revision 4 is active: 1 rule changed, 1 rule removed."
    assert "4 *ACTIVE" in policies.row(9)


def test_what_must_be_confirmed_is_said_on_the_list_and_in_the_banner_until_f14(policies, store, now, run):
    run("ACTSOCPCY CONFIRM(5)")
    policies.press("F5")
    assert "The active revision is taken back at 12:05:00 unless F14" in policies.row(4)
    assert "4 *CONFIRM" in policies.row(9)
    assert "CFMSOCPCY by 12:05:00!" in Banner(store, lambda: now).text()
    policies.press("F14")
    assert policies.message == "Revision 4 is confirmed."
    assert "4 *ACTIVE" in policies.row(9)
    assert "F14" not in policies.shown
    assert "CFMSOCPCY" not in Banner(store, lambda: now).text()


def test_f4_on_the_activation_asks_for_a_time_limit(policies):
    policies.press("F10")
    assert policies.title == "Confirm Activation of Pending Policy"
    policies.press("F4").enter(CONFIRM="5")
    assert policies.title == "Work with Socket Policies"
    assert policies.message_ids[:2] == ["GWL0291", "GWL0148"]
    assert "4 *CONFIRM" in policies.row(9)


def test_position_to_goes_to_a_revision(policies):
    policies.enter(POSTO="2")
    assert "No mail from here" in policies.row(9)


def test_an_emergency_is_said_on_the_list_and_in_the_banner_and_is_not_confirmed(policies, store, now, run):
    run("CHGSOCEXT *CONNECT EMERGENCY(*ALLOW) MINUTES(30) TEXT('Shop is down')")
    policies.press("F5")
    assert "taken back at 12:30:00: it is an emergency override." in policies.row(4)
    assert "4 *OVERRIDE" in policies.row(9)
    assert "Shop is down" in policies.row(9)
    assert "F14" not in policies.shown
    assert Banner(store, lambda: now).text() == "No worker. Emergency to 12:30: *CONNECT *ALLOW."


def test_the_banner_names_the_exit_points_that_an_emergency_rejects_and_lets_pass(services, store, now, run):
    banner = Banner(store, lambda: now)
    run("CHGSOCEXT *CONNECT EMERGENCY(*REJECT) MINUTES(30) TEXT('Intruder')")
    assert banner.text() == "No worker. Emergency to 12:30: *CONNECT *REJECT."
    run("CHGSOCEXT *ACCEPT EMERGENCY(*REJECT) MINUTES(30) TEXT('Intruder')")
    assert banner.text() == "No worker. Emergency to 12:30: *ACCEPT, *CONNECT *REJECT."
    assert len(banner.text()) < len(" " * 59)
    run("CHGSOCEXT *LISTEN EMERGENCY(*ALLOW) MINUTES(30) TEXT('Intruder')")
    assert banner.text() == "No worker. Emergency to 12:30: *ACCEPT, *CONNECT *REJECT; *LISTEN *ALLOW."
    run("CHGSOCEXT *LISTEN EMERGENCY(*REJECT) MINUTES(30) TEXT('Intruder')")
    assert banner.text() == "No worker. Emergency to 12:30: all *REJECT."
    run("CHGSOCEXT *LISTEN EMERGENCY(*END)")
    assert banner.text().startswith("No worker: ")


@pytest.mark.parametrize("does", ["*ALLOW", "*REJECT"])
def test_an_emergency_from_before_migration_0016_shows_and_outlives_an_activation(operator, store, now, run, does):
    run(f"CHGSOCEXT *CONNECT EMERGENCY({does}) MINUTES(30) TEXT('Shop is down')")
    with transaction(store) as session:
        session.get_one(PolicyConfirmation, 1).overrides = ""
    banner = Banner(store, lambda: now)
    assert banner.text() == f"No worker. Emergency to 12:30: *CONNECT {does}."
    assert f"Emergency: {does}" in operator.command("WRKREGINF").shown
    run("ADDSOCRUL *LISTEN 10 LCLPORT(8080) ACTION(*REJECT)", "ACTSOCPCY")
    assert banner.text() == f"No worker. Emergency to 12:30: *CONNECT {does}."
    assert f"Emergency: {does}" in operator.press("F5").shown


def test_an_emergency_shows_as_such_and_not_as_a_pending_change(operator, run):
    run("CHGSOCEXT *CONNECT EMERGENCY(*ALLOW) MINUTES(30) TEXT('Shop is down')")
    rules = operator.command("WRKSOCRUL")
    assert rules.row(4).split("Pending")[0].rstrip().endswith(": *OVERRIDE")
    assert rules.row(4).rstrip().endswith(":  0")
    assert "Emergency: *ALLOW" in rules.press("F3").command("WRKREGINF").shown
    assert "Nothing has changed since revision 1." in operator.press("F10").shown


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ("8", "8 needs its keyword in front, as a parameter of option 14."),
        ("NOSUCH(8)", "NOSUCH is not a parameter of option 14."),
        ("TO(8) FROM(1", "Parenthesis in column 11 is not closed."),
        ("TO(1) TO(2)", "Parameter TO is given again in column 7."),
    ],
)
def test_a_wrong_parameter_of_an_option_is_told_as_it_was_typed(policies, parameters, told):
    policies.option("2", "14").enter(CMD=parameters)
    assert policies.message == told
    assert policies.options == {"2": "14"}
    assert policies.buffer.values["CMD"] == parameters


def test_wrong_parameters_are_refused_before_a_confirmation_is_asked_for(policies):
    policies.option("1", "10").enter(CMD="NOSUCH(8)")
    assert policies.title == "Work with Socket Policies"
    assert policies.message_ids == ["GWL0775"]
