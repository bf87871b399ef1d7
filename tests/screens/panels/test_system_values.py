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
    assert values.title == "Change System Value"
    assert values.buffer.values["WORD.0"] == "*AUDLVL"
    values.type_into("WORD.0", "").press("ENTER")
    assert values.title == "Work with System Values"
    assert values.message_ids == ["GWL068A", "GWL0682"]


def test_what_a_value_cannot_hold_is_refused_in_the_prompter(values):
    values.option("QAUDFRCLVL", "2").press("ENTER")
    values.enter(VALUE="*NONSENSE")
    assert values.title == "Change System Value (CHGSYSVAL)"
    assert values.message_ids == ["GWL0680"]


SIXTEEN = (
    "*ATNEVT", "*AUTFAIL", "*CREATE", "*DELETE", "*JOBDTA", "*NETSCK", "*NETFAIL", "*NETUDP", "*NETSECURE", "*OBJMGT",
    "*PGMADP", "*PRTDTA", "*SAVRST", "*SECURITY", "*SERVICE", "*AUDLVL2",
)  # fmt: skip


def type_words(values, words, first=0):
    for place, word in enumerate(words, first):
        values.type_into(f"WORD.{place}", word)


def test_a_value_of_sixteen_words_is_keyed_on_one_panel(values):
    values.option("QAUDLVL", "2").press("ENTER")
    type_words(values, SIXTEEN)
    assert values.matches("change_system_value")
    values.press("ENTER")
    assert values.message_ids[0] == "GWL068A"
    values.option("QAUDLVL", "2").press("ENTER")
    assert [values.buffer.values[f"WORD.{place}"] for place in range(16)] == list(SIXTEEN)


def test_qaudlvl2_takes_more_on_the_next_page(values, run):
    run(f"CHGSYSVAL QAUDLVL2 VALUE({' '.join(SIXTEEN[:15])})")
    values.option("QAUDLVL2", "2").press("ENTER").type_into("WORD.15", "*SPLFDTA").press("ROLLUP")
    values.type_into("WORD.16", "NETBAS").press("ENTER")
    assert values.message_ids[0] == "GWL068A"
    assert values.message.endswith("*SERVICE *SPLFDTA *NETBAS.")


def test_a_wrong_word_is_shown_where_it_is_and_the_others_stay(values):
    values.option("QAUDLVL", "2").press("ENTER")
    type_words(values, ("*NETSCK", "*NOSUCH"))
    values.press("ENTER")
    assert values.message_ids == ["GWL0680"]
    assert values.outcome.errors == ("WORD.1",)
    assert values.buffer.values["WORD.0"] == "*NETSCK"


def test_f4_in_a_word_lists_what_it_may_be(values):
    values.option("QAUDLVL", "2").press("ENTER").go_to("WORD.9").press("F4")
    assert "Words of QAUDLVL" in values.shown
    values.option("1", "1").press("ENTER")
    assert values.buffer.values["WORD.9"] == "*AUDLVL2"


def test_f5_brings_back_what_the_value_holds_and_f12_changes_nothing(values, run):
    values.option("QAUDCTL", "2").press("ENTER").type_into("WORD.0", "*NONE").press("F5")
    assert values.buffer.values["WORD.0"] == "*AUDLVL"
    values.type_into("WORD.0", "*NONE").press("F12")
    (result,) = run("DSPSYSVAL QAUDCTL")
    assert "*AUDLVL" in result.lines[2]


def test_a_subset_by_type_is_keyed_or_chosen(values):
    values.enter(SUBSET="*SYSCTL")
    assert [name for name in values.buffer.values if name.startswith("OPT.")] == ["OPT.QINACTITV"]
    values.go_to("SUBSET").press("F4").option("1", "1").press("ENTER")
    assert values.buffer.values["SUBSET"] == "*SEC"
    values.press("ENTER")
    assert "OPT.QAUDCTL" in values.buffer.values
    assert "OPT.QINACTITV" not in values.buffer.values
    values.enter(SUBSET="*NOSUCH")
    assert values.message_ids == ["GWL0770"]


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
