"""The formats by the names that operators use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from console.journal.formats import audit_journal, cef, json_lines, leef, rfc5424
from console.journal.formats.values import EntryValues, Origin


class Format(NamedTuple):
    """A format; each function is pure and takes microseconds."""

    name: str
    header: Callable[[Origin], str]
    """The line before the first entry; empty for none."""
    line: Callable[[EntryValues, Origin], str]
    """An entry as one line, without its end."""
    text: str
    """What it is, for people."""


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        name: Format(name, module.header, module.line, text)
        for name, module, text in (
            ("jsonl", json_lines, "JSON Lines, every field"),
            ("csv", audit_journal, "CSV with the columns of SYSTOOLS.AUDIT_JOURNAL_SK"),
            ("syslog", rfc5424, "Syslog, RFC 5424"),
            ("cef", cef, "ArcSight Common Event Format"),
            ("leef", leef, "QRadar Log Event Extended Format 2.0"),
        )
    }
)
"""Name -> format."""
