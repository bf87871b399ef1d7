"""Activating the pending policy, and asking what it would decide."""

from __future__ import annotations

import os
import pwd

import pytest

from console.commands.execute import run_command
from console.errors import CommandError, ConsoleError
from console.model.words import ExitPoint, Mode
from console.store.outbox import waiting
from console.store.revisions import active_policy
from console.store.session import reading

ADD = "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(40) USRPRF(ALICE) RMTADR('10.0.0.0/8') RMTPORT({}) ACTION(*REJECT)"


def active(context):
    with reading(context.store) as session:
        return active_policy(session)


def test_activating_makes_a_new_revision_that_says_what_changed(context):
    run_command(ADD.format("https"), context)
    run_command("CHGSOCEXT *LISTEN *OFF", context)
    result = run_command("ACTSOCPCY TEXT('first')", context)
    assert [message.text for message in result.messages] == ["Revision 2 is active: 1 rule added, 1 mode changed."]
    number, policy = active(context)
    assert (number, policy.services, policy.modes[ExitPoint.LISTEN]) == (2, {"https": 443}, Mode.OFF)


def test_activating_is_audited_with_its_revision(context):
    run_command(ADD.format(443), context)
    run_command("ACTSOCPCY", context)
    with reading(context.store) as session:
        gr, cd = waiting(session)[2:]
    assert (gr.entry_type, gr.revision, cd.text) == ("GR", 2, "ACTSOCPCY")
    assert '"what": "*CONNECT 40"' in gr.detail


def test_activating_what_is_active_makes_no_revision(context):
    result = run_command("ACTSOCPCY", context)
    assert [message.message_id for message in result.messages] == ["GWL0149"]
    assert active(context)[0] == 1


def test_an_unknown_service_is_refused_naming_the_rule(context):
    run_command(ADD.format("no-such-service"), context)
    with pytest.raises(CommandError) as caught:
        run_command("ACTSOCPCY", context)
    assert caught.value.message_id == "GWL0121"
    assert (caught.value.values["sequence"], caught.value.values["service"]) == (40, "no-such-service")
    assert active(context)[0] == 1


def test_an_unknown_service_in_an_inactive_rule_does_not_matter(context):
    run_command(ADD.format("no-such-service") + " ACTIVE(*NO)", context)
    run_command("ACTSOCPCY", context)
    assert active(context)[0] == 2


def test_a_rule_that_can_never_decide_is_warned_of(context):
    run_command("ADDSOCRUL *CONNECT 10 ACTION(*ALLOW)", context)
    run_command(ADD.format(443), context)
    result = run_command("ACTSOCPCY", context)
    assert [message.message_id for message in result.messages] == ["GWL0148", "GWL021B"]


def test_the_test_names_the_deciding_rule_and_why_the_others_do_not(context):
    run_command("ADDSOCRUL *CONNECT 10 RMTADR('192.0.2.0/24') ACTION(*REJECT)", context)
    run_command("ADDSOCRUL *CONNECT 20 USRPRF(BOB) ACTION(*REJECT)", context)
    run_command("ADDSOCRUL *CONNECT 30 ACTIVE(*NO) ACTION(*REJECT)", context)
    run_command(ADD.format("https"), context)
    result = run_command("TSTSOCRUL *CONNECT USRPRF(alice) RMTADR('10.1.1.1') RMTPORT(443)", context)
    assert result.messages[0].text == "Rule 40 of *CONNECT would decide: *REJECTED, journalled."
    whys = [line.rsplit("*REJECT", 1)[1].strip() for line in result.lines[1:]]
    assert whys == ["RMTADR does not match", "USRPRF does not match", "is not active", "decides"]


def test_the_test_asks_the_active_policy_when_told_to(context):
    run_command(ADD.format(443), context)
    call = "TSTSOCRUL *CONNECT USRPRF(ALICE) RMTADR('10.1.1.1') RMTPORT(https) "
    assert "Rule 40" in run_command(call, context).messages[0].text
    assert "Rule *DFT" in run_command(call + "POLICY(*ACTIVE)", context).messages[0].text


def test_the_test_knows_the_groups_of_a_user_of_this_system(context):
    run_command("ADDSOCRUL *CONNECT 10 USRPRF('%ROOT') ACTION(*REJECT)", context)
    result = run_command("TSTSOCRUL *CONNECT USRPRF(ROOT) RMTADR('10.1.1.1')", context)
    assert "Rule 10" in result.messages[0].text


def test_a_monitored_rejection_is_said_to_be_one(context):
    run_command(ADD.format(443), context)
    run_command("CHGSOCEXT *CONNECT *MONITOR", context)
    result = run_command("TSTSOCRUL *CONNECT USRPRF(ALICE) RMTADR('10.1.1.1') RMTPORT(443)", context)
    assert "*MONITOR" in result.messages[0].text


def test_the_test_says_that_it_asks_no_exit_program(context):
    run_command("ADDEXITPGM *CONNECT 3 site:late", context)
    run_command("ADDEXITPGM *CONNECT 2 site:ask", context)
    run_command(ADD.format(443), context)
    allowed = run_command("TSTSOCRUL *CONNECT RMTADR('10.2.1.1')", context)
    assert [message.message_id for message in allowed.messages] == ["GWL014A", "GWL014C"]
    assert "*CONNECT would then ask site:ask, site:late about" in allowed.messages[1].text
    rejected = run_command("TSTSOCRUL *CONNECT USRPRF(ALICE) RMTADR('10.1.1.1') RMTPORT(443)", context)
    assert [message.message_id for message in rejected.messages] == ["GWL014A"]
    run_command("CHGSOCEXT *CONNECT *OFF", context)
    off = run_command("TSTSOCRUL *CONNECT RMTADR('10.2.1.1')", context)
    assert [message.message_id for message in off.messages] == ["GWL014B"]


def test_an_exit_point_that_is_off_asks_no_rule(context):
    run_command("CHGSOCEXT *CONNECT *OFF", context)
    result = run_command("TSTSOCRUL *CONNECT RMTADR('10.1.1.1')", context)
    assert result.messages[0].message_id == "GWL014B"


@pytest.mark.parametrize(
    ("command", "message_id"),
    [
        ("TSTSOCRUL *CONNECT", "GWL0122"),
        ("TSTSOCRUL *LISTEN RMTADR('10.1.1.1')", "GWL0123"),
        ("TSTSOCRUL *CONNECT RMTADR('10.0.0.0/8')", "GWL0113"),
        ("TSTSOCRUL *CONNECT RMTADR('10.1.1.1') RMTPORT(1-2)", "GWL0113"),
        ("TSTSOCRUL *CONNECT RMTADR('10.1.1.1') RMTPORT(no-such-service)", "GWL0124"),
        ("TSTSOCRUL *CONNECT USRPRF(ALI*) RMTADR('10.1.1.1')", "GWL0113"),
        ("TSTSOCRUL *CONNECT PGM('/usr/*') RMTADR('10.1.1.1')", "GWL0113"),
    ],
)
def test_a_call_that_cannot_be_is_refused(context, command, message_id):
    with pytest.raises(ConsoleError) as caught:
        run_command(command, context)
    assert caught.value.message_id == message_id


def test_the_current_user_stands_for_whoever_runs_the_test(context):
    run_command("ADDSOCRUL *CONNECT 10 USRPRF(OPER) ACTION(*REJECT)", context)
    assert pwd.getpwuid(os.getuid()).pw_name.upper() != "OPER"
    assert "Rule 10" in run_command("TSTSOCRUL *CONNECT RMTADR('10.1.1.1')", context).messages[0].text
