"""The commands on socket rules, on a real store."""

from __future__ import annotations

import json

import pytest

from console.commands.execute import run_command
from console.errors import CommandError, ConsoleError, PolicyError
from console.messages import describe
from console.model.words import Action, ExitPoint, YesNo
from console.policy.checks import make_rule
from console.store.outbox import waiting
from console.store.revisions import pending_policy
from console.store.rules import add_rule, list_rules
from console.store.session import reading, transaction

ADD = "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(40) USRPRF(ALICE) RMTADR('10.0.0.0/8') RMTPORT(443) ACTION(*REJECT)"


def rules(context, exit_point=ExitPoint.CONNECT):
    with reading(context.store) as session:
        return list_rules(session, exit_point)


def pending(context):
    with reading(context.store) as session:
        return pending_policy(session)


def audit(context):
    with reading(context.store) as session:
        return waiting(session)


def ids(result):
    return [message.message_id for message in result.messages]


def refused(command, context):
    """Return the id of the refusal, having seen that it changed and audited nothing."""
    before, audited = pending(context), len(audit(context))
    with pytest.raises(ConsoleError) as caught:
        run_command(command, context)
    assert pending(context) == before
    assert len(audit(context)) == audited
    return caught.value.message_id


def test_a_rule_is_added_as_it_was_written(context):
    assert ids(run_command(ADD + " TEXT('no web')", context)) == ["GWL0140"]
    (rule, default) = rules(context)
    assert (rule.sequence, rule.user, rule.remote_address, rule.remote_port) == (40, "ALICE", "10.0.0.0/8", "443")
    assert (rule.action, rule.active, rule.text) == (Action.REJECT, YesNo.YES, "no web")
    assert default.sequence == 99999


def test_an_added_rule_leaves_a_gr_and_a_cd_entry(context):
    run_command(ADD, context)
    gr, cd = audit(context)
    assert (gr.entry_type, gr.exit_point, gr.user_name) == ("GR", "*CONNECT", "OPER")
    detail = json.loads(gr.detail)
    assert detail["before"] is None
    assert detail["after"]["remote_address"] == "10.0.0.0/8"
    assert (cd.entry_type, cd.detail, cd.qualified_job_name) == ("CD", ADD, "000001/OPER/TEST")


def test_without_a_number_a_rule_gets_the_next_free_ten(context):
    run_command(ADD, context)
    run_command("ADDSOCRUL *CONNECT ACTION(*ALLOW)", context)
    assert [rule.sequence for rule in rules(context)] == [40, 50, 99999]


def test_the_registered_name_of_an_exit_point_does_as_well(context):
    run_command("ADDSOCRUL QIBM_QSO_LISTEN 10 ACTION(allow)", context)
    assert [rule.sequence for rule in rules(context, ExitPoint.LISTEN)] == [10, 99999]


@pytest.mark.parametrize(
    ("command", "message_id"),
    [
        ("ADDSOCRUL *CONNECT 40", "GWL0106"),
        ("ADDSOCRUL *CONNECT 40 ACTION(*MAYBE)", "GWL0201"),
        ("ADDSOCRUL *CONNECT *DFT ACTION(*ALLOW)", "GWL0120"),
        ("ADDSOCRUL *CONNECT 99999 ACTION(*ALLOW)", "GWL0213"),
        ("ADDSOCRUL *CONNECT 40 RMTADR('10.0.0.256') ACTION(*ALLOW)", "GWL0203"),
        ("ADDSOCRUL *LISTEN 40 RMTPORT(80) ACTION(*ALLOW)", "GWL0214"),
        ("ADDSOCRUL *ACCEPT 40 FAIL(*TIMEOUT) ACTION(*REJECT)", "GWL0217"),
        (ADD, "GWL0320"),
        ("CHGSOCRUL *CONNECT 50 ACTION(*ALLOW)", "GWL0321"),
        ("CHGSOCRUL *CONNECT *DFT ACTIVE(*NO)", "GWL0216"),
        ("CHGSOCRUL *CONNECT *DFT RMTPORT(80)", "GWL0215"),
        ("RMVSOCRUL *CONNECT *DFT", "GWL0322"),
        ("RMVSOCRUL *CONNECT 50", "GWL0321"),
        ("CPYSOCRUL *CONNECT 40 TOSEQNBR(40)", "GWL0320"),
        ("CPYSOCRUL *CONNECT 40 TOSEQNBR(*DFT)", "GWL0120"),
        ("CPYSOCRUL *CONNECT 40 TOEXITPNT(*LISTEN)", "GWL0214"),
        ("RNBSOCRUL *CONNECT START(99999)", "GWL0113"),
        ("DSPSOCRUL *CONNECT 50", "GWL0321"),
    ],
)
def test_a_refused_command_changes_and_audits_nothing(context, command, message_id):
    run_command(ADD, context)
    assert refused(command, context) == message_id


def test_a_contradiction_names_the_keyword_of_the_command(context):
    with pytest.raises(PolicyError) as caught:
        run_command("ADDSOCRUL *LISTEN 40 RMTPORT(80) ACTION(*ALLOW)", context)
    assert caught.value.values["keyword"] == "RMTPORT"


