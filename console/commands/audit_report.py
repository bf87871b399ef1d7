"""DSPAUDRPT: counts the socket calls of the journal, by user, address and the like, and hour by hour."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.imported import JOURNAL, check_there
from console.commands.journal_print import subset_text
from console.commands.journal_subset import FIRST, FROM_TIME, PLACE, TO_TIME, WHAT, journal_filter
from console.commands.keywords import number, one_of
from console.commands.output_file import GENERATED, REPLACE, TO_FILE, output_path, written
from console.errors import CommandError
from console.journal.moments import TODAY
from console.journal.report.marks import has_blocks
from console.journal.report.page import html_parts
from console.journal.report.table import csv_lines
from console.journal.report.tally import By, Report, count, fields_of
from console.journal.report.text import TITLES, Asked, report_lines, span_of_entries
from console.messages import Message, message
from console.model.words import AUDIT, YesNo
from console.store.journal import JournalFilter
from console.store.journal_rows import batches

ALL = "*ALL"
SCREEN, PRINT, CSV, HTML = "*", "*PRINT", "*CSV", "*HTML"
_OUTPUTS = (SCREEN, PRINT, CSV, HTML)
_ENDINGS = {PRINT: "txt", CSV: "csv", HTML: "html"}
_WRITTEN = "GWL0640"
_RUNNING = "GWL0637"
_MOST_LINES = 10_000
_TELL_EVERY = 50_000


def _by(value: str) -> str:
    check = one_of("BY", (ALL, *By))
    found = list(dict.fromkeys(check(each) for each in value.split()))
    if ALL in found and len(found) > 1:
        raise CommandError("GWL0113", keyword="BY", value=value, allowed=f"{ALL} alone, or some of {', '.join(By)}")
    return " ".join(found) or ALL


class DisplayAuditReport(Command):
    """Reports on the journal."""

    name = "DSPAUDRPT"
    text = "Display Audit Report"
    authority = (AUDIT,)
    parameters = (
        replace(FROM_TIME, default=TODAY, special=(TODAY, FIRST, *FROM_TIME.special[2:])),
        TO_TIME,
        Parameter(
            "BY",
            "Summaries",
            _by,
            length=48,
            default=ALL,
            special=(ALL, *By),
            choices="*ALL, *USER, *ADDRESS... or several",
            many=True,
            list_values=lambda context: [Choice(ALL, "All summaries"), *(Choice(by, TITLES[by]) for by in By)],
        ),
        *WHAT[1:],
        *PLACE,
        Parameter(
            "NBRROW",
            "Rows of each summary",
            number("NBRROW", 1, _MOST_LINES),
            length=5,
            default="100",
            choices="1-10000",
            additional=True,
        ),
        Parameter("OUTPUT", "Output", one_of("OUTPUT", _OUTPUTS), length=6, default=SCREEN, special=_OUTPUTS),
        replace(TO_FILE, additional=False),
        replace(REPLACE, additional=False),
        replace(JOURNAL, additional=True),
    )
    positional = 2

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Count, and show or write it."""
        check_there(context, values["JRN"])
        if values["OUTPUT"] != SCREEN:
            return self._write(context, values)
        if context.has_panels:
            return Result(panel="DisplayAuditReport", arguments=dict(values))
        report, asked = make_report(context, values)
        lines = tuple(report_lines(report, asked, blocks=has_blocks(os.environ)))
        return Result(lines=lines, panel="DisplayAuditReport", arguments=dict(values))

    def _write(self, context: Context, values: Mapping[str, str]) -> Result:
        """Write the file; it is begun before anything is counted, so that a wrong name is known at once."""
        with _begun(context, values) as (path, file):
            report, asked = make_report(context, values)
            file.writelines(_formatted(values["OUTPUT"], report, asked))
        return Result(messages=(_done(path, report),))


def write_report(context: Context, output: str, report: Report, asked: Asked) -> Message:
    """Write what was counted to a new file.

    Raises:
        CommandError: The file cannot be written.
    """
    values = {"OUTPUT": output, "TOFILE": GENERATED, "REPLACE": YesNo.NO}
    with _begun(context, values) as (path, file):
        file.writelines(_formatted(output, report, asked))
    return _done(path, report)


@contextmanager
def _begun(context: Context, values: Mapping[str, str]) -> Iterator[tuple[Path, TextIO]]:
    path = output_path(context, values, _ENDINGS[values["OUTPUT"]])
    with written(path, replace=values["REPLACE"] == YesNo.YES) as file:
        yield path, file


def _formatted(output: str, report: Report, asked: Asked) -> Iterator[str]:
    match output:
        case "*CSV":
            yield from csv_lines(report)
        case "*HTML":
            yield from html_parts(report, asked)
        case _:
            yield from (f"{line}\n" for line in report_lines(report, asked, blocks=True))


def _done(path: Path, report: Report) -> Message:
    return message(_WRITTEN, path=path, count=f"{report.total.entries:,}")


def make_report(context: Context, values: Mapping[str, str]) -> tuple[Report, Asked]:
    """Count what a report with these values is of.

    Returns:
        What was counted, and what it is of.

    Raises:
        CommandError: A receiver is named that is not there.
        StoreError: The store cannot be read.
    """
    only = replace(journal_filter(context, values), entry_type="SK")
    try:
        with context.opened() as session:
            by = wanted(values)
            report = count(
                batches(session, only, fields_of(by)), by, most_lines=int(values["NBRROW"]), tell=_Teller(context)
            )
    finally:
        context.tell("")
    now = context.clock()
    subset = " ".join(filter(None, (only.journal and f"JRN({only.journal})", subset_text(values, " "))))
    return report, Asked(_span(report, only, now), subset, now, context.user)


def wanted(values: Mapping[str, str]) -> Sequence[By]:
    """Return the summaries that are asked for."""
    return tuple(By) if values["BY"] == ALL else tuple(By(each) for each in values["BY"].split())


class _Teller:
    """Says now and then how many entries were read."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._next = _TELL_EVERY

    def __call__(self, number: int) -> None:
        if number >= self._next:
            self._context.tell(message(_RUNNING, count=f"{number:,}").text)
            self._next = number + _TELL_EVERY


def _span(report: Report, only: JournalFilter, now: datetime) -> tuple[datetime, datetime]:
    """Return the time that the report is of: what was asked; where that has no end, up to now."""
    first, last = span_of_entries(report.total, now)
    if only.from_time is None:
        return first, only.to_time or last
    return only.from_time, only.to_time or max(now, last)


COMMANDS: tuple[type[Command], ...] = (DisplayAuditReport,)
