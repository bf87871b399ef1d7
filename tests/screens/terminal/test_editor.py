from __future__ import annotations

import pytest

from screens.terminal.buffer import Buffer
from screens.terminal.editor import USUAL, Editor, Habits
from screens.terminal.field_format import DUP_MARK, UPPER, Adjust, Field, FieldFormat, SelfCheck, Shift, Stretch
from screens.terminal.fields import FieldContent, KeyingError
from screens.terminal.keys import Function, Typed
from screens.terminal.page import NORMAL, Page

STRICT = Habits(strict=True)


def editor(*fields: tuple, page: Page | None = None, habits: Habits = USUAL) -> Editor:
    """Fields as (name, row, column, length, value, format)."""
    page = page or Page(NORMAL)
    for name, row, column, length, value, shape in fields:
        page.field(name, row, column, length, value, format=shape)
    return Editor(Buffer(page), habits)


def keys(target: Editor, *presses: Function | str) -> bool:
    result = False
    for press in presses:
        if isinstance(press, Function):
            result = target.press(press)
        else:
            for character in press:
                result = target.type(Typed(character))
    return result


def one(value: str = "", length: int = 10, habits: Habits = USUAL, **flags) -> Editor:
    shape = FieldFormat(**flags)
    return editor(("A", 5, 10, length, value, shape), ("B", 7, 10, 4, "", FieldFormat()), habits=habits)


def value(target: Editor, name: str = "A") -> str:
    return target.buffer.contents[name].value


def here(target: Editor) -> tuple[int, int]:
    return target.buffer.row, target.buffer.column


def code(target: Editor, *presses: Function | str) -> str:
    with pytest.raises(KeyingError) as caught:
        keys(target, *presses)
    return caught.value.code


def test_pay_over_payroll_leaves_payroll_until_field_exit():
    target = one("PAYROLL")
    keys(target, "PAY")
    assert value(target) == "PAYROLL"
    keys(target, Function.FIELD_EXIT)
    assert value(target) == "PAY"
    assert here(target) == (7, 10)


def test_field_exit_in_the_first_cell_clears_the_field():
    target = one("PAYROLL")
    keys(target, Function.FIELD_EXIT)
    assert value(target) == ""


def test_typing_the_last_cell_advances_to_the_next_field():
    target = one(length=2)
    keys(target, "12")
    assert here(target) == (7, 10)
    assert value(target) == "12"


def test_the_last_field_advances_to_the_first():
    target = one()
    keys(target, Function.TAB, "wxyz")
    assert here(target) == (5, 10)


def test_filling_an_auto_enter_field_acts_as_enter():
    target = one(length=2, auto_enter=True)
    assert not keys(target, "1")
    assert keys(target, "2")
    assert keys(one(auto_enter=True), Function.FIELD_EXIT)


def test_field_exit_required_keeps_the_cursor_and_refuses_more():
    target = one(length=2, field_exit_required=True)
    keys(target, "12")
    assert here(target) == (5, 11)
    assert target.waits_for_exit
    assert code(target, "3") == "0018"
    keys(target, Function.FIELD_EXIT)
    assert value(target) == "12"
    assert here(target) == (7, 10)


def test_backspace_while_waiting_for_field_exit_takes_the_last_character():
    target = one(length=2, field_exit_required=True)
    keys(target, "12", Function.BACKSPACE, "4")
    assert value(target) == "14"


def test_monocase_folds_letters_as_they_are_typed():
    target = one(monocase=True)
    keys(target, "alice")
    assert value(target) == "ALICE"


def test_a_letter_whose_upper_case_is_longer_stays():
    target = one(monocase=True)
    keys(target, "ß")
    assert value(target) == "ß"


@pytest.mark.parametrize(
    ("shift", "good", "bad", "expected"),
    [
        (Shift.LETTERS, "Ab ,.-", "7", "0008"),
        (Shift.NUMERIC, "-12.5", "x", "0009"),
        (Shift.DIGITS, "0123", "-", "0010"),
        (Shift.DIGITS, "0123", " ", "0010"),
        (Shift.ANY, "a1*", "\x1b", "0004"),
        (Shift.ANY, "a1*", "\N{HIRAGANA LETTER A}", "0004"),
        (Shift.ANY, "a1*", "\N{COMBINING ACUTE ACCENT}", "0004"),
    ],
)
def test_a_field_refuses_what_its_shift_excludes_and_keeps_what_it_had(shift, good, bad, expected):
    target = one(shift=shift)
    keys(target, good)
    assert code(target, bad) == expected
    assert value(target) == good


