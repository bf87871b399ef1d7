"""An entry as the message that a syslog server gets, and messages as they go over a stream; pure.

Every message has the header of RFC 5424, and in its structured data at least the entry's sequence number: a server that
gets an entry twice, as it may after an outage, can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from console.journal.formats import cef, json_lines, leef, rfc5424
from console.journal.formats.values import EntryValues, Origin
from console.model.forwarding import ForwardFormat, Protocol

LONGEST: Mapping[Protocol, int] = MappingProxyType(
    {Protocol.UDP: 2048, Protocol.TCP: 8192, Protocol.TLS: 8192, Protocol.RELP: 8192}
)
"""Octets of a message. What is longer servers may cut, or drop.

Source: RFC 5424, section 6.1, and RFC 5426, section 3.2 (servers should take 2048); 8192 is what rsyslog and syslog-ng
take unless they are told otherwise.
"""

_CUTS = (1024, 256, 64, 16, 4, 1)
"""Characters that are left of each text, tried one after the other until the message is short enough."""
_CUT = "..."

_Line = Callable[[EntryValues, Origin], str]


def _with_header(line: _Line) -> _Line:
    """Return what puts the header, and the number as structured data, before a line of another format."""

    def whole(entry: EntryValues, origin: Origin) -> str:
        number = f'[{rfc5424.SD_ID} sequence_number="{entry.sequence_number}"]'
        return f"{rfc5424.start(entry, origin)} {number} {line(entry, origin)}"

    return whole


_LINES: Mapping[ForwardFormat, _Line] = MappingProxyType(
    {
        ForwardFormat.SYSLOG: rfc5424.line,
        ForwardFormat.JSON: _with_header(json_lines.line),
        ForwardFormat.CEF: _with_header(cef.line),
        ForwardFormat.LEEF: _with_header(leef.line),
    }
)


def message(entry: EntryValues, origin: Origin, form: ForwardFormat, longest: int) -> bytes:
    """Return an entry as one message, its texts cut if it would be longer than a server takes.

    What was cut is in the journal; the number says where.

    Args:
        entry: The entry.
        origin: This system.
        form: What the message holds.
        longest: Octets.
    """
    line = _LINES[form]
    octets = line(entry, origin).encode("utf-8", "replace")
    for characters in _CUTS:
        if len(octets) <= longest:
            break
        octets = line(_cut(entry, characters), origin).encode("utf-8", "replace")
    return octets


def _cut(entry: EntryValues, characters: int) -> EntryValues:
    return EntryValues._make(
        value[:characters] + _CUT if isinstance(value, str) and len(value) > characters + len(_CUT) else value
        for value in entry
    )


def frame(octets: bytes) -> bytes:
    """Return a message as it goes over a stream.

    Layout: MSG-LEN SP MSG; the length in octets, as decimal digits.
    Source: RFC 6587, section 3.4.1; RFC 5425, section 4.3.
    """
    return b"%d %b" % (len(octets), octets)
