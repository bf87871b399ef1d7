"""A policy that would keep its own operator out is known before it is in force."""

from __future__ import annotations

import pytest

from console.model.words import ExitPoint, Mode
from console.policy.checks import make_policy, make_rule
from console.policy.compiler import compile_policy
from console.policy.own_way import refusal_of_own_way
from console.policy.time_groups import make_time_group

HERE = "192.0.2.7 50000 192.0.2.1 22"


def compiled(mode=Mode.ENFORCE, **fields):
    rule = make_rule(exit_point="*ACCEPT", sequence=10, action="*REJECT", **fields)
    return compile_policy(make_policy({ExitPoint.ACCEPT: mode}, [rule], {}))


@pytest.mark.parametrize(
    ("fields", "connection"),
    [
        ({"remote_address": "192.0.2.0/24"}, HERE),
        ({"local_port": "22"}, HERE),
        ({"user": "ROOT"}, HERE),
        ({"user": "%ROOT"}, HERE),
        ({"remote_address": "2001:db8::/32"}, "2001:db8::7%eth0 50000 2001:db8::1 22"),
    ],
)
def test_rule_that_refuses_the_way_here_is_named(fields, connection):
    exit_point, decision = refusal_of_own_way(compiled(**fields), connection)
    assert (exit_point, decision.sequence) == ("*ACCEPT", 10)


@pytest.mark.parametrize("fields", [{"local_port": "22"}, {"local_address": "0.0.0.0"}, {"local_address": "192.0.2.1"}])
def test_rule_that_lets_the_server_not_listen_is_named(fields):
    rule = make_rule(exit_point="*LISTEN", sequence=20, action="*REJECT", **fields)
    exit_point, decision = refusal_of_own_way(compile_policy(make_policy({}, [rule], {})), HERE)
    assert (exit_point, decision.sequence) == ("*LISTEN", 20)


@pytest.mark.parametrize(
    "connection", ["", "x", "192.0.2.7 50000 192.0.2.1", "192.0.2.7 a 192.0.2.1 22", "a b c d", HERE]
)
def test_somebody_who_is_here_or_is_let_in_is_kept_out_by_nothing(connection):
    assert refusal_of_own_way(compiled(remote_address="198.51.100.0/24"), connection) is None


@pytest.mark.parametrize("mode", [Mode.MONITOR, Mode.OFF])
def test_exit_point_that_refuses_nothing_keeps_nobody_out(mode):
    assert refusal_of_own_way(compiled(mode, local_port="22"), HERE) is None


@pytest.mark.parametrize(("times", "is_kept_out"), [({"days": "*SUN"}, True), ({"from_date": "2026-12-24"}, False)])
def test_rule_that_refuses_the_way_here_at_another_time_of_the_week_is_named(times, is_kept_out):
    group = make_time_group(name="LATER", time_zone="UTC", **times)
    rule = make_rule(exit_point="*ACCEPT", sequence=10, action="*REJECT", time_group="LATER")
    policy = compile_policy(make_policy({}, [rule], time_groups=[group]))
    monday_ns = 1_795_392_000 * 1_000_000_000
    assert (refusal_of_own_way(policy.at(monday_ns), HERE) is not None) is is_kept_out
