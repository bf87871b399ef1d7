"""Prints entries of the journal to a file: all that a subset shows, a line each, none of them held in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from console.commands.definition import Context
from console.commands.journal_subset import QAUDJRN, journal_filter
from console.commands.listing import end_text, shown_sequence
from console.commands.output_file import output_path, written
from console.messages import Message, message
from console.model.words import YesNo
from console.printable import printable
from console.store.journal import page_before
from console.store.journal_rows import rows
from console.store.made_usable import plain

_PRINTED = "GWL0635"
_PRINTED_SOME = "GWL0636"
_RUNNING = "GWL0637"
_MOST = 1_000_000
"""Entries of a print-out: a file of some 200 MB."""
_TELL_EVERY = 10_000

_NAMES = (
    "sequence_number",
    "entry_timestamp",
    "entry_type",
    "sk_type",
    "user_name",
    "qualified_job_name",
    "outcome",
    "rule_sequence",
    "local_address",
    "local_port",
    "remote_address",
    "remote_port",
    "program",
    "text",
)
_HEADINGS = (
    ("Sequence", -10),
    ("Date and time", 26),
    ("Type", 4),
    ("User", 10),
    ("Job", 28),
    ("Outcome", 9),
    ("Rule", -5),
    ("Local address", 21),
    ("Remote address", 21),
    ("Program and text", 1),
)
"""Heading and width of each column; right-aligned where it is negative. A longer value is printed whole."""


def print_entries(context: Context, values: Mapping[str, str], limit: int | None = None) -> Message:
    """Print entries to a file.

    Args:
        context: Reads the store.
        values: Of DSPJRN.
        limit: Only so many, the newest; None for all, up to a million.

    Returns:
        What was printed, and where.

    Raises:
        CommandError: The file cannot be written.
    """
    path = output_path(context, values, "txt")
    only = journal_filter(context, values)
    with written(path, replace=values["REPLACE"] == YesNo.YES) as file, context.opened() as session:
        if limit is not None:
            newest = page_before(session, None, limit=limit, only=only)
            only = replace(only, from_number=newest[0].sequence_number) if newest else only
        found = plain(rows(session, only, _NAMES), _NAMES)
        file.writelines(f"{line}\n" for line in _heading(context, values))
        count = 0
        for row in islice(found, _MOST):
            file.write(f"{_line(row)}\n")
            count += 1
            if count % _TELL_EVERY == 0:
                context.tell(message(_RUNNING, count=f"{count:,}").text)
        following = next(found, None)
        file.write("* * * * *   E N D   O F   L I S T I N G   * * * * *\n" if following is None else "(more)\n")
    context.tell("")
    if following is not None:
        return message(_PRINTED_SOME, count=f"{count:,}", path=path, next_number=following[0])
    return message(_PRINTED, count=f"{count:,}", path=path)


def _heading(context: Context, values: Mapping[str, str]) -> Iterator[str]:
    journal = values.get("JRN", QAUDJRN)
    yield f"Display Journal Entries   {journal}   {context.clock().astimezone():%Y-%m-%d %H:%M:%S %z}   {context.user}"
    yield f"Subset: {subset_text(values, ' ') or '*ALL'}"
    yield ""
    yield _aligned([heading for heading, _ in _HEADINGS])


def subset_text(values: Mapping[str, str], between: str) -> str:
    """Return what a subset is restricted to, as keywords with their values; empty for nothing.

    Args:
        values: Of DSPJRN or DSPAUDRPT.
        between: What stands between two of them.
    """
    said = (f"{word}({value})" for word, value in values.items() if word not in _OF_OUTPUT and value not in _NO_LIMIT)
    return printable(between.join(said))


_OF_OUTPUT = frozenset({"JRN", "NBRENT", "OUTPUT", "TOFILE", "REPLACE", "BY", "NBRROW"})
_NO_LIMIT = frozenset({"*ALL", "*FIRST", "*LAST", "*CURCHAIN"})


def _line(row: Sequence[Any]) -> str:
    number, moment, kind, subtype, user, job, outcome, rule, local, local_port, remote, remote_port, program, text = row
    return _aligned(
        [
            str(number),
            _time(moment),
            f"{kind} {subtype}".rstrip(),
            user,
            job,
            outcome,
            shown_sequence(rule) if rule else "",
            end_text(local, local_port),
            end_text(remote, remote_port),
            ": ".join(filter(None, (program, text))),
        ]
    )


def _time(moment: datetime | str) -> str:
    """Return a time in this system's time zone; SQLite has it as text, in UTC, and a damaged one as it is."""
    try:
        found = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    except ValueError:
        return str(moment)
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return f"{aware.astimezone():%Y-%m-%d %H:%M:%S.%f}"


def _aligned(cells: Sequence[str]) -> str:
    padded = (
        printable(cell).rjust(-width) if width < 0 else printable(cell).ljust(width)
        for cell, (_, width) in zip(cells, _HEADINGS, strict=True)
    )
    return "  ".join(padded).rstrip()
