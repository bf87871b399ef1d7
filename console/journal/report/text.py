"""A report as lines of text: for standard output and for print-outs; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from console.journal.report.marks import sparkline
from console.journal.report.tally import Bucket, By, Report, Summary, Tally, read_minute
from console.printable import printable

TITLES = {
    By.USER: "User profile",
    By.ADDRESS: "Address",
    By.PORT: "Port",
    By.PROGRAM: "Program",
    By.OUTCOME: "Outcome",
    By.RULE: "Rule that decided",
}
"""What the keys of a summary are."""

_MARKS = 60
_KEY_WIDTH = 40
_NUMBER_WIDTH = 11


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is of, as it is told at its head."""

    span: tuple[datetime, datetime]
    """The first and last moment that was asked for, or of the entries where nothing was asked."""
    subset: str
    """What entries it is restricted to; empty for nothing."""
    made: datetime
    """When it was made."""
    maker: str
    """Who made it."""


def report_lines(report: Report, asked: Asked, *, blocks: bool) -> Iterator[str]:
    """Yield the report, safe to show.

    Args:
        report: What was counted.
        asked: What it is of.
        blocks: Whether block characters can be shown.
    """
    total = report.total
    yield f"From {moment(asked.span[0])} to {moment(asked.span[1])}"
    yield f"Subset: {printable(asked.subset) or '*ALL'}"
    yield f"Entries {total.entries:,}   accepted {total.accepted:,}   refused {total.rejected:,}" + (
        f"   of the accepted *MONITOR {total.monitor:,}" if total.monitor else ""
    )
    yield ""
    yield from graph_lines(report.buckets(_MARKS, asked.span), blocks=blocks)
    for summary in report.summaries:
        yield ""
        yield from _summary_lines(summary)


def graph_lines(buckets: list[Bucket], *, blocks: bool) -> Iterator[str]:
    """Yield accepted and refused over time as a mark for each part, under them the times."""
    if not buckets:
        return
    accepted = [bucket.tally.accepted for bucket in buckets]
    refused = [bucket.tally.rejected for bucket in buckets]
    each = hours_text(buckets[0].hours)
    yield f"Accepted  {sparkline(accepted, blocks=blocks):{len(buckets)}}  most in {each}: {max(accepted):,}"
    yield f"Refused   {sparkline(refused, blocks=blocks):{len(buckets)}}  most in {each}: {max(refused):,}"
    yield f"          {axis(buckets)}".rstrip()


def hours_text(hours: int) -> str:
    """Return what one mark stands for."""
    if hours == 1:
        return "an hour"
    return f"{hours} hours" if hours % 24 else f"{hours // 24} days" if hours > 24 else "a day"


def axis(buckets: list[Bucket]) -> str:
    """Return the times under a line of marks: as many as there is room for, each where its part begins."""
    line = ""
    shown: datetime | None = None
    for index, bucket in enumerate(buckets):
        here = bucket.start.astimezone()
        is_new_day = shown is None or shown.date() != here.date()
        text = f"{here:%m-%d}" if is_new_day and (shown is not None or bucket.hours >= 24) else f"{here:%H}"
        text = "|" + text
        if index and index < len(line) + 1:
            continue
        if index + len(text) > len(buckets):
            break
        line = line.ljust(index) + text
        shown = here
    return line


def _summary_lines(summary: Summary) -> Iterator[str]:
    title = TITLES[summary.by]
    lines = [*summary.lines, *([summary.others] if summary.others else [])]
    widest = max([_KEY_WIDTH, *(len(line.key) for line in summary.lines)])
    numbers = ("Entries", "Accepted", "Refused", "*MONITOR")
    yield title.ljust(widest) + "".join(each.rjust(_NUMBER_WIDTH) for each in numbers) + "  First             Last"
    for key, tally in lines:
        counts = (tally.entries, tally.accepted, tally.rejected, tally.monitor)
        told = "".join(f"{number:,}".rjust(_NUMBER_WIDTH) for number in counts)
        yield f"{printable(key).ljust(widest)}{told}  {minute_text(tally.first)}  {minute_text(tally.last)}".rstrip()
    if not summary.lines:
        yield "(None)"
    if not summary.is_exact:
        yield INEXACT


INEXACT = "Very many different ones: a line may have a few entries less than there were."


def minute_text(minute: str) -> str:
    """Return a minute of the journal in this system's time zone; as it is, if it is none."""
    found = read_minute(minute)
    return printable(minute) if found is None else f"{found.astimezone():%Y-%m-%d %H:%M}"


def moment(when: datetime) -> str:
    """Return a time in this system's time zone."""
    return f"{when.astimezone():%Y-%m-%d %H:%M:%S}"


def span_of_entries(tally: Tally, now: datetime) -> tuple[datetime, datetime]:
    """Return the first and last moment of some entries; now, when there are none."""
    first, last = read_minute(tally.first), read_minute(tally.last)
    return first or now, (last + _MINUTE_LEFT) if last else now


_MINUTE_LEFT = timedelta(seconds=59)
