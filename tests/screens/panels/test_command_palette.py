"""Finding keys, options, menus and commands by words, and doing what was found where it belongs."""

from __future__ import annotations

import pytest

from console.errors import AuthorityError
from screens.console import console_services, palette
from screens.panels.command_palette import CommandPalette
from screens.panels.main_menu import MainMenu
from screens.panels.palette_entries import Entry, found
from tests.factories import signed_on
from tests.screens.demo import DemoEntry
from tests.screens.panels.operator import Operator


@pytest.fixture
def find(operator, services):
    """Return a way to open the palette over what shows, and look for words."""

    def look(words: str = "") -> Operator:
        operator.outcome = operator.session.push_help(CommandPalette(services, operator.session.frame))
        if words:
            operator.enter(FIND=words)
        return operator

    return look


def names(operator: Operator) -> list[str]:
    return [row[12:].split(":")[0].split("  ")[0].strip() for row in operator.rows if ": " in row[:6]]


def test_it_looks_as_drawn(find):
    rows = find("cfgsocks").rows
    assert rows[2].endswith("..........  ")
    assert rows[3] == "  :                  Find Keys, Options, Menus and Commands                  :  "
    assert rows[4] == "  : Words  . . . cfgsocks                                                    :  "
    assert rows[6] == "  :  Opt What    Name               Text                                     :  "
    assert rows[7] == "  :      Menu    CFGSOCKS           Configure SOCKS                          :  "
    assert all(len(row) == 80 for row in rows)


def test_words_find_a_command_and_enter_runs_the_first(find):
    operator = find("wrksocrul")
    operator.press("ENTER")
    assert operator.title == "Work with Socket Rules"
    operator.press("F12")
    assert "Greenwall Main Menu" in operator.title


def test_a_command_that_needs_values_is_prompted(find):
    operator = find("addsocrul")
    operator.press("ENTER")
    assert operator.title == "Add Socket Rule (ADDSOCRUL)"


def test_1_beside_another_entry_chooses_that_one(find):
    operator = find("system values")
    row = next(number for number, row in enumerate(operator.rows) if "Work with System Values" in row)
    operator.enter(**{f"OPT.{row - 7}": "1"})
    assert operator.title == "Work with System Values"


def test_another_option_is_refused(find):
    operator = find("messages")
    operator.enter(**{"OPT.0": "4"})
    assert operator.message_ids == ["GWL0703"]


def test_a_key_of_the_panel_is_pressed_on_the_panel(operator, find):
    operator.command("WRKSOCRUL")
    find("f6")
    operator.press("ENTER")
    assert operator.title == "Add Socket Rule (ADDSOCRUL)"
    operator.press("F12")
    assert operator.title == "Work with Socket Rules"


def test_an_option_is_typed_beside_the_row_of_the_cursor(operator, find):
    operator.command("WRKSOCRUL").go_to("OPT.*CONNECT.99999")
    find("display row")
    operator.press("ENTER")
    assert operator.title == "Work with Socket Rules"
    assert operator.options == {"*CONNECT.99999": "5"}


def test_options_are_offered_only_where_the_cursor_is_on_a_row(operator, find):
    operator.command("WRKSOCRUL").go_to("CMD")
    assert "(the row of the cursor)" not in find("display").shown


def test_a_list_beneath_is_read_anew_when_what_was_chosen_returns(operator, find, run):
    operator.command("WRKSOCRUL")
    find("dspkey")
    operator.press("ENTER")
    run("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(40) ACTION(*ALLOW)")
    operator.press("F12")
    assert "OPT.*CONNECT.40" in operator.buffer.contents


def test_f12_leaves_everything_as_it_was(operator, find):
    operator.type(CMD="half a comm")
    find("dsp").press("F12")
    assert operator.buffer.values["CMD"] == "half a comm"


def test_nothing_found_is_said(find):
    assert find("zzz").message_ids == ["GWL0729"]


def test_only_commands_that_the_operator_may_use_are_offered(store, now):
    few = console_services(store, signed_on(authorities=frozenset(), limited=False), system="X", clock=lambda: now)
    offered = {entry.does for entry in CommandPalette(few, Operator(MainMenu(few)).session.frame)._everything}
    assert "DSPKEY" in offered
    assert "ADDSOCRUL" not in offered
    assert "CRTUSRPRF" not in offered


def test_limited_users_are_offered_the_commands_that_they_may_key(store, now):
    few = console_services(store, signed_on(limited=True), system="X", clock=lambda: now)
    offered = CommandPalette(few, Operator(MainMenu(few)).session.frame)._everything
    commands = {entry.name for entry in offered if entry.kind == "Command"}
    assert commands == {name for name, cls in few.commands.items() if cls.for_limited}


def test_there_is_none_before_anybody_has_signed_on(operator):
    assert palette(DemoEntry(), operator.session.frame) is None


@pytest.mark.parametrize(
    ("typed", "best"), [("rul", "RULE"), ("work rul", "WRKRUL"), ("wr", "WRKRUL"), ("rnb", "RENUMBER"), ("", "RULE")]
)
def test_the_beginning_counts_more_than_the_middle_and_letters_in_order_count_least(typed, best):
    everything = [
        Entry("Command", "RULE", "A rule", "RULE"),
        Entry("Command", "WRKRUL", "Work with rules", "WRKRUL"),
        Entry("Command", "RENUMBER", "Renumber", "RENUMBER"),
    ]
    assert found(everything, typed)[0].name == best


def test_a_whole_word_counts_more_than_the_beginning_of_one():
    everything = [
        Entry("Menu", "GO JOURNAL", "Journal, reports and auditing", "GO JOURNAL"),
        Entry("Command", "DSPAUDRPT", "Display Audit Report", "DSPAUDRPT"),
    ]
    assert [entry.name for entry in found(everything, "audit report")] == ["DSPAUDRPT", "GO JOURNAL"]


def test_every_word_must_be_found():
    assert found([Entry("Command", "RULE", "A rule", "RULE")], "rule zebra") == []


def test_its_command_goes_through_the_authority_check_of_every_command(store, now):
    few = console_services(store, signed_on(authorities=frozenset()), system="X", clock=lambda: now)
    shown = CommandPalette(few, Operator(MainMenu(few)).session.frame)
    for name in ("ADDSOCRUL", "WRKUSRPRF", "STRSOCWRK"):
        with pytest.raises(AuthorityError):
            shown._do(Entry("Command", name, "", name))
