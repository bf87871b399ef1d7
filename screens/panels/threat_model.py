"""Display Threat Model: data/help/threat_model.md, which the README links to, as text for the screen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from console.resources import data_path
from screens.panels.display import Display, Line
from screens.panels.services import Services

_INDENT = "   "
_RULE = re.compile(r"[|\s:-]+")
"""The line between the head of a table and its rows."""
_MARKS = re.compile(r"\*\*|`")
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


class ThreatModel(Display):
    """Shows the page; tables become a paragraph a row."""

    name = "DSPTHRMDL"
    title = "Display Threat Model"
    module = "display_threat_model"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Read the page."""
        del arguments
        super().__init__(services)
        text = data_path("help", "threat_model.md").read_text(encoding="utf-8")
        self._lines = tuple(_shown(text))

    def lines(self) -> Sequence[Line]:
        """Return the page."""
        return self._lines


def _shown(text: str) -> Iterator[Line]:
    """Yield a page of Markdown as lines: headings, paragraphs, list items, and rows of tables."""
    paragraph: list[str] = []
    for line in [*text.splitlines()[1:], ""]:
        starts = line.startswith(("#", "|", "* "))
        if (starts or not line.strip()) and paragraph:
            yield Line(text=_plain(" ".join(paragraph)))
            paragraph.clear()
        if line.startswith("#"):
            yield Line.heading(line.lstrip("# "))
        elif line.startswith("|"):
            yield from _table_row(line)
        elif line.strip():
            paragraph.append(_INDENT + line.strip() if line.startswith("* ") else line.strip())
        else:
            yield Line()


def _table_row(line: str) -> Iterator[Line]:
    if _RULE.fullmatch(line):
        return
    first, *rest = (_plain(cell.strip()) for cell in line.strip("|").split("|"))
    yield Line(text=first)
    for cell in rest:
        yield Line(text=_INDENT + cell)


def _plain(text: str) -> str:
    return _MARKS.sub("", _LINK.sub(r"\1", text))
