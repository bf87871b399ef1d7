from __future__ import annotations

import pytest

from screens.terminal.page import NORMAL, WIDE, Page
from screens.terminal.room import keep_apart


def texts(page):
    keep_apart(page)
    return [text.text for text in page.texts]


def test_a_text_ends_before_the_next_one_with_a_mark_and_a_blank():
    page = Page(NORMAL)
    page.text(5, 2, "ABCDEFGHIJ")
    page.text(5, 8, "next")
    assert texts(page) == ["ABCD>", "next"]
    assert page.cut_at(5, 2).text == "ABCDEFGHIJ"


def test_a_text_ends_before_a_field_and_leaves_its_attribute_a_blank():
    page = Page(NORMAL)
    page.field("F", 5, 10, 4)
    page.text(5, 2, "ABCDEFGHIJ")
    assert texts(page) == ["ABCDEF>"]
    assert 2 + len("ABCDEF>") == 9


def test_a_text_that_fits_and_one_in_another_row_stay_as_they_are():
    page = Page(NORMAL)
    page.text(5, 2, "ABCDEF")
    page.text(5, 8, "next")
    page.text(6, 2, "ABCDEFGHIJ")
    assert texts(page) == ["ABCDEF", "next", "ABCDEFGHIJ"]
    assert not page.cuts


def test_blanks_at_the_end_of_a_text_cover_nothing():
    page = Page(NORMAL)
    page.text(5, 8, "next")
    page.text(5, 2, "AB".ljust(20))
    assert texts(page) == ["next", "AB    "]
    assert not page.cuts


def test_what_is_to_lie_over_another_text_stays_there():
    page = Page(NORMAL)
    page.text(5, 2, "ABCDEFGHIJ")
    page.text(5, 4, "CD", is_over=True)
    assert texts(page) == ["ABCDEFGHIJ", "CD"]


@pytest.mark.parametrize("size", [NORMAL, WIDE])
def test_what_the_right_edge_cuts_is_marked_and_kept_whole(size):
    page = Page(size)
    page.text(5, 2, "x" * 200)
    (shown,) = texts(page)
    assert shown == "x" * (size.columns - 2) + ">"
    assert page.cut_at(5, size.columns).text == "x" * 200


def test_blanks_that_the_right_edge_cuts_are_not_missed():
    page = Page(NORMAL)
    page.text(5, 78, "AB   ")
    assert texts(page) == ["AB "]
    assert not page.cuts
