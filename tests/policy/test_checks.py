"""Rules and policies hold together, or are refused."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from console.errors import PolicyError
from console.messages import describe, message
from console.model.words import Action, ExitPoint, Fail, Mode, YesNo
from console.policy.checks import (
    CHECKS,
    KEYWORDS,
    check_policy,
    default_rule,
    make_policy,
    make_rule,
    rule_fields,
    services_used,
    warnings,
)
from console.policy.rule import Policy, Rule


def connect(sequence, **fields):
    return make_rule(exit_point="*CONNECT", sequence=sequence, **fields)


def test_a_rule_is_made_of_canonical_values():
    rule = make_rule(
        exit_point="connect",
        sequence="0040",
        user="alice",
        remote_address="10.1.2.3/8",
        remote_port=443,
        action="reject",
    )
    assert rule == Rule(
        ExitPoint.CONNECT, 40, user="ALICE", remote_address="10.0.0.0/8", remote_port="443", action=Action.REJECT
    )
    assert isinstance(rule.exit_point, ExitPoint)


def test_the_fields_of_a_rule_make_it_again():
    rule = connect(40, user="alice", program="/usr/bin/*", fail="refused", message="yes", text="A text")
    assert make_rule(**rule_fields(rule)) == rule
    assert list(rule_fields(rule)) == list(CHECKS) == list(KEYWORDS)


@pytest.mark.parametrize("sequence", [99999, "99999", "*DFT", "dft"])
def test_the_default_rule_is_made_by_number_or_name(sequence):
    assert connect(sequence) == default_rule(ExitPoint.CONNECT)


def refused(**fields):
    with pytest.raises(PolicyError) as caught:
        make_rule(**fields)
    describe(caught.value)
    return caught.value.message_id, caught.value.values["keyword"]


def test_a_value_that_cannot_be_taken_names_its_field():
    assert refused(exit_point="*CONNECT", sequence=1, remote_address="x") == ("GWL0203", "remote_address")


@pytest.mark.parametrize(("name", "value"), [("remote_address", "10.0.0.1"), ("remote_port", "80")])
def test_a_listen_rule_has_no_remote_side(name, value):
    assert refused(exit_point="*LISTEN", sequence=1, **{name: value}) == ("GWL0214", name)


@pytest.mark.parametrize(
    ("name", "value"), [("user", "ALICE"), ("local_port", "80"), ("remote_address", "0.0.0.0/0"), ("program", "/*")]
)
def test_the_default_rule_matches_everything(name, value):
    assert refused(exit_point="*CONNECT", sequence=99999, **{name: value}) == ("GWL0215", name)


def test_the_default_rule_is_active():
    assert refused(exit_point="*CONNECT", sequence="*DFT", active="no") == ("GWL0216", "active")


def test_the_default_rule_may_reject():
    assert connect("*DFT", action="reject", audit="none").action is Action.REJECT


@pytest.mark.parametrize("fail", ["*TIMEOUT", "timeout"])
def test_a_rejected_accept_does_not_fail_with_a_time_out(fail):
    assert refused(exit_point="*ACCEPT", sequence=1, action="*REJECT", fail=fail) == ("GWL0217", "fail")


def test_peer_of_a_rejected_accept_may_be_told():
    rule = make_rule(exit_point="*ACCEPT", sequence=1, action="*REJECT", fail="*REFUSED")
    assert rule.fail is Fail.REFUSED


def test_an_accept_rule_may_say_eperm():
    assert make_rule(exit_point="*ACCEPT", sequence=1, fail="eperm").fail is Fail.EPERM


def test_a_policy_is_completed_and_put_in_order():
    policy = make_policy({ExitPoint.LISTEN: Mode.OFF}, [connect(20), connect(10)])
    assert [(rule.exit_point.value, rule.sequence) for rule in policy.rules] == [
        ("*ACCEPT", 99999),
        ("*CONNECT", 10),
        ("*CONNECT", 20),
        ("*CONNECT", 99999),
        ("*LISTEN", 99999),
    ]
    assert policy.modes == {"*ACCEPT": Mode.ENFORCE, "*CONNECT": Mode.ENFORCE, "*LISTEN": Mode.OFF}


def test_a_default_rule_that_is_given_is_kept():
    policy = make_policy({}, [connect("*DFT", action="reject")])
    assert policy.rules[1].action is Action.REJECT
    assert len(policy.rules) == 3


def test_a_sequence_number_is_used_once_in_an_exit_point():
    make_policy({}, [connect(10), make_rule(exit_point="accept", sequence=10)])
    with pytest.raises(PolicyError) as caught:
        make_policy({}, [connect(10), connect(10, user="ALICE")])
    assert caught.value.message_id == "GWL0218"
    assert describe(caught.value).text == "Sequence number 10 is in use already for *CONNECT."


def test_a_policy_without_a_mode_is_refused():
    whole = make_policy({}, [])
    modes = {ExitPoint.ACCEPT: Mode.ENFORCE, ExitPoint.LISTEN: Mode.ENFORCE}
    with pytest.raises(PolicyError) as caught:
        check_policy(Policy(modes, whole.rules))
    assert caught.value.message_id == "GWL0219"
    assert "*CONNECT" in describe(caught.value).text


def test_a_policy_without_a_default_rule_is_refused():
    whole = make_policy({}, [])
    with pytest.raises(PolicyError) as caught:
        check_policy(Policy(whole.modes, whole.rules[:-1]))
    assert caught.value.message_id == "GWL021A"
    assert "*LISTEN" in describe(caught.value).text


@pytest.mark.parametrize(
    ("fields", "message_id"),
    [
        ({"active": YesNo.NO}, "GWL0216"),
        ({"user": "ALICE"}, "GWL0215"),
        ({"sequence": 100_000}, "GWL0213"),
        ({"sequence": 0}, "GWL0213"),
    ],
)
def test_a_policy_read_back_whose_default_rule_is_not_the_last_for_everything_is_refused(fields, message_id):
    whole = make_policy({}, [connect(10, user="ALICE")])
    rules = [replace(rule, **fields) if rule == default_rule(ExitPoint.CONNECT) else rule for rule in whole.rules]
    with pytest.raises(PolicyError) as caught:
        check_policy(Policy(whole.modes, tuple(rules)))
    describe(caught.value)
    assert caught.value.message_id == message_id


def test_the_services_that_rules_use_are_found():
    assert services_used([connect(1, remote_port="https", local_port="x11"), connect(2, remote_port="1-5")]) == {
        "https",
        "x11",
    }


def test_a_policy_survives_messagepack():
    policy = make_policy({}, [connect(10, remote_port="https", active="no")], {"https": 443})
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(policy), type=Policy) == policy


COVERED = [
    ({}, {"user": "ALICE"}),
    ({"user": "A*"}, {"user": "ALICE"}),
    ({"user": "A*"}, {"user": "AL*"}),
    ({"user": "ALICE"}, {"user": "ALICE"}),
    ({"user": "%WHEEL"}, {"user": "%WHEEL"}),
    ({"remote_address": "10.0.0.0/8"}, {"remote_address": "10.1.0.0-10.2.0.0"}),
    ({"remote_address": "::/0"}, {"remote_address": "::/16"}),
    ({"remote_port": "1-1023"}, {"remote_port": "https"}),
    ({"local_address": "::1"}, {"local_address": "::1", "remote_port": "80"}),
    ({"program": "/usr/*"}, {"program": "/usr/bin/*"}),
]

NOT_COVERED = [
    ({"user": "ALICE"}, {}),
    ({"user": "AL*"}, {"user": "A*"}),
    ({"user": "ALICE"}, {"user": "ALICE*"}),
    ({"user": "%WHEEL"}, {"user": "WHEEL"}),
    ({"user": "A*"}, {"user": "%ADM"}),
    ({"remote_address": "::/0"}, {}),
    ({"remote_address": "::/0"}, {"remote_address": "0.0.0.0/0"}),
    ({"remote_address": "0.0.0.0/0"}, {"remote_address": "::/16"}),
    ({"remote_port": "80-90"}, {"remote_port": "85-95"}),
    ({"remote_port": "1-65535"}, {}),
    ({"program": "/usr/bin/curl"}, {"program": "/usr/bin/*"}),
    ({"user": "ALICE"}, {"user": "ALICE", "active": "no"}),
    ({"user": "ALICE", "active": "no"}, {"user": "ALICE"}),
]


@pytest.mark.parametrize(("earlier", "later"), COVERED)
def test_a_rule_under_a_wider_one_is_reported(earlier, later):
    (found,) = warnings(make_policy({}, [connect(10, **earlier), connect(20, **later)], {"https": 443}))
    assert (found.rule.sequence, found.by.sequence) == (20, 10)
    shown = message("GWL021B", value=found.rule.sequence, exit_point=found.rule.exit_point, by=found.by.sequence)
    assert shown.text == "Rule 20 of *CONNECT can never decide; rule 10 matches all that it matches."


@pytest.mark.parametrize(("earlier", "later"), NOT_COVERED)
def test_a_rule_that_can_decide_is_not_reported(earlier, later):
    assert warnings(make_policy({}, [connect(10, **earlier), connect(20, **later)])) == ()


def test_a_default_rule_is_never_reported():
    assert warnings(make_policy({}, [connect(10)])) == ()


def test_the_active_word_is_a_choice_of_two():
    assert connect(1, active="no").active is YesNo.NO