def test_typing_outside_fields_is_an_error():
    target = one()
    keys(target, Function.LEFT)
    for press in ("x", Function.DELETE, Function.ERASE_EOF, Function.FIELD_EXIT, Function.DUP):
        assert code(target, press) == "0005"


def test_typing_into_a_protected_field_is_an_error():
    target = editor(("A", 5, 10, 4, "KEEP", FieldFormat(protected=True)), ("B", 7, 10, 4, "", UPPER))
    assert here(target) == (7, 10)
    target.buffer.move(5, 10)
    assert code(target, "x") == "0005"
    assert code(target, Function.DELETE) == "0005"
    assert value(target) == "KEEP"


def test_arrows_leave_fields_and_wrap_at_the_edges():
    target = one()
    target.buffer.move(1, 1)
    keys(target, Function.UP)
    assert here(target) == (24, 1)
    keys(target, Function.DOWN, Function.LEFT)
    assert here(target) == (24, 80)
    keys(target, Function.RIGHT)
    assert here(target) == (1, 1)
    target.buffer.move(5, 80)
    keys(target, Function.RIGHT)
    assert here(target) == (6, 1)


def test_tab_goes_by_row_and_column_and_not_by_the_order_of_definition():
    target = editor(("LOW", 9, 5, 3, "", UPPER), ("RIGHT", 2, 40, 3, "", UPPER), ("LEFT", 2, 5, 3, "", UPPER))
    assert here(target) == (2, 5)
    keys(target, Function.TAB)
    assert here(target) == (2, 40)
    keys(target, Function.TAB)
    assert here(target) == (9, 5)
    keys(target, Function.TAB)
    assert here(target) == (2, 5)
    keys(target, Function.BACKTAB)
    assert here(target) == (9, 5)


def test_backtab_inside_a_field_goes_to_its_start_first():
    target = one("ABC")
    keys(target, Function.TAB, "xy", Function.BACKTAB)
    assert here(target) == (7, 10)
    keys(target, Function.BACKTAB)
    assert here(target) == (5, 10)


def test_home_end_and_new_line():
    target = one("ABC")
    keys(target, Function.END)
    assert here(target) == (5, 13)
    keys(target, Function.NEW_LINE)
    assert here(target) == (7, 10)
    keys(target, Function.NEW_LINE)
    assert here(target) == (5, 10)
    keys(target, Function.DOWN, Function.HOME)
    assert here(target) == (5, 10)


def test_end_of_a_full_field_is_its_last_cell():
    target = one("ABCD", length=4)
    keys(target, Function.END)
    assert here(target) == (5, 13)


def test_insert_pushes_blanks_off_and_never_data():
    target = one("BCD", length=5)
    keys(target, Function.INSERT, "A")
    assert value(target) == "ABCD"
    keys(target, "x")
    assert value(target) == "AxBCD"
    assert code(target, "y") == "0012"
    assert value(target) == "AxBCD"


def test_delete_and_backspace_close_up_within_the_field():
    target = one("ABCDE")
    keys(target, Function.DELETE)
    assert value(target) == "BCDE"
    keys(target, Function.RIGHT, Function.RIGHT, Function.BACKSPACE)
    assert value(target) == "BDE"
    assert here(target) == (5, 11)


def test_backspace_at_the_start_only_moves():
    target = one("ABC")
    keys(target, Function.BACKSPACE)
    assert value(target) == "ABC"
    assert here(target) == (5, 9)


def test_erase_eof_stays_and_erase_input_goes_home():
    target = one("ABCDE")
    keys(target, Function.RIGHT, Function.ERASE_EOF)
    assert value(target) == "A"
    assert here(target) == (5, 11)
    keys(target, Function.TAB, "xy", Function.ERASE_INPUT)
    assert (value(target), value(target, "B")) == ("", "")
    assert here(target) == (5, 10)


def test_dup_fills_the_rest_and_shows_asterisks():
    target = one(length=4, dup=True)
    keys(target, "A", Function.DUP)
    assert value(target) == "A" + DUP_MARK * 3
    assert "".join(cell.character for cell in target.buffer.cells(5))[9:13] == "A***"
    assert here(target) == (7, 10)
    assert code(one(), Function.DUP) == "0019"


def test_field_exit_adjusts_to_the_right():
    target = one(length=5, adjust=Adjust.RIGHT_ZERO)
    keys(target, "42", Function.FIELD_EXIT)
    assert value(target) == "00042"
    target = one(length=5, adjust=Adjust.RIGHT_BLANK)
    keys(target, "42", Function.FIELD_EXIT)
    assert value(target) == "   42"


