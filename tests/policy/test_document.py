"""What is written is read back the same, and what is no policy is refused at its place."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import PolicyError
from console.messages import describe
from console.model.words import ExitPoint, Mode
from console.policy import nodes
from console.policy.checks import make_policy, make_rule
from console.policy.document import parse, render
from console.policy.secret import NO_SECRET
from console.resources import data_path
from tests.campaign import examples
from tests.policy.strategies import PASSWORD, policies


def refused(text, source=""):
    with pytest.raises(PolicyError) as caught:
        parse(text, source)
    describe(caught.value)
    return caught.value


@settings(max_examples=200, deadline=None)
@given(policy=policies())
def test_what_is_written_is_read_back(policy):
    text = render(policy, secrets=True)
    assert parse(text) == replace(policy, services={}, time_zone="")
    assert render(parse(text), secrets=True) == text


@settings(max_examples=100, deadline=None)
@given(policy=policies())
def test_what_is_written_without_passwords_lacks_only_them(policy):
    text = render(policy)
    without = tuple(replace(entry, password=NO_SECRET) for entry in policy.socks)
    assert PASSWORD not in text
    assert parse(text) == replace(policy, services={}, time_zone="", socks=without)


@settings(max_examples=examples(100), deadline=None)
@given(st.text(alphabet=st.sampled_from("greenwall: 1\n-[]{}*&!|>'\"#%@?,rules\t\x00\ufeffé\ud800"), max_size=60))
def test_no_text_does_worse_than_being_refused(text):
    for candidate in (text, "greenwall: 1\n" + text):
        try:
            parse(candidate)
        except PolicyError as error:
            describe(error)


def test_the_policy_of_a_fresh_store_allows_and_journals_everything():
    text = data_path("policy", "default.yaml").read_text(encoding="utf-8")
    assert parse(text) == make_policy({}, [])
    assert text.endswith(render(make_policy({}, [])))


def test_everything_but_the_version_may_be_left_out():
    assert parse("greenwall: 1") == make_policy({}, [])
    assert parse('\ufeffgreenwall: "1"\nrules:\nexit_points: ~\nsocks:\naddress_groups: []\ntime_groups: []\n')


def test_a_mode_that_is_left_out_is_enforce():
    assert parse("greenwall: 1\nexit_points: {listen: off}").modes == {
        ExitPoint.ACCEPT: Mode.ENFORCE,
        ExitPoint.CONNECT: Mode.ENFORCE,
        ExitPoint.LISTEN: Mode.OFF,
    }


def test_a_value_is_the_text_that_stands_there():
    (rule, *_) = parse("greenwall: 1\nrules: [{exit_point: accept, sequence: 0010, user: no, text: 1_000}]").rules
    assert rule == make_rule(exit_point="*ACCEPT", sequence=10, user="NO", text="1_000")


@pytest.mark.parametrize(("word", "active"), [("true", "*YES"), ("False", "*NO"), ("no", "*NO"), ("'*YES'", "*YES")])
def test_active_may_be_a_truth_value(word, active):
    (rule, *_) = parse(f"greenwall: 1\nrules: [{{exit_point: accept, sequence: 1, active: {word}}}]").rules
    assert rule.active.value == active


def test_an_error_carries_its_place_as_values_too():
    error = refused(
        "greenwall: 1\nrules:\n  - exit_point: connect\n    sequence: 1\n    remote_port: 70000\n", "a.yaml"
    )
    assert error.message_id == "GWL0209"
    assert (error.values["line"], error.values["column"], error.values["value"]) == (5, 18, "70000")
    assert error.values["source"] == "a.yaml"


def test_without_a_source_the_place_is_a_line_and_a_column():
    assert describe(refused("greenwall: 2")).text.startswith("Line 1, column 12: ")


def test_a_source_cannot_draw_on_the_terminal():
    assert "\x1b" not in describe(refused("", "\x1b[2J")).text


def test_a_document_of_more_than_16_mib_is_refused():
    assert refused("#" * (16 * 1024 * 1024 + 1)).message_id == "GWL0228"
    assert refused("#" + "é" * (8 * 1024 * 1024)).message_id == "GWL0228"


def test_depth_is_refused_before_it_costs_anything():
    assert refused("greenwall: 1\nrules: " + "[" * 1_000_000).message_id == "GWL0223"


def test_the_slow_reader_finds_the_same(monkeypatch):
    text = render(make_policy({}, [make_rule(exit_point="*CONNECT", sequence=1, user="%WHEEL", text="Grün: *ja*")]))
    fast = parse(text)
    monkeypatch.setattr(nodes, "_LOADER", nodes.yaml.SafeLoader)
    assert parse(text) == fast
    assert refused("greenwall: 1\nrules:\n - {exit_point: *CONNECT}").message_id == "GWL0224"
    assert refused("a: b: c").message_id == "GWL0220"


def test_ten_thousand_rules_are_read():
    rules = [
        make_rule(exit_point="*CONNECT", sequence=i + 1, remote_address=f"10.0.{i >> 8}.{i & 255}")
        for i in range(10_000)
    ]
    policy = make_policy({}, rules)
    assert parse(render(policy)) == policy


@pytest.mark.parametrize("written", ["*{}", "%{}", "&{} x", "!{} x", '"{}', "|{}", "{{{}", "\n      *{}", "[{}"])
def test_no_mistake_in_a_password_shows_it(written):
    text = "greenwall: 1\nsocks:\n  - sequence: 10\n    password: " + written.format("Xyzzy1") + "\n"
    with pytest.raises(PolicyError) as caught:
        parse(text, "a.yaml")
    assert "Xyzzy1" not in describe(caught.value).text + describe(caught.value).cause + str(caught.value)
    assert caught.value.__cause__ is None
