"""What names, numbers and limits exit programs can have, and how they stand in a policy."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import PolicyError
from console.messages import describe
from console.model.words import ExitPoint, Mode, RawSockets, Udp
from console.policy.checks import check_policy, make_policy
from console.policy.compiler import compile_policy
from console.policy.exit_programs import (
    PROGRAM_CHECKS,
    PROGRAM_DEFAULTS,
    PROGRAM_KEYWORDS,
    check_entry_point,
    make_exit_program,
    program_fields,
)
from console.policy.rule import ExitProgram, Policy


def program(**fields):
    return make_exit_program(**{"exit_point": "accept", "number": 2, "program": "site:ask", **fields})


def refused(**fields):
    with pytest.raises(PolicyError) as caught:
        program(**fields)
    describe(caught.value)
    return caught.value.message_id, caught.value.values["keyword"]


def test_an_exit_program_is_spelt_canonically():
    made = program(exit_point="accept", number="0012", time_limit_ms="0500", text="Ask the site")
    assert made == ExitProgram(ExitPoint.ACCEPT, 12, "site:ask", 500, "Ask the site")


def test_what_is_not_said_has_its_default():
    assert program() == ExitProgram(ExitPoint.ACCEPT, 2, "site:ask", time_limit_ms=1000, text="")
    assert PROGRAM_DEFAULTS == {"time_limit_ms": "1000", "text": ""}


def test_every_field_has_a_check_and_a_keyword():
    assert list(PROGRAM_CHECKS) == list(PROGRAM_KEYWORDS) == list(program_fields(program()))


@pytest.mark.parametrize("value", ["a:b", "site:ask", "a.b.c:d", "_x1.Y_2:__call__", "m" * 126 + ":f"])
def test_a_python_entry_point_is_taken_as_it_is(value):
    assert check_entry_point(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "", ":", "a", "a:", ":b", "a:b:c", "a:b.c", "a..b:c", ".a:b", "a.:b", "1a:b", "a:1b", "a-b:c", "a:b()",
        "a b:c", " a:b", "a:b\n", "/usr/x.py:f", "a.py:f g", "class:f", "a:lambda", "grün:f", "\uff41:f",
        "m" * 127 + ":f",
    ],
)  # fmt: skip
def test_what_names_no_python_function_is_refused(value):
    assert refused(program=value) == ("GWL0230", "program")


@given(st.text(alphabet="ab1_.: é\n", max_size=8))
def test_an_entry_point_is_two_parts_that_python_could_import(value):
    try:
        check_entry_point(value)
    except PolicyError:
        return
    module, function = value.split(":")
    assert all(part.isidentifier() for part in [*module.split("."), function])


@pytest.mark.parametrize("number", [2, "2", "0002", 2_147_483_647])
def test_numbers_from_two_on_are_taken(number):
    assert program(number=number).number == int(number)


@pytest.mark.parametrize("number", ["", "0", "1", "2147483648", "-2", "2.0", "two", "*LOW", "²", "9" * 5000])
def test_other_numbers_are_refused(number):
    assert refused(number=number) == ("GWL0231", "number")


@pytest.mark.parametrize(("limit", "taken"), [("1", 1), ("060000", 60_000)])
def test_a_time_limit_is_from_a_millisecond_to_a_minute(limit, taken):
    assert program(time_limit_ms=limit).time_limit_ms == taken


@pytest.mark.parametrize("limit", ["", "0", "60001", "-1", "1s", "1.5", "9" * 5000])
def test_other_time_limits_are_refused(limit):
    assert refused(time_limit_ms=limit) == ("GWL0232", "time_limit_ms")


def test_a_text_has_at_most_fifty_characters():
    assert program(text="x" * 50).text == "x" * 50
    assert refused(text="x" * 51) == ("GWL0211", "text")


def test_a_policy_has_its_exit_programs_in_the_order_in_which_they_are_asked():
    given = [program(exit_point="listen", number=2), program(number=10), program(number=9)]
    made = make_policy({}, [], exit_programs=given)
    assert [(each.exit_point.value, each.number) for each in made.exit_programs] == [
        ("*ACCEPT", 9),
        ("*ACCEPT", 10),
        ("*LISTEN", 2),
    ]


def test_a_number_is_used_once_in_an_exit_point():
    make_policy({}, [], exit_programs=[program(), program(exit_point="connect")])
    with pytest.raises(PolicyError) as caught:
        make_policy({}, [], exit_programs=[program(), program(program="other:ask")])
    assert describe(caught.value).text == "Exit program 2 is there already for *ACCEPT."


@pytest.mark.parametrize(
    "bad",
    [
        ExitProgram(ExitPoint.ACCEPT, 1, "site:ask"),
        ExitProgram(ExitPoint.ACCEPT, 2, "os;system"),
        ExitProgram(ExitPoint.ACCEPT, 2, "site:ask", time_limit_ms=0),
        ExitProgram(ExitPoint.ACCEPT, 2, "site:ask", text="\x1b"),
    ],
)
def test_a_policy_read_back_with_a_program_that_could_not_be_typed_is_refused(bad):
    whole = make_policy({}, [])
    with pytest.raises(PolicyError):
        check_policy(Policy(whole.modes, whole.rules, exit_programs=(bad,)))


def test_the_compiled_policy_has_the_programs_of_the_exit_points_that_are_not_off():
    given = [program(number=3), program(number=2), program(exit_point="listen")]
    policy = make_policy(
        {ExitPoint.LISTEN: Mode.OFF, ExitPoint.ACCEPT: Mode.MONITOR},
        [],
        udp=Udp.DECIDE,
        raw_sockets=RawSockets.ALLOW,
        exit_programs=given,
    )
    compiled = compile_policy(policy)
    assert [each.number for each in compiled.exit_programs[ExitPoint.ACCEPT]] == [2, 3]
    assert compiled.exit_programs[ExitPoint.CONNECT] == ()
    assert compiled.exit_programs[ExitPoint.LISTEN] == ()
    assert (compiled.udp, compiled.raw_sockets) == (Udp.DECIDE, RawSockets.ALLOW)


def test_exit_programs_and_settings_survive_json():
    policy = make_policy({}, [], udp=Udp.DECIDE, raw_sockets=RawSockets.ALLOW, exit_programs=[program(text="x")])
    assert msgspec.json.decode(msgspec.json.encode(policy), type=Policy) == policy
