"""The selection window: one value of a list, by option or by the cursor."""

from __future__ import annotations

import pytest

from screens.panels.selection import SelectionWindow
from tests.screens.panels.operator import Operator

VALUES = [(f"VALUE{number:02}", f"The value {number}") for number in range(20)]


@pytest.fixture
def window():
    panel = SelectionWindow("Values", VALUES)
    returned = []
    handle = panel.handle

    def handled(submission):
        reply = handle(submission)
        returned.append(getattr(reply, "value", "not returned"))
        return reply

    panel.handle = handled
    operator = Operator(panel)
    operator.returned = returned
    return operator


def test_the_row_with_1_is_returned_from_any_page(window):
    window.press("ROLLUP").option("12", "1").press("ROLLUP").press("ENTER")
    assert window.returned[-1] == "VALUE12"


def test_another_option_is_refused(window):
    window.option("2", "5").press("ENTER")
    assert window.message_ids == ["GWL0703"]
    assert window.outcome.errors == ("OPT.2",)


def test_two_values_are_refused(window):
    window.option("2", "1").option("4", "1").press("ENTER")
    assert window.message_ids == ["GWL0705"]
    assert window.outcome.errors == ("OPT.2", "OPT.4")


def test_the_cursor_on_a_value_chooses_it(window):
    row = window.buffer.start_of("OPT.3")[0]
    window.buffer.move(row, 20)
    window.press("ENTER")
    assert window.returned[-1] == "VALUE03"


def test_enter_without_a_choice_returns_nothing(window):
    window.press("ENTER")
    assert window.returned[-1] is None


def test_positioning_goes_to_the_first_value_that_begins_so(window):
    window.enter(POSTO="VALUE1")
    assert "OPT.10" in window.buffer.contents
    window.enter(POSTO="VALUE1A")
    assert "OPT.19" not in window.buffer.contents or "OPT.11" in window.buffer.contents


def test_a_position_behind_the_last_value_says_so(window):
    window.enter(POSTO="Z")
    assert window.message_ids == ["GWL0701"]


def test_paging_stops_at_both_ends(window):
    window.press("ROLLDOWN")
    assert window.message_ids == ["GWL0702"]
    window.press("ROLLUP").press("ROLLUP").press("ROLLUP")
    assert window.message_ids == ["GWL0701"]
