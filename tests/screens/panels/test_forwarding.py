"""Work with Journal Forwarding: the list, and what its options do."""

from __future__ import annotations

import pytest

from console.model.forwarding import ForwardState
from console.model.words import YesNo
from console.store.forwarding import list_targets, move_position, set_state
from console.store.session import reading, transaction
from screens.terminal.page import WIDE
from tests.screens.panels.operator import Operator


def targets(store):
    with reading(store) as session:
        return {row.name: row for row in list_targets(session)}


@pytest.fixture
def listed(operator, run, store, now):
    run(
        "ADDJRNFWD SIEM 'log.example.com' CAFILE('/etc/ssl/siem.pem') STRSEQ(*FIRST) TEXT('Head office')",
        "ADDJRNFWD OLD '192.0.2.7' PROTOCOL(*UDP) FORMAT(*CEF) ACTIVE(*NO)",
    )
    with transaction(store) as session:
        move_position(session, "SIEM", 0, 3)
        set_state(session, "SIEM", ForwardState.FAILING, now, "Connection refused")
        set_state(session, "OLD", ForwardState.HELD, now)
    return operator.command("WRKJRNFWD")


def test_the_list_looks_as_drawn(listed):
    assert listed.matches("work_with_forwarding")


def test_a_wide_screen_shows_what_went_wrong(listed, services):
    assert Operator(services.open("WorkWithForwarding", {}), WIDE).matches("work_with_forwarding_wide")


def test_option_5_shows_everything(listed):
    listed.option("SIEM", "5").press("ENTER")
    assert listed.matches("display_forwarding")
    listed.press("F12")
    assert listed.title == "Work with Journal Forwarding"


def test_options_3_and_6_hold_and_release(listed, store):
    listed.option("SIEM", "3").option("OLD", "6").press("ENTER")
    assert targets(store)["SIEM"].active is YesNo.NO
    assert (targets(store)["OLD"].active, targets(store)["OLD"].state) == (YesNo.YES, ForwardState.NEW)
    assert targets(store)["SIEM"].position == 3


def test_option_4_removes_after_a_confirmation(listed, store):
    listed.option("OLD", "4").press("ENTER").press("ENTER")
    assert list(targets(store)) == ["SIEM"]


def test_option_2_prompts_with_the_values_it_has(listed, store):
    listed.option("SIEM", "2").press("ENTER")
    assert listed.buffer.values["RMTHOST"].strip("'") == "log.example.com"
    listed.enter(PORT="6515")
    assert (targets(store)["SIEM"].port, targets(store)["SIEM"].position) == (6515, 3)


def test_f6_adds(listed, store):
    listed.press("F6").enter(FWD="NEW", RMTHOST="2001:db8::1")
    assert (targets(store)["NEW"].host, targets(store)["NEW"].port) == ("2001:db8::1", 6514)


def test_imported_journals_are_shown_as_the_audit_journal_is(operator, tmp_path):
    path = tmp_path / "sk.csv"
    path.write_text(
        "ENTRY_TIMESTAMP,USER_NAME,ENTRY_TYPE,LOCAL_IP_ADDRESS,LOCAL_PORT,REMOTE_IP_ADDRESS,REMOTE_PORT\n"
        "2025-03-01-12.00.00.000000,ALICE,A,10.1.2.3,8471,192.168.7.9,50123\n"
    )
    operator.command(f"IMPAUDJRN '{path}' OLDSYS TIMZON(UTC)").command("DSPJRN JRN(OLDSYS)")
    assert "Journal  . . . . . . . :  OLDSYS" in operator.shown
    assert "ALICE" in operator.shown
    operator.option("1", "5").press("ENTER")
    assert operator.title == "Display Journal Entry"
    assert "SK" in operator.shown
    operator.press("F12").option("1", "14").press("ENTER")
    assert operator.buffer.values["RMTADR"].strip("'") == "192.168.7.9"
