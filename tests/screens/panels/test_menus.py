"""The subject menus, and the menus made of the registry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.commands.menus import SUBJECTS
from screens.panels.main_menu import MainMenu
from tests.screens.panels.operator import Operator


@pytest.fixture
def officer(services):
    """Return an operator who may do everything."""
    needed = {each for command in services.commands.values() for each in command.authority}
    allowed = replace(services, context=replace(services.context, authorities=frozenset(needed), limited=False))
    return Operator(MainMenu(allowed, is_first=True))


@pytest.fixture
def nobody(services):
    """Return an operator without any special authority."""
    plain = replace(services, context=replace(services.context, authorities=frozenset(), limited=False))
    return Operator(MainMenu(plain, is_first=True))


@pytest.mark.parametrize("name", [name for name in SUBJECTS if name != "MAIN"])
def test_a_subject_menu_shows_its_options_under_its_name(officer, name):
    officer.command(f"GO {name}")
    assert officer.row(1).startswith(f" {name}  ")
    assert officer.row(1)[11:].strip() == SUBJECTS[name].title
    assert "needs" not in officer.shown


def test_an_option_that_the_operator_may_not_use_says_what_it_needs(nobody):
    nobody.command("GO RULES")
    assert "Add" not in nobody.shown
    assert "6. Renumber socket rules (needs *IOSYSCFG)" in nobody.shown


@pytest.mark.parametrize(("key", "title"), [("F13", "Display Messages"), ("F14", "Work with Socket Jobs")])
def test_the_main_menu_has_keys_for_messages_and_jobs(officer, key, title):
    assert officer.press(key).title == title
    assert officer.press("F12").title.endswith("Greenwall Main Menu")


def test_the_verbs_lead_to_their_commands_and_these_to_the_prompter(officer):
    officer.command("go verb")
    while "(CMDRNB)" not in officer.shown:
        officer.press("ROLLUP")
    number = next(row.split(".")[0].strip() for row in officer.rows if "(CMDRNB)" in row)
    officer.command(number)
    assert officer.row(5).strip() == "1. Renumber Socket Rules  (RNBSOCRUL)"
    assert officer.command("1").title == "Renumber Socket Rules (RNBSOCRUL)"


def test_a_menu_with_more_options_than_rows_is_paged(officer):
    officer.command("GO *ALL")
    assert "More..." in officer.row(18)
    first = officer.row(5)
    officer.press("ROLLUP")
    assert officer.row(5) != first
    last = officer.rows[4:17]
    while "More..." in officer.row(18):
        officer.press("ROLLUP")
        last = officer.rows[4:17]
    assert officer.press("ROLLUP").message == "Already at the bottom of the menu."
    assert any("(CMDWRK)" in row for row in last)


def test_an_option_of_another_page_is_taken_by_its_number(officer):
    officer.command("GO *ALL").command("1")
    assert "Greenwall Main Menu" in officer.title


def test_the_cursor_on_an_option_of_the_second_page_chooses_that_one(officer):
    officer.command("GO *ALL").press("ROLLUP")
    wanted = officer.row(5).rsplit("(", 1)[1].split(")")[0]
    officer.buffer.move(5, 12)
    officer.press("ENTER")
    assert officer.row(1).startswith(f" {wanted} ")


def test_a_generic_name_lists_the_menus_that_begin_so(officer):
    officer.command("GO JO*")
    assert [row.strip() for row in officer.rows[4:6]] == [
        "1. Jobs, Connections and Workers  (JOBS)",
        "2. Journal, Reports and Auditing  (JOURNAL)",
    ]


def test_f4_on_the_name_of_a_menu_lists_them(officer):
    officer.type(CMD="GO").press("F4").go_to("MENU").press("F4")
    assert "Journal, Reports and Auditing" in officer.shown


def test_f12_goes_one_menu_up_and_f3_to_the_first(officer):
    officer.command("GO CONSOLE").command("GO VERB").command("GO CMDADD").press("F12")
    assert officer.row(1).startswith(" VERB ")
    officer.press("F3")
    assert "Greenwall Main Menu" in officer.title
    assert len(officer.session._stack) == 1


def test_f3_of_a_panel_goes_back_to_the_menu_that_led_there(officer):
    officer.command("GO RULES").command("2").press("F3")
    assert officer.row(1).startswith(" RULES ")


def test_f16_shows_the_main_menu_and_f12_comes_back(officer):
    officer.command("GO SOCKS").press("F16")
    assert "Greenwall Main Menu" in officer.title
    assert 16 not in officer.session.frame.keys
    assert officer.press("F12").row(1).startswith(" SOCKS ")


def test_help_on_an_option_is_that_of_where_it_leads(officer):
    panel = officer.command("GO RULES").session.panel
    assert panel.help("2").title == "2. Work with socket rules"
    main = officer.command("GO MAIN").session.panel
    assert "exit points" in main.help("1").text


def test_f23_prompts_for_this_menu_to_be_the_first_one(officer, run):
    run("CRTUSRPRF OPER PASSWORD('a long enough word 7')")
    officer.command("GO JOURNAL").press("F23")
    assert officer.title == "Change Profile (CHGPRF)"
    assert officer.buffer.values["INLMNU"] == "JOURNAL"
