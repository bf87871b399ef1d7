"""Nothing that a panel, a message or a record holds gets to the terminal but as one plain cell a character."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.messages import Message
from console.printable import printable
from screens.surface import Surface
from screens.terminal.attributes import Attribute
from screens.terminal.buffer import Cell
from screens.terminal.frame import Frame, windowed
from screens.terminal.legend import FunctionKey
from screens.terminal.page import NORMAL, WIDE, Page, Size, Text
from screens.terminal.safe import safe_row
from screens.terminal.terminal import Terminal

ANYTHING = st.text(st.characters(), max_size=100)
CRUEL = st.sampled_from(
    [
        "\x1b[31mred",
        "\x1b]0;title\x07",
        "\x07\x08\x7f\x9b31m",
        "\u202egnirts",
        "\u2066\u2069\u200b\u200d\ufeff",
        "a\u0301\u0300\u20dd",
        "日本語",
        "\U0001f468\u200d\U0001f469",
        "[bold red]markup[/]",
        "[@click=app.quit]x[/]",
        "\r\n\t\x00",
        "\u2028\u2029\x85",
        "אבג",
    ]
)
TEXT = ANYTHING | CRUEL


def terminal_with(text: str, size: Size) -> Terminal:
    """Put a text wherever a text can come from; some of them past every method of a page."""
    page = Page(size)
    page.title(text, text)
    page.system(text)
    page.text(4, 2, text)
    page.label(5, 2, text)
    page.field("A", 6, 2, 20, text)
    page.texts.append(Text(7, 2, text[: size.columns - 2], Attribute.GREEN))
    page.option_legend(8, ((5, text),))
    page.command_line(size.rows - 3, text)
    terminal = Terminal(system=text)
    keys = (FunctionKey(3, text), FunctionKey(12, "Cancel"))
    under = Frame(page, keys)
    window = Page(Size(4, 40))
    window.title(text)
    window.text(2, 2, text)
    window.legend(4, rows=1)
    terminal.show(windowed(window, keys, under), (Message("X", 0, text), Message("Y", 0, text)))
    terminal.banner = text
    terminal.prefix = ""
    terminal.clock = text[:5]
    return terminal


def is_safe(row: list[Cell]) -> bool:
    return all(len(cell.character) == 1 and printable(cell.character) == cell.character for cell in row)


@settings(max_examples=120, deadline=None)
@given(text=TEXT, size=st.sampled_from([NORMAL, WIDE]), has_status_row=st.booleans())
def test_every_row_is_as_wide_as_the_page_and_each_cell_plain(text, size, has_status_row):
    terminal = terminal_with(text, size)
    terminal.has_status_row = has_status_row
    for row in terminal.rows():
        assert len(row) == size.columns
        assert is_safe(row)


@settings(max_examples=60, deadline=None)
@given(text=TEXT)
@example(text="0" * 57)  # a key whose words are wider than the rest of the screen
def test_what_is_drawn_and_what_is_printed_hold_no_control_character(text):
    surface = Surface(terminal_with(text, NORMAL))
    drawn = "".join(character for row in surface._draw() for character, _ in row)
    for shown in (drawn, "".join(surface.text())):
        assert not any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Mn") for character in shown)
        assert len(shown) == 25 * 80


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=3), max_size=40))
def test_the_gate_makes_one_cell_of_whatever_a_cell_holds(characters):
    row = [Cell(character, Attribute.GREEN) for character in characters]
    made = safe_row(row)
    assert len("".join(cell.character for cell in made)) == len(row)
    assert printable("".join(cell.character for cell in made)) == "".join(cell.character for cell in made)


@pytest.mark.parametrize("character", ["\x1b", "\u202e", "日", "\u0301", "\u200b", ""])
def test_a_cell_that_could_do_something_shows_a_dot_or_a_blank(character):
    (made,) = safe_row([Cell(character, Attribute.RED)])
    assert made.character in "· "
    assert made.attribute is Attribute.RED
