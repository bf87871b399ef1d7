from __future__ import annotations

import pytest

from console.messages import Message
from screens.terminal import oia
from screens.terminal.attributes import Attribute
from screens.terminal.editor import Habits
from screens.terminal.fields import KeyingError
from screens.terminal.frame import Frame
from screens.terminal.keys import Function, Typed
from screens.terminal.legend import FunctionKey
from screens.terminal.page import HELP_MESSAGE, HELP_OPTIONS, HELP_PANEL, NORMAL, Page
from screens.terminal.terminal import Terminal


def note(text: str) -> Message:
    return Message("DMO0001", 0, text)


def terminal(*keys: FunctionKey, strict: bool = False) -> Terminal:
    page = Page(NORMAL)
    page.title("Title")
    page.system("NJORD01")
    page.field("A", 5, 10, 4)
    page.text(24, 2, "Own last row")
    target = Terminal(system="NJORD01", habits=Habits(strict=strict), reset_hint="Ctrl+R resets.")
    target.show(Frame(page, keys or (FunctionKey(3, "Exit"),)))
    return target


def test_it_shows_25_rows_of_80_or_24_without_a_status_row():
    target = terminal()
    assert [len(row) for row in target.text()] == [80] * 25
    target.has_status_row = False
    assert [len(row) for row in target.text()] == [80] * 24


def test_a_declared_function_key_is_handed_out():
    assert terminal().press(Function.F3) is Function.F3


def test_an_undeclared_function_key_gives_a_message_and_nothing_else():
    target = terminal()
    target.press(Typed("x"))
    assert target.press(Function.F7) is None
    assert target.text()[23].strip() == "Function key not allowed."
    assert target.frame.buffer.values == {"A": "x"}
    assert target.press(Typed("y")) is None
    assert target.frame.buffer.values == {"A": "xy"}


def test_clear_and_the_edge_keys_are_refused_where_nothing_answers_them():
    for key in (Function.CLEAR, Function.TOP, Function.BOTTOM):
        target = terminal()
        assert target.press(key) is None
        assert target.text()[23].strip() == "Key not allowed here."


def test_top_and_bottom_are_f17_and_f18_where_those_say_so():
    target = terminal(FunctionKey(17, "Top"), FunctionKey(18, "Bottom"))
    assert target.press(Function.TOP) is Function.F17
    target = terminal(FunctionKey(17, "Position to"), FunctionKey(18, "Bottom"))
    assert target.press(Function.TOP) is None
    assert target.press(Function.BOTTOM) is Function.F18


def test_f24_turns_the_key_sets_unless_the_panel_has_it():
    many = [FunctionKey(number, "A label of twenty ch") for number in range(3, 14)]
    target = terminal(*many)
    before = target.text()[21:23]
    assert target.press(Function.F24) is None
    assert target.text()[21:23] != before
    assert terminal(FunctionKey(24, "More keys")).press(Function.F24) is Function.F24


def test_a_message_lies_over_the_last_row_and_goes_with_the_next_turn():
    target = terminal()
    assert target.text()[23].rstrip() == " Own last row"
    target.show(target.frame, (note("Rule 40 added."),))
    assert target.text()[23] == " Rule 40 added.".ljust(80)
    assert target.rows()[23][1].attribute is Attribute.WHITE
    target.show(target.frame)
    assert target.text()[23].rstrip() == " Own last row"


def test_several_messages_show_a_plus_and_roll_with_the_cursor_on_them():
    target = terminal()
    target.show(target.frame, (note("One."), note("Two.")))
    assert target.text()[23] == " One.".ljust(79) + "+"
    assert target.press(Function.ROLLUP) is Function.ROLLUP
    target.resume()
    target.frame.buffer.move(24, 5)
    assert target.press(Function.ROLLUP) is None
    assert target.text()[23].startswith(" Two.")
    target.press(Function.ROLLUP)
    assert target.text()[23].startswith(" Two.")
    target.press(Function.ROLLDOWN)
    assert target.text()[23].startswith(" One.")


def test_a_long_message_is_clipped_before_the_plus():
    target = terminal()
    target.show(target.frame, (note("x" * 200), note("y")))
    assert target.text()[23] == " " + "x" * 74 + "... +"


