"""The panels of address groups and time groups."""

from __future__ import annotations

import pytest

from console.store.groups import ADDRESS_GROUPS
from console.store.session import reading
from screens.terminal.page import WIDE
from tests.screens.panels.operator import Operator


@pytest.fixture
def some(run):
    """Make groups, and rules that use them."""
    run(
        "ADDADRGRP DMZ MBR('10.0.0.0/8' '!10.0.0.5' 192.0.2.1-192.0.2.9) TEXT('Demilitarized zone')",
        "ADDADRGRP BLOCKED MBR(1.2.3.0/24 2001:db8::/32 203.0.113.66 198.51.100.0/24 192.0.2.200)",
        "ADDTIMGRP OFFICE DAYS(*WEEKDAY) TIMES(0800-1200 13:00-18:00) TIMZON(UTC) TEXT('When we are here')",
        "ADDTIMGRP NIGHT TIMES(22:00-06:00) TODATE(2026-12-31) TIMZON('Europe/Berlin')",
        "ADDSOCRUL *CONNECT 10 RMTADR(%DMZ) TIMGRP(OFFICE) ACTION(*REJECT)",
        "ADDSOCRUL *ACCEPT 20 RMTADR(%BLOCKED) ACTION(*REJECT)",
    )


def members(store, name):
    with reading(store) as session:
        return ADDRESS_GROUPS.get(session, name).members


def test_address_groups_are_listed_with_members_and_rules(some, operator):
    assert operator.command("WRKADRGRP").matches("work_with_address_groups")


def test_address_groups_have_more_room_on_a_wide_screen(some, services):
    wide = Operator(services.opened("WorkWithAddressGroups", {}), WIDE)
    assert wide.matches("work_with_address_groups_wide")


def test_a_list_without_groups_says_how_to_make_one(operator):
    operator.command("WRKADRGRP")
    assert "(No address groups. F6 adds one; rules say it as %NAME)" in operator.shown
    operator.press("F12").command("WRKTIMGRP")
    assert "(No time groups. F6 adds one; rules name it in TIMGRP)" in operator.shown


def test_an_address_group_is_displayed_with_its_members_in_columns(some, operator):
    operator.command("WRKADRGRP").option("BLOCKED", "5").press("ENTER")
    assert operator.matches("display_address_group")


def test_ten_thousand_members_are_paged(run, operator, tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("".join(f"10.{at >> 8}.{at & 255}.7\n" for at in range(10_000)), encoding="utf-8")
    run(f"ADDADRGRP LONG FROMFILE('{path}')")
    operator.command("DSPADRGRP LONG")
    assert "10.0.0.7" in operator.shown
    assert "More..." in operator.shown
    operator.press("ROLLUP")
    assert "10.0.60.7" in operator.shown


def test_members_are_added_and_removed_by_options(some, operator, store):
    operator.command("WRKADRGRP").option("DMZ", "14").type(CMD="MBR(192.0.2.77)").press("ENTER")
    assert operator.message == "Members added to address group DMZ: 1; it has 4 now."
    operator.option("DMZ", "15").type(CMD="MBR(192.0.2.77 '!10.0.0.5')").press("ENTER")
    assert members(store, "DMZ") == ("10.0.0.0/8", "192.0.2.1-192.0.2.9")
    operator.option("DMZ", "14").press("ENTER")
    assert operator.title == "Add Address Group Entry (ADDADRGRPE)"


def test_a_change_leaves_members_as_they_are_unless_others_are_typed(some, operator, store):
    operator.command("WRKADRGRP").option("DMZ", "2").press("ENTER")
    assert operator.buffer.values["MBR"].strip() == "*SAME"
    operator.type(TEXT="The zone".ljust(18)).press("ENTER")
    assert operator.message == "Address group DMZ changed in the pending policy."
    assert len(members(store, "DMZ")) == 3


def test_rules_that_use_a_group_are_listed_to_work_with(some, operator):
    operator.command("WRKADRGRP").option("DMZ", "8").press("ENTER")
    assert operator.title == "Work with Rules That Use %DMZ"
    rows = [row for row in operator.rows if "*REJECT" in row]
    assert len(rows) == 1
    assert "%DMZ" in rows[0]
    operator.option("*CONNECT.10", "2").type(CMD="RMTADR(*ANY)").press("ENTER")
    assert "(No rule of the pending policy uses the group)" in operator.shown
    operator.press("F12").press("F12").command("WRKTIMGRP").option("OFFICE", "8").press("ENTER")
    assert operator.title == "Work with Rules That Use OFFICE"


def test_a_group_in_use_is_not_removed_and_says_why(some, operator):
    operator.command("WRKADRGRP").option("DMZ", "4").press("ENTER")
    assert operator.title == "Confirm Remove of Address Groups"
    operator.press("ENTER")
    assert operator.message == "Address group DMZ cannot be removed; rules that use it: *CONNECT 10."
    assert operator.options == {"DMZ": "4"}


def test_time_groups_are_listed_with_what_is_active_now(some, operator):
    assert operator.command("WRKTIMGRP").matches("work_with_time_groups")
    assert operator.press("F11").matches("work_with_time_groups_2")


def test_time_groups_show_everything_on_a_wide_screen(some, services):
    wide = Operator(services.opened("WorkWithTimeGroups", {}), WIDE)
    assert wide.matches("work_with_time_groups_wide")
    assert 11 not in wide.session.frame.keys


def test_a_time_group_is_displayed(some, operator):
    operator.command("WRKTIMGRP").option("NIGHT", "5").press("ENTER")
    assert operator.matches("display_time_group")


def test_both_lists_lead_to_the_activation_which_tells_of_groups(some, operator):
    operator.command("WRKTIMGRP").press("F10")
    assert "Added address group DMZ" in operator.shown
    operator.press("F12").press("F12").command("WRKADRGRP").press("F10").press("ENTER")
    assert operator.message.startswith(
        "Revision 2 is active: 2 rules added, 2 address groups added, 2 time groups added"
    )


def test_rules_show_their_time_where_there_are_time_groups(some, operator, services):
    operator.command("WRKSOCRUL *CONNECT").press("F11").press("F11")
    assert " Time " in operator.shown
    assert "OFFICE" in operator.shown
    wide = Operator(services.opened("WorkWithRules", {"EXITPNT": "*CONNECT"}), WIDE)
    assert "OFFICE" in wide.shown
    assert len(wide.rows[0]) == 132


def test_a_test_names_the_member_and_the_time(some, operator):
    operator.command("TSTSOCRUL *CONNECT RMTADR(10.1.1.1) TIME('2026-03-02 09:00')")
    assert operator.matches("display_test_groups")


def test_rules_are_displayed_with_their_groups(some, operator):
    operator.command("DSPSOCRUL *CONNECT 10")
    assert "Time group . . . . . . . . . . :   OFFICE" in operator.shown
    assert "Remote address . . . . . . . . :   %DMZ" in operator.shown


@pytest.mark.parametrize("panel", ["WRKADRGRP", "WRKTIMGRP"])
def test_f17_and_the_position_field_go_to_a_group(some, operator, panel):
    operator.command(panel).press("F17")
    operator.enter(POSTO="ZZZ")
    assert operator.message_ids
    operator.enter(POSTO="D" if panel == "WRKADRGRP" else "O")
    assert operator.outcome.messages == ()
