from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from screens.terminal.legend import FunctionKey, LegendItem, key_sets


def texts(items: tuple[LegendItem, ...]) -> list[str]:
    rows: dict[int, str] = {}
    for item in items:
        rows[item.row] = rows.get(item.row, "").ljust(item.column) + item.key.text
    return [rows[number] for number in sorted(rows)]


def test_keys_are_in_ascending_order_with_three_blanks_between():
    keys = (FunctionKey(12, "Cancel"), FunctionKey(3, "Exit"), FunctionKey(5, "Refresh"))
    assert [texts(items) for items in key_sets(keys, 78, 2)] == [["F3=Exit   F5=Refresh   F12=Cancel"]]


def test_keys_run_on_to_the_second_row():
    keys = [FunctionKey(number, "A label of twenty ch") for number in (3, 4, 5, 6)]
    (only,) = key_sets(keys, 78, 2)
    assert [item.row for item in only] == [0, 0, 0, 1]


def test_more_keys_than_fit_make_sets_that_end_in_f24():
    keys = [FunctionKey(number, "A label of twenty ch") for number in range(3, 14)]
    sets = key_sets(keys, 78, 2)
    assert len(sets) > 1
    assert all(items[-1].key.text == "F24=More keys" for items in sets)
    shown = [item.key.number for items in sets for item in items if item.key.number != 24]
    assert shown == list(range(3, 14))


def test_no_keys_make_one_empty_set():
    assert key_sets((), 78, 2) == ((),)


def test_f3_f5_and_f12_are_attention_keys_unless_said_otherwise():
    assert [FunctionKey(number, "x").is_attention for number in (3, 4, 5, 9, 12)] == [True, False, True, False, True]
    assert not FunctionKey(5, "x", attention=False).is_attention
    assert FunctionKey(9, "x", attention=True).is_attention


@given(st.lists(st.tuples(st.integers(1, 23), st.text("abc ", max_size=40)), unique_by=lambda pair: pair[0]))
def test_every_key_is_in_exactly_one_set(pairs):
    sets = key_sets([FunctionKey(*pair) for pair in pairs], 78, 2)
    shown = sorted(item.key.number for items in sets for item in items if item.key.number != 24)
    assert shown == sorted(number for number, _ in pairs)
