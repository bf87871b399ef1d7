"""A report as one HTML file that refers to nothing outside of itself; pure.

Everything that came from outside is made safe to show and then escaped, and the page forbids itself scripts, pictures
and requests, should something get through all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from console.journal.report.tally import Bucket, Report, Summary
from console.journal.report.text import INEXACT, TITLES, Asked, hours_text, minute_text, moment
from console.printable import printable

_BARS = 240
_WIDTH, _HEIGHT = 960, 110
_LEFT = 8
_TIMES = 6

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
.about { color: #57606a; margin: 0; } figure { margin: 1.2rem 0; } figcaption { color: #57606a; }
svg { width: 100%; height: auto; display: block; } svg text { font: 12px system-ui, sans-serif; fill: #57606a; }
.accepted { fill: #1a7f37; } .refused { fill: #cf222e; } .axis { stroke: #8c959f; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: right; padding: .2rem .6rem;
  border-bottom: 1px solid #d8dee4; white-space: nowrap; }
th { color: #57606a; font-weight: 600; } th:first-child, td:first-child { text-align: left; white-space: normal;
  overflow-wrap: anywhere; font-family: ui-monospace, monospace; } td.refused { color: #cf222e; fill: none; }
dl { display: flex; flex-wrap: wrap; gap: .4rem 2.5rem; margin: 1.2rem 0; } dt { color: #57606a; }
dd { margin: 0; font-size: 1.4rem; }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117; } th, td { border-color: #30363d; }
  .accepted { fill: #3fb950; } .refused { fill: #f85149; } td.refused { color: #f85149; }
  .about, dt, th, figcaption { color: #9198a1; } svg text { fill: #9198a1; } }
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html_parts(report: Report, asked: Asked, system: str = "") -> Iterator[str]:
    """Yield the page, a part at a time.

    Args:
        report: What was counted.
        asked: What it is of.
        system: Name of the system that it is of.
    """
    title = _safe(f"Audit report{f' of {system}' if system else ''}")
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    )
    yield f'<p class="about">From {moment(asked.span[0])} to {moment(asked.span[1])}. '
    yield f"Subset: {_safe(asked.subset) or '*ALL'}. Made {moment(asked.made)} by {_safe(asked.maker)}.</p>\n"
    yield _totals(report)
    yield from _pictures(report.buckets(_BARS, asked.span))
    for summary in report.summaries:
        yield from _table(summary)
    yield "</body>\n</html>\n"


def _safe(text: str) -> str:
    return escape(printable(text), quote=True)


def _totals(report: Report) -> str:
    total = report.total
    counts = [("Entries", total.entries), ("Accepted", total.accepted), ("Refused", total.rejected)]
    if total.monitor:
        counts.append(("Of the accepted *MONITOR", total.monitor))
    return "<dl>" + "".join(f"<div><dt>{label}</dt><dd>{number:,}</dd></div>" for label, number in counts) + "</dl>\n"


def _pictures(buckets: Sequence[Bucket]) -> Iterator[str]:
    """Yield accepted and refused over time, each with a scale of its own: the refused are mostly few."""
    if not buckets:
        yield "<p>There are no entries.</p>\n"
        return
    yield from _picture("Accepted", "accepted", buckets, [bucket.tally.accepted for bucket in buckets])
    yield from _picture("Refused", "refused", buckets, [bucket.tally.rejected for bucket in buckets])


def _picture(title: str, look: str, buckets: Sequence[Bucket], values: Sequence[int]) -> Iterator[str]:
    most = max(values)
    each = hours_text(buckets[0].hours)
    caption = f"{title}: {sum(values):,}, a bar for {each}, at most {most:,}"
    yield f"<figure>\n<figcaption>{caption}</figcaption>\n"
    yield f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 22}" role="img" aria-label="{caption}">\n'
    step = (_WIDTH - 2 * _LEFT) / len(values)
    for index, (bucket, value) in enumerate(zip(buckets, values, strict=True)):
        if value:
            height = max(1.5, value / most * (_HEIGHT - 6))
            x, y, width = _LEFT + index * step, _HEIGHT - height, max(0.6, step * 0.86)
            yield f'<rect class="{look}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}">'
            yield f"<title>{moment(bucket.start)[:16]}: {value:,}</title></rect>\n"
    yield f'<line class="axis" x1="{_LEFT}" y1="{_HEIGHT}" x2="{_WIDTH - _LEFT}" y2="{_HEIGHT}"/>\n'
    yield from _times(buckets, step)
    yield "</svg>\n</figure>\n"


def _times(buckets: Sequence[Bucket], step: float) -> Iterator[str]:
    apart = -(-len(buckets) // _TIMES)
    for index in range(0, len(buckets), apart):
        x = _LEFT + index * step
        yield f'<line class="axis" x1="{x:.2f}" y1="{_HEIGHT}" x2="{x:.2f}" y2="{_HEIGHT + 5}"/>'
        yield f'<text x="{x:.2f}" y="{_HEIGHT + 18}">{moment(buckets[index].start)[:16]}</text>\n'


def _table(summary: Summary) -> Iterator[str]:
    title = TITLES[summary.by]
    yield f"<h2>By {title[0].lower()}{title[1:]}</h2>\n<table>\n<thead><tr><th>{title}</th><th>Entries</th>"
    yield "<th>Accepted</th><th>Refused</th><th>*MONITOR</th><th>First</th><th>Last</th></tr></thead>\n<tbody>\n"
    for key, tally in (*summary.lines, *([summary.others] if summary.others else [])):
        refused = ' class="refused"' if tally.rejected else ""
        yield f"<tr><td>{_safe(key)}</td><td>{tally.entries:,}</td><td>{tally.accepted:,}</td>"
        yield f"<td{refused}>{tally.rejected:,}</td><td>{tally.monitor:,}</td>"
        yield f"<td>{_safe(minute_text(tally.first))}</td><td>{_safe(minute_text(tally.last))}</td></tr>\n"
    yield "</tbody>\n</table>\n"
    if not summary.is_exact:
        yield f"<p>{INEXACT}</p>\n"
