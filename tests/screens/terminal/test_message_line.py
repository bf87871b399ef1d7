"""The message row: what does not fit is marked, and several messages roll."""

from __future__ import annotations

from console.messages import Message
from screens.terminal.message_line import MessageLine


def row(*texts):
    return MessageLine(tuple(Message("GWL0001", 0, text) for text in texts)).line(80)


def test_a_text_that_fits_is_shown_as_it_is():
    assert row("x" * 77) == " " + "x" * 77 + "  "


def test_a_text_that_is_cut_ends_in_three_dots():
    assert row("x" * 78) == " " + "x" * 74 + "...  "


def test_a_plus_still_says_that_there_are_more_messages():
    assert row("x" * 78, "second") == " " + "x" * 74 + "... +"