def test_adjusting_an_empty_field_leaves_it_empty():
    target = one(length=5, adjust=Adjust.RIGHT_ZERO)
    keys(target, Function.FIELD_EXIT)
    assert value(target) == ""


def test_a_signed_number_takes_its_sign_from_the_exit_key():
    target = one(length=5, shift=Shift.SIGNED)
    keys(target, "42", Function.FIELD_MINUS)
    assert target.buffer.contents["A"].cells == "  42-"
    keys(target, Function.HOME, "7", Function.FIELD_PLUS)
    assert target.buffer.contents["A"].cells == "   7 "


def test_the_sign_position_cannot_be_typed():
    target = one(length=3, shift=Shift.SIGNED)
    target.buffer.move(5, 12)
    assert code(target, "1") == "0011"


def test_a_full_signed_number_waits_for_its_sign():
    target = one(length=3, shift=Shift.SIGNED)
    keys(target, "12", Function.FIELD_MINUS)
    assert value(target) == "12-"


def test_delete_in_a_signed_number_keeps_the_sign_in_its_place():
    content = FieldContent(Field("A", (Stretch(1, 2, 4),), "123-", format=FieldFormat(shift=Shift.SIGNED)))
    content.delete(0)
    assert content.cells == "23 -"


def test_field_minus_is_only_for_signed_numbers():
    assert code(one(), Function.FIELD_MINUS) == "0016"


def test_a_field_to_be_filled_wants_all_or_nothing():
    target = one(length=3, mandatory_fill=True)
    assert code(target, "1", Function.FIELD_EXIT) == "0014"
    assert value(target) == "1"
    with pytest.raises(KeyingError):
        target.check_enter()
    keys(target, Function.HOME, "123")
    target.check_enter()


def test_enter_is_refused_while_a_mandatory_field_is_empty():
    target = one(mandatory_enter=True)
    keys(target, Function.TAB)
    with pytest.raises(KeyingError) as caught:
        target.check_enter()
    assert caught.value.code == "0007"
    assert here(target) == (5, 10)
    keys(target, "x")
    target.check_enter()


def test_the_modified_tag_is_set_by_the_first_change_only():
    target = one("ABC")
    keys(target, Function.RIGHT, Function.TAB)
    assert target.buffer.modified == frozenset()
    keys(target, Function.HOME, "A")
    assert target.buffer.modified == {"A"}


def test_paste_fills_one_field_with_the_first_line_and_says_when_it_cut():
    target = one(length=4)
    assert target.paste("ab")
    assert value(target) == "ab"
    assert not target.paste("cdef\nsecond")
    assert value(target) == "abcd"
    assert value(target, "B") == ""


def test_paste_stops_at_what_the_field_refuses():
    target = one(shift=Shift.DIGITS)
    with pytest.raises(KeyingError):
        target.paste("12x4")
    assert value(target) == "12"


def test_empty_paste_changes_nothing():
    target = one("ABC")
    assert target.paste("")
    assert value(target) == "ABC"


def test_a_continued_field_is_edited_as_one():
    page = Page(NORMAL)
    page.command_line(20, rows=2)
    target = Editor(Buffer(page))
    keys(target, "x" * 73)
    assert here(target) == (21, 2)
    keys(target, "yz", Function.BACKSPACE, Function.BACKSPACE, Function.BACKSPACE)
    assert here(target) == (20, 79)
    assert value(target, "CMD") == "x" * 72
    keys(target, Function.HOME, Function.FIELD_EXIT)
    assert value(target, "CMD") == ""


def test_field_exit_on_the_first_row_of_a_continued_field_leaves_the_whole_field():
    page = Page(NORMAL)
    page.field("OPT", 5, 3, 2)
    page.command_line(20, rows=2)
    target = Editor(Buffer(page))
    keys(target, Function.TAB, "GO", Function.FIELD_EXIT)
    assert here(target) == (5, 3)


def test_a_page_without_fields_takes_cursor_keys():
    target = Editor(Buffer(Page(NORMAL)))
    for press in (Function.TAB, Function.BACKTAB, Function.NEW_LINE, Function.END, Function.HOME, Function.ERASE_INPUT):
        target.press(press)
    assert here(target) == (1, 1)


def test_the_cells_of_a_signed_number_outside_its_digits_delete_nothing():
    content = FieldContent(Field("A", (Stretch(1, 2, 4),), "123-", format=FieldFormat(shift=Shift.SIGNED)))
    content.delete(3)
    assert content.cells == "123-"


def test_dup_in_an_auto_enter_field_acts_as_enter():
    assert keys(one(dup=True, auto_enter=True), Function.DUP)


