"""Time groups: what they take, and when they are active, also where clocks are put forward and back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import PolicyError
from console.model.words import ExitPoint
from console.policy.checks import make_policy, make_rule, warnings
from console.policy.compiler import compile_policy
from console.policy.explain import explain
from console.policy.request import MAPPED, Request
from console.policy.rule import TimeGroup
from console.policy.time_groups import (
    Schedule,
    check_days,
    check_time_groups,
    check_times,
    is_active,
    make_time_group,
    says_system_zone,
)
from tests.policy import naive
from tests.policy.strategies import MOMENTS, policies, requests

SECOND = 1_000_000_000
ASKING = Request(ExitPoint.CONNECT, "ALICE", frozenset(), "", 0, 0, MAPPED + 1, 443)


def at(text):
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def connect(sequence, time_group="OFFICE", **fields):
    return make_rule(exit_point="*CONNECT", sequence=sequence, time_group=time_group, **fields)


def active(group, text):
    return is_active(group, datetime.fromisoformat(text), "")


@pytest.mark.parametrize(
    ("given_", "found"),
    [("fri MON", "*MON *FRI"), ("*weekday", "*MON *TUE *WED *THU *FRI"), ("*WEEKEND,sat", "*SAT *SUN"),
     ("*WEEKDAY *WEEKEND", "*ALL"), ("all", "*ALL")],
)  # fmt: skip
def test_days_are_spelt_in_the_order_of_the_week(given_, found):
    assert check_days(given_) == found


@pytest.mark.parametrize(
    ("given_", "found"),
    [("1300-1800 8:00-12:00", "08:00-12:00 13:00-18:00"), ("22:00-06:00", "22:00-06:00"),
     ("22:00-00:00", "22:00-24:00"), ("0:00-24:00 01:00-02:00", "*ALL"),
     ("*all", "*ALL"), ("08:00-12:00,08:00-12:00", "08:00-12:00")],
)  # fmt: skip
def test_times_are_spelt_in_ascending_order(given_, found):
    assert check_times(given_) == found


@pytest.mark.parametrize(
    ("fields", "message_id", "keyword"),
    [
        ({"days": "someday"}, "GWL0201", "days"),
        ({"days": " "}, "GWL02B6", "days"),
        ({"times": "08:00"}, "GWL02B7", "times"),
        ({"times": "08:00-08:00"}, "GWL02B7", "times"),
        ({"times": "08:60-09:00"}, "GWL02B7", "times"),
        ({"times": "08:00-24:01"}, "GWL02B7", "times"),
        ({"times": "24:00-01:00"}, "GWL02B7", "times"),
        ({"times": ""}, "GWL02B6", "times"),
        ({"times": " ".join(f"{at:02}:00-{at:02}:{to:02}" for at in range(13) for to in (10, 20))}, "GWL02B8", "times"),
        ({"from_date": "2026-02-30"}, "GWL02B9", "from_date"),
        ({"from_date": "24.12.2026"}, "GWL02B9", "from_date"),
        ({"to_date": "3000-01-01"}, "GWL02B9", "to_date"),
        ({"from_date": "2026-12-24", "to_date": "2026-12-23"}, "GWL02BB", "to_date"),
        ({"time_zone": "Europe/Nowhere"}, "GWL02BA", "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "GWL02BA", "time_zone"),
        ({"time_zone": ""}, "GWL02BA", "time_zone"),
        ({"time_zone": "Europe"}, "GWL02BA", "time_zone"),
        ({"name": "9TO5"}, "GWL02B0", "name"),
    ],
)
def test_what_is_no_time_group_is_refused(fields, message_id, keyword):
    with pytest.raises(PolicyError) as caught:
        make_time_group(**{"name": "T", **fields})
    assert (caught.value.message_id, caught.value.values["keyword"]) == (message_id, keyword)


def test_the_first_second_is_in_it_and_the_last_is_not():
    office = make_time_group(name="T", times="08:00-18:00", time_zone="UTC")
    clocks = ("07:59:59", "08:00:00", "17:59:59", "18:00:00")
    assert [active(office, f"2026-11-27T{clock}+00:00") for clock in clocks] == [False, True, True, False]


def test_a_time_over_midnight_belongs_to_the_day_on_which_it_begins():
    night = make_time_group(name="T", days="*FRI", times="22:00-06:00", to_date="2026-11-27", time_zone="UTC")
    moments = ("2026-11-27T05:00", "2026-11-27T22:00", "2026-11-28T05:59:59", "2026-11-28T06:00", "2026-11-28T22:00")
    assert [active(night, f"{each}+00:00") for each in moments] == [False, True, True, False, False]


def test_a_time_that_the_clock_skips_does_not_occur_and_one_that_it_shows_twice_occurs_twice():
    early = make_time_group(name="T", times="02:15-02:45", time_zone="Europe/Berlin")
    spring = [at(f"2026-03-29T00:{minute:02}:00+00:00") for minute in range(0, 60, 5)]
    spring += [at(f"2026-03-29T01:{minute:02}:00+00:00") for minute in range(0, 60, 5)]
    assert not any(is_active(early, datetime.fromtimestamp(each // SECOND, UTC), "") for each in spring)
    assert active(early, "2026-10-25T00:20:00+00:00")
    assert not active(early, "2026-10-25T00:50:00+00:00")
    assert active(early, "2026-10-25T01:20:00+00:00")


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago"]
CHANGES = [at(f"{day}T{hour:02}:00:00+00:00") for day in ("2026-03-08", "2026-03-29", "2026-04-04", "2026-10-03",
           "2026-10-25", "2026-11-01", "2026-12-31") for hour in range(0, 24, 2)]  # fmt: skip
times = st.sampled_from(["*ALL", "00:00-00:30 23:30-24:00", "02:30-03:30", "22:00-06:00", "01:15-02:15 02:45-02:50"])
groups = st.builds(
    make_time_group,
    name=st.just("T"),
    days=st.sampled_from(["*ALL", "*SUN", "*SAT *SUN", "*WEEKDAY"]),
    times=times,
    from_date=st.sampled_from(["*NONE", "2026-03-29"]),
    to_date=st.sampled_from(["*NONE", "2026-10-25"]),
    time_zone=st.sampled_from(ZONES),
)


@settings(max_examples=300, deadline=None)
@given(group=groups, base=st.sampled_from(CHANGES), seconds=st.integers(0, 7200))
def test_a_group_stays_as_it_is_for_the_whole_of_its_period_and_no_longer_than_said(group, base, seconds):
    start = base + seconds * SECOND
    period = Schedule([group], "").period(start)
    assert period.begins_ns == start
    assert start < period.ends_ns <= start + 25 * 3600 * SECOND
    was = naive.shows(group, start, "")
    assert (group.name in period.active) == was
    length = period.ends_ns - start
    for part in range(1, 40):
        moment = start + length * part // 40
        assert naive.shows(group, moment, "") == was
    assert naive.shows(group, period.ends_ns - 1, "") == was


@settings(max_examples=100, deadline=None)
@given(policy=policies(), asked=requests, moments=st.lists(st.sampled_from(MOMENTS), min_size=2, max_size=4))
def test_at_any_moment_it_answers_as_reading_rules_and_clock_does(policy, asked, moments):
    compiled = compile_policy(policy)
    for moment in moments:
        now = compiled.at(moment)
        assert now.is_for(moment)
        for request in asked[:30]:
            expected = naive.decide(policy, request, moment)
            assert now.decide(request) == expected, (request, moment)
        assert explain(policy, asked[0], moment).decision == naive.decide(policy, asked[0], moment)


OFFICE = make_time_group(name="OFFICE", days="*WEEKDAY", times="08:00-18:00", time_zone="UTC")


def office(*rules):
    return compile_policy(make_policy({}, rules or [connect(10, action="*REJECT")], time_groups=[OFFICE]))


def test_a_policy_for_a_period_is_another_object_when_the_next_begins_and_the_same_before():
    compiled = office()
    morning = compiled.at(at("2026-11-27T09:00:00+00:00"))
    assert morning.at(at("2026-11-27T17:59:59+00:00")) is morning
    evening = morning.at(at("2026-11-27T18:00:00+00:00"))
    assert evening is not morning
    assert (morning.decide(ASKING).sequence, evening.decide(ASKING).sequence) == (10, 99_999)
    assert evening.at(at("2026-11-27T12:00:00+00:00")).decide(ASKING).sequence == 10, "the clock was put back"


def test_a_policy_that_was_just_compiled_is_for_no_moment_and_its_time_rules_do_not_hold():
    compiled = office()
    assert not compiled.is_for(0)
    assert not compiled.is_for(at("2026-11-27T09:00:00+00:00"))
    assert compiled.decide(ASKING).sequence == 99_999
    assert explain(make_policy({}, [connect(10)], time_groups=[OFFICE]), ASKING).decision.sequence == 99_999


def test_a_policy_whose_rules_name_no_time_group_costs_no_look_at_the_clock():
    compiled = compile_policy(make_policy({}, [connect(10, "*ANY"), connect(20, active="*NO")], time_groups=[OFFICE]))
    assert not compiled.is_timed
    assert compiled.at(5) is compiled
    assert compiled.is_for(5)


def test_a_decision_in_a_period_costs_what_it_does_without_times():
    plain = compile_policy(make_policy({}, [connect(10, "*ANY", remote_port="1")]))
    timed = office(connect(10, remote_port="1")).at(at("2026-11-27T09:00:00+00:00"))

    def cost(policy):
        began = process_time()
        for _ in range(20_000):
            policy.decide(ASKING)
        return process_time() - began

    assert min(cost(timed) for _ in range(5)) < 2 * min(cost(plain) for _ in range(5))


def test_a_rule_with_a_time_shadows_only_rules_with_the_same_time():
    other = replace(OFFICE, name="OTHER")
    rules = [connect(10), connect(20), connect(30, "OTHER"), connect(40, "*ANY")]
    found = warnings(make_policy({}, rules, time_groups=[OFFICE, other]))
    assert [(each.rule.sequence, each.by.sequence) for each in found] == [(20, 10)]


def test_a_default_rule_holds_always():
    with pytest.raises(PolicyError, match="GWL0215"):
        make_rule(exit_point="*CONNECT", sequence="*DFT", time_group="OFFICE")


def test_a_rule_without_its_time_group_is_no_policy():
    with pytest.raises(PolicyError) as caught:
        make_policy({}, [connect(10)])
    assert (caught.value.message_id, caught.value.values["keyword"]) == ("GWL02B5", "time_group")


def test_the_systems_time_zone_is_needed_by_name_only_where_a_rule_needs_it():
    local = make_time_group(name="OFFICE", times="08:00-18:00")
    assert says_system_zone([local])
    assert not says_system_zone([OFFICE])
    assert not compile_policy(make_policy({}, [], time_groups=[local])).is_timed
    with pytest.raises(PolicyError, match="GWL02BC"):
        compile_policy(make_policy({}, [connect(10)], time_groups=[local]))
    in_new_york = compile_policy(make_policy({}, [connect(10)], time_groups=[local], time_zone="America/New_York"))
    assert in_new_york.at(at("2026-11-27T13:00:00+00:00")).decide(ASKING).sequence == 10
    assert in_new_york.at(at("2026-11-27T12:59:59+00:00")).decide(ASKING).sequence == 99_999


@pytest.mark.parametrize(
    "found", [(TimeGroup("T"), TimeGroup("T")), (TimeGroup("T", days="*TUE *MON"),), (TimeGroup("T", times="x"),)]
)
def test_groups_that_were_not_checked_are_not_compiled(found):
    with pytest.raises(PolicyError):
        check_time_groups(found)
