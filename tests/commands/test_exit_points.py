"""The commands on exit points."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.commands.execute import run_command
from console.enforcement.ledger import Ledger
from console.errors import CommandError
from console.model.words import Action, ExitPoint, Mode
from console.store.exit_points import get_modes
from console.store.messages import list_messages
from console.store.outbox import waiting
from console.store.revisions import active_policy, count_changes
from console.store.rules import list_rules
from console.store.session import reading
from tests.commands.conftest import NOW


def test_a_mode_is_changed_in_the_pending_policy(context):
    result = run_command("CHGSOCEXT EXITPNT(*ACCEPT) MODE(*MONITOR)", context)
    assert result.messages[0].text == "Mode of *ACCEPT changed from *ENFORCE to *MONITOR."
    with reading(context.store) as session:
        assert get_modes(session)[ExitPoint.ACCEPT] is Mode.MONITOR


def test_a_mode_that_is_the_same_stays(context):
    assert run_command("CHGSOCEXT *ACCEPT", context).messages[0].message_id == "GWL0147"


def test_exit_points_are_shown_with_their_registered_names_and_rules(context):
    result = run_command("WRKREGINF", context)
    assert result.panel == "WorkWithRegistrationInformation"
    assert [line.split()[0] for line in result.lines[1:]] == ["QIBM_QSO_ACCEPT", "QIBM_QSO_CONNECT", "QIBM_QSO_LISTEN"]


def test_one_exit_point_can_be_shown_alone(context):
    assert len(run_command("WRKREGINF QIBM_QSO_CONNECT", context).lines) == 2


def decided(context):
    with reading(context.store) as session:
        number, policy = active_policy(session)
    rules = [(rule.sequence, rule.action) for rule in policy.rules if rule.exit_point is ExitPoint.CONNECT]
    return number, policy.modes[ExitPoint.CONNECT], rules


def test_in_an_emergency_everything_passes_at_once_and_for_a_while(context):
    run_command("ADDSOCRUL *CONNECT 10 ACTION(*REJECT)", context)
    run_command("ACTSOCPCY", context)
    (done,) = run_command("CHGSOCEXT *CONNECT EMERGENCY(*ALLOW) MINUTES(30) TEXT('Shop is down')", context).messages
    assert done.text == "Emergency until 12:30:00: *CONNECT lets everything pass. Shop is down"
    assert decided(context) == (3, Mode.MONITOR, [(10, Action.REJECT), (99999, Action.ALLOW)])
    Ledger(context.store, lambda: NOW + timedelta(minutes=30)).policies.newer(3)
    assert decided(context)[:2] == (4, Mode.ENFORCE)


def test_or_nothing_does(context):
    run_command("ADDSOCRUL *CONNECT 10 ACTION(*ALLOW)", context)
    run_command("ACTSOCPCY", context)
    run_command("CHGSOCEXT *CONNECT EMERGENCY(*REJECT) TEXT('Data is leaking')", context)
    assert decided(context) == (3, Mode.ENFORCE, [(99999, Action.REJECT)])
    with reading(context.store) as session:
        assert [rule.sequence for rule in list_rules(session, ExitPoint.CONNECT)] == [10, 99999]
        assert any("Data is leaking" in entry.text and entry.entry_type == "GR" for entry in waiting(session))
        assert [told.message_id for told in list_messages(session)] == ["GWL02A1"]


def test_an_emergency_is_ended_before_its_time(context):
    run_command("CHGSOCEXT *CONNECT EMERGENCY(*REJECT) TEXT(x)", context)
    assert run_command("CHGSOCEXT *CONNECT EMERGENCY(*END)", context).messages[0].message_id == "GWL02A3"
    assert decided(context)[2] == [(99999, Action.ALLOW)]
    with pytest.raises(CommandError, match="GWL02A2"):
        run_command("CHGSOCEXT *CONNECT EMERGENCY(*END)", context)


def test_an_emergency_is_not_made_to_last_by_confirming(context):
    run_command("CHGSOCEXT *CONNECT EMERGENCY(*REJECT) TEXT(x)", context)
    with pytest.raises(CommandError, match="GWL02A4"):
        run_command("CFMSOCPCY", context)
    assert "*OVERRIDE" in run_command("WRKSOCPCY", context).lines[1]


def test_what_waits_to_be_confirmed_is_no_emergency_to_end(context):
    run_command("CHGSOCEXT *CONNECT *MONITOR", context)
    run_command("ACTSOCPCY CONFIRM(5)", context)
    with pytest.raises(CommandError, match="GWL02A2"):
        run_command("CHGSOCEXT *CONNECT EMERGENCY(*END)", context)


def test_two_exit_points_are_overridden_together_and_both_come_back(context):
    for point in ("*CONNECT", "*ACCEPT"):
        run_command(f"CHGSOCEXT {point} EMERGENCY(*REJECT) TEXT(x)", context)
    run_command("CHGSOCEXT *CONNECT EMERGENCY(*END)", context)
    with reading(context.store) as session:
        assert {rule.action for rule in active_policy(session)[1].rules} == {Action.ALLOW}


def test_an_emergency_needs_a_reason(context):
    with pytest.raises(CommandError, match="GWL02A0"):
        run_command("CHGSOCEXT *CONNECT EMERGENCY(*ALLOW)", context)


def test_an_emergency_is_no_pending_change(context):
    run_command("CHGSOCEXT *CONNECT EMERGENCY(*REJECT) TEXT(x)", context)
    with reading(context.store) as session:
        assert count_changes(session) == 0
    assert run_command("ACTSOCPCY", context).messages[0].message_id == "GWL0149"
    assert decided(context)[2] == [(99999, Action.REJECT)]


def test_a_policy_activated_in_an_emergency_does_not_end_it_and_is_in_force_after_it(context):
    for override in ("*CONNECT EMERGENCY(*REJECT)", "*LISTEN EMERGENCY(*ALLOW)"):
        run_command(f"CHGSOCEXT {override} MINUTES(30) TEXT(x)", context)
    run_command("ADDSOCRUL *CONNECT 10 ACTION(*ALLOW)", context)
    told = run_command("ACTSOCPCY", context).messages
    assert told[0].text == "The emergency goes on until 12:30:00, then revision 4 is in force: 1 rule added."
    assert decided(context) == (5, Mode.ENFORCE, [(99999, Action.REJECT)])
    with reading(context.store) as session:
        assert active_policy(session)[1].modes[ExitPoint.LISTEN] is Mode.MONITOR
        assert count_changes(session) == 0
    Ledger(context.store, lambda: NOW + timedelta(minutes=30)).policies.newer(5)
    assert decided(context) == (6, Mode.ENFORCE, [(10, Action.ALLOW), (99999, Action.ALLOW)])
    with reading(context.store) as session:
        assert active_policy(session)[1].modes[ExitPoint.LISTEN] is Mode.ENFORCE


def test_what_is_activated_in_an_emergency_has_no_time_limit_of_its_own(context):
    run_command("CHGSOCEXT *CONNECT EMERGENCY(*REJECT) TEXT(x)", context)
    run_command("ADDSOCRUL *CONNECT 10 ACTION(*ALLOW)", context)
    with pytest.raises(CommandError, match="GWL02A5"):
        run_command("ACTSOCPCY CONFIRM(5)", context)