def test_typed_data_goes_to_another_layout_by_name_and_the_cursor_with_it():
    old, new = one("ABC"), editor(("C", 3, 5, 2, "", UPPER), ("A", 9, 40, 2, "", UPPER))
    keys(old, "XYZ")
    new.buffer.take_over(old.buffer)
    assert new.buffer.values == {"A": "XY", "C": ""}
    assert here(new) == (9, 41)
    old.buffer.move(20, 3)
    new.buffer.take_over(old.buffer)
    assert here(new) == (20, 3)


def test_field_minus_puts_a_minus_behind_a_number_without_a_sign_position():
    target = one(length=6, shift=Shift.NUMERIC)
    keys(target, "123", Function.FIELD_MINUS)
    assert value(target) == "123-"
    target = one(length=6, shift=Shift.NUMERIC, adjust=Adjust.RIGHT_BLANK)
    keys(target, "12", Function.FIELD_MINUS)
    assert value(target) == "   12-"


def test_field_minus_wants_a_digit_in_front_of_it_and_room_behind():
    assert code(one(shift=Shift.NUMERIC), "12.", Function.FIELD_MINUS) == "0026"
    assert code(one(shift=Shift.NUMERIC), Function.FIELD_MINUS) == "0026"
    target = one(length=3, shift=Shift.NUMERIC, field_exit_required=True)
    assert code(target, "123", Function.FIELD_MINUS) == "0012"
    assert value(target) == "123"


@pytest.mark.parametrize(("sign", "expected"), [("-", "   12-"), ("+", "   12")])
def test_plus_and_minus_are_the_sign_keys_in_a_signed_number(sign, expected):
    target = one(length=6, shift=Shift.SIGNED)
    keys(target, "12" + sign)
    assert value(target) == expected
    assert here(target) == (7, 10)


def test_a_mandatory_field_is_not_left_empty_by_field_exit():
    target = one("ABC", mandatory_enter=True)
    assert code(target, Function.FIELD_EXIT) == "0021"
    assert value(target) == "ABC"
    keys(target, "X", Function.FIELD_EXIT)
    assert value(target) == "X"


@pytest.mark.parametrize("key", [Function.FIELD_EXIT, Function.FIELD_PLUS])
def test_strict_leaves_no_field_in_insert_mode(key):
    assert code(one("ABC", habits=STRICT), Function.INSERT, key) == "0013"
    keys(one("ABC"), Function.INSERT, key)


def test_strict_refuses_enter_until_field_exit_has_moved_the_number():
    target = one(length=5, habits=STRICT, adjust=Adjust.RIGHT_ZERO)
    keys(target, "12")
    with pytest.raises(KeyingError) as caught:
        target.check_enter()
    assert caught.value.code == "0020"
    keys(target, Function.FIELD_EXIT)
    target.check_enter()
    assert value(target) == "00012"


def test_enter_moves_the_number_itself_unless_strict():
    target = one(length=5, adjust=Adjust.RIGHT_ZERO)
    keys(target, "12")
    target.check_enter()
    assert value(target) == "00012"


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [(SelfCheck.MODULUS_10, "79927398713", "79927398714"), (SelfCheck.MODULUS_11, "12345674", "12345647")],
)
def test_a_number_that_its_check_digit_does_not_prove_is_refused(kind, good, bad):
    target = one(length=12, check=kind)
    assert code(target, bad, Function.FIELD_EXIT) == "0015"
    with pytest.raises(KeyingError):
        target.check_enter()
    target = one(length=12, check=kind)
    keys(target, good, Function.FIELD_EXIT)
    target.check_enter()
    keys(one(length=12, check=kind), Function.FIELD_EXIT)


def test_a_check_digit_proves_nothing_but_digits():
    assert code(one(check=SelfCheck.MODULUS_10), "12x", Function.FIELD_EXIT) == "0015"


def test_a_field_for_devices_takes_no_key():
    assert code(one(shift=Shift.DEVICE), "1") == "0004"


def test_a_tag_that_the_panel_has_set_counts_as_typed():
    page = Page(NORMAL)
    page.field("A", 5, 10, 4, "X", modified=True)
    page.field("B", 6, 10, 4, "X")
    assert Buffer(page).modified == {"A"}


def test_trim_clears_the_old_value_with_the_first_character_only():
    target = one("PAYROLL", habits=Habits(trim=True))
    keys(target, "PAY")
    assert value(target) == "PAY"
    keys(target, Function.HOME, "R")
    assert value(target) == "RAY"
    target = one("PAYROLL", habits=Habits(trim=True))
    keys(target, Function.RIGHT, "U")
    assert value(target) == "PUYROLL"
