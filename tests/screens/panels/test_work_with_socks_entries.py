"""Work with SOCKS Entries and Configure SOCKS: which way connections go, keyed, shown and tested."""

from __future__ import annotations

import pytest

from console.model.words import SocksType
from console.policy.secret import Secret
from console.store.secrets import unseal
from console.store.session import reading
from console.store.socks_entries import list_socks_entries
from screens.terminal.page import WIDE
from tests.screens.panels.operator import Operator

SOME = (
    "ADDSOCKSE 10 RMTADR('10.0.0.0/8') TYPE(*DIRECT) TEXT('The house')",
    "ADDSOCKSE 20 RMTADR('2001:db8:aaaa:bbbb:cccc:dddd:eeee:1') RMTPORT(1024-65535) USRPRF(%BATCH) "
    "SERVER(proxy1.example proxy2.example:9050) USERID('anna') PASSWORD('hunter2')",
    "ADDSOCKSE 30 RMTADR('192.0.2.1-192.0.2.9') RMTPORT(443) USRPRF(ALICE) SERVER('[2001:db8::1]:9050') VERSION(4A)",
    "ADDSOCKSE 40 SERVER(127.0.0.1) VERSION(4) USERID('nobody') TEXT('All the rest of it')",
)


def entries(store):
    with reading(store) as session:
        return list_socks_entries(session)


def sequences(store):
    return [entry.sequence for entry in entries(store)]


@pytest.fixture
def listed(operator, run):
    """Return an operator at the list, with four entries."""
    run(*SOME)
    return operator.command("WRKSOCKSE")


def test_the_list_looks_as_drawn(listed):
    assert listed.matches("work_with_socks_entries")


def test_the_other_view_looks_as_drawn(listed):
    assert listed.press("F11").matches("work_with_socks_entries_users")
    assert "Remote address" in listed.press("F11").row(8)


def test_a_wide_screen_shows_all_columns(listed, services):
    assert Operator(services.open("WorkWithSocksEntries", {}), WIDE).matches("work_with_socks_entries_wide")


def test_the_tab_looks_as_drawn(listed, services):
    assert listed.press("F12").command("CFGSOCKS").matches("configure_socks")
    assert Operator(services.open("ConfigureSocks", {}), WIDE).matches("configure_socks_wide")


def test_without_entries_everything_goes_directly(operator):
    operator.command("WRKSOCKSE")
    assert operator.row(10).strip() == "(No SOCKS entries: every connection goes directly)"


def test_the_prompter_looks_as_drawn(listed):
    assert listed.press("F6").matches("prompter_add_socks_entry")
    assert listed.press("ROLLUP").matches("prompter_add_socks_entry_2")


def test_option_1_on_the_first_row_takes_the_number_typed_there(listed, store):
    listed.option("*ADD", "1").type(SEQNBR="15").press("ENTER")
    assert listed.buffer.values["SEQNBR"] == "15"
    listed.enter(SERVER="proxy3")
    assert listed.message == "SOCKS entry 15 added."
    assert sequences(store) == [10, 15, 20, 30, 40]
    assert listed.options == {}


def test_on_the_tab_an_entry_is_added_too(listed, store):
    listed.press("F12").command("CFGSOCKS").option("*ADD", "1").type(SEQNBR="15").press("ENTER").enter(TYPE="*DIRECT")
    assert listed.title == "Configure SOCKS"
    assert sequences(store) == [10, 15, 20, 30, 40]


def test_a_password_is_keyed_unseen_and_kept_sealed(listed, store):
    listed.option("40", "2").press("ENTER")
    listed.type(VERSION="5").press("ROLLUP").type(USERID="bert", PASSWORD="s3cret")
    assert "s3cret" not in listed.shown
    assert "s3cret" not in listed.press("F14").shown
    listed.press("F12").press("ENTER")
    assert listed.message == "SOCKS entry 40 changed."
    kept = entries(store)[-1]
    assert kept.password.is_sealed
    assert unseal(store.location, kept).password == Secret("s3cret")


def test_a_password_that_is_not_keyed_stays_and_none_takes_it_away(listed, store):
    before = entries(store)[1].password
    listed.option("20", "2").press("ENTER").press("ROLLUP")
    assert listed.buffer.values["PASSWORD"] == ""
    listed.enter(TEXT="another")
    assert entries(store)[1].password == before
    listed.option("20", "2").press("ENTER").press("ROLLUP").enter(USERID="*DFT", PASSWORD="*NONE")
    assert listed.message == "SOCKS entry 20 changed."
    assert not entries(store)[1].password


