"""Rules as values of commands and back."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.commands.keywords import number, rule_of, values_of
from console.commands.language import parse, render
from console.commands.registry import COMMANDS, find
from console.commands.rules import AddSocketRule, ChangeSocketRule
from console.errors import CommandError
from console.model.words import Action, Audit, ExitPoint, YesNo
from console.policy.checks import default_rule, make_rule

_addresses = st.one_of(
    st.just("*ANY"),
    st.ip_addresses().map(str),
    st.builds(lambda address, bits: f"{address}/{bits}", st.ip_addresses(v=6), st.integers(0, 128)),
    st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=2).map(
        lambda pair: "-".join(str(ipaddress.IPv4Address(number)) for number in sorted(pair))
    ),
)
_ports = st.sampled_from(["*ANY", "443", "1024-65535", "https", "a-b", "1-2-x"])
_rules = st.builds(
    make_rule,
    exit_point=st.sampled_from([ExitPoint.CONNECT, ExitPoint.ACCEPT]),
    sequence=st.integers(1, 99998),
    user=st.sampled_from(["*ALL", "alice", "ABC*", "%wheel", "O.NEIL"]),
    local_address=_addresses,
    local_port=_ports,
    remote_address=_addresses,
    remote_port=_ports,
    program=st.sampled_from(["*ANY", "/usr/bin/curl", "/opt/it's here/*", "/a(b)/c"]),
    action=st.sampled_from(Action),
    audit=st.sampled_from(Audit),
    message=st.sampled_from(YesNo),
    active=st.sampled_from(YesNo),
    text=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=50),
)


@given(_rules)
def test_a_rule_written_as_a_command_is_the_same_rule(rule):
    string = render(AddSocketRule, values_of(rule))
    parsed = parse(string, COMMANDS)
    assert rule_of(parsed.values) == rule
    assert render(AddSocketRule, parsed.values) == string


@pytest.mark.parametrize("exit_point", ExitPoint)
def test_a_default_rule_is_named_by_its_special_value(exit_point):
    values = values_of(default_rule(exit_point))
    assert values["SEQNBR"] == "*DFT"
    assert rule_of(parse(render(ChangeSocketRule, values), COMMANDS).values | values) == default_rule(exit_point)


@pytest.mark.parametrize("value", ["", "0", "101", "1.5", "-1", "+1", "\N{ARABIC-INDIC DIGIT ONE}", "9" * 5000])
def test_what_is_no_number_in_the_bounds_is_refused(value):
    with pytest.raises(CommandError):
        number("START", 1, 100)(value)


def test_a_number_loses_its_leading_zeros():
    assert number("START", 1, 100)("00100") == "100"


def test_a_command_is_found_in_any_case():
    assert find("addsocrul") is AddSocketRule
    with pytest.raises(CommandError):
        find("NOSUCH")
