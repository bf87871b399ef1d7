"""The commands on exit points."""

from __future__ import annotations

from console.commands.execute import run_command
from console.model.words import ExitPoint, Mode
from console.store.exit_points import get_modes
from console.store.session import reading


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
