r"""QRadar's Log Event Extended Format, version 2.0; pure.

::

    LEEF:2.0|Greenwall|Greenwall|0.1.0|TSKC|x09|devTime=1772366400123<tab>cat=Connect<tab>sev=6<tab>src=127.0.0.1 ...

LEEF knows no escapes: the attributes are parted by tabs, and a text with a tab, as with any control character, has it
spelt out (``\t``). The keys that LEEF defines come first, then the fields under their own names. Fields that are
empty, or 0, are left out. Source: IBM QRadar, LEEF format guide, "LEEF event components" and "Predefined attributes".
"""

from __future__ import annotations

from console.journal.chain import microseconds
from console.journal.formats.escapes import escaper, one_line
from console.journal.formats.values import TEN, EntryValues, Origin, ends, event_id, severity, title

_TAB = "\t"
_in_header = escaper({"|": "/"})

OWN = (
    "sequence_number",
    "receiver_name",
    "entry_type",
    "sk_type",
    "outcome",
    "exit_point",
    "rule_sequence",
    "revision",
    "qualified_job_name",
    "pid",
    "program",
    "socks_server",
    "decision_us",
    "text",
    "detail",
    "chain_hash",
)
"""Fields for which LEEF defines no key."""

_PLACES = tuple((EntryValues._fields.index(name), name) for name in OWN)


def header(_origin: Origin) -> str:
    """Return the line before the first entry: none."""
    return ""


def line(entry: EntryValues, origin: Origin) -> str:
    """Return an entry as one line, without its end."""
    start = "|".join(map(_in_header, ("LEEF:2.0", "Greenwall", "Greenwall", origin.version, event_id(entry), "x09")))
    found = ends(entry)
    defined = (
        ("devTime", microseconds(entry.entry_timestamp) // 1000),
        ("cat", title(entry)),
        ("sev", TEN[severity(entry)]),
        ("identHostName", origin.host),
        ("usrName", entry.user_name),
        ("src", found.source),
        ("srcPort", found.source_port),
        ("dst", found.destination),
        ("dstPort", found.destination_port),
    )
    own = ((name, entry[place]) for place, name in _PLACES)
    told = (f"{key}={_value(value)}" for pairs in (defined, own) for key, value in pairs if value)
    return f"{start}|{_TAB.join(told)}"


def _value(value: object) -> str:
    return one_line(value) if isinstance(value, str) else str(value)