def test_f9_does_not_bring_a_password_back(listed, services):
    listed.enter(CMD="CHGSOCKSE 20 PASSWORD('n3w') TEXT('x')")
    assert listed.message == "SOCKS entry 20 changed."
    listed.press("F9")
    assert listed.buffer.values["CMD"] == "CHGSOCKSE 20 TEXT('x')"
    listed.press("F5").enter(CMD="CHGSOCKSE 20 PASSWORD('n3w'")
    assert listed.message_ids == ["GWL0112"]
    assert "n3w" not in str([services.history.before(back) for back in range(1, 9)])


def test_a_typed_password_is_prompted_for_unseen(listed, store):
    listed.type(CMD="ADDSOCKSE 50 SERVER(a) USERID(carl) PASSWORD(h1dden)").press("F4")
    assert "h1dden" not in listed.shown
    listed.press("ENTER")
    assert unseal(store.location, entries(store)[-1]).password == Secret("h1dden")


def test_parameters_change_every_row_without_prompting(listed, store):
    listed.option("20", "2").option("30", "2").type(CMD="PORT(99)").press("ENTER")
    assert listed.message_ids == ["GWL0171", "GWL0171"]
    assert [entry.servers[0].port for entry in entries(store)[1:3]] == [99, 99]


def test_a_direct_entry_loses_its_servers(listed, store):
    listed.option("40", "2").press("ENTER").enter(TYPE="*DIRECT")
    assert listed.message == "SOCKS entry 40 changed."
    assert (entries(store)[-1].type, entries(store)[-1].servers) == (SocksType.DIRECT, ())


def test_copying_takes_the_next_ten(listed, store):
    listed.option("20", "3").press("ENTER").press("ENTER")
    assert listed.message == "SOCKS entry 20 copied to 50."
    assert entries(store)[-1].password == entries(store)[1].password


def test_removing_asks_once_for_all(listed, store):
    listed.option("20", "4").option("40", "4").press("ENTER")
    assert listed.matches("confirm_remove_socks_entries")
    listed.press("ENTER")
    assert listed.message_ids == ["GWL0174", "GWL0174"]
    assert sequences(store) == [10, 30]


def test_option_5_shows_all_but_the_password(listed):
    listed.option("20", "5").option("10", "5").press("ENTER")
    assert "SERVER" not in listed.shown
    assert "10.0.0.0/8" in listed.row(4)
    listed.press("ENTER")
    assert listed.matches("display_socks_entry")
    assert "hunter2" not in listed.shown


def test_option_8_tests_what_the_entry_is_for(listed):
    listed.option("30", "8").press("ENTER")
    assert listed.buffer.values["RMTADR"] == ""
    assert (listed.buffer.values["RMTPORT"], listed.buffer.values["USRPRF"]) == ("443", "ALICE")
    listed.enter(RMTADR="192.0.2.2", ASKSVR="*NO")
    assert listed.matches("display_socks_test")


def test_what_servers_say_is_shown_and_they_are_asked_once(operator, run, service):
    run(f"ADDSOCKSE 10 SERVER(127.0.0.1:{service.port}) TIMLMT(5000)")
    operator.command("TSTSOCKSE '192.0.2.1' 80")
    assert "Server 127.0.0.1:" in operator.shown
    shown = " ".join(operator.shown.split())
    assert "Fails after " in shown
    assert "does not speak the version of SOCKS" in shown
    assert service.asked == 1
    operator.press("ENTER")
    assert operator.title.endswith("Greenwall Main Menu")
    assert service.asked == 1


def test_position_to_a_number_and_to_the_ends(listed):
    listed.press("F17").enter(POSTO="25")
    assert listed.row(10).split()[0] == "30"
    assert listed.enter(POSTO="*TOP").row(10).split()[0] == "10"
    listed.enter(POSTO="x")
    assert listed.message_ids == ["GWL0712"]


def test_f10_says_what_would_change_and_enter_activates_it(listed):
    listed.press("F10")
    assert listed.matches("confirm_activation_socks")
    assert "hunter2" not in listed.shown
    listed.press("ENTER")
    assert listed.message_ids == ["GWL0148"]


def test_direct_entries_are_activated(listed, run):
    run("RMVSOCKSE 20", "RMVSOCKSE 30", "RMVSOCKSE 40")
    listed.press("F5").press("F10").press("ENTER")
    assert listed.message == "Revision 2 is active: 1 SOCKS entry added."
