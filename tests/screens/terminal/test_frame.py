from __future__ import annotations

import pytest

from screens.terminal.frame import Frame, windowed
from screens.terminal.legend import FunctionKey
from screens.terminal.page import HELP_KEYS, HELP_PANEL, NORMAL, Page, Size


def under(cursor_row: int = 6) -> Frame:
    page = Page(NORMAL)
    for number in range(3, 21):
        page.text(number, 1, "u" * 80)
    page.fields.clear()
    page.cursor = (cursor_row, 37)
    return Frame(page, [FunctionKey(3, "Exit")])


def inside(rows: int = 10, columns: int = 56) -> Page:
    page = Page(Size(rows, columns))
    page.title("Title")
    page.field("OPT", 3, 3, 2)
    page.legend(rows, rows=1)
    return page


def text(frame: Frame) -> list[str]:
    return ["".join(cell.character for cell in frame.cells(row)) for row in range(1, 25)]


def test_a_window_is_drawn_with_dots_and_colons_below_the_cursor():
    frame = windowed(inside(), [FunctionKey(12, "Cancel")], under())
    rows = text(frame)
    assert rows[6] == "u" * 80
    assert rows[7] == "u" * 11 + "." * 58 + "u" * 11
    assert rows[8] == "u" * 11 + ":" + "Title".center(56) + ":" + "u" * 11
    assert rows[10][11:17] == ":     "
    assert rows[17] == "u" * 11 + ": F12=Cancel" + " " * 45 + ":" + "u" * 11
    assert rows[18] == "u" * 11 + ":" + "." * 56 + ":" + "u" * 11
    assert all(len(row) == 80 for row in rows)


@pytest.mark.parametrize("cursor_row", range(1, 24))
@pytest.mark.parametrize("rows", [3, 6, 8])
def test_a_window_never_covers_the_row_it_explains_nor_the_message_row(cursor_row, rows):
    frame = windowed(inside(rows), (), under(cursor_row))
    first = frame.origin[0] + 1
    covered = range(first - 1, first + rows + 1)
    assert cursor_row not in covered
    assert covered.start >= 1
    assert covered.stop <= 24


def test_fields_cursor_and_help_of_a_window_move_with_it():
    frame = windowed(inside(), [FunctionKey(12, "Cancel")], under())
    assert frame.buffer.home == frame.on_screen(3, 3)
    assert frame.local(*frame.on_screen(3, 3)) == (3, 3)
    page = frame.buffer.page
    assert page.help_key_at(*frame.on_screen(3, 3)) == "OPT"
    assert page.help_key_at(*frame.on_screen(10, 5)) == HELP_KEYS
    assert page.help_key_at(22, 3) == HELP_PANEL


def test_the_keys_beneath_a_window_are_not_its_keys():
    frame = windowed(inside(), [FunctionKey(12, "Cancel")], under())
    assert text(frame)[21].startswith(" F3=Exit")
    assert frame.key_at(22, 3) is None
    row, column = frame.on_screen(10, 2)
    assert frame.key_at(row, column + 3).number == 12


def test_a_window_goes_where_it_is_told():
    frame = windowed(inside(), (), under(), row=4, column=20)
    assert frame.on_screen(1, 1) == (4, 20)


def test_more_keys_turn_in_a_circle():
    page = Page(NORMAL)
    frame = Frame(page, [FunctionKey(number, "A label of twenty ch") for number in range(3, 11)])
    first = text(frame)
    assert frame.has_more_keys
    frame.show_more_keys()
    assert text(frame) != first
    frame.show_more_keys()
    assert text(frame) == first
