"""The menus as data: what they lead to is there, and every command can be found by way of them."""

from __future__ import annotations

import pytest

from console.commands.menus import ALL, MAIN, SUBJECTS, VERBS, find_menu, menu_check, menu_choices, verbs
from console.commands.registry import COMMANDS
from console.errors import CommandError

BESIDE_ROWS = {
    "WRKSOCRUL": ("ADDSOCRUL", "CHGSOCRUL", "CPYSOCRUL", "RMVSOCRUL", "DSPSOCRUL"),
    "WRKREGINF": ("CHGSOCEXT", "ADDEXITPGM", "RMVEXITPGM"),
    "WRKSOCKSE": ("CHGSOCKSE", "CPYSOCKSE", "RMVSOCKSE", "DSPSOCKSE"),
    "WRKADRGRP": ("ADDADRGRP", "CHGADRGRP", "CPYADRGRP", "RMVADRGRP", "DSPADRGRP", "ADDADRGRPE", "RMVADRGRPE"),
    "WRKTIMGRP": ("ADDTIMGRP", "CHGTIMGRP", "CPYTIMGRP", "RMVTIMGRP", "DSPTIMGRP"),
    "WRKSOCPCY": ("DSPSOCPCY",),
    "WRKJRNA": ("SAVJRNRCV", "DLTJRNRCV", "DSPJRNRCVA"),
    "WRKJRNFWD": ("ADDJRNFWD", "CHGJRNFWD", "RMVJRNFWD"),
    "WRKALR": ("ADDALR", "CHGALR", "CPYALR", "RMVALR", "DSPALR"),
    "WRKALRDST": ("ADDALRDST", "CHGALRDST", "RMVALRDST", "TSTALRDST"),
    "DSPMSG": ("RMVMSG",),
    "WRKSOCJOB": ("ENDSOCJOB",),
    "WRKTCPSTS": ("ENDTCPCNN",),
    "WRKSSHSSN": ("DSPSSHSSN", "ENDSSHSSN"),
    "WRKUSRKEY": ("ADDUSRKEY", "RMVUSRKEY"),
    "WRKSYSVAL": ("DSPSYSVAL", "CHGSYSVAL"),
    "WRKUSRPRF": ("CHGUSRPRF", "CPYUSRPRF", "DLTUSRPRF", "DSPUSRPRF", "RMVUSRCOD"),
}
"""Commands that are options or function keys of a list, and therefore on no menu on purpose; by the list's command."""

NOT_ON_MENUS = {"GO": "it is what shows menus", "NETSTAT": "another name of WRKTCPSTS"}


def on_menus():
    return {option.command_name for menu in SUBJECTS.values() for option in menu.options}


def test_every_command_is_on_a_menu_or_beside_the_rows_of_a_list_that_is():
    found = on_menus() | {name for names in BESIDE_ROWS.values() for name in names} | NOT_ON_MENUS.keys()
    assert sorted(COMMANDS.keys() - found) == []
    assert sorted(name for name in BESIDE_ROWS if name in COMMANDS and name not in on_menus()) == []


def test_every_command_is_on_the_menu_of_its_verb():
    found = [option.command_name for verb in verbs(COMMANDS) for option in find_menu(f"CMD{verb}", COMMANDS).options]
    own = {name for name, command in COMMANDS.items() if command.name == name}
    assert sorted(found) == sorted(own - {"GO", "QCMD", "SIGNOFF"})


@pytest.mark.parametrize("name", [*SUBJECTS, VERBS, ALL, "CMDADD", "CMD*"])
def test_a_menu_leads_to_commands_that_there_are(name):
    options = find_menu(name, COMMANDS).options
    assert {option.command_name for option in options} <= COMMANDS.keys()
    assert options
    numbers = [option.number for option in options]
    assert numbers == sorted(set(numbers))


def test_every_menu_that_an_option_goes_to_is_there():
    for choice in menu_choices(COMMANDS):
        for option in find_menu(choice.value, COMMANDS).options:
            if option.command_name == "GO":
                menu_check(option.command.split()[1])


def test_every_subject_is_reached_from_the_main_menu():
    seen, waiting = set(), [MAIN]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            options = find_menu(name, COMMANDS).options
            waiting += [option.command.split()[1] for option in options if option.command_name == "GO"]
    assert seen >= SUBJECTS.keys()


def test_the_main_menu_stays_on_one_page():
    assert sum(option.gap + 1 for option in SUBJECTS[MAIN].options) <= 14


@pytest.mark.parametrize("name", ["NOWHERE", "CMD", "CMDXYZ", "Q*", ""])
def test_a_menu_that_is_not_there_is_refused(name):
    with pytest.raises(CommandError) as caught:
        menu_check(name)
    assert caught.value.message_id == "GWL0730"


def test_commands_that_are_not_installed_are_not_shown():
    few = {name: COMMANDS[name] for name in ("GO", "WRKSOCRUL", "SIGNOFF")}
    assert [option.command for option in find_menu("RULES", few).options] == ["WRKSOCRUL"]
