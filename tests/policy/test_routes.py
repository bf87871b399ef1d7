"""Compiled SOCKS entries answer as one who reads them one by one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from console.errors import PolicyError
from console.model.words import ExitPoint, Mode
from console.policy.checks import make_policy
from console.policy.compiler import compile_policy
from console.policy.fields import address_intervals
from console.policy.routes import compile_routes, shadowed_entries
from console.policy.socks_entries import make_socks_entry
from tests.policy import naive
from tests.policy.strategies import policies, requests


def compiled(*entries, services=None):
    return compile_policy(make_policy({}, [], services, socks=entries))


def socks(sequence, **fields):
    return make_socks_entry(sequence=sequence, **{"servers": "proxy.example", **fields})


def routed(policy, address="192.0.2.1", port=443, user="ALICE", groups=()):
    found = policy.route(user, frozenset(groups), address_intervals(address)[0][0], port)
    return found and found.sequence


@settings(max_examples=150, deadline=None)
@given(policy=policies(), asked=requests)
def test_it_answers_as_reading_the_entries_one_by_one_does(policy, asked):
    compiled = compile_policy(policy)
    for request in asked:
        found = compiled.route(request.user, request.groups, request.remote_address, request.remote_port)
        assert found == naive.route(policy, request), request


def test_the_first_match_decides_whatever_the_order_they_were_given_in():
    policy = compiled(socks(20), socks(10, remote_address="192.0.2.0/24", remote_port="443"))
    assert routed(policy) == 10
    assert routed(policy, port=80) == 20
    assert routed(policy, "198.51.100.1") == 20


def test_what_no_entry_matches_goes_directly():
    policy = compiled(socks(10, user="BOB"))
    assert routed(policy) is None
    assert routed(policy, user="BOB") == 10


def test_a_direct_entry_is_an_answer_too():
    policy = compiled(make_socks_entry(sequence=5, type="direct", remote_address="10.0.0.0/8"), socks(10))
    assert routed(policy, "10.1.2.3") == 5
    assert routed(policy) == 10


def test_the_whole_of_ipv6_is_not_ipv4():
    policy = compiled(socks(10, remote_address="::/0"))
    assert routed(policy) is None
    assert routed(policy, "2001:db8::1") == 10


def test_an_entry_of_version_4_for_everything_takes_ipv6_too_though_it_cannot_reach_it():
    assert routed(compiled(socks(10, version="4")), "2001:db8::1") == 10


def test_groups_are_asked_for_when_an_entry_names_one():
    policy = compiled(socks(10, user="%WHEEL"))
    assert policy.uses_groups
    assert routed(policy, groups={"WHEEL"}) == 10
    assert routed(policy) is None
    assert not compiled(socks(10, user="WHEEL")).uses_groups


def test_a_service_is_the_port_that_the_policy_says():
    assert routed(compiled(socks(10, remote_port="https"), services={"https": 443})) == 10
    with pytest.raises(PolicyError):
        compiled(socks(10, remote_port="https"))


def test_without_entries_there_is_nothing_to_ask():
    policy = compiled()
    assert not policy.has_socks
    assert policy.routes is None
    assert routed(policy) is None
    assert compile_routes([], {}) is None


def test_entries_are_there_whatever_the_mode_of_the_exit_point():
    policy = compile_policy(make_policy(dict.fromkeys(ExitPoint, Mode.OFF), [], socks=[socks(10)]))
    assert policy.has_socks
    assert routed(policy) == 10


@pytest.mark.parametrize(
    ("first", "second", "hidden"),
    [
        ({}, {}, True),
        ({}, {"user": "%WHEEL", "remote_port": "1-9", "remote_address": "::/0"}, True),
        ({"remote_address": "10.0.0.0/8"}, {"remote_address": "10.1.0.0/16"}, True),
        ({"remote_address": "10.0.0.0/8"}, {"remote_address": "*ANY"}, False),
        ({"remote_address": "::/0"}, {"remote_address": "*ANY"}, False),
        ({"remote_address": "::/0"}, {"remote_address": "10.0.0.0/8"}, False),
        ({"remote_port": "1-100"}, {"remote_port": "100"}, True),
        ({"remote_port": "1-100"}, {"remote_port": "100-101"}, False),
        ({"remote_port": "https"}, {"remote_port": "443"}, True),
        ({"user": "AL*"}, {"user": "ALICE"}, True),
        ({"user": "ALICE"}, {"user": "AL*"}, False),
        ({"user": "%WHEEL"}, {"user": "ALICE"}, False),
    ],
)
def test_an_entry_that_an_earlier_one_covers_is_found(first, second, hidden):
    entries = [socks(20, **second), socks(10, **first)]
    found = shadowed_entries(entries, {"https": 443})
    assert [(each.entry.sequence, each.by.sequence) for each in found] == ([(20, 10)] if hidden else [])


@settings(max_examples=150, deadline=None)
@given(policy=policies(), asked=requests)
def test_no_connection_takes_an_entry_that_is_said_to_be_covered(policy, asked):
    hidden = {each.entry.sequence for each in shadowed_entries(policy.socks, policy.services)}
    taken = {entry.sequence for request in asked if (entry := naive.route(policy, request))}
    assert hidden.isdisjoint(taken)
