"""What the console keeps from whom: panels, prompts and commands, whichever way leads to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.errors import AuthorityError
from console.store.outbox import waiting
from console.store.rules import list_rules
from console.store.session import reading
from screens.panels.main_menu import MainMenu
from screens.panels.prompter import Prompter
from screens.panels.services import SHOWN_BY
from tests.screens.panels.operator import Operator


@pytest.fixture
def of(services):
    """Return what panels share when the operator has some authorities only."""

    def made(*authorities, limited=False):
        return replace(services, context=replace(services.context, authorities=frozenset(authorities), limited=limited))

    return made


def refusals(services):
    with reading(services.context.store) as session:
        return [row.sk_type for row in waiting(session) if row.entry_type == "AF"]


@pytest.mark.parametrize("panel", ["DisplayJournal", "DisplayAuditReport", "WorkWithReceivers", "WorkWithAlerts"])
def test_panel_that_others_lead_to_needs_what_its_command_needs(of, panel):
    services = of("*IOSYSCFG", "*JOBCTL", "*SECADM", "*ALLOBJ")
    with pytest.raises(AuthorityError):
        services.open(panel, {})
    assert refusals(services) == ["K"]


def test_panel_that_no_command_is_named_for_is_for_who_may_everything(of, services):
    unnamed = next(name for name in services.openers if name not in SHOWN_BY)
    with pytest.raises(AuthorityError):
        of("*AUDIT", "*IOSYSCFG").open(unnamed, {})


def test_each_panel_that_is_named_has_a_command(services):
    assert {name for name in SHOWN_BY.values() if name not in services.commands} == set()


def test_prompt_that_would_show_how_things_are_is_refused(of):
    services = of("*JOBCTL")
    with pytest.raises(AuthorityError):
        Prompter(services, services.commands["CHGUSRPRF"], {"USRPRF": "OPER"})
    assert refusals(services) == ["K"]


@pytest.mark.parametrize("typed", ["ADDSOCRUL *CONNECT ACTION(*REJECT)", "?ADDSOCRUL", "GO CMDADD", "WRKSOCRUL"])
def test_limited_user_keys_nothing_else_on_a_command_line(of, typed):
    services = of("*IOSYSCFG", limited=True)
    operator = Operator(MainMenu(services, is_first=True)).command(typed)
    assert operator.message_ids == ["GWL1007"]
    assert refusals(services) == ["A"]
    assert operator.title.endswith("Greenwall Main Menu")


def test_limited_user_prompts_nothing_else_from_a_command_line(of):
    services = of("*IOSYSCFG", limited=True)
    operator = Operator(MainMenu(services, is_first=True)).type(CMD="addsocrul").press("F4")
    assert operator.message_ids == ["GWL1007"]


def test_menus_and_options_lead_a_limited_user_to_what_its_authorities_allow(of):
    services = of("*IOSYSCFG", limited=True)
    operator = Operator(MainMenu(services, is_first=True)).command("2")
    assert operator.title == "Work with Socket Rules"
    operator.press("F6").enter(EXITPNT="*CONNECT", ACTION="*REJECT", RMTADR="192.0.2.1")
    with reading(services.context.store) as session:
        assert [rule.sequence for rule in list_rules(session) if rule.sequence < 99999] == [10]


def test_option_without_its_authority_is_refused_and_journalled(of):
    services = of("*JOBCTL")
    operator = Operator(MainMenu(services, is_first=True)).command("2").press("F6")
    assert operator.message_ids == ["GWL1006"]
    assert refusals(services) == ["K"]


@pytest.mark.parametrize(
    ("command", "has"),
    [
        *((name, ()) for name in ("WRKSOCRUL *CONNECT", "WRKREGINF", "WRKSOCKSE", "WRKADRGRP", "WRKTIMGRP")),
        *((name, ()) for name in ("WRKSOCJOB", "WRKTCPSTS", "WRKSOCWRK", "WRKSOCPCY", "WRKSYSVAL", "WRKSSHSSN")),
        *((name, ("*AUDIT",)) for name in ("WRKALR", "WRKALRDST", "WRKJRNFWD")),
        ("WRKUSRPRF", ("*SECADM",)),
    ],
)
def test_every_option_of_a_list_has_room_and_those_that_may_not_be_used_say_what_they_need(of, command, has):
    shared = of(*has)
    operator = Operator(MainMenu(shared, is_first=True)).command(command)
    panel, told = operator.session.panel, operator.session.frame.options()
    assert told.keys() == {option.number for option in panel.options}
    for option in panel.options:
        missing = shared.missing(option.command) if option.command else ()
        assert told[option.number].startswith("(") == bool(missing)
        assert all(authority in operator.row(panel.options_row) for authority in missing)


def test_help_on_the_options_says_what_the_parentheses_mean(of, services):
    command = "WRKSOCRUL *CONNECT"
    plain = Operator(MainMenu(of(), is_first=True)).command(command).session.panel.help("*OPTIONS")
    assert plain.text.startswith("An option in parentheses is not allowed for you: 1=Add needs *IOSYSCFG, 2=Change")
    assert "\n\n" in plain.text
    whole = Operator(MainMenu(services, is_first=True)).command(command).session.panel.help("*OPTIONS")
    assert "not allowed for you" not in whole.text


def test_options_of_who_may_everything_are_as_ever(services):
    operator = Operator(MainMenu(services, is_first=True)).command("WRKSOCRUL *CONNECT")
    assert "(" not in "".join(operator.session.frame.options().values())
    assert "needs" not in operator.shown


def test_option_in_parentheses_is_refused_and_says_so(of, run):
    run("ADDSOCRUL *CONNECT 10 ACTION(*REJECT)")
    operator = Operator(MainMenu(of(), is_first=True)).command("WRKSOCRUL *CONNECT")
    assert operator.matches("work_with_rules_no_authority")
    first = next(name[4:] for name in operator.buffer.contents if name.startswith("OPT.") and "ADD" not in name)
    operator.option(first, "4").press("ENTER")
    if operator.title.startswith("Confirm"):
        operator.press("ENTER")
    assert "*IOSYSCFG" in operator.message
