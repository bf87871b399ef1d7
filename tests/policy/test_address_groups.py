"""Address groups: what they take, what they cover, and that a policy with them decides as one that is written out."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from itertools import pairwise
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import PolicyError
from console.model.words import ExitPoint
from console.policy.address_groups import (
    check_address_groups,
    check_members,
    check_rule_address,
    few_members,
    group_intervals,
    make_address_group,
    member_for,
    member_intervals,
)
from console.policy.checks import make_policy, make_rule, warnings
from console.policy.compiler import compile_policy
from console.policy.document import parse, render
from console.policy.explain import explain
from console.policy.fields import address_intervals
from console.policy.request import MAPPED, Request
from console.policy.rule import AddressGroup
from tests.policy import naive
from tests.policy.strategies import ENDS, policies, requests


def number(text):
    address = ipaddress.ip_address(text)
    return int(address) + (MAPPED if address.version == 4 else 0)


def group(members, name="DMZ"):
    return make_address_group(name=name, members=members)


def connect(sequence, address="%DMZ", **fields):
    return make_rule(exit_point="*CONNECT", sequence=sequence, remote_address=address, **fields)


def to(address, port=443):
    return Request(ExitPoint.CONNECT, "ALICE", frozenset(), "", 0, 0, number(address), port)


def test_members_are_spelt_canonically_in_order_each_once():
    given_ = "2001:DB8::/32, 10.0.0.9\n10.0.0.0/8 !10.0.0.5 10.0.0.9-10.0.0.9 ::ffff:10.0.0.9"
    assert check_members(given_) == "10.0.0.0/8 !10.0.0.5 10.0.0.9 2001:db8::/32"
    assert check_members("") == ""


@pytest.mark.parametrize(
    ("members", "message_id"),
    [("10.0.0.256", "GWL0203"), ("%OTHER", "GWL02B1"), ("*ANY", "GWL02B2"), ("any", "GWL02B2"), ("!", "GWL0203"),
     ("host.example", "GWL0203"), ("!!10.0.0.1", "GWL0203"), ("10.0.0.9-10.0.0.1", "GWL0205")],
)  # fmt: skip
def test_what_is_no_member_is_refused(members, message_id):
    with pytest.raises(PolicyError) as caught:
        group(f"10.0.0.1 {members}")
    assert (caught.value.message_id, caught.value.values["keyword"]) == (message_id, "members")


@pytest.mark.parametrize("name", ["", "1A", "A-B", "LONGER_THAN", "ANY", "ALL", "A B", "Ä", "%A"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(PolicyError, match="GWL02B0"):
        group("10.0.0.1", name)


def test_a_rule_says_a_group_with_a_percent_sign_which_no_address_and_no_host_name_begins_with():
    assert check_rule_address("%dmz") == "%DMZ"
    assert check_rule_address("10.0.0.1") == "10.0.0.1"
    for wrong in ("DMZ", "dmz.example"):
        with pytest.raises(PolicyError, match="GWL0203"):
            check_rule_address(wrong)


def test_what_is_left_out_is_left_out_of_every_member():
    made = group("10.0.0.0/30 10.0.0.2-10.0.0.9 !10.0.0.2-10.0.0.3 ::/0")
    low = MAPPED + 0x0A00_0000
    assert group_intervals(made)[1:3] == ((low, low + 1), (low + 4, low + 9))
    assert member_for(made, low + 2) is None
    assert member_for(made, low + 1) == "10.0.0.0/30"
    assert member_for(made, number("::1")) == "::/0"


@given(st.integers(0, 2**32 - 1), st.one_of(st.none(), st.integers(0, 40)), st.booleans())
def test_the_short_way_to_an_ipv4_address_leads_where_the_long_one_does(number_, prefix, is_out):
    text = str(ipaddress.IPv4Address(number_)) + ("" if prefix is None else f"/{prefix}")
    try:
        expected = address_intervals(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            member_intervals(text)
    else:
        assert member_intervals("!" * is_out + text) == expected


@pytest.mark.parametrize("wrong", ["1.2.3", "1.2.3.256", "1.2.3.4/33", "1.2.3.4/24", "1.2.3.4.5", "999.0.0.0", "x"])
def test_what_the_short_way_does_not_know_is_refused_by_the_long_one(wrong):
    with pytest.raises(ValueError, match=r"."):
        member_intervals(wrong)


def test_families_are_never_put_together():
    covered = group_intervals(group("0.0.0.0/0 ::/0"))
    assert covered == ((0, MAPPED - 1), (MAPPED, MAPPED + 0xFFFF_FFFF), (MAPPED + 0x1_0000_0000, (1 << 128) - 1))


@given(st.lists(st.tuples(st.sampled_from(ENDS), st.integers(0, 9), st.booleans()), max_size=30), st.data())
def test_intervals_are_what_the_members_say(spans, data):
    members = []
    for low, length, is_out in spans:
        first = ipaddress.IPv6Address(low)
        if first.ipv4_mapped is None and ipaddress.IPv6Address(min(low + length, (1 << 128) - 1)).ipv4_mapped is None:
            last = ipaddress.IPv6Address(min(low + length, (1 << 128) - 1))
            members.append(f"{'!' if is_out else ''}{first}-{last}")
    made = group(" ".join(members))
    covered = group_intervals(made)
    assert all(one[1] < two[0] for one, two in pairwise(covered))
    for point in data.draw(st.lists(st.sampled_from(ENDS), max_size=20)):
        inside = any(low <= point <= high for low, high in covered)
        assert inside == (member_for(made, point) is not None)


def written_out(policy):
    """Return the policy with a rule for each interval that a group covers, numbered so that the order stays."""
    groups = {each.name: each for each in policy.address_groups}
    rules, origin = [], {}
    for exit_point in ExitPoint:
        sequence = 0
        for rule in (rule for rule in policy.rules if rule.exit_point is exit_point):
            for local in spelt(rule.local_address, groups):
                for remote in spelt(rule.remote_address, groups):
                    sequence += 1
                    new = 99_999 if rule.sequence == 99_999 else sequence
                    rules.append(replace(rule, sequence=new, local_address=local, remote_address=remote))
                    origin[exit_point, new] = rule.sequence
    return replace(policy, rules=tuple(rules), address_groups=()), origin


def spelt(value, groups):
    if not value.startswith("%"):
        return [value]
    return [as_text(low, high) for low, high in group_intervals(groups[value[1:]])]


def as_text(low, high):
    if MAPPED <= low <= MAPPED + 0xFFFF_FFFF:
        return f"{ipaddress.IPv4Address(low - MAPPED)}-{ipaddress.IPv4Address(high - MAPPED)}"
    return f"{ipaddress.IPv6Address(low)}-{ipaddress.IPv6Address(high)}"


@settings(max_examples=100, deadline=None)
@given(policy=policies(), asked=requests)
def test_a_policy_with_groups_decides_as_the_same_policy_written_out(policy, asked):
    plain, origin = written_out(policy)
    compiled, written = compile_policy(policy), compile_policy(plain)
    for request in asked:
        found, other = compiled.decide(request), written.decide(request)
        sequence = origin.get((request.exit_point, other.sequence), other.sequence)
        assert found == replace(other, sequence=sequence), request


@settings(max_examples=50, deadline=None)
@given(policy=policies(), asked=requests)
def test_the_explanation_names_a_member_that_covers_the_address(policy, asked):
    for request in asked[:20]:
        found = explain(policy, request)
        for field, member in found.members.items():
            assert getattr(found.rule, field).startswith("%")
            assert naive.address(member, getattr(request, field))
            assert not member.startswith("!")


def test_a_rule_without_its_group_is_no_policy():
    for field in ("remote_address", "local_address"):
        rule = make_rule(exit_point="*CONNECT", sequence=10, **{field: "%DMZ"})
        with pytest.raises(PolicyError) as caught:
            make_policy({}, [rule], address_groups=[group("10.0.0.1", "OTHER")])
        assert (caught.value.message_id, caught.value.values["keyword"]) == ("GWL02B5", field)


@pytest.mark.parametrize(
    "groups",
    [(AddressGroup("A"), AddressGroup("A")), (AddressGroup("a"),), (AddressGroup("A", ("no address",)),)],
)
def test_groups_that_were_not_checked_are_not_compiled(groups):
    with pytest.raises(PolicyError):
        check_address_groups(groups)


def test_a_rule_is_shadowed_only_where_the_group_before_it_covers_all_of_it():
    holes = group("10.0.0.1 10.0.0.9")
    policy = make_policy({}, [connect(10), connect(20, "10.0.0.1-10.0.0.9")], address_groups=[holes])
    assert warnings(policy) == ()
    whole = group("10.0.0.0/30 10.0.0.4-10.0.0.20")
    policy = make_policy({}, [connect(10), connect(20, "10.0.0.1-10.0.0.9"), connect(30)], address_groups=[whole])
    assert [(found.rule.sequence, found.by.sequence) for found in warnings(policy)] == [(20, 10), (30, 10)]
    policy = make_policy({}, [connect(10, "10.0.0.0/8"), connect(20)], address_groups=[whole])
    assert [(found.rule.sequence, found.by.sequence) for found in warnings(policy)] == [(20, 10)]


def test_ten_thousand_members_compile_fast_and_once_for_all_rules_that_name_them():
    members = " ".join(f"10.{at >> 7 & 255}.{at & 127}.{(at * 7) % 200}" for at in range(10_000))
    rules = [connect(at + 1, remote_port=str(at + 1), action="*REJECT") for at in range(200)]
    policy = make_policy({}, rules, address_groups=[group(members)])
    began = process_time()
    compiled = compile_policy(policy)
    assert process_time() - began < 2.0, "CPU seconds, on a machine that is no faster than it has to be"
    assert len({id(mask) for mask in compiled.tables[ExitPoint.CONNECT].remote_addresses._masks}) < 10
    assert compiled.decide(to("10.3.5.147", 7)).sequence in (7, 99_999)
    assert compiled.decide(to(policy.address_groups[0].members[5000], 7)).sequence == 7


def test_of_many_members_the_first_few_are_told():
    assert few_members([]) == "none"
    assert few_members(["a", "b"]) == "a b"
    assert few_members(list("abcdefghij")) == "a b c d e f g h and 2 more"


@settings(max_examples=30, deadline=None)
@given(policy=policies())
def test_export_then_import_is_the_identity_with_groups(policy):
    again = parse(render(policy, secrets=True))
    assert again.address_groups == policy.address_groups
    assert again.time_groups == policy.time_groups
    assert render(again, secrets=True) == render(policy, secrets=True)
