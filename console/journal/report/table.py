"""A report as CSV (RFC 4180), one table for all summaries and the hours; pure.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and whoever names a program can
write one. Such a cell gets an apostrophe in front, which spreadsheets take as "this is text"; control characters, which
some of them skip, are dots before that.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime

from console.journal.report.tally import By, Report, Tally, read_minute
from console.printable import printable

HEADINGS = ("SUMMARY", "VALUE", "ENTRIES", "ALLOWED", "REJECTED", "MONITOR", "OTHER", "FIRST", "LAST")
HOUR = "*HOUR"
TOTAL = "*TOTAL"
_FORMULA = ("=", "+", "-", "@")


def csv_lines(report: Report) -> Iterator[str]:
    """Yield the report a line at a time, each with its end."""
    yield _line(HEADINGS)
    yield _line(_cells(TOTAL, "", report.total))
    for summary in report.summaries:
        for key, tally in summary.lines:
            yield _line(_cells(summary.by, key if summary.by is By.PORT else text_cell(key), tally))
        if summary.others:
            yield _line(_cells(summary.by, text_cell(summary.others.key), summary.others.tally))
    for start, tally in report.hours:
        yield _line(_cells(HOUR, _time(start), tally))


def text_cell(text: str) -> str:
    """Return a text from outside as a cell that no spreadsheet computes."""
    safe = printable(text)
    return f"'{safe}" if safe.lstrip().startswith(_FORMULA) else safe


def _cells(summary: str, value: str, tally: Tally) -> tuple[object, ...]:
    counts = (tally.entries, tally.allowed, tally.rejected, tally.monitor, tally.other)
    return (summary, value, *counts, _minute(tally.first), _minute(tally.last))


def _minute(minute: str) -> str:
    found = read_minute(minute)
    return text_cell(minute) if found is None else _time(found)


def _time(moment: datetime) -> str:
    return moment.astimezone().isoformat(timespec="minutes")


def _line(cells: tuple[object, ...]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