def test_the_help_key_of_the_last_row_is_the_message_only_while_there_is_one():
    target = terminal()
    target.frame.buffer.move(24, 5)
    assert target.help_key == HELP_PANEL
    target.say(note("One."))
    assert target.help_key == HELP_MESSAGE


def test_a_keying_error_lies_over_the_message_and_reset_brings_it_back():
    target = terminal()
    target.show(target.frame, (note("Rule 40 added."),))
    target.press(Function.LEFT)
    target.press(Typed("x"))
    assert target.text()[23].rstrip() == " 0005  The cursor is in a protected area."
    assert target.text()[24][13:28] == "X II      0005 "
    target.press(Function.RESET)
    assert target.text()[23].rstrip() == " Rule 40 added."
    assert target.text()[24][13:28].strip() == ""


def test_strict_says_how_to_get_out():
    target = terminal(strict=True)
    target.press(Function.LEFT)
    target.press(Typed("x"))
    assert target.text()[23].rstrip().endswith("Ctrl+R resets.")


def test_the_status_row_says_what_is_going_on():
    target = terminal()
    target.clock = "14:05"
    target.press(Function.INSERT)
    target.prefix = "ESC-"
    row = target.text()[24]
    assert row[1] == "A"
    assert row[3:10] == "NJORD01"
    assert row[33:35] == "IM"
    assert row[49:53] == "ESC-"
    assert row[57:62] == "14:05"
    assert row[71:77] == "05/010"
    target.press(Function.ENTER)
    target.press(Typed("x"))
    assert target.text()[24][13:21] == "X SYSTEM"
    assert target.text()[24][42:46] == "KB 1"


def test_a_prefix_says_what_may_follow_also_without_a_status_row():
    target = terminal()
    target.has_status_row = False
    target.prefix = "ESC-"
    assert target.text()[23].startswith(" ESC-  1-9 0 - = for F1-F12")
    target.prefix = "^G-"
    assert "F1-F12, Ctrl+G again for F13-F24, x Field Exit, r Reset " in target.text()[23]
    target.prefix = "^G^G-"
    assert target.text()[23].startswith(" ^G^G-  1-9 0 - = for F13-F24 ")
    target.prefix = ""
    assert "^G" not in target.text()[23]


def test_without_a_row_of_its_own_the_status_gives_way_to_messages():
    target = terminal()
    target.has_status_row = False
    assert target.text()[23].startswith(" Own last row")
    assert target.text()[23][40:].rstrip().endswith("05/010")
    target.say(note("Rule 40 added."))
    assert target.text()[23] == " Rule 40 added.".ljust(80)
    target.show(target.frame)
    target.press(Function.ENTER)
    assert target.text()[23][40:48] == "X SYSTEM"


@pytest.mark.parametrize(
    "shown",
    [
        oia.Indicators(),
        oia.Indicators("A", "S" * 99, "X SYSTEM", "0005", True, True, True, 256, "^G^G-", "23:59", 27, 132),
    ],
)
def test_status_rows_keep_their_width(shown):
    assert len(oia.full(shown, 80)) == 80
    assert len(oia.full(shown, 132)) == 132
    assert len(oia.short(shown)) == oia.SHORT_COLUMNS


def test_the_short_status_row_says_that_this_is_another_session():
    first, second = (oia.short(oia.Indicators(session, clock="23:59")) for session in "AB")
    assert "A" not in first
    assert first.replace("   23:59", " B 23:59") == second


def test_the_banner_fills_the_free_part_of_row_2_and_moves_nothing():
    target = terminal()
    before = target.text()
    target.banner = "Exit point *CONNECT is in *MONITOR: nothing is rejected there at the moment"
    after = target.text()
    assert after[1][61:] == "System:   NJORD01  "
    assert after[1][1:60] == target.banner[:56] + "..."
    assert after[1][60] == " "
    assert after[:1] + after[2:] == before[:1] + before[2:]


def test_the_banner_covers_no_field():
    target = terminal()
    page = Page(NORMAL)
    page.field("POS", 2, 10, 5)
    target.show(Frame(page, ()))
    target.banner = "Worker not running"
    assert target.text()[1] == " Work... ".ljust(80)


