"""From an entry to rules."""

from __future__ import annotations

import pytest

from console.commands.execute import run_command
from console.commands.journal_rule import deciding_rule, free_before, rule_values
from console.errors import CommandError
from tests.commands.test_journal import entry


@pytest.mark.parametrize(
    ("taken", "decided", "free"),
    [([10, 20, 30], 30, 25), ([10, 20, 30], 10, 5), ([29, 30], 30, None), ([28, 30], 30, 29), ([], 1, None)],
)
def test_a_new_rule_goes_just_before_the_one_that_decided(taken, decided, free):
    assert free_before(taken, decided) == free


def test_a_rule_decides_the_other_way_about_such_calls(context):
    assert rule_values(context, entry(7)) == {
        "EXITPNT": "*CONNECT",
        "SEQNBR": "20",
        "USRPRF": "ALICE",
        "RMTADR": "10.1.1.1",
        "RMTPORT": "443",
        "ACTION": "*REJECT",
        "TEXT": "From journal entry 7",
    }


@pytest.mark.parametrize("outcome", ["*REJECTED", "*MONITOR"])
def test_what_was_or_would_be_refused_gets_a_rule_that_allows(context, outcome):
    assert rule_values(context, entry(1, outcome=outcome))["ACTION"] == "*ALLOW"


def test_the_port_that_a_peer_has_by_chance_is_left_out(context):
    accepted = {"exit_point": "*ACCEPT", "sk_type": "A", "local_address": "192.0.2.1", "local_port": 22}
    values = rule_values(context, entry(1, remote_port=50123, **accepted))
    assert (values["LCLADR"], values["LCLPORT"], values["RMTADR"]) == ("192.0.2.1", "22", "10.1.1.1")
    assert "RMTPORT" not in values


def test_a_rule_for_a_listen_names_no_other_end(context):
    listened = {"exit_point": "*LISTEN", "sk_type": "L", "local_address": "::", "local_port": 80, "remote_address": ""}
    values = rule_values(context, entry(1, **listened))
    assert (values["LCLADR"], values["LCLPORT"]) == ("::", "80")
    assert not {"RMTADR", "RMTPORT"} & values.keys()


def test_the_values_make_a_rule_that_is_asked_before(context):
    run_command("ADDSOCRUL *CONNECT 40 RMTADR('10.0.0.0/8') ACTION(*REJECT)", context)
    values = rule_values(context, entry(1, outcome="*REJECTED", rule_sequence=40))
    assert values["SEQNBR"] == "20"
    written = " ".join(f"{keyword}('{value}')" for keyword, value in values.items())
    assert run_command(f"ADDSOCRUL {written}", context).messages[0].message_id == "GWL0140"


@pytest.mark.parametrize("fields", [{"entry_type": "CD", "exit_point": ""}, {"sk_type": "I", "exit_point": ""}])
def test_what_is_no_decided_call_makes_no_rule(context, fields):
    with pytest.raises(CommandError) as refused:
        rule_values(context, entry(1, **fields))
    assert refused.value.message_id == "GWL0638"


@pytest.mark.parametrize("user", ["ALI*", "%WHEEL", "*ALL", "AL ICE", "", "A\x1bB"])
def test_a_user_that_would_mean_others_in_a_rule_makes_none(context, user):
    with pytest.raises(CommandError) as refused:
        rule_values(context, entry(1, user_name=user))
    assert refused.value.message_id == "GWL0639"


def test_the_rule_is_shown_as_it_was_when_it_decided(context):
    run_command("ADDSOCRUL *CONNECT 40 RMTADR('10.0.0.0/8') ACTION(*REJECT) TEXT('old')", context)
    run_command("ACTSOCPCY", context)
    run_command("CHGSOCRUL *CONNECT 40 TEXT('new')", context)
    run_command("ACTSOCPCY", context)
    assert deciding_rule(context, entry(1, revision=2)).text == "old"
    assert deciding_rule(context, entry(1, revision=3)).text == "new"


def test_where_the_rule_is_not_known_it_is_said_why(context):
    assert deciding_rule(context, entry(1, revision=1)) == "Revision 1 has no such rule"
    assert "9" in deciding_rule(context, entry(1, revision=9))
    assert deciding_rule(context, entry(1, revision=0)) == ""


def test_a_refused_listen_becomes_a_rule_that_allows_it(context):
    refused = {"entry_type": "AF", "sk_type": "", "exit_point": "*LISTEN", "local_address": "0.0.0.0", "local_port": 80}
    values = rule_values(context, entry(1, outcome="*REJECTED", **refused))
    assert (values["EXITPNT"], values["LCLPORT"], values["ACTION"]) == ("*LISTEN", "80", "*ALLOW")
