from __future__ import annotations

import pytest

from screens.key_tables import ACS, LAYOUTS
from screens.keymap import UNKNOWN, KeyMap
from screens.terminal.keys import Function, Typed


def translate(*keys: str, layout: str = "acs") -> list[object]:
    keymap = KeyMap(LAYOUTS[layout])
    return [keymap.translate(key, key if len(key) == 1 else None) for key in keys]


@pytest.mark.parametrize("number", range(1, 25))
def test_every_function_key_is_reached_by_ctrl_g_from_any_terminal(number):
    digits = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "minus", "equals_sign")
    if number <= 12:
        assert translate("ctrl+g", digits[number - 1])[-1] is Function[f"F{number}"]
    else:
        assert translate("ctrl+g", "ctrl+g", digits[number - 13])[-1] is Function[f"F{number}"]


@pytest.mark.parametrize("number", range(13, 25))
def test_f13_and_up_come_with_shift(number):
    assert translate(f"shift+f{number - 12}") == [Function[f"F{number}"]]
    assert translate(f"f{number}") == [Function[f"F{number}"]]


def test_the_shifted_digit_row_after_a_prefix_is_f13_and_up():
    assert translate("ctrl+g", "dollar_sign")[-1] is Function.F16
    assert translate("escape", "plus")[-1] is Function.F24


def test_escape_twice_is_f12():
    assert translate("escape", "escape") == [None, Function.F12]


@pytest.mark.parametrize("key", [key for key in ACS.prefixed if len(key) == 1 and key.isalpha()])
def test_a_fast_escape_and_letter_does_the_same_as_the_slow_one(key):
    assert translate(f"alt+{key}") == [translate("escape", key)[-1]]
    assert translate("escape", key.upper())[-1] is ACS.prefixed[key]


def test_no_sequence_uses_b_or_f_which_arrive_as_something_else_with_alt():
    assert not {"b", "f"} & set(ACS.prefixed)


def test_every_function_has_a_key():
    reached = set(ACS.direct.values()) | set(ACS.prefixed.values())
    assert set(Function) - reached == {Function.RECORD_BACKSPACE}


def test_the_prefix_shows_until_it_is_used():
    keymap = KeyMap()
    keymap.translate("escape", None)
    assert keymap.prefix == "ESC-"
    keymap.translate("3", "3")
    assert keymap.prefix == ""
    keymap.translate("ctrl+g", None)
    keymap.translate("ctrl+g", None)
    assert keymap.prefix == "^G^G-"


def test_a_sequence_that_does_not_exist_says_so_and_types_nothing():
    assert translate("escape", "z") == [None, UNKNOWN]
    assert translate("escape", "z", "z")[-1] == Typed("z")


def test_a_key_that_types_nothing_acts_after_a_prefix_as_without():
    assert translate("escape", "tab")[-1] is Function.TAB
    assert translate("escape", "ctrl+g") == [None, None]


def test_a_modifier_that_is_reported_as_a_key_neither_acts_nor_ends_a_prefix():
    assert translate("left_control", "right_alt", "caps_lock") == [None] * 3
    assert translate("ctrl+g", "left_shift", "dollar_sign")[-1] is Function.F16


def test_other_keys_do_nothing():
    assert translate("ctrl+q", "ctrl+z", "alt+f4", "f25") == [None] * 4


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", range(1, 25))
def test_every_layout_reaches_every_function_key_from_any_terminal(layout, number):
    digits = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "minus", "equals_sign")
    keys = ("ctrl+g", digits[number - 1]) if number <= 12 else ("ctrl+g", "ctrl+g", digits[number - 13])
    assert translate(*keys, layout=layout)[-1] is Function[f"F{number}"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_reaches_every_other_function_too(layout):
    found = LAYOUTS[layout]
    assert set(Function) - set(found.direct.values()) - set(found.prefixed.values()) == {Function.RECORD_BACKSPACE}


def test_escape_cancels_at_once_in_the_plain_layout():
    assert translate("escape", "3", layout="plain") == [Function.F12, Typed("3")]


def test_the_tn5250_layout_has_that_program_s_control_keys():
    keys = (
        "ctrl+d",
        "ctrl+f",
        "ctrl+u",
        "ctrl+b",
        "ctrl+p",
        "ctrl+e",
        "ctrl+x",
        "ctrl+k",
        "ctrl+r",
        "ctrl+a",
        "ctrl+c",
    )
    assert translate(*keys, layout="tn5250") == [
        Function.ROLLUP,
        Function.ROLLUP,
        Function.ROLLDOWN,
        Function.ROLLDOWN,
        Function.PRINT,
        Function.ERASE_INPUT,
        Function.FIELD_PLUS,
        Function.FIELD_EXIT,
        Function.RESET,
        Function.ATTN,
        Function.SYSREQ,
    ]
    assert translate("escape", "enter", "escape", "delete", layout="tn5250")[1::2] == [
        Function.NEW_LINE,
        Function.INSERT,
    ]


def test_a_layout_says_how_reset_is_pressed():
    assert ACS.key_of(Function.RESET) == "Ctrl+R"
    assert ACS.key_of(Function.CLEAR) == "Alt+C"
