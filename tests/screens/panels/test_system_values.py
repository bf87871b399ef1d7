"""Work with System Values, Display System Value, and what DSPSECAUD shows."""

from __future__ import annotations

import pytest


@pytest.fixture
def values(operator):
    return operator.command("WRKSYSVAL")


def test_the_list_looks_as_drawn(values):
    assert values.matches("work_with_system_values")


def test_f11_shows_what_the_values_hold(values):
    assert values.press("F11").matches("work_with_system_values_values")
    values.press("F11")
    assert "Auditing control" in values.shown


def test_option_2_changes_a_value_from_what_it_is_and_says_what_contradicts(values):
    values.option("QAUDCTL", "2").press("ENTER")
    assert values.title == "Change System Value (CHGSYSVAL)"
    assert values.buffer.values["VALUE"].strip() == "*AUDLVL"
    values.enter(VALUE="*NONE")
    assert values.title == "Work with System Values"
    assert values.message_ids == ["GWL068A", "GWL0682"]


def test_what_a_value_cannot_hold_is_refused_in_the_prompter(values):
    values.option("QAUDLVL", "2").press("ENTER")
    values.enter(VALUE="*NONSENSE")
    assert values.title == "Change System Value (CHGSYSVAL)"
    assert values.message_ids == ["GWL0680"]


def test_option_5_shows_each_word_and_what_it_means(values):
    assert values.option("QAUDLVL", "5").press("ENTER").matches("display_system_value")


def test_position_to_brings_a_value_to_the_top(values):
    values.enter(POSTO="QAUDLVL2")
    assert "QAUDLVL2" in values.row(10)
    values.enter(POSTO="QX")
    assert values.message_ids == ["GWL0750"]


def test_a_generic_name_shows_some(operator):
    operator.command("WRKSYSVAL QAUDL*")
    assert operator.shown.count("QAUDLVL") == 2


def test_security_auditing_shows_values_users_and_contradictions(operator, run):
    run("CHGUSRAUD ROOT *NETUDP", "CHGSYSVAL QAUDLVL2 *NETUDP")
    assert operator.command("DSPSECAUD").matches("display_security_auditing")


def test_commands_of_auditing_prompt_with_what_is_set(operator, run):
    run("CHGSECAUD QAUDLVL(*NETSCK *NETFAIL)", "CHGUSRAUD ROOT *NETUDP")
    operator.type(CMD="CHGSECAUD").press("F4")
    assert operator.title == "Change Security Auditing (CHGSECAUD)"
    assert "*NETSCK *NETFAIL" in operator.shown
