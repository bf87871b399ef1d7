from __future__ import annotations

import pytest

from screens.terminal.buffer import Buffer
from screens.terminal.editor import Habits
from screens.terminal.field_format import FieldFormat
from screens.terminal.keyboard import QUEUE_LIMIT, Keyboard, State
from screens.terminal.keys import Function, Pasted, Typed
from screens.terminal.page import NORMAL, Page


def keyboard(*, strict: bool = False, auto_enter: bool = False) -> Keyboard:
    page = Page(NORMAL)
    page.field("A", 5, 10, 4, format=FieldFormat(auto_enter=auto_enter))
    page.field("B", 6, 10, 4)
    return Keyboard(Buffer(page), Habits(strict=strict))


def in_error(*, strict: bool = False) -> Keyboard:
    board = keyboard(strict=strict)
    board.press(Function.LEFT)
    board.press(Typed("x"))
    assert board.state is State.ERROR
    return board


def test_an_aid_key_locks_and_is_handed_out():
    board = keyboard()
    assert board.press(Function.ENTER) is Function.ENTER
    assert board.state is State.SYSTEM


def test_local_keys_do_not_lock():
    board = keyboard()
    assert board.press(Typed("x")) is None
    assert board.press(Function.TAB) is None
    assert board.state is State.UNLOCKED


def test_a_filled_auto_enter_field_is_handed_out_as_enter():
    board = keyboard(auto_enter=True)
    assert [board.press(Typed(letter)) for letter in "abcd"] == [None, None, None, Function.ENTER]


def test_keys_wait_while_the_system_works_and_play_in_order():
    board = keyboard()
    board.press(Function.ENTER)
    for press in (Typed("x"), Typed("y"), Function.F5, Typed("z")):
        assert board.press(press) is None
    assert board.queued == 4
    board.unlock()
    assert board.replay() is Function.F5
    assert board.editor.buffer.values["A"] == "xy"
    assert board.queued == 1
    board.unlock()
    assert board.replay() is None
    assert board.editor.buffer.values["A"] == "xyz"


def test_keys_that_wait_play_on_the_next_page():
    board = keyboard()
    board.press(Function.ENTER)
    board.press(Typed("1"))
    following = keyboard().editor.buffer
    board.show(following)
    board.unlock()
    board.replay()
    assert following.values["A"] == "1"


def test_attention_and_system_request_do_not_wait():
    board = keyboard()
    board.press(Function.ENTER)
    for key in (Function.ATTN, Function.SYSREQ, Function.PRINT):
        assert board.press(key) is key
    assert board.queued == 0


def test_more_keys_than_can_wait_ring_and_none_is_used():
    board = keyboard()
    board.press(Function.ENTER)
    for _ in range(QUEUE_LIMIT + 3):
        board.press(Typed("x"))
    assert board.queued == QUEUE_LIMIT
    assert board.rings
    board.unlock()
    assert board.replay() is None
    assert board.error
    assert board.error.code == "0001"
    assert board.editor.buffer.values["A"] == ""
    board.press(Function.RESET)
    board.press(Typed("y"))
    assert board.editor.buffer.values["A"] == "y"


def test_reset_while_the_system_works_drops_what_waits_and_stays_locked():
    board = keyboard()
    board.press(Function.ENTER)
    board.press(Typed("x"))
    board.press(Function.RESET)
    assert board.queued == 0
    assert board.state is State.SYSTEM


def test_an_error_drops_what_waits():
    board = keyboard()
    board.press(Function.ENTER)
    for press in (Function.LEFT, Typed("x"), Function.TAB, Typed("y"), Function.ENTER):
        board.press(press)
    board.unlock()
    assert board.replay() is None
    assert board.error
    assert board.error.code == "0005"
    assert board.queued == 0
    assert board.editor.buffer.values == {"A": "", "B": ""}


def test_an_error_rings_once_and_reset_clears_it():
    board = in_error()
    assert board.rings
    board.press(Function.RESET)
    assert board.state is State.UNLOCKED
    assert board.error is None


@pytest.mark.parametrize("key", [Function.TAB, Function.ENTER, Function.F3, Function.UP])
def test_without_strict_any_key_resets_and_acts(key):
    board = in_error()
    result = board.press(key)
    assert board.error is None
    assert result is (key if key in (Function.ENTER, Function.F3) else None)


@pytest.mark.parametrize("press", [Function.TAB, Function.ENTER, Function.F3, Typed("x"), Pasted("x")])
def test_strict_takes_only_reset_and_help_in_error(press):
    board = in_error(strict=True)
    board.rings = False
    assert board.press(press) is None
    assert board.state is State.ERROR
    assert board.rings
    board.press(Function.RESET)
    assert board.state is State.UNLOCKED


def test_attention_and_print_work_in_error():
    board = in_error(strict=True)
    assert board.press(Function.ATTN) is Function.ATTN
    assert board.press(Function.PRINT) is Function.PRINT


def test_help_in_error_is_handed_out_with_the_error_and_keys_wait_meanwhile():
    board = in_error(strict=True)
    assert board.press(Function.F1) is Function.F1
    assert board.state is State.HELPED
    assert board.error
    board.press(Typed("q"))
    assert board.queued == 1
    board.unlock()
    assert board.error is None


def test_enter_leaves_insert_mode_and_so_does_reset():
    board = keyboard()
    for key in (Function.RESET, Function.ENTER):
        board.press(Function.INSERT)
        assert board.editor.insert
        board.press(key)
        assert not board.editor.insert


def test_a_cut_paste_is_an_error_but_keeps_what_went_in():
    board = keyboard()
    board.press(Pasted("abcdef"))
    assert board.error
    assert board.error.code == "0028"
    assert board.editor.buffer.values["A"] == "abcd"


def test_home_at_home_is_a_key_of_its_own_on_a_strict_display():
    board = keyboard(strict=True)
    assert board.press(Function.HOME) is Function.RECORD_BACKSPACE
    board = keyboard()
    assert board.press(Function.HOME) is None
