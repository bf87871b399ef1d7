"""Which programs look before they accept, by what their accepts find."""

from __future__ import annotations

import pytest

from console.enforcement.guard.looking_first import LookingFirst

PLACE = (4711, 3)


def known_after(moments):
    looking = LookingFirst()
    for moment in moments:
        looking.note(PLACE, False, moment)
    return looking.looks_first(PLACE)


@pytest.mark.parametrize(
    ("moments", "known"),
    [
        ((0.0, 5.0), None),
        ((0.0, 5.0, 5.02), True),
        ((0.0, 5.0, 5.009), None),
        (tuple(at * 0.001 for at in range(10)), None),
        (tuple(at * 0.001 for at in range(11)), True),
    ],
)
def test_three_accepts_apart_tell_as_much_as_eleven_that_follow_at_once(moments, known):
    assert known_after(moments) is known


def test_who_had_to_wait_once_does_not_look_first_whatever_comes():
    looking = LookingFirst()
    looking.note(PLACE, True, 0.0)
    for moment in range(1, 40):
        looking.note(PLACE, False, float(moment))
    assert looking.looks_first(PLACE) is False


def test_accepts_served_without_python_tell_the_same():
    native = pytest.importorskip(
        "console.enforcement.guard._plain_calls", reason="the C module is not built (gcc and .setup)"
    )
    for count in range(1, 12):
        native.note_place(2**31, 3, False)
        assert native.looks_first(2**31, 3) in ((None, True) if count < 11 else (True,))
    native.note_place(2**31, 3, True)
    assert native.looks_first(2**31, 3) is False
