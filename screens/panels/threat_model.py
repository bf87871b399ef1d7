"""Display Threat Model: data/help/threat_model.md, which the README links to, as text for the screen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from console.resources import data_path
from screens.panels.display import Display, Line
from screens.panels.services import Services

_INDENT = "   "
_RULE = re.compile(r"\|[|\s:-]+")
"""The line between the head of a table and its rows."""
_MARKS = re.compile(r"\*\*|`|\\(?=\*)")
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
        self._lines = tuple(_without_gaps(_shown(text)))

    def lines(self) -> Sequence[Line]:
        """Return the page."""
        return self._lines


def _shown(text: str) -> Iterator[Line]:
    """Yield a page of Markdown as lines: headings, paragraphs, list items, and rows of tables."""
    paragraph: list[str] = []
    source = [*text.splitlines()[1:], ""]
    for line, after in pairwise([*source, ""]):
        starts = line.startswith(("#", "|", "* "))
        if (starts or not line.strip()) and paragraph:
            yield Line(text=_plain(" ".join(paragraph)))
            paragraph.clear()
        if line.startswith("#"):
            yield Line.heading(line.lstrip("# "))
        elif line.startswith("|"):
            if not (_RULE.fullmatch(line) or _RULE.fullmatch(after)):
                yield from _table_row(line)
        elif line.strip():
            paragraph.append(line.strip())
        else:
            yield Line()


def _without_gaps(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield lines with one blank one at most between two others, and none at the ends."""
    waiting = None
    is_first = True
    for line in lines:
        if line == Line():
            waiting = line
            continue
        if waiting is not None and not is_first:
            yield waiting
        waiting, is_first = None, False
        yield line


def _table_row(line: str) -> Iterator[Line]:
    """Yield a row: its first cell, the others below it, and what they are shown by; then a blank line."""
    first, *rest, shown_by = (_plain(cell.strip()) for cell in line.strip("|").split("|"))
    yield Line(text=first)
    for cell in rest:
        yield Line(text=_INDENT + cell)
    if shown_by:
        yield Line(text=f"{_INDENT}Shown by {shown_by}")
    yield Line()


def _plain(text: str) -> str:
    return _MARKS.sub("", _LINK.sub(r"\1", text))
