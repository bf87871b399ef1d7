"""An explanation names the rule that decides, and agrees with the decision."""

from __future__ import annotations

from hypothesis import given, settings

from console.model.words import ExitPoint, Mode
from console.policy.checks import make_policy, make_rule
from console.policy.compiler import compile_policy
from console.policy.decide import PASS
from console.policy.explain import explain, explain_route
from console.policy.request import MAPPED, Request
from console.policy.socks_entries import make_socks_entry
from tests.campaign import examples
from tests.policy.strategies import policies, requests

ASKING = Request(
    ExitPoint.CONNECT, "ALICE", frozenset({"WHEEL"}), "/usr/bin/curl", MAPPED + 1, 50000, MAPPED + 0x0A010203, 443
)


@settings(max_examples=examples(40), deadline=None)
@given(policy=policies(), asked=requests)
def test_it_agrees_with_the_decision(policy, asked):
    compiled = compile_policy(policy)
    for request in asked[:30]:
        check_explanation(policy, request, compiled.decide(request), compiled.exit_programs[request.exit_point])


def check_explanation(policy, request, decision, programs):
    found = explain(policy, request)
    assert found.decision == decision
    assert found.mode is policy.modes[request.exit_point]
    assert found.exit_programs == (() if decision.outcome != "*ALLOWED" else programs)
    if found.rule is not None:
        assert found.rule.sequence == found.decision.sequence
        before = [
            rule
            for rule in policy.rules
            if rule.exit_point is request.exit_point and rule.sequence < found.rule.sequence
        ]
        assert [passed.rule for passed in found.earlier] == before


def test_each_earlier_rule_says_what_kept_it_from_deciding():
    given_rules = [
        {"user": "BOB", "remote_port": "1"},
        {"user": "%ADM"},
        {"local_address": "::/0"},
        {"local_port": "80"},
        {"user": "A*", "remote_address": "192.0.2.0/24"},
        {"user": "%WHEEL", "remote_port": "80"},
        {"program": "/usr/bin/wget"},
        {"active": "*NO"},
        {"program": "/usr/*", "action": "*REJECT"},
        {"user": "ALICE"},
    ]
    rules = [
        make_rule(exit_point="*CONNECT", sequence=10 * (index + 1), **fields)
        for index, fields in enumerate(given_rules)
    ]
    found = explain(make_policy({}, rules), ASKING)
    assert found.rule == rules[8]
    assert [passed.dimension for passed in found.earlier] == [
        "user",
        "user",
        "local_address",
        "local_port",
        "remote_address",
        "remote_port",
        "program",
        "active",
    ]


def test_nothing_matching_leaves_the_default_rule():
    found = explain(make_policy({}, []), ASKING)
    assert found.rule is not None
    assert found.rule.sequence == 99999
    assert found.earlier == ()


def test_an_exit_point_that_is_off_has_no_deciding_rule():
    found = explain(make_policy({ExitPoint.CONNECT: Mode.OFF}, []), ASKING)
    assert (found.rule, found.decision, found.mode) == (None, PASS, Mode.OFF)


@settings(max_examples=examples(40), deadline=None)
@given(policy=policies(), asked=requests)
def test_the_entry_explained_is_the_one_taken(policy, asked):
    compiled = compile_policy(policy)
    for request in asked:
        way = (request.user, request.groups, request.remote_address, request.remote_port)
        told = explain_route(policy, *way)
        assert told.entry == compiled.route(*way)
        sequences = [entry.sequence for entry in policy.socks]
        assert [passed.entry.sequence for passed in told.earlier] == [
            each for each in sequences if told.entry is None or each < told.entry.sequence
        ]


def test_an_entry_that_is_passed_over_says_what_does_not_match():
    entries = [
        make_socks_entry(sequence=1, type="direct", remote_address="10.0.0.0/8"),
        make_socks_entry(sequence=2, type="direct", remote_port="80"),
        make_socks_entry(sequence=3, type="direct", user="BOB"),
    ]
    told = explain_route(make_policy({}, [], socks=entries), "ALICE", frozenset(), MAPPED + 0xC000_0201, 443)
    assert told.entry is None
    assert [passed.dimension for passed in told.earlier] == ["remote_address", "remote_port", "user"]
