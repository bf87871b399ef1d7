"""Who is let to the door, with the time passed in."""

from __future__ import annotations

import pytest

from console.serve.gate import Gate, group_of
from console.serve.limits import Limits

HERE, THERE = "192.0.2.7", "198.51.100.9"


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_addresses_are_counted_by_what_one_customer_has(address, group):
    assert group_of(address) == group


def test_one_address_takes_no_more_than_half_of_the_places_and_the_others_come_in():
    gate = Gate(Limits(connections=4, connections_per_address=9))
    for _ in range(2):
        assert gate.refusal(HERE, 0) == ""
        gate.came(HERE)
    assert gate.refusal(HERE, 0) == "GWL1063"
    assert gate.refusal(THERE, 0) == ""
    gate.settled(HERE)
    assert gate.refusal(HERE, 0) == ""


def test_all_places_taken_refuses_everybody():
    gate = Gate(Limits(connections=2))
    gate.came(HERE)
    gate.came(THERE)
    assert gate.refusal("203.0.113.5", 0) == "GWL1062"


def test_a_name_that_fails_waits_twice_as_long_each_time_up_to_five_minutes():
    gate = Gate(Limits())
    waits = []
    now = 0.0
    for _ in range(20):
        gate.failed(HERE, "ALICE", now)
        wait = 0.0
        while gate.name_refusal(HERE, "ALICE", now + wait):
            wait = wait * 2 or 1.0
        waits.append(wait)
        now += wait
    assert waits[:8] == [0, 0, 0, 0, 0, 1, 2, 4]
    assert max(waits) <= 512
    assert gate.name_refusal(THERE, "ALICE", now) == ""


def test_a_quarter_of_an_hour_or_a_sign_on_makes_a_name_new():
    gate = Gate(Limits())
    for _ in range(9):
        gate.failed(HERE, "ALICE", 0)
    assert gate.name_refusal(HERE, "ALICE", 1) == "GWL1061"
    assert gate.name_refusal(HERE, "ALICE", 400) == ""
    gate.failed(HERE, "ALICE", 1400)
    assert gate.name_refusal(HERE, "ALICE", 1400.1) == ""
    for _ in range(9):
        gate.failed(HERE, "ALICE", 1401)
    gate.succeeded(HERE, "ALICE")
    assert gate.name_refusal(HERE, "ALICE", 1401) == ""


def test_a_sign_on_of_one_profile_leaves_what_was_guessed_of_another():
    gate = Gate(Limits())
    now = 0.0
    for _ in range(9):
        gate.failed(HERE, "ALICE", now)
        gate.succeeded(HERE, "EVE")
    assert gate.name_refusal(HERE, "ALICE", now + 5) == "GWL1061"
    assert gate.name_refusal(HERE, "ALICE", now + 9) == ""


def test_a_colleague_at_the_same_address_signs_on_while_another_name_waits():
    gate = Gate(Limits())
    for number in range(1000):
        gate.failed(HERE, "ALICE", number * 300.0)
    now = 999 * 300.0 + 1
    assert gate.name_refusal(HERE, "ALICE", now) == "GWL1061"
    assert gate.refusal(HERE, now) == ""
    assert gate.name_refusal(HERE, "BOB", now) == ""


def test_sign_ons_under_way_count_against_their_own_name_until_they_end():
    gate = Gate(Limits())
    for _ in range(6):
        assert gate.name_refusal(HERE, "ALICE", 0) == ""
        gate.began(HERE, "ALICE")
    assert gate.name_refusal(HERE, "ALICE", 500) == "GWL1061"
    assert gate.name_refusal(HERE, "BOB", 0) == ""
    assert gate.name_refusal(THERE, "ALICE", 0) == ""
    assert gate.refusal(HERE, 0) == ""
    for _ in range(6):
        gate.ended(HERE, "ALICE")
    assert gate.name_refusal(HERE, "ALICE", 0) == ""
    assert not gate._under_way


def test_many_names_from_one_address_meet_the_total():
    gate = Gate(Limits())
    for number in range(50):
        gate.failed(HERE, f"NAME{number}", 0)
    assert gate.refusal(HERE, 0) == ""
    for number in range(50, 60):
        gate.failed(HERE, f"NAME{number}", 0)
    assert gate.refusal(HERE, 299) == "GWL1061"
    assert gate.refusal(THERE, 0) == ""
    assert gate.refusal(HERE, 300) == ""
    gate.failed(HERE, "NAME0", 1000)
    assert gate.refusal(HERE, 1000) == ""


def test_an_address_that_tries_very_many_names_is_known_by_few_of_them():
    gate = Gate(Limits())
    for number in range(1000):
        gate.failed(HERE, f"NAME{number}", number / 2)
    assert len(gate._failures[HERE].by_name) <= 33
    gate.succeeded(HERE, "NAME999")
    gate.succeeded(HERE, "NAME1")
    assert gate._failures[HERE].count == 999


def test_answers_to_failures_come_later_and_later_but_never_very_late():
    gate = Gate(Limits())
    delays = [gate.failed(HERE, "ALICE", 0) for _ in range(10)]
    assert delays[:5] == [0.25, 0.5, 1, 2, 4]
    assert max(delays) == 4


def test_only_so_many_addresses_are_remembered():
    gate = Gate(Limits())
    for number in range(10_050):
        gate.failed(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}", "ALICE", number)
    assert len(gate._failures) == 10_000


def test_sessions_are_limited_in_all_and_a_profile():
    gate = Gate(Limits(sessions=3, sessions_per_profile=2))
    gate.session_began("ALICE")
    gate.session_began("ALICE")
    assert gate.session_refusal("ALICE") == "GWL1065"
    assert gate.session_refusal("BOB") == ""
    gate.session_began("BOB")
    assert gate.session_refusal("CAROL") == "GWL1064"
    gate.session_ended("ALICE")
    assert gate.session_refusal("CAROL") == ""
