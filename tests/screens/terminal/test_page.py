from __future__ import annotations

import pytest

from screens.terminal.attributes import Attribute
from screens.terminal.buffer import Buffer
from screens.terminal.field_format import SECRET, Stretch
from screens.terminal.page import (
    HELP_KEYS,
    HELP_OPTIONS,
    HELP_PANEL,
    NORMAL,
    WIDE,
    Page,
    leader,
)


def row(page: Page, number: int) -> str:
    return "".join(cell.character for cell in Buffer(page).cells(number))


@pytest.mark.parametrize("size", [NORMAL, WIDE])
def test_every_row_has_the_width_of_the_page(size):
    page = Page(size)
    page.title("x" * 300)
    page.text(5, size.columns - 3, "clipped here")
    buffer = Buffer(page)
    assert [len(buffer.cells(number)) for number in range(1, size.rows + 1)] == [size.columns] * size.rows


def test_a_text_that_the_right_edge_cuts_says_so_and_never_wraps():
    page = Page(NORMAL)
    page.text(5, 78, "ABCDEF")
    assert row(page, 5).endswith("AB>")
    assert row(page, 6).strip() == ""


@pytest.mark.parametrize(("line", "column"), [(0, 1), (25, 1), (1, 0), (1, 81)])
def test_text_outside_the_page_shows_nothing(line, column):
    page = Page(NORMAL)
    page.text(line, column, "x")
    assert page.texts == []


def test_text_from_outside_is_made_safe():
    page = Page(NORMAL)
    page.text(5, 2, "a\x1b[2Jb\u202ec")
    page.field("F", 6, 2, 10, "x\x9by")
    assert row(page, 5)[1:9] == "a·[2Jb·c"
    assert row(page, 6)[1:4] == "x·y"


def test_the_title_is_centred_and_the_system_block_ends_in_column_79():
    page = Page(NORMAL)
    page.title("Work with SOCKS Rules", "RULES")
    page.system("NJORD01")
    assert row(page, 1) == " RULES" + " " * 23 + "Work with SOCKS Rules".ljust(51)
    assert row(page, 2)[61:] == "System:   NJORD01  "


def test_drawing_of_the_list_parts():
    page = Page(NORMAL)
    page.option_legend(4, [(5, "Display exit point"), (8, "Work with exit programs")])
    page.more(18, more=True)
    page.more(19, more=False)
    page.command_line(20)
    assert row(page, 4).rstrip() == "   5=Display exit point   8=Work with exit programs"
    assert row(page, 18) == "More... ".rjust(80)
    assert row(page, 19) == " Command".ljust(73) + "Bottom "
    assert row(page, 20).startswith(" ===>  ")
    assert page.fields["CMD"].stretches == (Stretch(20, 7, 72),)


def test_a_command_line_of_two_rows_has_151_cells():
    page = Page(NORMAL)
    page.command_line(20, rows=2)
    assert page.fields["CMD"].stretches == (Stretch(20, 7, 73), Stretch(21, 2, 78))


def test_an_option_legend_breaks_into_the_rows_it_may_have():
    page = Page(NORMAL)
    page.option_legend(4, [(number, "x" * 20) for number in range(1, 9)], rows=2)
    assert row(page, 4).count("=") == 3
    assert row(page, 5).count("=") == 3
    assert row(page, 6).strip() == ""


@pytest.mark.parametrize(
    ("label", "width", "colon", "expected"),
    [
        ("Journal", 22, True, "Journal  . . . . . . :"),
        ("Sequence", 22, True, "Sequence . . . . . . :"),
        ("Exit point", 32, False, "Exit point . . . . . . . . . . ."),
        ("  Library", 32, False, "  Library  . . . . . . . . . . ."),
        ("Much too long a label", 8, False, "Much too"),
    ],
)
def test_dot_leaders_align(label, width, colon, expected):
    assert leader(label, width, colon=colon) == expected


@pytest.mark.parametrize(
    "bad",
    [("B", 5, 12, 4), ("B", 5, 78, 4), ("B", 25, 2, 4), ("B", 6, 2, 0), ("A", 7, 2, 4)],
)
def test_a_field_that_overlaps_leaves_the_page_or_repeats_a_name_is_a_bug(bad):
    page = Page(NORMAL)
    page.field("A", 5, 10, 5)
    with pytest.raises(ValueError, match="field"):
        page.field(*bad)


def test_help_keys_tell_field_region_legend_and_the_rest_apart():
    page = Page(NORMAL)
    page.title("Title")
    page.option_legend(4, [(2, "Change")])
    page.region(6, 2, 10, 20, "SEQNBR")
    page.field("OPT", 7, 3, 2, help_key="OPTION")
    page.field("CMD", 20, 7, 10)
    found = [page.help_key_at(*place) for place in ((7, 3), (7, 6), (20, 8), (4, 5), (22, 2), (1, 40), (12, 60))]
    assert found == ["OPTION", "SEQNBR", "CMD", HELP_OPTIONS, HELP_KEYS, HELP_PANEL, HELP_PANEL]


def test_the_cursor_starts_in_the_first_field_unless_told_otherwise():
    page = Page(NORMAL)
    assert Buffer(page).home == (1, 1)
    page.field("B", 9, 3, 2)
    page.field("A", 4, 3, 2)
    assert Buffer(page).home == (4, 3)
    page.cursor = "B"
    assert Buffer(page).home == (9, 3)
    page.cursor = (30, 90)
    assert Buffer(page).home == (24, 80)


def test_nondisplay_fields_show_blanks():
    page = Page(NORMAL)
    page.field("P", 5, 10, 8, "secret", format=SECRET)
    page.text(6, 2, "hidden", Attribute.NONDISPLAY)
    assert row(page, 5).strip() == ""
    assert row(page, 6).strip() == ""
    assert Buffer(page).values == {"P": "secret"}


def test_a_field_in_error_is_in_reverse_image():
    page = Page(NORMAL)
    page.field("A", 5, 10, 3)
    buffer = Buffer(page)
    buffer.errors = frozenset({"A"})
    assert {cell.attribute for cell in buffer.cells(5)[9:12]} == {Attribute.GREEN_UNDERLINE_REVERSE}


@pytest.mark.parametrize("attribute", list(Attribute))
def test_reverse_image_keeps_the_colour_and_never_hides(attribute):
    image = attribute.reverse_image
    assert image.reverse
    if attribute is not Attribute.NONDISPLAY:
        assert image.colour is attribute.colour
