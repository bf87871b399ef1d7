"""A comparison names each mode and rule that differs, once."""

from __future__ import annotations

from hypothesis import given

from console.model.words import ExitPoint, Mode
from console.policy.checks import make_policy, make_rule
from console.policy.difference import Change, Kind, compare
from console.policy.rule import Policy
from tests.policy.strategies import policies


def connect(sequence, **fields):
    return make_rule(exit_point="*CONNECT", sequence=sequence, **fields)


def test_an_added_rule_says_what_it_does():
    new = make_policy({}, [connect(10, remote_port="443", action="reject")])
    assert compare(make_policy({}, []), new) == (
        Change(Kind.ADDED, "*CONNECT 10", "", "remote_port 443, action *REJECT"),
    )


def test_a_removed_rule_says_what_it_did():
    old = make_policy({}, [connect(10)])
    assert compare(old, make_policy({}, [])) == (Change(Kind.REMOVED, "*CONNECT 10", "action *ALLOW", ""),)


def test_a_changed_rule_says_what_differs():
    old, new = make_policy({}, [connect(10, user="A")]), make_policy({}, [connect(10, user="A", active="no")])
    assert compare(old, new) == (Change(Kind.CHANGED, "*CONNECT 10", "active *YES", "active *NO"),)


def test_the_default_rule_is_called_by_its_name():
    (change,) = compare(make_policy({}, []), make_policy({}, [connect("*DFT", action="reject")]))
    assert (change.what, change.before, change.after) == ("*CONNECT *DFT", "action *ALLOW", "action *REJECT")


def test_a_changed_mode_comes_first():
    changes = compare(make_policy({}, []), make_policy({ExitPoint.LISTEN: Mode.OFF}, [connect(10)]))
    assert changes[0] == Change(Kind.CHANGED, "*LISTEN mode", "*ENFORCE", "*OFF")
    assert len(changes) == 2


def test_the_ports_of_services_are_no_change():
    rule = connect(10, remote_port="https")
    assert compare(make_policy({}, [rule]), make_policy({}, [rule], {"https": 443})) == ()


def test_against_no_policy_everything_is_new():
    assert len(compare(Policy(), make_policy({}, []))) == 6


@given(old=policies(), new=policies())
def test_two_policies_differ_both_ways_alike(old, new):
    forth, back = compare(old, new), compare(new, old)
    assert [(change.what, change.before, change.after) for change in forth] == [
        (change.what, change.after, change.before) for change in back
    ]
    assert (forth == ()) == ((old.modes, old.rules) == (new.modes, new.rules))
