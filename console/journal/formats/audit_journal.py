"""CSV with the columns of SYSTOOLS.AUDIT_JOURNAL_SK of IBM i, and ours behind them; pure.

RFC 4180 with a line feed at the end of lines, UTF-8, times in UTC in the form that SQL clients of IBM i show. One table
for all types of entries: what a type does not have is empty. Control characters in texts are spelt out, so that a
record is a line.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return for a formula, and
what is in these cells may come from whoever is audited. Such a text gets an apostrophe in front (OWASP, CSV injection).
Programs that must have texts unchanged read JSON Lines.
"""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Callable

from console.journal.formats.escapes import one_line
from console.journal.formats.values import EntryValues, Origin, title

_Value = Callable[[EntryValues, Origin], object]

_JOB_PARTS = 3
_FORMULA = re.compile(r"[=+\-@\t\r]")


def _field(name: str) -> _Value:
    """Return what gives a field; nothing for 0, which stands for none."""
    place = EntryValues._fields.index(name)
    return lambda entry, _: entry[place] or ""


def _job_part(place: int) -> _Value:
    def part(entry: EntryValues, _: Origin) -> str:
        parts = entry.qualified_job_name.split("/", _JOB_PARTS - 1)
        return parts[place] if len(parts) == _JOB_PARTS else ""

    return part


def _timestamp(entry: EntryValues, _: Origin) -> str:
    return entry.entry_timestamp.isoformat(" ", "microseconds").removesuffix("+00:00")


COLUMNS: tuple[tuple[str, _Value], ...] = (
    ("ENTRY_TIMESTAMP", _timestamp),
    ("SEQUENCE_NUMBER", _field("sequence_number")),
    ("JOURNAL_CODE", _field("journal_code")),
    ("JOURNAL_ENTRY_TYPE", _field("entry_type")),
    ("USER_NAME", _field("user_name")),
    ("QUALIFIED_JOB_NAME", _field("qualified_job_name")),
    ("JOB_NAME", _job_part(2)),
    ("JOB_USER", _job_part(1)),
    ("JOB_NUMBER", _job_part(0)),
    ("PROGRAM_LIBRARY", lambda entry, _: posixpath.dirname(entry.program)),
    ("PROGRAM_NAME", lambda entry, _: posixpath.basename(entry.program)),
    ("SYSTEM_NAME", lambda _, origin: origin.host),
    ("RECEIVER_NAME", _field("receiver_name")),
    ("ENTRY_TYPE", _field("sk_type")),
    ("ENTRY_TYPE_DETAIL", lambda entry, _: title(entry)),
    ("ADDRESS_FAMILY", _field("address_family")),
    ("LOCAL_IP_ADDRESS", _field("local_address")),
    ("LOCAL_PORT", _field("local_port")),
    ("REMOTE_IP_ADDRESS", _field("remote_address")),
    ("REMOTE_PORT", _field("remote_port")),
    ("OUTCOME", _field("outcome")),
    ("EXIT_POINT", _field("exit_point")),
    ("RULE_SEQUENCE", _field("rule_sequence")),
    ("REVISION", _field("revision")),
    ("PROCESS_ID", _field("pid")),
    ("SOCKS_SERVER", _field("socks_server")),
    ("DECISION_US", _field("decision_us")),
    ("TEXT", _field("text")),
    ("DETAIL", _field("detail")),
    ("CHAIN_HASH", _field("chain_hash")),
)
"""Column -> what is in it; those up to REMOTE_PORT as IBM i names them, in its order."""

_VALUES = tuple(value for _, value in COLUMNS)


class _Line:
    """What `csv` writes to, to get the line back."""

    def write(self, text: str) -> str:
        return text


_as_line: Callable[[list[object]], str] = csv.writer(_Line(), lineterminator="").writerow


def header(_origin: Origin) -> str:
    """Return the line before the first entry: the names of the columns."""
    return ",".join(name for name, _ in COLUMNS)


def line(entry: EntryValues, origin: Origin) -> str:
    """Return an entry as one line, without its end."""
    return _as_line([_cell(value(entry, origin)) for value in _VALUES])


def _cell(value: object) -> object:
    if not isinstance(value, str) or not value:
        return value
    shown = one_line(value)
    return f"'{shown}" if _FORMULA.match(value) else shown
