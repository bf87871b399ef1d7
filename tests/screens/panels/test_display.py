"""Display panels: what comes from outside is shown in place, and nothing of it moves a row."""

from __future__ import annotations

import pytest

from screens.panels.display import Display, Line
from screens.terminal.attributes import Attribute
from screens.terminal.page import NORMAL
from tests.screens.panels.operator import Operator


class Shown(Display):
    title = "Display Something"
    module = "display_rule"

    def lines(self):
        return [Line("Text", "one\ttwo\r\nthree"), Line(text="four\nfive " + "x" * 80)]


def test_tabs_and_line_ends_show_as_dots_and_never_as_blanks(services):
    shown = [text.text for text in Shown(services).page(NORMAL).texts]
    assert "one·two··three" in shown
    assert any(text.startswith("four·five") for text in shown)


class Long(Display):
    title = "Display Something"
    module = "display_rule"

    def lines(self):
        return [Line(f"Rule {number}", f"text 'number {number}'") for number in range(100)]


@pytest.fixture
def long(services):
    return Operator(Long(services))


def test_a_display_of_one_page_has_no_keys_to_find_with(services):
    assert not {16, 17} & Operator(Shown(services)).session.frame.keys.keys()


def test_f17_asks_for_a_text_and_brings_it_to_the_top_where_it_stands_out(long):
    assert long.press("F17").enter(FIND="NUMBER 77").title == "Display Something"
    assert long.row(3).split()[-1] == "77'"
    found = "".join(c.character for c in long.session.frame.cells(3) if c.attribute is Attribute.WHITE_REVERSE)
    assert found == "number 77"


def test_f16_goes_on_from_what_was_found_and_says_when_there_is_no_more(long):
    long.press("F17").enter(FIND="8'")
    assert "number 8'" in long.row(3)
    assert "number 18'" in long.press("F16").row(3)
    long.press("ROLLUP")
    assert "WHITE_REVERSE" not in {cell.attribute.name for cell in long.session.frame.cells(3)}
    for _ in range(8):
        long.press("F16")
    assert long.message_ids == ["GWL0739"]
    assert "number 98'" in long.row(3)


def test_f16_asks_first_where_nothing_was_looked_for(long):
    assert long.press("F16").press("F12").title == "Display Something"
    assert "Rule 0 " in long.row(3)


def test_a_label_is_found_as_well(long):
    assert "Rule 42" in long.press("F17").enter(FIND="rule 42").row(3)


class Wrapped(Long):
    def lines(self):
        changed = "action *REJECT, user ALICE, remote_address 127.0.0.1, remote_port 25, text " + "x" * 60
        return [*super().lines(), Line("Changed *CONNECT 10", changed)]


def test_a_text_is_found_that_goes_on_in_the_next_row_and_stands_out_in_both(services):
    display = Operator(Wrapped(services)).press("F17").enter(FIND="remote_address 127")
    assert display.row(3).rstrip().endswith("remote_address")
    cells = [display.session.frame.cells(row) for row in (3, 4)]
    marked = ["".join(each.character for each in row if each.attribute is Attribute.WHITE_REVERSE) for row in cells]
    assert marked == ["remote_address", "127"]
    assert display.press("F17").enter(FIND="text " + "x" * 25).row(3).rstrip().endswith("text xxxxxxxxxxx")


def test_the_window_that_asks_is_empty_also_the_second_time(long):
    long.press("F17").enter(FIND="number 77").press("F17")
    assert long.buffer.values["FIND"].strip() == ""


def test_f16_begins_at_the_top_when_the_end_was_reached(long):
    long.press("F17").enter(FIND="number 98").press("F16")
    assert long.message == "number 98 is not found from here to the end. F16 looks from the top."
    long.press("F17").enter(FIND="number 7'")
    assert long.message_ids == ["GWL0739"]
    assert "number 7'" in long.press("F16").row(3)
