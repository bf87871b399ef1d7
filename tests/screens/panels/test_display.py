"""Display panels: what comes from outside is shown in place, and nothing of it moves a row."""

from __future__ import annotations

from screens.panels.display import Display, Line
from screens.terminal.page import NORMAL


class Shown(Display):
    title = "Display Something"
    module = "display_rule"

    def lines(self):
        return [Line("Text", "one\ttwo\r\nthree"), Line(text="four\nfive " + "x" * 80)]


def test_tabs_and_line_ends_show_as_dots_and_never_as_blanks(services):
    shown = [text.text for text in Shown(services).page(NORMAL).texts]
    assert "one·two··three" in shown
    assert any(text.startswith("four·five") for text in shown)
