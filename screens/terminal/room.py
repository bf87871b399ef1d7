"""Keeps the parts of a page apart: a text gives way to what stands to the right of it.

A panel puts down its texts by rows and columns, and what is in them comes from outside: a name, a list, a command. One
that is too long for its place ends before the next text or field, with ``>`` in its last cell and a blank behind it, as
the cells of lists do; F22 shows the whole of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import replace

from screens.terminal.page import CUT, Page, Text

_LABEL = "Whole text"


def keep_apart(page: Page) -> None:
    """Cut the texts of a page that run into others or into fields; what is said to lie over others stays."""
    starts = _starts(page)
    for index, text in enumerate(page.texts):
        if not text.is_over and text.text.strip():
            page.texts[index] = _cut(page, text, starts[text.row])


def _starts(page: Page) -> dict[int, list[int]]:
    """Return where texts and fields begin, by row; blanks are no text."""
    found: dict[int, set[int]] = defaultdict(set)
    for text in page.texts:
        if not text.is_over and text.text.strip():
            found[text.row].add(text.column)
    for field in page.fields.values():
        for stretch in field.stretches:
            found[stretch.row].add(stretch.column)
    return {row: sorted(columns) for row, columns in found.items()}


def _cut(page: Page, text: Text, starts: list[int]) -> Text:
    following = bisect_right(starts, text.column)
    if following == len(starts) or text.column + len(text.text) <= starts[following]:
        return text
    room = starts[following] - text.column
    if not text.text[room:].strip():
        return replace(text, text=text.text[:room])
    shown = text.text[: max(room - 2, 0)] + CUT
    page.cut(text.row, text.column, len(shown), _LABEL, text.whole or text.text)
    return replace(text, text=shown[: max(room - 1, 1)])
