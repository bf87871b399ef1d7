"""Syslog as RFC 5424 has it: the fields as structured data, and a sentence for people; pure.

::

    <108>1 2026-03-01T12:00:00.123456Z HOST greenwall 4711 TSKC [greenwall@32473 sequence_number="17" ...] Connect ...

* PRI: facility 13, log audit; severity by outcome and type (`console.journal.formats.values.severity`).
* Fields that are empty, or 0, are left out. Line ends and other control characters are spelt out.
* A byte order mark stands before the sentence only where that is not pure ASCII: section 6.4 wants it for UTF-8, and
  ASCII may be sent as octets without a declared encoding, which is what receivers like best.
* The name of the structured data needs a number of a private enterprise. Greenwall has none; 32473 is the one that is
  set aside for examples (RFC 5612).
"""

from __future__ import annotations

import re

from console.journal.formats.escapes import escaper, one_line
from console.journal.formats.json_lines import moment
from console.journal.formats.values import EntryValues, Origin, Severity, event_id, sentence, severity

FACILITY = 13
"""Log audit. Source: RFC 5424, section 6.2.1, table 1."""
SD_ID = "greenwall@32473"
BOM = "\ufeff"

PARAMETERS = tuple(name for name in EntryValues._fields if name not in {"entry_timestamp", "pid"})
"""Fields in the structured data; time and process id are in the header."""

_PLACES = tuple((EntryValues._fields.index(name), f' {name}="') for name in PARAMETERS)
_PRIORITIES = {each: f"<{FACILITY * 8 + each}>1 " for each in Severity}
_NIL = "-"
_LONGEST_HOST = 255
_LONGEST_ID = 32
_NO_NAME = re.compile(r"[^\x21-\x7e]")

_escape = escaper({"\\": "\\\\", '"': '\\"', "]": "\\]"})
"""Source: RFC 5424, section 6.3.3."""


def header(_origin: Origin) -> str:
    """Return the line before the first entry: none."""
    return ""


def line(entry: EntryValues, origin: Origin) -> str:
    """Return an entry as one message, without frame or line end."""
    said = one_line(sentence(entry))
    return f"{start(entry, origin)} {structured_data(entry)} {said if said.isascii() else BOM + said}"


def start(entry: EntryValues, origin: Origin) -> str:
    """Return the header: PRI VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID."""
    when = moment(entry.entry_timestamp)
    name = _name(event_id(entry), _LONGEST_ID)
    priority = _PRIORITIES[severity(entry)]
    return f"{priority}{when} {_name(origin.host, _LONGEST_HOST)} greenwall {entry.pid or _NIL} {name}"


def structured_data(entry: EntryValues) -> str:
    """Return the fields of an entry as one element of structured data."""
    values = ((label, entry[place]) for place, label in _PLACES)
    return f"[{SD_ID}{''.join(f'{label}{_value(value)}{_QUOTE}' for label, value in values if value)}]"


_QUOTE = '"'


def _value(value: object) -> str:
    return _escape(value) if isinstance(value, str) else str(value)


def _name(text: str, longest: int) -> str:
    """Return a header field: printable ASCII without blanks, a hyphen for none."""
    return _NO_NAME.sub("?", text)[:longest] or _NIL
