"""Lists without a panel of their own: rolled, shifted, searched."""

from __future__ import annotations

import pytest

from console.errors import CommandError
from screens.panels.listing import DisplayListing
from screens.panels.report import Extent, Place, find, go, ruler
from screens.terminal.page import HELP_PANEL, WIDE
from tests.screens.panels.operator import Operator

LINES = ("Number  What" + " " * 90 + "Far", *(f"{n:6}  row {n:3}" + " " * 90 + f"far {n}" for n in range(1, 41)))
EXTENT = Extent(lines=40, columns=108, page_lines=13, page_columns=78)


def over(services, size=None, lines=LINES):
    """Return an operator at a list."""
    panel = DisplayListing(services, "Display Something (DSPSMT)", lines)
    return Operator(panel, size) if size else Operator(panel)


@pytest.fixture
def listing(services):
    return over(services)


def test_it_looks_as_drawn(listing, services):
    assert listing.matches("display_listing")
    assert over(services, WIDE).matches("display_listing_wide")


def test_it_looks_as_drawn_with_something_found(listing):
    assert listing.enter(FIND="FAR 27").matches("display_listing_found")


@pytest.mark.parametrize(
    ("control", "place"),
    [
        ("T", Place(0, 7)),
        ("B", Place(27, 7)),
        ("W+10", Place(5, 17)),
        ("W-10", Place(5, 0)),
        ("W3", Place(5, 2)),
        ("W+999", Place(5, 30)),
        ("P+1", Place(18, 7)),
        ("P-1", Place(0, 7)),
        ("P2", Place(13, 7)),
        ("+3", Place(8, 7)),
        ("-3", Place(2, 7)),
        ("12", Place(11, 7)),
        ("9999", Place(39, 7)),
        ("0", Place(0, 7)),
    ],
)
def test_control_goes_where_it_says(control, place):
    assert go(control, Place(5, 7), EXTENT) == place


@pytest.mark.parametrize("control", ["X", "W", "P", "W+", "1+", "W+-3", "T1", "+", "٣"])
def test_control_refuses_what_it_does_not_know(control):
    with pytest.raises(CommandError) as caught:
        go(control, Place(0, 0), EXTENT)
    assert caught.value.message_id == "GWL0738"


def test_find_goes_on_behind_what_it_found():
    lines = ("one One", "two", "ONE")
    places = [Place(0, -1)]
    for _ in range(3):
        places.append(find("one", lines, places[-1]))
    assert places[1:] == [Place(0, 0), Place(0, 4), Place(2, 0)]
    with pytest.raises(CommandError) as caught:
        find("one", lines, places[-1])
    assert caught.value.message_id == "GWL0739"


def test_ruler_counts_columns():
    assert ruler(0, 21) == "*...+....1....+....2."
    assert ruler(97, 8) == "..0....+"


def test_line_number_counts_the_heading(listing):
    listing.enter(CONTROL="20")
    assert "Line 20 of 41" in listing.shown
    assert "row  19" in listing.row(7)
    assert "Number" in listing.row(6)


def test_enter_looks_and_f16_looks_further(listing):
    listing.enter(FIND="row  1")
    assert "row  10" in listing.row(7)
    assert "row  11" in listing.press("F16").row(7)
    listing.enter(FIND="nowhere")
    assert listing.message_ids == ["GWL0739"]


def test_f16_begins_at_the_top_when_the_end_was_reached(listing):
    listing.press("ROLLUP").press("ROLLUP").enter(FIND="row   1")
    assert listing.message_ids == ["GWL0739"]
    assert "row   1" in listing.press("F16").row(7)


def test_find_shifts_to_what_is_out_of_sight(listing):
    listing.enter(FIND="far 30")
    assert "far 30" in listing.row(7)
    assert "far 30" in listing.press("F19").press("F20").row(7)


def test_wrong_control_is_told_and_stays(listing):
    listing.enter(CONTROL="SIDEWAYS")
    assert listing.message_ids == ["GWL0738"]
    assert listing.buffer.values["CONTROL"] == "SIDEWAYS"


def test_enter_with_nothing_new_goes_back(operator):
    operator.command("DSPAUTUSR")
    assert "Display Authorized Users" in operator.title
    operator.enter(FIND="U")
    assert "Display Authorized Users" in operator.title
    assert "Greenwall Main Menu" in operator.press("ENTER").title


def test_it_rolls_and_shifts(listing):
    assert "far" not in listing.row(7)
    listing.press("F20")
    assert "far 1" in listing.row(7)
    listing.press("F19").press("ROLLUP")
    assert "row  14" in listing.row(7)
    assert listing.press("ROLLDOWN").press("ROLLDOWN").message_ids == ["GWL0702"]


def test_a_shift_past_an_edge_says_that_there_is_nothing(listing):
    assert listing.press("F19").message == "Already at the left edge of the report."
    while not listing.press("F20").outcome.messages:
        assert "Columns 1-" not in listing.row(3)
    assert listing.message == "Already at the right edge of the report."


def test_short_lists_have_no_left_and_right(services):
    short = over(services, lines=("Head", "one"))
    assert {key.number for key in short.session.panel.function_keys} == {3, 12, 16}
    assert short.press("F16").outcome.messages == ()
    assert short.session.panel.help("CONTROL").text
    assert short.session.panel.help(HELP_PANEL).text


def test_a_list_without_lines_shows(services):
    assert "Line 0 of 0" in over(services, lines=()).press("ROLLUP").shown
