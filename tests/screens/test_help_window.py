from __future__ import annotations

from screens.help_window import HelpWindow, fill
from screens.panel import Cursor, Help, Replace, Return, Stay, Submission
from screens.terminal.buffer import Buffer
from screens.terminal.page import NORMAL, Size

LONG = Help("Item", "\n\n".join(f"Paragraph {number}." for number in range(1, 30)))


def key(name: str) -> Submission:
    return Submission(name, {}, frozenset(), Cursor(1, 1))


def rows(panel: HelpWindow) -> list[str]:
    size = panel.window.size if panel.window else NORMAL
    buffer = Buffer(panel.page(size))
    return ["".join(cell.character for cell in buffer.cells(row)).rstrip() for row in range(1, size.rows + 1)]


def test_paragraphs_are_filled_and_indented_lines_stay():
    text = "One two\nthree four.\n\n  *ALLOW   let it pass\n  *REJECT  refuse\nFive."
    assert fill(text, 12) == ["One two", "three four.", "", "  *ALLOW   l", "  *REJECT  r", "Five."]


def test_no_text_is_no_rows():
    assert fill("", 20) == []


def test_it_rolls_by_whole_pages_and_stops_at_either_end():
    panel = HelpWindow(LONG)
    first = rows(panel)
    assert first[0] == " Item - Help"
    assert first[2] == " Paragraph 1."
    assert first[-3].endswith("More...")
    assert panel.handle(key("ROLLDOWN")) == Stay(redraw=True)
    assert rows(panel) == first
    seen = 0
    while panel.handle(key("ROLLUP")).redraw:
        seen += 1
        last = rows(panel)
    assert seen == 8
    assert last[-3].endswith("Bottom")


def test_enter_and_f12_return():
    panel = HelpWindow(LONG)
    assert panel.handle(key("ENTER")) == Return()
    assert panel.handle(key("F12")) == Return()


def test_f2_is_there_only_when_there_is_other_help():
    assert [item.number for item in HelpWindow(LONG, LONG).function_keys] == [3, 10, 12, 20]
    panel = HelpWindow(Help("Other", "x"), LONG)
    assert 2 in [item.number for item in panel.function_keys]
    reply = panel.handle(key("F2"))
    assert isinstance(reply, Replace)
    assert rows(reply.panel)[0] == " Item - Help"


def test_f20_takes_the_whole_screen():
    reply = HelpWindow(LONG).handle(key("F20"))
    assert isinstance(reply, Replace)
    assert reply.panel.window is None
    assert len(rows(reply.panel)) == 24
    assert 20 not in [item.number for item in reply.panel.function_keys]


def test_help_on_help_ends_there():
    helped = HelpWindow(LONG).help("*PANEL")
    assert helped
    assert HelpWindow(helped).help("*PANEL") is None


def test_the_window_fits_the_smallest_page():
    window = HelpWindow(LONG).window
    assert window
    assert window.size.rows + 2 <= NORMAL.rows - 1
    assert isinstance(window.size, Size)
