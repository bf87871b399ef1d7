"""The compiled policy answers as one who reads the rules one by one."""

from __future__ import annotations

import errno
import ipaddress

import pytest
from hypothesis import given, settings

from console.errors import PolicyError
from console.model.words import ExitPoint, Mode, Outcome
from console.policy.checks import make_policy, make_rule
from console.policy.compiler import compile_policy
from console.policy.decide import PASS
from console.policy.request import MAPPED, Decision, Request
from console.policy.rule import Policy
from console.policy.vectors import Names
from tests.policy import naive
from tests.policy.strategies import policies, requests


def number(address):
    parsed = ipaddress.ip_address(address)
    return int(parsed) + (MAPPED if parsed.version == 4 else 0)


def asking(exit_point=ExitPoint.CONNECT, user="ALICE", groups=(), program="", remote="10.1.2.3", port=443):
    return Request(exit_point, user, frozenset(groups), program, 0, 0, number(remote), port)


def connect(sequence, **fields):
    return make_rule(exit_point="*CONNECT", sequence=sequence, **fields)


def decided(rules, request, mode=Mode.ENFORCE):
    return compile_policy(make_policy({ExitPoint.CONNECT: mode}, rules, {"https": 443})).decide(request)


@settings(max_examples=150, deadline=None)
@given(policy=policies(), asked=requests)
def test_it_answers_as_reading_the_rules_one_by_one_does(policy, asked):
    compiled = compile_policy(policy)
    for request in asked:
        assert compiled.decide(request) == naive.decide(policy, request), request


_BY_DEFAULT = Decision(Outcome.ALLOWED, 99999, 0, journal=True, alert=False, by_level=True)


def test_a_fresh_policy_allows_and_journals():
    compiled = compile_policy(make_policy({}, []))
    for exit_point in ExitPoint:
        assert compiled.decide(asking(exit_point)) == _BY_DEFAULT


def test_the_first_match_decides_whatever_the_order_they_were_given_in():
    rules = [connect(20, user="ALICE"), connect(10, remote_port="443", action="reject")]
    assert decided(rules, asking()).sequence == 10
    assert decided(rules, asking(port=80)).sequence == 20
    assert decided(rules, asking(port=80, user="BOB")).sequence == 99999


def test_an_inactive_rule_decides_nothing():
    assert decided([connect(10, action="reject", active="no")], asking()).sequence == 99999


@pytest.mark.parametrize(
    ("fail", "number_"), [("eperm", errno.EPERM), ("refused", errno.ECONNREFUSED), ("timeout", errno.ETIMEDOUT)]
)
def test_a_rejected_connect_fails_as_its_rule_says(fail, number_):
    assert decided([connect(1, action="reject", fail=fail)], asking()) == Decision(
        Outcome.REJECTED, 1, number_, journal=True, alert=False
    )


def test_in_monitor_a_rejection_lets_pass_and_says_so():
    assert decided([connect(1, action="reject", message="yes")], asking(), Mode.MONITOR) == Decision(
        Outcome.MONITOR, 1, 0, journal=True, alert=True
    )


def test_an_exit_point_that_is_off_asks_no_rule():
    rules = [connect(1, action="reject", user="%WHEEL", program="/usr/*")]
    compiled = compile_policy(make_policy({ExitPoint.CONNECT: Mode.OFF}, rules))
    assert compiled.decide(asking()) is PASS
    assert not compiled.uses_groups
    assert not compiled.uses_programs


@pytest.mark.parametrize(
    ("audit", "action", "mode", "journal"),
    [
        ("dft", "allow", Mode.ENFORCE, True),
        ("all", "allow", Mode.ENFORCE, True),
        ("reject", "allow", Mode.ENFORCE, False),
        ("none", "allow", Mode.ENFORCE, False),
        ("dft", "reject", Mode.ENFORCE, True),
        ("reject", "reject", Mode.ENFORCE, True),
        ("reject", "reject", Mode.MONITOR, True),
        ("none", "reject", Mode.ENFORCE, False),
    ],
)
def test_what_is_journalled_follows_the_audit_value(audit, action, mode, journal):
    assert decided([connect(1, audit=audit, action=action)], asking(), mode).journal is journal


def test_a_mapped_address_is_the_ipv4_address_in_it():
    rules = [connect(1, remote_address="10.1.2.3", action="reject")]
    assert asking(remote="::ffff:10.1.2.3") == asking(remote="10.1.2.3")
    assert decided(rules, asking(remote="::ffff:10.1.2.3")).sequence == 1


def test_the_whole_of_ipv6_is_not_ipv4():
    rules = [connect(1, remote_address="::/0"), connect(2, remote_address="0.0.0.0/0")]
    assert decided(rules, asking(remote="10.1.2.3")).sequence == 2
    assert decided(rules, asking(remote="2001:db8::1")).sequence == 1


def test_groups_and_programs_are_asked_for_only_when_a_rule_names_one():
    plain = compile_policy(make_policy({}, [connect(1, user="ALICE")]))
    assert (plain.uses_groups, plain.uses_programs) == (False, False)
    inactive = compile_policy(make_policy({}, [connect(1, user="%WHEEL", program="/a", active="no")]))
    assert (inactive.uses_groups, inactive.uses_programs) == (False, False)
    both = compile_policy(make_policy({}, [connect(1, user="%WHEEL", program="/a")]))
    assert (both.uses_groups, both.uses_programs) == (True, True)


def test_a_compiled_policy_knows_its_revision_and_modes():
    compiled = compile_policy(make_policy({ExitPoint.ACCEPT: Mode.OFF}, []), revision=7)
    assert compiled.revision == 7
    assert compiled.modes[ExitPoint.ACCEPT] is Mode.OFF


def test_decisions_are_made_once():
    compiled = compile_policy(make_policy({}, []))
    assert compiled.decide(asking()) is compiled.decide(asking(user="BOB"))


def test_a_damaged_policy_is_not_compiled():
    with pytest.raises(PolicyError, match="GWL0219"):
        compile_policy(Policy())


def test_a_policy_with_an_unknown_service_is_not_compiled():
    with pytest.raises(PolicyError, match="GWL020B"):
        compile_policy(make_policy({}, [connect(1, remote_port="gopher")]))


def test_remembered_names_are_forgotten_before_they_fill_the_memory():
    names = Names(["ALICE", "A*", "*ALL"], special="*ALL")
    for index in range(10_000):
        assert names.of(f"USER{index}") == 0b100
    assert names.of("ALICE") == 0b111
    assert len(names._cache) <= 4096


def test_the_cost_of_ten_thousand_rules_is_in_tables_not_in_steps():
    rules = [connect(i + 1, remote_address=f"10.{i >> 8}.{i & 255}.0/24", remote_port=i + 1) for i in range(10_000)]
    compiled = compile_policy(make_policy({}, rules))
    assert compiled.decide(asking(remote="10.39.15.1", port=10_000)).sequence == 10_000
    assert compiled.decide(asking(remote="10.39.15.1", port=9_999)).sequence == 99999