def test_a_click_on_the_legend_is_that_key_and_elsewhere_moves_the_cursor():
    target = terminal()
    assert target.click(22, 4) is Function.F3
    assert target.click(12, 40) is None
    assert target.cursor == (12, 40)
    target.press(Function.ENTER)
    target.click(5, 5)
    assert target.cursor == (12, 40)


def test_an_unknown_sequence_is_a_keying_error_but_only_rings_while_busy():
    target = terminal()
    target.press(Function.ENTER)
    target.refuse(KeyingError("KBD0027"))
    assert target.keyboard.error is None
    assert target.keyboard.rings
    target.resume()
    target.refuse(KeyingError("KBD0027"))
    assert target.text()[23].startswith(" 0027")


def test_a_failed_turn_drops_what_waits():
    target = terminal()
    target.press(Function.ENTER)
    target.press(Typed("x"))
    assert target.resume(discard=True) is None
    assert target.frame.buffer.values == {"A": ""}


def test_errors_are_marked_and_the_cursor_goes_to_the_first():
    target = terminal()
    target.frame.buffer.move(1, 1)
    target.show(target.frame, errors=("A",))
    assert target.rows()[4][9].attribute is Attribute.GREEN_UNDERLINE_REVERSE
    assert target.cursor == (5, 10)
    target.show(target.frame, cursor=(8, 8))
    assert target.cursor == (8, 8)
    assert target.rows()[4][9].attribute is Attribute.GREEN_UNDERLINE


def list_terminal(*options: tuple[int, str]) -> Terminal:
    page = Page(NORMAL)
    page.option_legend(4, options)
    page.field("OPT.a", 8, 3, 2, help_key=HELP_OPTIONS)
    page.text(8, 7, "Row a")
    page.field("OPT.b", 9, 3, 2, help_key=HELP_OPTIONS)
    page.text(9, 7, "Row b")
    page.text(12, 6, " 1. No menu: there is no command line")
    target = Terminal()
    target.show(Frame(page, (FunctionKey(3, "Exit"),)))
    return target


def test_a_click_on_an_option_types_it_beside_the_row_of_the_cursor():
    target = list_terminal((4, "Remove"), (5, "Display"))
    target.click(9, 8)
    column = target.text()[3].index("4=Remove") + 1
    assert target.click(4, column + 3) is None
    assert target.frame.buffer.values == {"OPT.a": "", "OPT.b": "4"}
    target.click(14, 40)
    target.click(4, column)
    assert target.cursor == (4, column)


def test_a_double_click_on_a_row_displays_it():
    target = list_terminal((4, "Remove"), (5, "Display"))
    assert target.double_click(8, 8) is Function.ENTER
    assert target.frame.buffer.values == {"OPT.a": "5", "OPT.b": ""}


def test_a_double_click_in_a_list_to_select_from_selects():
    target = list_terminal((1, "Select"))
    assert target.double_click(9, 8) is Function.ENTER
    assert target.frame.buffer.values["OPT.b"] == "1"


def test_a_double_click_never_does_what_changes_something():
    target = list_terminal((1, "Add"), (4, "Remove"))
    assert target.double_click(8, 8) is None
    assert target.double_click(12, 8) is None
    assert target.double_click(20, 8) is None
    assert target.frame.buffer.modified == frozenset()


def test_a_double_click_on_an_option_of_a_menu_is_enter_there():
    page = Page(NORMAL)
    page.text(5, 6, " 1. Work with things")
    page.command_line(20, rows=2)
    target = Terminal()
    target.show(Frame(page, (FunctionKey(3, "Exit"),)))
    assert target.double_click(5, 12) is Function.ENTER
    assert target.cursor == (5, 12)
    assert target.double_click(6, 12) is None


def test_a_click_does_nothing_while_an_error_waits_for_reset():
    page = Page(NORMAL)
    page.field("OPT.a", 8, 3, 2, help_key=HELP_OPTIONS)
    page.option_legend(4, ((5, "Display"),))
    target = Terminal(habits=Habits(strict=True))
    target.show(Frame(page, ()))
    target.press(Function.UP)
    target.press(Typed("x"))
    assert target.double_click(8, 8) is None
    target.click(4, 5)
    assert target.frame.buffer.values == {"OPT.a": ""}
