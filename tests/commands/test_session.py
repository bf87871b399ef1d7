"""Moving about, and the lists behind F4."""

from __future__ import annotations

import os
import pwd

import pytest

from console.commands.execute import run_command
from console.commands.host import groups_of
from console.commands.registry import COMMANDS
from console.errors import CommandError


def test_go_leads_to_the_main_menu(context):
    result = run_command("GO", context)
    assert (result.panel, result.arguments) == ("Menu", {"MENU": "MAIN"})


def test_a_menu_that_is_not_there_is_refused(context):
    with pytest.raises(CommandError) as caught:
        run_command("GO CMDSOC", context)
    assert caught.value.message_id == "GWL0730"


def test_signing_off_is_asked_of_the_console(context):
    assert run_command("SIGNOFF", context).panel == "SignOff"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_each_value_in_a_list_is_one_that_the_parameter_takes(context, command):
    for parameter in command.parameters:
        for choice in parameter.list_values(context) if parameter.list_values else ():
            taken = parameter.check(choice.value)
            # A special value may stand for others, such as *ALL levels; those are taken as they are.
            assert taken == choice.value or (choice.value.startswith("*") and parameter.check(taken) == taken)


def test_users_of_this_system_are_in_the_list(context):
    user = next(each for each in COMMANDS["ADDSOCRUL"].parameters if each.keyword == "USRPRF")
    assert pwd.getpwuid(os.getuid()).pw_name.upper() in {choice.value for choice in user.list_values(context)}


def test_a_user_is_found_in_any_case_with_the_groups(context):
    account = pwd.getpwuid(os.getuid())
    assert groups_of(account.pw_name.swapcase()) == groups_of(account.pw_name) != frozenset()


def test_a_user_who_is_not_there_has_no_groups():
    assert groups_of("NO SUCH USER") == frozenset()
