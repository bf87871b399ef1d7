"""A comparison names each mode and rule that differs, once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from console.model.words import ExitPoint, Mode, RawSockets, Udp
from console.policy.checks import make_policy, make_rule
from console.policy.difference import Change, Kind, Subject, compare
from console.policy.exit_programs import make_exit_program
from console.policy.rule import Policy
from console.policy.socks_entries import make_socks_entry
from tests.policy.strategies import policies


def connect(sequence, **fields):
    return make_rule(exit_point="*CONNECT", sequence=sequence, **fields)


RULE = (Subject.RULE, "*CONNECT")


def program(number, **fields):
    return make_exit_program(**{"exit_point": "*ACCEPT", "number": number, "program": "site:ask", **fields})


def socks(sequence, **fields):
    return make_socks_entry(**{"sequence": sequence, "servers": "proxy.example", **fields})


def test_an_added_rule_says_what_it_does():
    new = make_policy({}, [connect(10, remote_port="443", action="reject")])
    assert compare(make_policy({}, []), new) == (
        Change(Kind.ADDED, "*CONNECT 10", "", "remote_port 443, action *REJECT", *RULE),
    )


def test_a_removed_rule_says_what_it_did():
    old = make_policy({}, [connect(10)])
    assert compare(old, make_policy({}, [])) == (Change(Kind.REMOVED, "*CONNECT 10", "action *ALLOW", "", *RULE),)


def test_a_changed_rule_says_what_differs():
    old, new = make_policy({}, [connect(10, user="A")]), make_policy({}, [connect(10, user="A", active="no")])
    assert compare(old, new) == (Change(Kind.CHANGED, "*CONNECT 10", "active *YES", "active *NO", *RULE),)


def test_the_default_rule_is_called_by_its_name():
    (change,) = compare(make_policy({}, []), make_policy({}, [connect("*DFT", action="reject")]))
    assert (change.what, change.before, change.after) == ("*CONNECT *DFT", "action *ALLOW", "action *REJECT")


def test_a_changed_mode_comes_first():
    changes = compare(make_policy({}, []), make_policy({ExitPoint.LISTEN: Mode.OFF}, [connect(10)]))
    assert changes[0] == Change(Kind.CHANGED, "*LISTEN mode", "*ENFORCE", "*OFF", Subject.MODE, "*LISTEN")
    assert len(changes) == 2


def test_changed_settings_are_told_by_their_names():
    new = make_policy({}, [], udp=Udp.DECIDE, raw_sockets=RawSockets.ALLOW)
    assert compare(make_policy({}, []), new) == (
        Change(Kind.CHANGED, "udp", "*IGNORE", "*DECIDE", Subject.SETTING, ""),
        Change(Kind.CHANGED, "raw_sockets", "*REFUSE", "*ALLOW", Subject.SETTING, ""),
    )


def test_exit_programs_are_told_by_their_numbers():
    old = make_policy({}, [], exit_programs=[program(2), program(3)])
    new = make_policy({}, [], exit_programs=[program(3, time_limit_ms=50), program(4, text="x")])
    named = (Subject.EXIT_PROGRAM, "*ACCEPT")
    assert compare(old, new) == (
        Change(Kind.REMOVED, "*ACCEPT program 2", "program site:ask, time_limit_ms 1000", "", *named),
        Change(Kind.CHANGED, "*ACCEPT program 3", "time_limit_ms 1000", "time_limit_ms 50", *named),
        Change(Kind.ADDED, "*ACCEPT program 4", "", "program site:ask, time_limit_ms 1000, text 'x'", *named),
    )


def test_socks_entries_are_told_by_their_numbers_and_never_by_their_passwords():
    old = make_policy({}, [], socks=[socks(10), socks(20, user_id="anna", password="old1"), socks(30)])
    direct = make_socks_entry(sequence=40, type="direct", remote_address="10.0.0.0/8")
    changed = socks(20, user_id="anna", password="new2")
    new = make_policy({}, [], socks=[socks(10, servers="a b:9"), changed, direct])
    named = (Subject.SOCKS_ENTRY, "")
    assert compare(old, new) == (
        Change(Kind.CHANGED, "SOCKS entry 10", "servers proxy.example", "servers a b:9", *named),
        Change(Kind.CHANGED, "SOCKS entry 20", "password *SET", "password another", *named),
        Change(Kind.REMOVED, "SOCKS entry 30", "remote_address *ANY, type *SOCKS, servers proxy.example", "", *named),
        Change(Kind.ADDED, "SOCKS entry 40", "", "remote_address 10.0.0.0/8, type *DIRECT", *named),
    )


def test_a_password_that_is_new_or_gone_is_told():
    without, with_one = (
        make_policy({}, [], socks=[socks(10, user_id="anna", **said)]) for said in ({}, {"password": "x"})
    )
    (change,) = compare(without, with_one)
    assert (change.before, change.after) == ("password *MISSING", "password *SET")


def test_the_ports_of_services_are_no_change():
    rule = connect(10, remote_port="https")
    assert compare(make_policy({}, [rule]), make_policy({}, [rule], {"https": 443})) == ()


def test_against_no_policy_everything_is_new():
    assert len(compare(Policy(), make_policy({}, []))) == 6


def test_a_text_cannot_pass_for_another_field_of_the_change():
    new = make_policy({}, [connect(10, remote_port="25", action="reject", text="mail', action *ALLOW, text 'x")])
    (change,) = compare(make_policy({}, []), new)
    assert change.after == "remote_port 25, action *REJECT, text 'mail'', action *ALLOW, text ''x'"


def test_a_text_is_quoted_however_plain_it_is_and_also_when_it_is_taken_away():
    old, new = make_policy({}, [connect(10, text="*ALLOW")]), make_policy({}, [connect(10)])
    (change,) = compare(old, new)
    assert (change.before, change.after) == ("text '*ALLOW'", "text ''")


def test_the_path_of_a_program_is_quoted_where_it_could_be_taken_for_more():
    rules = [connect(10, program="/srv/a, active no"), connect(20, program="/srv/b")]
    told = [change.after for change in compare(make_policy({}, []), make_policy({}, rules))]
    assert told == ["program '/srv/a, active no', action *ALLOW", "program /srv/b, action *ALLOW"]


@given(old=policies(), new=policies())
def test_two_policies_differ_both_ways_alike(old, new):
    forth, back = compare(old, new), compare(new, old)
    assert [(change.what, change.before, change.after) for change in forth] == [
        (change.what, change.after, change.before) for change in back
    ]
    assert (forth == ()) == (replace(old, services={}) == replace(new, services={}))