def test_what_is_not_given_stays_the_same(context):
    run_command(ADD + " TEXT('no web')", context)
    assert ids(run_command("CHGSOCRUL *CONNECT 40 RMTPORT(https)", context)) == ["GWL0141"]
    rule = rules(context)[0]
    assert (rule.remote_port, rule.user, rule.text, rule.action) == ("https", "ALICE", "no web", Action.REJECT)
    gr = audit(context)[2]
    assert json.loads(gr.detail)["before"]["remote_port"] == "443"


def test_what_a_document_may_say_and_a_command_not_survives_a_change(context):
    path = "/" + "x" * 500
    with transaction(context.store) as session:
        add_rule(session, make_rule(exit_point="*CONNECT", sequence=40, program=path, text="*BLANK"))
    run_command("CHGSOCRUL *CONNECT 40 ACTION(*REJECT)", context)
    rule = rules(context)[0]
    assert (rule.program, rule.text, rule.action) == (path, "*BLANK", Action.REJECT)


def test_a_change_to_what_is_there_already_says_so(context):
    run_command(ADD, context)
    audited = len(audit(context))
    assert ids(run_command("CHGSOCRUL *CONNECT 40 RMTPORT(443)", context)) == ["GWL0142"]
    assert len(audit(context)) == audited


def test_the_answer_of_a_default_rule_can_be_changed(context):
    run_command("CHGSOCRUL *CONNECT *DFT ACTION(*REJECT) FAIL(*REFUSED) TEXT('closed')", context)
    (default,) = rules(context)
    assert (default.sequence, default.action, default.text) == (99999, Action.REJECT, "closed")


def test_a_rule_is_copied_to_the_next_free_ten_of_another_exit_point(context):
    run_command(ADD, context)
    assert ids(run_command("CPYSOCRUL *CONNECT 40 TOEXITPNT(*ACCEPT)", context)) == ["GWL0143"]
    copy = rules(context, ExitPoint.ACCEPT)[0]
    assert (copy.sequence, copy.user, copy.remote_port) == (10, "ALICE", "443")


def test_a_default_rule_can_be_copied_from(context):
    run_command("CPYSOCRUL *CONNECT *DFT", context)
    assert [rule.sequence for rule in rules(context)] == [10, 99999]


def test_a_rule_is_removed(context):
    run_command(ADD, context)
    assert ids(run_command("RMVSOCRUL *CONNECT 40", context)) == ["GWL0144"]
    assert len(rules(context)) == 1


def test_rules_are_renumbered_in_their_order(context):
    for sequence in (7, 8, 300):
        run_command(f"ADDSOCRUL *CONNECT {sequence} RMTPORT({sequence}) ACTION(*ALLOW)", context)
    run_command("RNBSOCRUL *CONNECT START(100) STEP(5)", context)
    assert [(r.sequence, r.remote_port) for r in rules(context)[:3]] == [(100, "7"), (105, "8"), (110, "300")]


def test_renumbering_that_changes_nothing_leaves_no_audit_entry(context):
    run_command("ADDSOCRUL *CONNECT 10 ACTION(*ALLOW)", context)
    audited = len(audit(context))
    assert ids(run_command("RNBSOCRUL *CONNECT", context)) == ["GWL0145"]
    assert len(audit(context)) == audited


def test_a_value_that_is_not_allowed_is_answered_with_those_that_are(context):
    with pytest.raises(CommandError) as caught:
        run_command("CHGSOCEXT *CONNECT MODE(FOO)", context)
    assert "*ENFORCE, *MONITOR, *OFF" in describe(caught.value).recovery


def test_an_empty_value_is_called_empty(context):
    with pytest.raises(PolicyError) as caught:
        run_command("ADDSOCRUL *CONNECT RMTADR('') ACTION(*ALLOW)", context)
    assert "RMTADR cannot be empty" in describe(caught.value).text


def test_a_displayed_rule_has_every_prompt_and_opens_its_panel(context):
    run_command(ADD, context)
    result = run_command("DSPSOCRUL *CONNECT 40", context)
    assert (result.panel, result.arguments) == ("DisplayRule", {"EXITPNT": "*CONNECT", "SEQNBR": "40"})
    assert "Remote address . . . . . . . : 10.0.0.0/8" in result.lines


def test_the_rules_are_listed_with_the_default_rule_last(context):
    run_command(ADD, context)
    result = run_command("WRKSOCRUL", context)
    assert (result.panel, len(result.lines)) == ("WorkWithRules", 3)
    assert result.lines[-1].split()[:2] == ["*CONNECT", "*DFT"]


def test_showing_leaves_no_audit_entry(context):
    run_command("WRKSOCRUL", context)
    assert audit(context) == []


def test_unknown_commands_are_refused(context):
    with pytest.raises(CommandError) as caught:
        run_command("ADDSOCRULE *CONNECT", context)
    assert "ADDSOCRUL" in str(caught.value.values["nearest"])
